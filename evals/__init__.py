"""Benchmarks and scorers, each run by `askwhy eval NAME`."""
