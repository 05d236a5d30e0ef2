"""Caveats in few and plain words, by what they warn of: for one sentence, and for readers without a trade.

A caveat is never left out: the check of the words (V7) takes its own sentence or these words, and nothing else. A kind
of caveat that is not listed is always said in its own sentence.
"""

from __future__ import annotations

from askwhy.tools.evidence import Caveat

_PLAIN = {
    "ties": "the order of some of these is not certain",
    "not_distinguishable": "some of these may not matter at all",
    "correlated": "some of what is named goes together with other values in the data, so the credit may be shared",
    "suppressor": "not everything named goes together with the outcome on its own",
    "not_faithful": "a check on the model does not clearly bear out this explanation, so treat it with care",
    "not_additive_in_groups": "what is named may act together in ways that this does not show",
    "not_additive": "the single effects need not add up",
    "sensitive": "cases that are almost the same can get other reasons",
    "unstable": "computed once more, this could name other reasons",
    "conditional": "another way to compute this would name other reasons",
    "low_fidelity": "this is only a rough picture of the model",
    "disagree": "other ways to compute this would name other reasons",
    "extrapolation": "this goes beyond what the data shows, so it is uncertain there",
    "unusual": "hardly any case in the data is like the changed one",
    "no_probabilities": "the model gives no real probabilities",
}


def plain_caveat(caveat: Caveat) -> str | None:
    """The caveat as a clause in plain words; None where there is none for its kind."""
    return _PLAIN.get(caveat.flag)
