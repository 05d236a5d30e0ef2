"""Explanation tools for texts; every module here is scanned for registration."""
