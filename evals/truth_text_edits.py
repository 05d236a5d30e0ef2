"""Minimal sets, anchors, counterfactuals and interactions of planted text models, against brute force (C13-C15)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from askwhy.evals.planted_texts import (
    NEUTRAL,
    TRIGGERS,
    WEIGHTED,
    Model,
    PlantedText,
    any_of,
    composed,
    corpus_of,
    summed,
    words_of,
)
from askwhy.evals.truth_line import Line
from askwhy.evals.truth_text_words import asked_of

_WORDS = 10
_FRESH = 2000
_PRECISION = 0.95
_ADDITIVE = {word: 0.16 if place % 2 else -0.14 for place, word in enumerate(WEIGHTED)}


@dataclass(frozen=True)
class Planting:
    """A planted model with one text. needed: words that all must stand for the text's prediction, or any of which must.

    blind: no single edit brings the output any closer to flipping.
    """

    planted: PlantedText
    text: str
    needed: tuple[str, ...] = ()
    every: bool = False
    blind: bool = False


def plantings(count: int) -> list[Planting]:
    """So many texts of each kind: triggers of one to three words, phrases, sums of weights, negations."""
    makers = (_any_trigger, _phrase, _half_phrase, _no_phrase, _no_trigger, _sum, _negated)
    return [make(np.random.default_rng((number, place)), number) for number in range(count)
            for place, make in enumerate(makers)]  # fmt: skip


def _made(rng: np.random.Generator, name: str, model: Model, phrases: Sequence[str], held: Sequence[str]) -> Planting:
    read = tuple(dict.fromkeys(word for phrase in phrases for word in phrase.split()))
    planted = PlantedText("edits", name, model, read, corpus_of(rng, tuple(phrases), 60))
    return Planting(planted, composed(rng, held, _WORDS))


def _any_trigger(rng: np.random.Generator, number: int) -> Planting:
    held = tuple(str(word) for word in rng.choice(TRIGGERS, 1 + number % 3, replace=False))
    return replace(_made(rng, f"any {number}", any_of(TRIGGERS), TRIGGERS, held), needed=held)


def _phrase(rng: np.random.Generator, number: int) -> Planting:
    words = tuple(str(word) for word in rng.choice(TRIGGERS, 2 + number % 2, replace=False))
    phrase = " ".join(words)
    return replace(
        _made(rng, f"phrase {number}", summed({phrase: 0.8}, 0.1), [phrase], [phrase]), needed=words, every=True
    )


def _half_phrase(rng: np.random.Generator, number: int) -> Planting:
    first, second = (str(word) for word in rng.choice(TRIGGERS, 2, replace=False))
    phrase = f"{first} {second}"
    return _made(rng, f"half {number}", summed({phrase: 0.8}, 0.1), [phrase], [first])


def _no_phrase(rng: np.random.Generator, number: int) -> Planting:
    phrase = " ".join(str(word) for word in rng.choice(TRIGGERS, 2, replace=False))
    return replace(_made(rng, f"absent {number}", summed({phrase: 0.8}, 0.1), [phrase], []), blind=True)


def _no_trigger(rng: np.random.Generator, number: int) -> Planting:
    return _made(rng, f"none {number}", any_of(TRIGGERS), TRIGGERS, [])


def _sum(rng: np.random.Generator, number: int) -> Planting:
    held = [str(word) for word in rng.choice(WEIGHTED, 4, replace=False)]
    return _made(rng, f"sum {number}", summed(_ADDITIVE, 0.51), WEIGHTED, held)


def _negated(rng: np.random.Generator, number: int) -> Planting:
    terms = {"good": 0.2 + 0.02 * (number % 3), "not good": -0.5, "vivid": 0.1}
    return _made(rng, f"negated {number}", summed(terms, 0.4), ["not good", "vivid"], ["not good", "vivid"])


def smallest_deletions(planted: PlantedText, text: str, most: int = 5) -> list[frozenset[str]]:
    """All sets of fewest words whose deletion flips the prediction; none where no set of up to `most` words does."""
    tokens, before = words_of(text), planted.probability(text) > 0.5
    for size in range(1, most + 1):
        sets = [frozenset(one) for one in itertools.combinations(tokens, size)]
        outputs = planted.model([" ".join(word for word in tokens if word not in one) for one in sets])
        flips = [one for one, output in zip(sets, outputs, strict=True) if (output > 0.5) != before]
        if flips:
            return flips
    return []


def fewest_edits(planted: PlantedText, text: str) -> int:
    """Fewest words to replace, leave out or put in for the prediction to flip: 1 or 2 by trying all, else 3.

    One neutral word stands for all of them, as the models read none.
    """
    before = planted.probability(text) > 0.5
    level = {tuple(words_of(text))}
    for edits in (1, 2):
        level = {after for one in level for after in _edited(one, (*planted.read, NEUTRAL[0]))}
        if ((planted.model([" ".join(one) for one in level]) > 0.5) != before).any():
            return edits
    return 3


def _edited(tokens: tuple[str, ...], vocabulary: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for place in range(len(tokens) + 1):
        head, tail = tokens[:place], tokens[place:]
        yield head + tail[1:]
        for word in vocabulary:
            yield (*head, word, *tail)
            yield (*head, word, *tail[1:])


def edit_lines(count: int, anchored: int) -> list[Line]:
    """All the lines, over `count` texts of each kind and anchors of `anchored` of some."""
    every = plantings(count)
    return [*_minimal(every), *_counterfactuals(every), *_anchors(every, anchored), *_together(every)]


def _minimal(every: Sequence[Planting]) -> list[Line]:
    right, twins = [], []
    for one in every:
        truth = smallest_deletions(one.planted, one.text)
        evidence = asked_of(one.planted, "minimal_set", one.text)
        found = frozenset(str(fact.at) for fact in evidence.all("word_of_flip"))
        right.append(found in truth if truth else not found)
        said = [*evidence.all("same_size"), *evidence.all("only_set")]
        twins += [fact.number() == len(truth) - 1 for fact in said if truth]
    on, part = f"{len(every)} texts", "minimal set"
    return [
        Line(part, "a smallest set by brute force", float(np.mean(right)), "text_minimal", on, least=1.0),
        Line(part, "number of others right", float(np.mean(twins)), "text_twins", f"{len(twins)} told", least=1.0),
    ]  # fmt: skip


def _counterfactuals(every: Sequence[Planting]) -> list[Line]:
    found, valid, fewest, blind = [], [], [], []
    for one in every:
        evidence = asked_of(one.planted, "counterfactual_text", one.text)
        edits = [fact.number() for fact in evidence.all("edits_count")]
        if one.blind:
            blind.append(bool(edits))
            continue
        found.append(bool(edits))
        if edits:
            after = next(str(fact.value) for name in ("cf_text", "cf_long_text") for fact in evidence.all(name))
            valid.append((one.planted.probability(after) > 0.5) != (one.planted.probability(one.text) > 0.5))
            fewest.append(edits[0] == fewest_edits(one.planted, one.text))
    part, on = "counterfactual texts", f"{len(found)} texts, all of which can be flipped"
    shown = f"{len(valid)} found"
    flat = "found where two words must be put in at once and no single edit helps"
    return [
        Line(part, "found", float(np.mean(found)), "text_cf_found", on, least=0.98),
        Line(part, "flips the model", float(np.mean(valid)), "text_cf_valid", shown, least=1.0),
        Line(part, "as few edits as brute force", float(np.mean(fewest)), "text_cf_fewest", shown, least=1.0),
        Line(part, flat, float(np.mean(blind)), "text_cf_blind", f"{len(blind)} texts"),
    ]  # fmt: skip


def _anchors(every: Sequence[Planting], count: int) -> list[Line]:
    some = [one for one in every if one.needed][:count]
    found, exact, precision, apart = [], [], [], []
    for one in some:
        evidence = asked_of(one.planted, "anchor_text", one.text)
        held = {str(fact.at) for role in ("held_word", "held_words") for fact in evidence.all(role)}
        found.append(bool(held))
        if held:
            exact.append(held == set(one.needed) if one.every else len(held) == 1 and held <= set(one.needed))
            precision.append(measured_again(one, held, evidence.one("chance").number()))
            apart.append(abs(precision[-1] - evidence.one("anchor").number()))
    part, on = "anchors of texts", f"{len(found)} rules"
    least = min(precision, default=0.0)
    again = f"{_FRESH} draws of other words each"
    return [
        Line(part, "a rule was found", float(np.mean(found)), "text_anchor_found", f"{len(some)} texts", least=0.9),
        Line(part, "it is the trigger and nothing else", float(np.mean(exact)), "text_anchor_exact", on, least=1.0),
        Line(part, "lowest precision measured again", least, "text_anchor_low", again, least=_PRECISION),
        Line(part, "largest gap to the precision told", max(apart, default=1.0), "text_anchor_gap", again, most=0.05),
    ]


def measured_again(one: Planting, held: set[str], chance: float) -> float:
    """Share of texts that keep the prediction when each word not held is replaced with this chance, by any word."""
    rng = np.random.default_rng(1)
    tokens, pool = words_of(one.text), [word for text in one.planted.corpus for word in words_of(text)]
    texts = []
    for _ in range(_FRESH):
        swapped, others = rng.random(len(tokens)) < chance, rng.choice(len(pool), len(tokens))
        texts.append(" ".join(
            pool[int(other)] if swap and word not in held else word
            for word, swap, other in zip(tokens, swapped, others, strict=True)
        ))  # fmt: skip
    before = one.planted.probability(one.text) > 0.5
    return float(((one.planted.model(texts) > 0.5) == before).mean())


def _together(every: Sequence[Planting]) -> list[Line]:
    """A negation's interaction is -0.5 by construction; a sum has none."""
    signs, gaps, firsts, false = [], [], [], []
    for one in every:
        if one.planted.name.startswith("negated"):
            asked = asked_of(one.planted, "interact_text", one.text, words=("not", "good"), cls="fresh")
            size = asked.one("average").number() if asked.all("average") else 0.0
            signs.append(size < 0)
            gaps.append(abs(size + 0.5))
            top = asked_of(one.planted, "interact_text", one.text, cls="fresh").all("top_pair")
            firsts.append([str(fact.group) for fact in top] == ["“not” and “good”"])
        elif one.planted.name.startswith("sum"):
            false.append(bool(asked_of(one.planted, "interact_text", one.text, cls="fresh").all("top_pair")))
    part, on = "interactions", f"{len(signs)} negations"
    return [
        Line(part, "sign of a negation right", float(np.mean(signs)), "text_negation_sign", on, least=1.0),
        Line(part, "largest error of its size (0.5)", max(gaps), "text_negation_gap", on, most=0.01),
        Line(part, "it is the one pair named", float(np.mean(firsts)), "text_negation_first", on, least=1.0),
        Line(part, "pairs named in sums", float(np.mean(false)), "text_pairs_false", f"{len(false)} texts", most=0.05),
    ]
