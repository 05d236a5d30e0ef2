"""The embedded model: a small network that reads a question about a schema and writes the plan, piece by piece."""
