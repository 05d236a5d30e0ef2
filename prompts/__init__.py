"""Prompt texts as files, one for each hop and version."""
