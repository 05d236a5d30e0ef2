"""Anybody's words, checked: a letter, a report, another program's answer; sentence by sentence against the model."""
