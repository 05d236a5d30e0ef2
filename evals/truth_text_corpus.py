"""What is said of models over many texts: a planted length shortcut, models of nothing, a noisy trigger (C10, C21)."""

from __future__ import annotations

import numpy as np

from askwhy.evals.planted_texts import (
    TRIGGERS,
    WEIGHTED,
    Model,
    PlantedText,
    any_of,
    arbitrary,
    chance,
    corpus_of,
    longer_than,
    words_of,
)
from askwhy.evals.truth_line import Line, interval
from askwhy.evals.truth_text_words import asked_of

Q = 0.1

_TEXTS = 200
_FRESH = 2000
_NOISE = 0.15
_LENGTH_EDITS = {"padded", "repeated"}


def corpus_lines(corpora: int) -> list[Line]:
    """All the lines, over so many corpora of each kind."""
    return [*_length(corpora), *_nothing(corpora), *_described(corpora)]


def _length(corpora: int) -> list[Line]:
    """The model asks only whether a text has more words than a planted number."""
    first, others, cue, more, untied, spread = [], [], [], [], [], []
    for seed in range(corpora):
        rng = np.random.default_rng((21, seed))
        limit = int(rng.integers(12, 19))
        planted = PlantedText("length", f"length {seed}", longer_than(limit), (), corpus_of(rng, WEIGHTED, _TEXTS))
        named = [str(fact.group) for fact in asked_of(planted, "describe_class", cls="fresh").all("pattern")]
        first.append(bool(named) and named[0].startswith("at least"))
        others.append(any("“" in one for one in named))
        cues = asked_of(planted, "spurious_check", cls="fresh")
        clear = {fact.relation for fact in cues.facts if f"{fact.relation}_low" in {one.relation for one in cues.facts}}
        cue.append(bool(clear & _LENGTH_EDITS))
        more.append(bool(clear - _LENGTH_EDITS))
        words = asked_of(planted, "importance_text", cls="fresh")
        untied.append(
            bool(words.all("top_word") or words.all("clear_word")) and "ties" not in {one.flag for one in words.caveats}
        )
        text = next(one for one in planted.corpus if len(words_of(one)) == 10)
        values = [
            fact.number() for fact in asked_of(planted, "explain_text", text, cls="fresh").all("word_attribution")
        ]
        spread.append(float(np.ptp(values)))
    part, on = "length shortcut", f"{corpora} corpora"
    tied = "words ranked without saying that they tie"
    return [
        Line(part, "described by the length first", float(np.mean(first)), "text_length_named", on, least=0.95),
        Line(part, "described by a word or phrase", float(np.mean(others)), "text_length_words", on, most=0.05),
        Line(part, "the cue check finds the length", float(np.mean(cue)), "text_length_cue", on, least=0.95),
        Line(part, "the cue check finds another cue", float(np.mean(more)), "text_length_other", on, most=0.05),
        Line(part, tied, float(np.mean(untied)), "text_length_untied", on, most=0.05),
        Line(part, "largest difference between words of a text", max(spread), "text_length_spread", on, most=0.01),
    ]  # fmt: skip


def _nothing(corpora: int) -> list[Line]:
    """The output looks drawn at random for every text: whatever is found is false."""
    words, cues, patterns = 0, 0, 0
    for seed in range(corpora):
        rng = np.random.default_rng((22, seed))
        corpus = corpus_of(rng, WEIGHTED, _TEXTS)
        planted = PlantedText("nothing", f"nothing {seed}", arbitrary(f"nothing {seed}"), (), corpus)
        named = asked_of(planted, "importance_text", cls="fresh")
        words += bool(named.all("top_word") or named.all("clear_word"))
        cues += bool(asked_of(planted, "spurious_check", cls="fresh").all("clear_count")[0].number())
        patterns += bool(asked_of(planted, "describe_class", cls="fresh").all("pattern"))
    return [
        _rate("words called important", words, corpora, "text_null_words"),
        _rate("cues called clear", cues, corpora, "text_null_cues"),
        _rate("patterns named", patterns, corpora, "text_null_patterns"),
    ]


def _rate(words: str, hits: int, runs: int, key: str) -> Line:
    """Required is that the exact interval of the share of corpora with a false finding reaches down to q."""
    low, high = interval(hits, runs)
    spread = f"rate {hits / runs:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    return Line("model of nothing", f"{words}: lower bound", low, key, f"{runs} corpora", baseline=spread, most=Q)


def _noisy(salt: str) -> Model:
    """A trigger that is overruled for some texts."""
    clean = any_of(TRIGGERS[:1])
    return lambda texts: np.array(
        [1 - one if chance(salt, text) < _NOISE else one for one, text in zip(clean(texts), texts, strict=True)]
    )


def _described(corpora: int) -> list[Line]:
    """C21: the precision told of the planted word against that on fresh texts."""
    named, gaps, errors = [], [], []
    for seed in range(corpora):
        rng = np.random.default_rng((23, seed))
        phrases = (TRIGGERS[0], *WEIGHTED[:3])
        planted = PlantedText("trigger", f"noisy {seed}", _noisy(f"noisy {seed}"), (), corpus_of(rng, phrases, 400))
        evidence = asked_of(planted, "describe_class", cls="fresh")
        groups = [str(fact.group) for fact in evidence.all("pattern")]
        named.append(bool(groups) and groups[0] == f"the word “{TRIGGERS[0]}”")
        if not named[-1]:
            continue
        fresh = [one for one in corpus_of(rng, phrases, _FRESH) if TRIGGERS[0] in words_of(one)]
        again = float((planted.model(fresh) > 0.5).mean())
        told = evidence.all("precision")[0].number()
        low = evidence.all("precision_low")[0].number()
        gaps.append(told - again)
        errors.append(again >= low)
    part, on = "described class", f"{corpora} corpora"
    return [
        Line(part, "the planted word is named first", float(np.mean(named)), "text_described", on, least=0.95),
        Line(part, "mean precision told, less that on fresh texts", float(np.mean(gaps)), "text_told", on),
        Line(
            part, "fresh precision above the lower bound told", float(np.mean(errors)), "text_told_low", on, least=0.9
        ),
    ]
