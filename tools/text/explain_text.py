"""Which words or sentences of a text made the model predict what it predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import Attribution, column_of, quantity
from askwhy.tools.engines.text_attribution import TextGame, attribute_text, attribute_text_by_lime, most_telling
from askwhy.tools.engines.text_units import UnitKind, find_term, split_text, terms
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table
from askwhy.tools.quality import order_caveats
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import plain
from askwhy.tools.view import View

Method = Literal["auto", "shap", "lime"]
Sign = Literal["all", "for", "against"]
TopK = Annotated[int, Field(ge=1)]

_SHOWN = 20
_LONGEST_QUOTE = 100
_INNER_QUOTES = str.maketrans("“”", "\u2018\u2019")
_QUANTITY = {"": "the probability of {ROLE.cls}", "_output": "the predicted {target}"}


def said_of_output(role: str, pattern: str) -> Says:
    """The pattern for a probability and for a predicted number: QUANTITY is what is explained."""
    return tuple(
        pattern.replace("QUANTITY", words).replace("ROLE", role + suffix) for suffix, words in _QUANTITY.items()
    )


def _about(unit: UnitKind) -> Says:
    """What is said of the words, or of the sentences."""
    name = "“{at}”" if unit == "word" else "the sentence “{at}”"
    item = name + " {value:word raises/lowers} it by {value:size}"
    return (
        *said_of_output(f"{unit}_reason", f"What moves QUANTITY most: [ROLE*: {item}]."),
        *said_of_output(f"{unit}_for", f"What raises QUANTITY most: [ROLE*: {name} (by {{value:size}})]."),
        *said_of_output(f"{unit}_against", f"What lowers QUANTITY most: [ROLE*: {name} (by {{value:size}})]."),
        *said_of_output(f"no_{unit}_reason", f"[ROLE*: no {unit} of the text clearly moves QUANTITY]."),
        *said_of_output(f"no_{unit}_for", f"[ROLE*: no {unit} of the text clearly raises QUANTITY]."),
        *said_of_output(f"no_{unit}_against", f"[ROLE*: no {unit} of the text clearly lowers QUANTITY]."),
        *said_of_output(
            f"{unit}_rest",
            f"[ROLE*: the other {unit}s, taken together, {{value:word raise/lower}} QUANTITY by {{value:size}}].",
        ),
    )


_SAYS: Says = (
    *said_of_output(
        "asked_word",
        "In {row}, [ROLE*: “{at}” {value:word raises/lowers} QUANTITY by {value:size}, which ranks {rank} of "
        "{word_count} words].",
    ),
    *said_of_output(
        "asked_unsure",
        "In {row}, [ROLE*: the effect of “{at}” on QUANTITY is too small to tell from zero "
        "({value:signed}, with a standard error of {error})].",
    ),
    "[asked_zero*: “{at}” makes no difference to the prediction for {row}].",
    "The model predicts {prediction} for {row}, with a probability of {probability}.",
    "It gives {explained_probability.cls} a probability of {explained_probability}.",
    "The model predicts {estimate} for {row}.",
    *_about("word"),
    *_about("sentence"),
    "That accounts for {named_share} of the total attribution.",
    "The comparison is with an empty text, which gets {base}.",
    "These weights come from LIME: a linear model fitted to {row} with parts left out, which explains {fidelity} of "
    "the variation there.",
)


@tool(
    needs="instance",
    asks=(
        "why did you predict this for {row}?",
        "why is {row} predicted {class}?",
        "why does the model say {class} for {text}?",
        "explain the prediction for {text}",
        "explain {row}",
        "which words led to the prediction for {row}?",
        "which {k} words mattered most in {row}?",
        "what in the text made it {class}?",
        "how much does the word {word} matter in {row}?",
        "what role did {word} play?",
        "how does {word} affect the prediction for {text}?",
        ask("which sentence of {row} did it?", unit="sentence"),
        ask("explain {row} sentence by sentence", unit="sentence"),
        ask("which words speak against {class} in {row}?", sign="against"),
        ask("which words pulled the prediction down?", sign="against"),
        ask("which words speak for {class} in {row}?", sign="for"),
        ask("highlight the words that make {text} {class}", sign="for"),
        ask("explain {row} with LIME", method="lime"),
        ask("show the SHAP values of the words of {row}", method="shap"),
    ),
    says=_SAYS,
    fits=lambda schema: schema.modality == "text",
)
def explain_text(
    view: View,
    method: Method = "auto",
    unit: UnitKind = "word",
    k: TopK = 3,
    cls: ClassName | None = None,
    words: tuple[str, ...] = (),
    sign: Sign = "all",
) -> Evidence:
    """Why the model predicts what it does for a text: what each word or sentence adds to the prediction.

    `words`: the words or phrases asked about. `k`: how many to name. `sign`: only what speaks for or against `cls`.
    """
    unit = "word" if words else unit
    label = view.explained_class(cls)
    game, asked, others = _game(view, label, unit, words)
    found = (attribute_text_by_lime if method == "lime" else attribute_text)(game, label, unit)
    told = _Told(game, found, label, unit, asked, bool(others))
    named = told.named(k, sign)
    return Evidence(
        facts=(*_context(told), *_attributions(told), *_roles(told, named, sign)),
        method=f"{found.method} (auto: SHAP)" if method == "auto" else found.method,
        estimand=found.estimand,
        quality=found.quality,
        caveats=(*found.caveats, *_caveats(told, [*asked, *named], sign, others)),
        figure=_figure(told),
        table=_table(told),
    )


def _game(
    view: View, label: ClassLabel | None, unit: UnitKind, words: tuple[str, ...]
) -> tuple[TextGame, list[int], int]:
    """The game to play, the positions of the terms asked about, and how many others its last term stands for."""
    split = split_text(str(plain(view.instance.iloc[0, 0]) or ""), unit)
    if not split.units:
        raise ToolError("The text is empty, so there are no words to explain.")
    game = TextGame(view, column_of(view, label), split, terms(split, words))
    kept, others = most_telling(game, unit, [find_term(game.terms, word) for word in words])
    asked = [find_term(kept, word) for word in words]
    return TextGame(view, game.column, split, kept), list(dict.fromkeys(asked)), others


class _Told:
    """An attribution with its terms by rank; a last term that stands for many others is not ranked."""

    def __init__(
        self,
        game: TextGame,
        found: Attribution,
        label: ClassLabel | None,
        unit: UnitKind,
        asked: list[int],
        rest: bool,
    ) -> None:
        self.view, self.found, self.label, self.unit, self.asked = game.view, found, label, unit, asked
        self.terms = game.terms
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

    def fact(self, relation: str, position: int) -> Fact:
        """One term's share of the prediction."""
        return Fact(
            relation=relation,
            value=float(self.found.values[position]),
            unit=self.found.unit,
            at=_quotable(self.terms[position].text) or None,
            cls=None if self.label is None else self.label.name,
            row=self.view.row_id,
            rank=None if position == self.rest else self.order.index(position) + 1,
            error=self.found.error_of(position),
        )


