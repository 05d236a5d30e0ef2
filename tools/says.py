"""Marks for sentence patterns that are not for every reader; a pattern without a mark is.

A `says` entry that is a plain string is said to everybody who wants more than one sentence. For one sentence, the first
entry that the facts can fill is the answer; where that would be a preface, the tool marks another as `Brief`.
"""

from __future__ import annotations


class Brief(str):
    """The whole answer in one sentence: said where one sentence is wanted, in place of all others, and nowhere else."""

    __slots__ = ()


class Expert(str):
    """A detail for experts: said to them, and where an answer in full is wanted."""

    __slots__ = ()


def concluded(conclusions: tuple[str, ...]) -> tuple[str, ...]:
    """Sentences that conclude what others lead up to ("So the model ..."), and the same as the one sentence."""
    return (*conclusions, *(Brief(one[3:4].upper() + one[4:]) for one in conclusions if one.startswith("So ")))
