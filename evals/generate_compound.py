"""Questions of several steps: about the same rows or others, one tool twice, a step about what another finds."""

from __future__ import annotations

import random
from collections.abc import Sequence

from askwhy.agent.plan import Ref, Step
from askwhy.evals.generate_grammar import GROUPS, INSTANCE, parsed, rendered
from askwhy.evals.generate_slots import Filling
from askwhy.evals.generate_steps import Menu, Said, drawn, fitting_tools, picked, said_with, single
from askwhy.evals.generate_words import Speech, patterns, phrased, wording
from askwhy.tools.scope import Argument, Scope, Where

_JOINERS = (
    " and ",
    ", and ",
    " and then ",
    ", then ",
    ". ",
    "; ",
    ". Then ",
    ". And ",
    "? And ",
    " - ",
    "? ",
    " plus ",
    ", also ",
    ". Also, ",
)


def compound(speech: Speech, menu: Menu, rng: random.Random) -> Said:
    """A question of two steps, seldom three."""
    draw = rng.random()
    if draw < 0.15:
        return _dependent(speech, rng)
    if draw < 0.3:
        return _twice(speech, menu, rng)
    first = said_with(drawn(menu, rng), speech, rng)
    shared = (first.filling.instance or bool(first.filling.groups)) and rng.random() < 0.75
    wanted = INSTANCE if first.filling.instance else GROUPS - {"who", "on", "who_id"}
    for _ in range(6):
        form = drawn(menu, rng)
        if form.tool not in (first.steps[0].tool, "concept_test", "concept_test_text") and (
            not shared or (form.slots & wanted and not form.slots & {"case", "id2", "id's", "row_he"})
        ):
            break
    else:
        return first
    second = said_with(form, speech, rng, first.filling if shared else None)
    joiner = rng.choice(_JOINERS)
    text = first.text.rstrip(".?!") + joiner + second.text
    if rng.random() < 0.08:
        third = said_with(drawn(menu, rng), speech, rng)
        return Said(
            f"{text}{rng.choice(_JOINERS)}{third.text}",
            _distinct((*first.steps, *second.steps, *third.steps)),
            first.filling,
        )
    return Said(text, _distinct((*first.steps, *second.steps)), first.filling)


def _distinct(steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(step for number, step in enumerate(steps) if step not in steps[:number])


def _twice(speech: Speech, menu: Menu, rng: random.Random) -> Said:
    """One tool for two rows or two selections: "predict 12 and 60", "count the women and the men over 40"."""
    one_row = rng.random() < 0.5
    names = ("predict", "likelihood", "explain" if speech.table else "explain_text") if one_row else (
        "count", "score", "predict", "mistakes", "statistic")  # fmt: skip
    slots = {"row"} if one_row else {"rows", "some"}
    usable = [
        form
        for name in names
        for form in menu.forms.get(name, ())
        if form.slots & slots and not form.slots & {"case", "pred", "truly"}
    ]
    if not usable:
        return single(speech, menu, rng)
    form = rng.choice(usable)
    first = said_with(form, speech, rng)
    again = Filling(speech, rng)
    if not (first.filling.row if one_row else first.filling.groups):
        return first
    more = again("id" if one_row else "rows")
    old = first.steps[0]
    scope = Scope(row=again.row) if one_row else Scope(where=Where(all=again.groups))
    joiner = rng.choice(
        (" and the same for ", ", then the same for ", "? And for ", " and for ", ", and also for ", "; same for ")
    )
    return Said(
        first.text.rstrip(".?!") + joiner + more,
        _distinct((old, old.model_copy(update={"scope": scope}))),
        first.filling,
    )


_COUNTED = 0.3
_ELLIPSES = ("and {row}", "what about {row}", "how about {row}", "the same for {row}", "and for {row}", "now {row}",
             "same question for {row}", "{row} then", "ok and {row}", "and what about {row}")  # fmt: skip


def follow_up(speech: Speech, menu: Menu, rng: random.Random) -> tuple[Said, Said] | None:
    """A question and the next one about the same rows, or the same one about another row; None where none was found."""
    counted = "count" in menu.forms and rng.random() < _COUNTED
    first = said_with(picked("count", menu, rng) if counted else drawn(menu, rng), speech, rng)
    about = first.filling
    if first.steps[0].scope.changes or not (about.instance or about.groups):
        return None
    if about.row and speech.table and rng.random() < 0.2:
        again = Filling(speech, rng)
        text = rng.choice(_ELLIPSES).format(row=again("id"))
        step = first.steps[0].model_copy(update={"scope": Scope(row=again.row)})
        return first, Said(text, (step,), again)
    wanted = INSTANCE if about.instance else GROUPS - {"who", "on", "who_id", "pred", "truly"}
    for _ in range(12):
        form = drawn(menu, rng)
        if form.slots & wanted and not form.slots & {"case", "id2", "id's"}:
            second = said_with(form, speech, rng, about)
            if (second.filling.row, second.filling.text, second.filling.groups) == (
                about.row,
                about.text,
                about.groups,
            ):
                return first, second
    return None


# What is looked for, the tool and how it is told to find one, and what a later step takes from it.
_FOUND = (
    ("mistake", "mistakes", "row"),
    ("unusual", "typicality", "row"),
    ("typical", "prototypes", "row"),
    ("important", "importance", "feature"),
)
_OF_TEXTS = frozenset(("explain", "counterfactual", "trust", "similar", "influence", "robustness"))


def _dependent(speech: Speech, rng: random.Random) -> Said:
    """Two steps of which the second is about what the first finds: "find the worst mistake and explain it"."""
    filling = Filling(speech, rng)
    fitting = fitting_tools(speech.schema)
    thing, tool, into = rng.choice([one for one in _FOUND if one[1] in fitting])
    section = f"after_{into} "
    names = {key.removeprefix(section): key for key in patterns() if key.startswith(section)}
    if not speech.table:
        names = {f"{name}_text" if name in _OF_TEXTS else name: key for name, key in names.items()}
    name = rng.choice([one for one in names if one in fitting])
    words = rendered(parsed(wording(f"found {thing}", rng).replace("/", "|")), rng, filling)
    rows = f" among {filling('rows')}" if rng.random() < 0.35 else ""
    scope = Scope(where=Where(all=filling.groups))
    first = Step(tool=tool, arguments=(Argument(name="k", value=1),), scope=scope)
    ref = Ref(into="features" if name == "interactions" else into, step=1, relation="any")
    given = (Argument(name="measure", value="mean"),) if name == "statistic" else ()
    text = phrased("joints find", rng, x=words + rows, y=wording(names[name], rng))
    return Said(text, (first, Step(tool=name, arguments=given, refs=(ref,))), filling)
