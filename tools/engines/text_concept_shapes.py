"""Ways of writing that a model may react to: how much of one a text has, and the text with more or less of it."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from askwhy.tools.errors import UnknownName

_MARKS = re.compile(r"[.,;:!?…\"“”«»()\[\]{}*–—-]+")
_CAPITALS = re.compile(r"\b[A-Z]{3,}\b")
_DIGITS = re.compile(r"(?<!\w)\d[\d.,:]*%?(?!\w)|\d+")
_JOINING = re.compile(r"(?<=\w) (?=(?:and|but|or|which|while|because|when|with)\b)")


@dataclass(frozen=True)
class Shape:
    """A way of writing.

    amount: how much of it a text has; degree: whether much is more than half of the texts have, or any at all.
    less: None where a text cannot have less of it and still say the same. lend: the text with what another text has of
    it, where that is better than `more`.
    """

    amount: Callable[[str], float]
    more: Callable[[str], str]
    less: Callable[[str], str] | None
    degree: bool = False
    lend: Callable[[str, str], str] | None = None

    def limit(self, texts: Sequence[str]) -> float:
        """Texts with more than this have it."""
        if not self.degree or not texts:
            return 0.0
        amounts = sorted(map(self.amount, texts))
        return float(amounts[(len(amounts) - 1) // 2])


def longer(text: str) -> str:
    """Twice as many words; the new ones say nothing."""
    count = max(5, len(text.split()))
    filler = neutral()
    return f"{text.rstrip()} {' '.join(filler[i % len(filler)] for i in range(count))}".strip()


def repeated(text: str) -> str:
    """The text twice: longer without a word that it did not hold."""
    return f"{text.rstrip()} {text.lstrip()}"


def without_marks(text: str) -> str:
    """No punctuation; apostrophes stay."""
    return " ".join(_MARKS.sub(" ", text).split())


def more_marks(text: str) -> str:
    """Commas where parts of a sentence are joined, and a full stop."""
    return _stopped(_JOINING.sub(", ", text), ".")


def _stopped(text: str, mark: str) -> str:
    return f"{text.rstrip().rstrip('.!?…').rstrip()}{mark}"


@functools.cache
def concept_file() -> Mapping[str, Any]:
    """The file of the concepts that ship."""
    file = resources.files("askwhy.tools") / "text_concepts.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@functools.cache
def neutral() -> tuple[str, ...]:
    """Words that say nothing."""
    return tuple(concept_file()["neutral"])


def _numbered(text: str, lender: str) -> str:
    return f"{text.rstrip()} {' '.join(_DIGITS.findall(lender))}"


def _without_digits(text: str) -> str:
    return " ".join(_DIGITS.sub(" ", text).split())


_SHAPES = {
    "length": Shape(lambda text: len(text.split()), repeated, None, degree=True),
    "punctuation": Shape(lambda text: len(_MARKS.findall(text)), more_marks, without_marks, degree=True),
    "exclamation": Shape(lambda text: text.count("!"), lambda text: _stopped(text, "!"), lambda t: t.replace("!", ".")),
    "question": Shape(lambda text: text.count("?"), lambda text: _stopped(text, "?"), lambda t: t.replace("?", ".")),
    "capitals": Shape(lambda text: len(_CAPITALS.findall(text)), str.upper, str.lower),
    "numbers": Shape(
        lambda text: len(_DIGITS.findall(text)), lambda text: f"{text.rstrip()} 10", _without_digits, lend=_numbered
    ),
}


def shape_named(name: str) -> Shape:
    """The shape of this name. Raises UnknownName."""
    if name not in _SHAPES:
        raise UnknownName("way of writing", name, list(_SHAPES))
    return _SHAPES[name]
