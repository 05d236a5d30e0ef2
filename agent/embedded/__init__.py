"""The language model that ships with askwhy: offline, deterministic, on a CPU."""
