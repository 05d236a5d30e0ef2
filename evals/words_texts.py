"""Parts of `askwhy eval words` about the texts: how easy they are to read, and whether they claim the same."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

from askwhy.agent.answer import Draft
from askwhy.agent.verbalize import verbalize
from askwhy.evals.paraphrase import paraphrased
from askwhy.evals.readability import Readability, readability
from askwhy.evals.registry import Cell
from askwhy.evals.words_answers import TrueAnswer
from askwhy.tools.evidence import Evidence

VARIATIONS = 5
_MEASURES = (
    ("words per answer", "words"),
    ("words per sentence", "words_per_sentence"),
    ("Flesch reading ease", "flesch"),
    ("runs of three words said before", "repeated"),
    ("sentences that begin like the one before", "alike"),
)


def readability_part(answers: Sequence[TrueAnswer]) -> tuple[list[tuple[Cell, ...]], dict[str, object]]:
    """Means over the answers, of the template's words and of others."""
    told = [(one, one.draft()) for one in answers if "numbers" not in one.plan.forms]
    own = [readability(draft.text) for _, draft in told]
    other = [
        readability(paraphrased(draft, one.evidence, one.schema, seed).text) for seed, (one, draft) in enumerate(told)
    ]
    rows: list[tuple[Cell, ...]] = []
    figures: dict[str, object] = {}
    for label, name in _MEASURES:
        means = [_mean(texts, name) for texts in (own, other)]
        rows.append((label, means[0], len(own), means[1], len(other)))
        figures[name] = {"template": round(means[0], 3), "paraphrase": round(means[1], 3)}
    return rows, figures


def _mean(texts: Sequence[Readability], name: str) -> float:
    return statistics.fmean(float(getattr(one, name)) for one in texts)


def consistency_part(answers: Sequence[TrueAnswer]) -> tuple[list[tuple[Cell, ...]], dict[str, object], bool]:
    """V10: the claims of five variations and five paraphrases; V14: the words with the sexes exchanged."""
    own = [_jaccard([claims(one.draft(number)) for number in range(VARIATIONS)]) for one in answers]
    other = [
        _jaccard([claims(paraphrased(one.draft(), one.evidence, one.schema, seed)) for seed in range(VARIATIONS)])
        for one in answers
    ]
    swaps = [same for one in answers if (same := even_handed(one)) is not None]
    mean, told, even = statistics.fmean(own), statistics.fmean(other), sum(swaps)
    passed = mean == 1.0 and told == 1.0 and even == len(swaps)
    rows: list[tuple[Cell, ...]] = [
        ("V10: the same claims in 5 variations", mean, len(own), told, len(other), "", "1", mean == told == 1.0),
        ("V14: the same words for either sex", even / max(len(swaps), 1), len(swaps), None, None, "", "1",
         even == len(swaps)),
    ]  # fmt: skip
    figures: dict[str, object] = {
        "v10_template": mean, "v10_paraphrase": told, "v14_same": even, "v14_answers": len(swaps),
    }  # fmt: skip
    return rows, figures, passed


def claims(draft: Draft) -> frozenset[tuple[str, ...]]:
    """The facts that the text says."""
    return frozenset(one.facts for one in draft.claims)


def _jaccard(sets: Sequence[frozenset[tuple[str, ...]]]) -> float:
    """The size of what all have over that of what any has; 1 where none has anything."""
    union = frozenset.union(*sets)
    return len(frozenset.intersection(*sets)) / len(union) if union else 1.0


def even_handed(one: TrueAnswer) -> bool | None:
    """Whether evidence with the two sexes exchanged is told in the same words; None where it names neither."""
    words = _sexes(one)
    if words is None:
        return None
    text = "\n".join(each.canonical() for each in one.evidence)
    if not any(re.search(rf"\b{re.escape(word)}\b", text) for word in words):
        return None
    turned = tuple(Evidence.from_json(_exchanged(each.canonical(), words)) for each in one.evidence)
    told = verbalize(turned, one.schema, forms=one.plan.forms).text
    return told == _exchanged(one.draft().text, words)


def _sexes(one: TrueAnswer) -> tuple[str, str] | None:
    for feature in one.schema.features:
        labels = [each.label for each in feature.categories]
        if sorted(labels) == ["female", "male"]:
            return labels[0], labels[1]
    return None


def _exchanged(text: str, words: tuple[str, str]) -> str:
    swap = {words[0]: words[1], words[1]: words[0]}
    return re.sub(rf"\b(?:{'|'.join(map(re.escape, words))})\b", lambda found: swap[found.group()], text)
