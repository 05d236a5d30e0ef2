"""Explanation tools for tables; every module here is scanned for registration."""
