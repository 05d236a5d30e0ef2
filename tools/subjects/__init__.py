"""The built-in subjects: real data, and schema files that say what it means."""
