"""An attribution of a text as facts: its terms by rank, which of them to name, and what must be said with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from askwhy.tools.attribution import Attribution, column_of
from askwhy.tools.engines.text_attribution import output_words
from askwhy.tools.engines.text_game import TextGame, most_telling, most_texts, refuse_dear
from askwhy.tools.engines.text_phrases import units_of
from askwhy.tools.engines.text_units import Split, Term, UnitKind, find_term
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Fact, Figure, MarkedText, Piece, Series, Table
from askwhy.tools.quality import order_caveats
from askwhy.tools.registry import Says
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import plain
from askwhy.tools.view import View

Sign = Literal["all", "for", "against"]

_SHOWN = 20
_DEAR_PER_TERM = 9
_LONGEST_QUOTE = 100
_INNER_QUOTES = str.maketrans("“”", "\u2018\u2019")
_QUANTITY = {"": "the probability of {ROLE.cls}", "_output": "the predicted {target}"}


def said_of_output(role: str, pattern: str) -> Says:
    """The pattern for a probability and for a predicted number: QUANTITY is what is explained."""
    return tuple(
        pattern.replace("QUANTITY", words).replace("ROLE", role + suffix) for suffix, words in _QUANTITY.items()
    )


def one_line(text: str) -> str:
    """On one line, without the quotation marks that will stand around it."""
    return " ".join(text.translate(_INNER_QUOTES).split())


def quotable(text: str) -> str:
    """On one line, cut at a word where it is long, and without the quotation marks that will stand around it."""
    line = one_line(text)
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE].rsplit(' ', 1)[0]}…"


def quoted(words: Sequence[str]) -> str:
    """Quoted and joined: “not” and “good”."""
    names = [f"“{quotable(word)}”" for word in words]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))


def own_text(view: View) -> str:
    """The text under discussion; ToolError where it is empty."""
    text = str(plain(view.instance.iloc[0, 0]) or "")
    if not text.strip():
        raise ToolError("The text is empty, so there are no words to explain.")
    return text


def text_game(
    view: View, label: ClassLabel | None, unit: UnitKind, words: Sequence[str] = (), foil: ClassLabel | None = None
) -> tuple[TextGame, list[int], int]:
    """The deletion game of the text, the positions of the terms asked about, and how many its last term stands for.

    Raises ToolError for an empty text, UnknownName for words that are not in it.
    """
    split, terms = units_of(own_text(view), unit, tuple(words))
    other = None if foil is None else view.schema.classes.index(foil)
    whole = TextGame(view, column_of(view, label), split, terms, other, most=most_texts(view))
    dear = view.subject.predictor.most_rows
    if dear is not None and _DEAR_PER_TERM * whole.count > dear:
        refuse_dear(view, f"to tell {whole.count} {unit}s apart; ask about sentences, or about a shorter text")
    kept, others = most_telling(whole, unit, [find_term(terms, word) for word in words])
    asked = [find_term(kept, word) for word in words]
    return whole.with_terms(kept), list(dict.fromkeys(asked)), others


class Told:
    """An attribution with its terms by rank; a last term that stands for many others is not ranked."""

    def __init__(
        self, game: TextGame, found: Attribution, label: ClassLabel | None, unit: UnitKind, asked: list[int], rest: int
    ) -> None:
        self.view, self.found, self.label, self.unit, self.asked = game.view, found, label, unit, asked
        self.terms, self.others, self.words = game.terms, rest, output_words(game, label)
        self.split: Split = game.split
        self.rest = len(game.terms) - 1 if rest else None
        self.order = [position for position in found.ranked() if position != self.rest]
        self.suffix = "_output" if label is None else ""

    def size(self, position: int) -> float:
        """The absolute value of a term."""
        return abs(float(self.found.values[position]))

    @property
    def negligible(self) -> float:
        """The size below which a value is a zero that carries rounding noise; it would print as 0."""
        return 5e-7 if self.label is not None else 1e-9 * float(np.abs(self.found.values).max(initial=0.0))

    def clear(self, position: int) -> bool:
        """Whether a value can be told from zero."""
        return self.size(position) > max(self.negligible, 2 * (self.found.error_of(position) or 0.0))

    def named(self, k: int, sign: Sign) -> list[int]:
        """The largest terms that speak the wanted way; none where some were asked about."""
        if self.asked:
            return []
        return [position for position in self.wanted(sign) if self.clear(position)][:k]

    def wanted(self, sign: Sign) -> list[int]:
        """The terms that speak the wanted way, largest first."""
        return [p for p in self.order if sign == "all" or (self.found.values[p] > 0) == (sign == "for")]

    def leading(self, named: Sequence[int], sign: Sign) -> bool:
        """Whether the named terms are the largest: not so where a larger one could not be told from zero."""
        return list(named) == self.wanted(sign)[: len(named)]

    def share(self, spoken: Sequence[int]) -> float | None:
        """How much of the whole attribution some terms make up; None where there is nothing to share."""
        whole = float(np.abs(self.found.values).sum())
        named = float(np.abs(self.found.values[list(spoken)]).sum())
        return min(1.0, named / whole) if spoken and whole > 0 else None

    def fact(self, relation: str, position: int) -> Fact:
        """One term's share of the prediction."""
        return Fact(
            relation=relation,
            value=float(self.found.values[position]),
            unit=self.found.unit,
            at=quotable(self.terms[position].text) or None,
            cls=None if self.label is None else self.label.name,
            row=self.view.row_id,
            rank=None if position == self.rest else self.order.index(position) + 1,
            error=self.found.error_of(position),
        )

    def caveats(self, spoken: list[int], sign: Sign) -> Iterator[Caveat]:
        """What must be said of the terms, and of some of them that are named."""
        yield from _many_terms(self)
        yield from _repeated([self.terms[p] for p in spoken if self.terms[p].times > 1], self.unit)
        if self.unit == "word":
            order = self.order if self.asked else self.wanted(sign)
            labels = [f"“{self.terms[position].text}”" for position in order]
            sizes, errors = [self.size(p) for p in order], [self.found.error_of(p) for p in order]
            yield from order_caveats(labels, sizes, errors, {order.index(position) for position in spoken})
        yield from _not_additive(self.found)

    def figure(self) -> Figure:
        """The largest terms as bars."""
        shown, error = self.order[:_SHOWN], self.found.error
        return Figure(
            kind="bars",
            title=f"What moves {self.words}",
            x_label=self.unit,
            y_label=f"change of {self.words}",
            series=(
                Series(
                    name=self.found.name,
                    x=tuple(self.terms[position].text for position in shown),
                    y=tuple(float(self.found.values[position]) for position in shown),
                    error=None if error is None else tuple(float(error[position]) for position in shown),
                ),
            ),
        )

    def marked(self) -> MarkedText:
        """The whole text, with the value of its term at every place where it stands; others have none."""
        owner = {place: position for position, term in enumerate(self.terms) for place in term.places}
        pieces, end = [], 0
        for place, unit in enumerate(self.split.units):
            position = owner[place]
            value = None if position == self.rest else float(self.found.values[position])
            pieces += [Piece(text=self.split.text[end : unit.start]), Piece(text=unit.text, value=value)]
            end = unit.end
        pieces.append(Piece(text=self.split.text[end:]))
        kept = tuple(piece for piece in pieces if piece.text)
        return MarkedText(what=self.words, unit=self.found.unit, pieces=kept)

    def table(self) -> Table:
        """All terms, largest first."""
        rows = tuple(
            (self.terms[p].text, self.terms[p].times, float(self.found.values[p]), self.found.error_of(p))
            for p in self.order
        )
        return Table(columns=(self.unit, "times", "attribution", "standard error"), rows=rows)