def _quotable(text: str) -> str:
    """On one line, cut at a word where it is long, and without the quotation marks that will stand around it."""
    line = " ".join(text.translate(_INNER_QUOTES).split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE].rsplit(' ', 1)[0]}…"


def _context(told: _Told) -> Iterator[Fact]:
    """What is predicted, and what it is compared with."""
    view, found, label, row = told.view, told.found, told.label, told.view.row_id
    if label is None:
        yield Fact(relation="estimate", value=float(view.outputs[0, 0]), unit="output", row=row)
    else:
        predicted = view.predicted()
        yield Fact(relation="prediction", value=predicted.name, unit="class", cls=predicted.name, row=row)
        for relation, one in (("probability", predicted), ("explained_probability", label)):
            if relation == "probability" or one != predicted:
                chance = float(view.output_of(view.outputs, one)[0])
                yield Fact(relation=relation, value=chance, unit="probability", cls=one.name, row=row)
    name = None if label is None else label.name
    if found.surrogate:
        yield Fact(relation="fidelity", value=min(1.0, found.quality[0].value), unit="share")
    else:
        yield Fact(relation="base", value=found.base, unit="probability" if label is not None else "output", cls=name)
    yield Fact(relation=f"{told.unit}_count", value=len(told.order), unit="count")


