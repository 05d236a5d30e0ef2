"""A second opinion on texts: words counted and weighed by a line, out of fold; and kinds of texts as groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.second_opinion import FEWEST, folds_of
from askwhy.tools.engines.slices import LARGEST, Slice
from askwhy.tools.engines.text_patterns import Pattern, candidates, read
from askwhy.tools.engines.text_words import folded_words
from askwhy.tools.engines.truth import Array
from askwhy.tools.engines.weak_regions import Region, worst_of

_SYMBOLS = re.compile(r"[^\w\s]{2,}|[#@~^*|<>§¤=+$%&_\\/]+")
_USUAL = frozenset(("...", "--", "!!", "??", "!?", "),", ").", '",', '".', "',", "'."))
_LEAST, _SHARE, _LONGEST = 15, 0.02, 5000


def text_opinion(texts: Sequence[str], actual: Array, classes: int, rng: np.random.Generator) -> Array:
    """Probabilities (texts, classes) of a logistic regression of word weights, each text's out of fold."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    cut = [text[:_LONGEST] for text in texts]
    read_ = TfidfVectorizer(analyzer=folded_words, sublinear_tf=True, min_df=2)
    found = np.tile(np.bincount(actual, minlength=classes) / len(actual), (len(texts), 1))
    try:
        vectors = read_.fit_transform(cut)
    except ValueError:  # no word occurs twice
        return found
    fold = folds_of(actual, classes, rng)
    for one in np.unique(fold):
        here = fold == one
        if len(np.unique(actual[~here])) < 2:
            continue
        with threadpool_limits(1):
            fitted = LogisticRegression(C=5.0, max_iter=300).fit(vectors[~here], actual[~here])
            block = np.zeros((int(here.sum()), classes))
            block[:, fitted.classes_] = fitted.predict_proba(vectors[here])
        found[here] = block
    return found


@dataclass(frozen=True, eq=False)
class Kinds:
    """Patterns with the texts that show them, aligned."""

    patterns: tuple[Pattern, ...]
    slices: tuple[Slice, ...]


def kinds_of(texts: Sequence[str], largest: float = LARGEST) -> Kinds:
    """Every pattern that enough of the texts, and not too many, show: words, phrases, lengths, signs, odd symbols."""
    least = max(_LEAST, round(_SHARE * len(texts)))
    seen = [read(text) for text in texts]
    found: dict[bytes, tuple[Pattern, Slice]] = {}
    for pattern, mask in (*candidates(seen), *_symbols(texts)):
        key = np.packbits(mask).tobytes()
        # Of patterns in the same texts the longest phrase is named: a signature as a whole, not one of its words.
        longer = key in found and pattern.kind == "phrase" and len(pattern.key) > len(found[key][0].key)
        if least <= mask.sum() <= largest * len(texts) and (key not in found or longer):
            found[key] = (pattern, Slice((), mask))
    return Kinds(tuple(one for one, _ in found.values()), tuple(one for _, one in found.values()))


def _symbols(texts: Sequence[str]) -> Iterator[tuple[Pattern, Array]]:
    """Runs of marks that are no punctuation of prose."""
    counted = Counter(symbol for text in texts for symbol in set(_SYMBOLS.findall(text[:_LONGEST])) - _USUAL)
    for symbol, _ in sorted(counted.most_common(100)):
        mask = np.array([symbol in text for text in texts], dtype=bool)
        yield Pattern("sign", re.escape(symbol), f"the sign “{symbol}”", symbol), mask


@dataclass(frozen=True, eq=False)
class OddTexts:
    """The kind of texts with far more errors than close cases explain, if there is one; tried: patterns compared."""

    region: Region | None
    pattern: Pattern | None
    tried: int


def odd_texts(texts: Sequence[str], errors: Array, opinion: Array) -> OddTexts:
    """errors: 0/1 for each text. opinion: what a second model says of them (see `text_opinion`)."""
    kinds = kinds_of(texts)
    region = worst_of(kinds.slices, errors, 1 - opinion.max(axis=1), opinion.shape[1])
    return OddTexts(region, None if region is None else kinds.patterns[region.place], len(kinds.slices))


def enough(actual: Array) -> bool:
    """Whether there are enough texts with a known truth that varies."""
    return len(actual) >= FEWEST and len(np.unique(actual)) > 1
