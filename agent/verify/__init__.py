"""The checks between a draft and the reader."""