def _attributions(told: _Told) -> Iterator[Fact]:
    for position in told.order:
        yield told.fact(f"{told.unit}_attribution", position)
    if told.rest is not None:
        yield told.fact(f"{told.unit}_rest{told.suffix}", told.rest)


def _roles(told: _Told, named: list[int], sign: Sign) -> Iterator[Fact]:
    """The same facts in the roles that the words need, and how much of the whole is named."""
    for position in told.asked:
        if told.size(position) <= told.negligible:
            yield told.fact("asked_zero", position)
        else:
            yield told.fact(("asked_word" if told.clear(position) else "asked_unsure") + told.suffix, position)
    reason = "reason" if sign == "all" else sign
    for position in named:
        yield told.fact(f"{told.unit}_{reason}{told.suffix}", position)
    if not named and not told.asked:
        cls = None if told.label is None else told.label.name
        relation = f"no_{told.unit}_{reason}{told.suffix}"
        yield Fact(relation=relation, value=0, unit="count", cls=cls, row=told.view.row_id)
    whole = float(np.abs(told.found.values).sum())
    spoken = [*named, *told.asked]
    if spoken and whole > 0:
        share = float(np.abs(told.found.values[spoken]).sum()) / whole
        yield Fact(relation="named_share", value=min(1.0, share), unit="share")


def _caveats(told: _Told, spoken: list[int], sign: Sign, others: int) -> Iterator[Caveat]:
    if others:
        text = (
            f"The text has {len(told.order) + others:,} different {told.unit}s: the {len(told.order)} that change "
            "their own passage most are told apart, the others are taken together."
        )
        yield Caveat(flag="many_terms", text=text)
    repeated = [f"“{told.terms[p].text}”" for p in spoken if told.terms[p].times > 1 and told.unit == "word"]
    if repeated:
        names = " and ".join(filter(None, [", ".join(repeated[:-1]), repeated[-1]]))
        many = len(repeated) > 1
        text = (
            f"{names} {'stand' if many else 'stands'} in the text more than once and {'are' if many else 'is'} deleted"
        )
        yield Caveat(flag="repeated", text=f"{text} everywhere at once.")
    if told.unit == "word":
        order = told.order if told.asked else told.wanted(sign)
        labels = [f"“{told.terms[position].text}”" for position in order]
        sizes, errors = [told.size(p) for p in order], [told.found.error_of(p) for p in order]
        yield from order_caveats(labels, sizes, errors, {order.index(position) for position in spoken})
    for check in told.found.quality:
        if check.check == "C2" and not check.passed:
            text = f"The attributions miss the prediction by {check.value:.1%} of the output range."
            yield Caveat(flag="not_additive", text=text)


def _figure(told: _Told) -> Figure:
    shown, what = told.order[:_SHOWN], quantity(told.view, told.label)
    values, error = told.found.values, told.found.error
    return Figure(
        kind="bars",
        title=f"What moves {what}",
        x_label=told.unit,
        y_label=f"change of {what}",
        series=(
            Series(
                name="LIME" if told.found.surrogate else "SHAP",
                x=tuple(told.terms[position].text for position in shown),
                y=tuple(float(values[position]) for position in shown),
                error=None if error is None else tuple(float(error[position]) for position in shown),
            ),
        ),
    )


def _table(told: _Told) -> Table:
    rows = tuple(
        (told.terms[p].text, told.terms[p].times, float(told.found.values[p]), told.found.error_of(p))
        for p in told.order
    )
    return Table(columns=(told.unit, "times", "attribution", "standard error"), rows=rows)
