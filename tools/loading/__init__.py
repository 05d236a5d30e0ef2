"""From a model file and a table to a `Subject`."""
