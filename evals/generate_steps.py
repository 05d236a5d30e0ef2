"""One step of a generated plan: the template, its words, the step that it means, how the answer is to be worded."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from askwhy.agent.plan import Step
from askwhy.evals.generate_grammar import (
    CHANGES,
    CLAIMED,
    GROUPS,
    INSTANCE,
    Form,
    Slot,
    forms,
    limits,
    listed_arguments,
    registered,
    rendered,
)
from askwhy.evals.generate_slots import Filling
from askwhy.evals.generate_words import Speech, marked, phrased, wording
from askwhy.tools.registry import Tool, tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Argument, Scope, Where

_OFTEN = {
    "what_if": 9,
    "explain": 8,
    "count": 9,
    "show": 7,
    "statistic": 8,
    "predict": 6,
    "likelihood": 6,
    "importance": 7,
    "counterfactual": 5,
    "effect": 5,
    "score": 6.5,
    "mistakes": 6.5,
    "label": 2.5,
    "compare_features": 2.5,
    "contrast": 2,
    "contrast_rows": 2,
    "group_compare": 2,
    "similar": 2,
    "define": 2,
    "hypothesis": 2,
    "explain_text": 7,
    "importance_text": 4,
    "counterfactual_text": 4,
    "contrast_text": 2,
}
# Tools of which a selection of rows is no natural part, unless a template has it.
_UNSCOPED = frozenset(
    (
        "data_summary",
        "count",
        "forbidden",
        "concept_test",
        "concept_test_text",
        "augment",
        "describe_class",
        "keywords",
        "compare_models",
        "show",
        "predict",
        "label",
    )
)
_NEEDS: dict[str, Callable[[Speech], bool]] = {
    **dict.fromkeys(
        ("class", "does", "do", "anyclass", "class2", "pred", "truly", *CLAIMED), lambda s: bool(s.schema.classes)
    ),
    **dict.fromkeys(("num", "start", "stop", "limit", "highlow"), lambda s: bool(s.numeric)),
    **dict.fromkeys(("feature", "were", "had", "imp", "ger", "foreign"), lambda s: bool(s.features)),
    **dict.fromkeys(("feature2", "feats", "case"), lambda s: len(s.features) > 1),
    **dict.fromkeys(("cut", "old", "new", "add", "before", "word", "word2"), lambda s: not s.table),
    **dict.fromkeys(("catv", "catvalue"), lambda s: any(one.kind != "boolean" for one in s.discrete)),
    "cat": lambda s: bool(s.discrete),
    "highlow2": lambda s: len(s.numeric) > 1,
    "rival": lambda s: bool(s.schema.rivals),
}
_JUDGED = CLAIMED | {"pred", "truly"}
_COUNTS = frozenset(("k", "small"))
_ONLY: dict[str, Callable[[Speech], bool]] = {
    "": lambda s: True,
    "classes": lambda s: bool(s.schema.classes),
    "regression": lambda s: not s.schema.classes,
    "text": lambda s: not s.table,
    "table": lambda s: s.table,
}


class Said(NamedTuple):
    """One question in the making: marked words, steps, and what the slots of the first step hold."""

    text: str
    steps: tuple[Step, ...]
    filling: Filling


class Menu(NamedTuple):
    """The templates that fit a kind of schema: names and cumulative weights of tools, the templates of each."""

    tools: tuple[str, ...]
    weights: tuple[float, ...]
    forms: dict[str, tuple[Form, ...]]
    asks: tuple[str, ...]
    declines: tuple[str, ...]


_SPEECHES: dict[int, Speech] = {}


def speech_of(schema: Schema) -> Speech:
    """The words for a schema; kept for the last few, as the hash of a schema takes longer than the words."""
    found = _SPEECHES.get(id(schema))
    if found is None or found.schema is not schema:
        if len(_SPEECHES) > 128:
            _SPEECHES.clear()
        found = _SPEECHES[id(schema)] = Speech(schema)
    return found


def menu_of(speech: Speech) -> Menu:
    """The templates that fit a schema."""
    kept: Menu | None = speech.menu
    if kept is None:
        schema = speech.schema
        fits = frozenset(slot for slot, holds in _NEEDS.items() if holds(speech))
        only = frozenset(name for name, holds in _ONLY.items() if holds(speech))
        kept = _menu_of(fitting_tools(schema), fits, only)
        speech.menu = kept
    return kept


_FITTING: dict[Any, tuple[str, ...]] = {}


def fitting_tools(schema: Schema) -> tuple[str, ...]:
    """The names of the tools that fit a schema, asked once for each kind of schema."""
    key = (schema.task, schema.modality, schema.decision is not None, bool(schema.rivals))
    if key not in _FITTING:
        _FITTING[key] = tuple(tools(schema))
    return _FITTING[key]


@functools.cache
def _menu_of(fitting: tuple[str, ...], fits: frozenset[str], only: frozenset[str]) -> Menu:
    lacking = frozenset(_NEEDS) - fits
    found: dict[str, list[Form]] = {}
    for form in forms():
        asked = form.tool.startswith(("ask ", "no "))
        if (asked or form.tool in fitting) and form.only in only and not form.slots & lacking:
            found.setdefault(form.tool, []).append(form)
    names = tuple(name for name in found if not name.startswith(("ask ", "no ")))
    weights = tuple(itertools.accumulate(_OFTEN.get(name, 1.1) for name in names))
    asks, declines = (tuple(name for name in found if name.startswith(start)) for start in ("ask ", "no "))
    return Menu(names, weights, {name: tuple(several) for name, several in found.items()}, asks, declines)


def single(speech: Speech, menu: Menu, rng: random.Random) -> Said:
    """A question of one step."""
    return _mannered(said_with(drawn(menu, rng), speech, rng), rng)


def drawn(menu: Menu, rng: random.Random) -> Form:
    """A template of a tool, drawn by how often it is asked."""
    return picked(rng.choices(menu.tools, cum_weights=menu.weights)[0], menu, rng)


def picked(tool: str, menu: Menu, rng: random.Random) -> Form:
    """A template of a tool; one that selects rows is given a second chance."""
    several = menu.forms[tool]
    form = rng.choice(several)
    return form if form.slots & GROUPS or rng.random() < 0.3 else rng.choice(several)


def said_with(form: Form, speech: Speech, rng: random.Random, before: Filling | None = None) -> Said:
    """One step in words and as a step."""
    made = registered()[form.tool]
    filling = Filling(speech, rng, before)
    if form.slots & _JUDGED:
        filling.used.add("@")  # so that the rows are not also selected by an outcome
    if form.slots & _COUNTS:
        filling.limits = {str(value): limits(form.tool, name) for name, value in form.fixed if value in _COUNTS}
    text = " ".join(rendered(form.nodes, rng, filling).split())
    if _can_be_scoped(form, made) and (before is None or before.groups) and rng.random() < 0.7:
        text = _scoped(text, filling, rng)
    return Said(text, (_step(form, made, filling),), filling)


def _can_be_scoped(form: Form, made: Tool) -> bool:
    has = form.slots & (INSTANCE | GROUPS)
    return (
        not has
        and made.needs == "rows"
        and form.tool not in _UNSCOPED
        and not form.slots & (CHANGES & {"cut", "old", "add"})
    )


def _scoped(text: str, filling: Filling, rng: random.Random) -> str:
    """With a selection of rows before or after the question."""
    rows = filling("rows")
    return phrased("joints scoped", rng, r=rows, q=text.rstrip(".?!"))


def _step(form: Form, made: Tool, filling: Filling) -> Step:
    several = listed_arguments(form.tool)
    given: dict[str, Any] = {}
    for name, value in form.fixed:
        held = filling.values.get(value) if isinstance(value, Slot) else value
        if held is None:
            continue
        if name in several:
            given[name] = given.get(name, ()) + (held if isinstance(held, tuple) else (held,))
        else:
            given[name] = held
    if form.fixed and given.get("feature") == "text" and not filling.speech.table:
        given["feature"] = filling.speech.schema.names[0]
    arguments = tuple(
        Argument(name=name, value=tuple(dict.fromkeys(value)) if isinstance(value, tuple) else value)
        for name, value in sorted(given.items())
    )
    return Step(tool=form.tool, arguments=arguments, scope=_scope(made, filling))


def _scope(made: Tool, filling: Filling) -> Scope:
    if made.needs == "nothing":
        return Scope()
    if filling.instance:
        return Scope(row=filling.row, case=filling.case, text=filling.text, changes=filling.changes)
    return Scope(where=Where(all=filling.groups), changes=filling.changes)


_MANNERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("sentence", {"length": "sentence"}),
    ("short", {"length": "short"}),
    ("full", {"length": "full"}),
    ("customer", {"audience": "customer"}),
    ("colleague", {"audience": "colleague"}),
    ("expert", {"audience": "expert"}),
    ("numbers", {"form": "numbers"}),
    ("both", {"audience": "customer", "length": "sentence"}),
)


def _mannered(said: Said, rng: random.Random) -> Said:
    """With a word on the form of the answer, now and then."""
    step, text = said.steps[0], said.text
    if (
        rng.random() > (0.12 if step.tool in ("explain", "explain_text", "counterfactual") else 0.025)
        or text[-1] in '.?!"'
    ):
        return said
    if step.tool in ("explain", "explain_text") and said.filling.row and rng.random() < 0.2:
        plain = Step(tool=step.tool, scope=Scope(row=said.filling.row), form="letter")
        row = f"{said.filling.speech.schema.entity} {marked('row', '', said.filling.row)}"
        why = rng.choice(
            ("with the reasons", "saying why", "that explains the decision", "explaining the result", "telling why")
        )
        return Said(phrased("joints letters", rng, a="a", r=row, w=why), (plain,), said.filling)
    name, fields = rng.choice(_MANNERS)
    return Said(text + wording(f"manner {name}", rng), (step.model_copy(update=fields),), said.filling)
