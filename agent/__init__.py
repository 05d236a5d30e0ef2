"""The conversation: understand, run, verbalize, verify; sessions and every language model."""