def _many_terms(told: Told) -> Iterator[Caveat]:
    if told.others:
        text = (
            f"The text has {len(told.order) + told.others:,} different {told.unit}s: the {len(told.order)} that change "
            "their own passage most are told apart, the others are taken together."
        )
        yield Caveat(flag="many_terms", text=text)


def _repeated(terms: Sequence[Term], unit: UnitKind) -> Iterator[Caveat]:
    if terms and unit == "word":
        many = len(terms) > 1
        text = (
            f"{quoted([term.text for term in terms])} {'stand' if many else 'stands'} in the text more than once and "
            f"{'are' if many else 'is'} taken away everywhere at once."
        )
        yield Caveat(flag="repeated", text=text)


def others_as_one(game: TextGame, others: int, unit: UnitKind) -> Iterator[Caveat]:
    """That the last term stands for so many others, where it does."""
    if others:
        text = f"The text has {game.count - 1 + others:,} different {unit}s; all but {game.count - 1} count as one."
        yield Caveat(flag="many_terms", text=text)


def _not_additive(found: Attribution) -> Iterator[Caveat]:
    for check in found.quality:
        if check.check != "C2" or check.passed:
            continue
        which = "effects" if found.name == "occlusion" else "attributions"
        text = f"Together, the {which} miss the prediction by {check.value:.1%} of the output range."
        yield Caveat(flag="not_additive", text=text)
