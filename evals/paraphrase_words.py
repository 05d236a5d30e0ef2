"""Words of the same meaning, for evals/paraphrase.py: what may be exchanged without changing what is said."""

from __future__ import annotations

import re

_NUMBER = r"(?=\s*$|\s+[\d+\-−])"

_PAIRS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\braises\b", ("increases", "lifts", "pushes up")),
    (r"\braise\b(?! or)", ("increase", "lift", "push up")),
    (r"\bRaising\b", ("Increasing",)),
    (r"\blowers\b", ("reduces", "decreases", "brings down", "pulls down")),
    (r"\blower\b(?= (?:it|the|this|that)\b)", ("reduce", "decrease", "bring down")),
    (r"\bLowering\b", ("Reducing", "Decreasing")),
    (r"\bprobability\b", ("likelihood", "chance")),
    (r"\bprobabilities\b", ("chances", "likelihoods")),
    (r"\bThe model predicts\b(?= *$)", ("The model’s prediction is", "The model gives", "Its prediction is")),
    (r"\bthe model predicts\b(?= *$)", ("the model’s prediction is", "the model gives")),
    (r"\bmost important\b", ("most influential", "weightiest")),
    (r"\bimportant\b", ("influential",)),
    (r"\bmatters?\b(?= (?:most|least))", (r"counts",)),
    (r"\bThe average\b", ("The mean",)),
    (r"\bthe average\b", ("the mean",)),
    (r"\babout\b(?= *$| \d)", ("roughly", "around", "approximately")),
    (r"\bwould be\b(?= *$)", ("would come to", "would stand at")),
    (r"\brises from\b", ("climbs from", "increases from", "goes up from")),
    (r"\bfalls from\b", ("drops from", "decreases from", "goes down from")),
    (r"\brises\b", ("climbs", "goes up", "increases")),
    (r"\bfalls\b", ("drops", "goes down", "decreases")),
    (r"\bin total\b", ("altogether",)),
    (r"\baltogether\b", ("in total",)),
    (r"\binstead of\b", ("rather than",)),
    (r"\bcompared with\b", ("compared to",)),
    (r"\bOf the\b", ("Among the", "Out of the")),
    (r"\bOf all\b", ("Among all", "Out of all")),
    (rf"\bat least{_NUMBER}", ("no less than", "not less than")),
    (rf"\bat most{_NUMBER}", ("no more than", "not more than")),
    (rf"\bmore than{_NUMBER}", ("over", "above")),
    (rf"\b(?:less|fewer) than{_NUMBER}", ("under", "below")),
    (r"\bHowever, ", ("Still, ", "Yet ")),
    (r"\bfor example\b", ("for instance",)),
    (r"\bshows that\b", ("tells that",)),
    (r"\balone\b", ("by itself",)),
    (r"\bhighest\b", ("largest", "greatest")),
    (r"\bbiggest\b", ("largest", "greatest")),
    (r"\bthe model gets wrong\b", ("the model judges wrongly",)),
    (r"\bthe model gets right\b", ("the model judges rightly",)),
    (r"\bnearly\b", ("almost",)),
    (r"\bonly\b", ("just",)),
    (r"\btherefore\b", ("so", "hence")),
    (r"\bwhereas\b", ("while",)),
    (r"\bwhile\b", ("whereas",)),
    (r"\bwas trained on\b", ("learned from", "was fitted to")),
    (r"\bstays\b", ("remains",)),
    (r"\bremains\b", ("stays",)),
    (r"\bpercentage points\b", ("points", "pp")),
    (r"\bmean\b(?= (?:is|of|was))", ("average",)),
)

SYNONYMS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), options) for pattern, options in _PAIRS
)
"""Patterns and what each may be replaced with."""

CONNECTIVES = (
    "Also, ", "In addition, ", "Moreover, ", "Besides, ", "Note that ", "It turns out that ", "In other words, ",
    "Looking further, ", "What is more, ",
)  # fmt: skip
"""What a sentence may open with and still say the same."""

LEADS = ("; ", ", and ", "; also, ", "; in addition, ")
"""What joins two sentences."""
