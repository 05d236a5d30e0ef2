"""The text half of the planted-truth suite: its parts and their sizes (see `truth`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from askwhy.evals.truth_line import Line


@dataclass(frozen=True)
class TextSize:
    """How much is measured. models: of each family, with `texts` each; plantings: texts of each of seven kinds, anchors
    of `anchored`; corpora: of each kind; runs: of each concept test.
    """

    models: int
    texts: int
    plantings: int
    anchored: int
    corpora: int
    runs: int


FULL = TextSize(6, 6, 12, 18, 40, 200)
QUICK = TextSize(1, 3, 3, 4, 6, 20)


def _words(size: TextSize) -> list[Line]:
    from askwhy.evals.truth_text_words import word_lines

    return word_lines(size.models, size.texts)


def _edits(size: TextSize) -> list[Line]:
    from askwhy.evals.truth_text_edits import edit_lines

    return edit_lines(size.plantings, size.anchored)


def _corpora(size: TextSize) -> list[Line]:
    from askwhy.evals.truth_text_corpus import corpus_lines

    return corpus_lines(size.corpora)


def _concepts(size: TextSize) -> list[Line]:
    from askwhy.evals.truth_text_concepts import text_concept_lines

    return text_concept_lines(size.runs)


PARTS: dict[str, Callable[[TextSize], list[Line]]] = {
    "words": _words,
    "edits": _edits,
    "corpora": _corpora,
    "text-concepts": _concepts,
}
