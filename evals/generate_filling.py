"""One step in the making: what its slots were filled with, and the slots for rows and classes.

A `Filling` collects the scope and the values of a step while its template is rendered. `generate_slots` has the rest of
the slots.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from askwhy.evals.generate_changes import case
from askwhy.evals.generate_filters import selection
from askwhy.evals.generate_noise import phrases
from askwhy.evals.generate_words import Speech, marked, phrased
from askwhy.tools.schema import Feature
from askwhy.tools.scope import AnyOf, Assignment, Change, Condition


class Filling:
    """What the slots of one step mean. `values` is what arguments take; `before`: those of the step before,
    whose rows are then meant by a pronoun."""

    def __init__(self, speech: Speech, rng: random.Random, before: Filling | None = None) -> None:
        self.speech, self.rng, self.before = speech, rng, before
        self.values: dict[str, Any] = {}
        self.used: set[str] = set()
        self.groups: tuple[AnyOf, ...] = ()
        self.row: str | None = None
        self.text: str | None = None
        self.case: tuple[Assignment, ...] = ()
        self.changes: tuple[Change, ...] = ()
        self.limits: dict[str, tuple[int, int]] = {}
        self.main: Feature | None = None
        self.counts: list[int] = []

    def __call__(self, slot: str) -> str:
        """The words for a slot; remembers what they mean."""
        filler = FILLERS.get(slot)
        if filler is None:
            raise KeyError(f"no slot {slot!r}")
        return filler(self)

    @property
    def instance(self) -> bool:
        """Whether one row, case or text was named."""
        return self.row is not None or self.text is not None or bool(self.case)

    def pick(self, pool: Sequence[Feature]) -> Feature:
        """A column that was not spoken of yet, if there is one."""
        free = [one for one in pool if one.name not in self.used] or list(pool)
        feature = self.rng.choice(free)
        self.used.add(feature.name)
        return feature

    def named(self, slot: str, pool: Sequence[Feature]) -> str:
        """A noun for a column of a pool, kept as the value of a slot."""
        feature = self.pick(pool)
        self.values[slot] = feature.name
        return self.speech.feature(feature, self.rng)

    def word(self) -> str:
        """A word that texts may contain."""
        return self.rng.choice(phrases()["words"])


def _id(f: Filling) -> str:
    if f.before is not None and f.before.row is not None:
        f.row = f.before.row
        return _pronoun(f)
    f.row = _new_id(f)
    return _said_id(f, f.row)


def _new_id(f: Filling) -> str:
    draw = f.rng.random()
    if f.counts and draw < 0.15:
        return str(f.counts[-1])
    if draw < 0.92:
        return str(f.rng.randrange(1, f.rng.choice((10, 100, 1000, 1000, 5000, 20000))))
    number = f.rng.randrange(1, 1200)
    return f.rng.choice(
        (f"E{number:04d}", f"A-{number}", f"{f.rng.choice('BCHKPR')}{number:03d}", f"CL-{number:04d}", f"id_{number}")
    )


def _said_id(f: Filling, row: str) -> str:
    return phrased("words row", f.rng, n=marked("row", "", row), e=f.speech.schema.entity)


def _pronoun(f: Filling) -> str:
    entity = f.speech.schema.entity
    if f.speech.people:
        return f.rng.choice(("him", "her", "it", "that one", "them", f"this {entity}", f"the same {entity}"))
    return f.rng.choice(("it", "it", "that one", "this one", f"the same {entity}", f"this {entity}"))


def _row(f: Filling) -> str:
    if f.before is not None and f.before.instance:
        f.row, f.text, f.case = f.before.row, f.before.text, f.before.case
        return _pronoun(f)
    if not f.speech.table:
        return _text(f) if f.rng.random() < 0.35 else _id(f)
    return _case(f) if f.rng.random() < 0.06 and len(f.speech.features) > 1 and not f.changes else _id(f)


def _text(f: Filling) -> str:
    texts = phrases()["texts"]
    f.text = f.rng.choice(texts) if f.rng.random() < 0.75 else ". ".join(f.rng.sample(texts, 2))
    if f.rng.random() < 0.3:
        f.text += f.rng.choice("!.")
    quote = "'" if "'" not in f.text and f.rng.random() < 0.2 else '"'
    start = f.rng.choice(
        ("", "", "", "this: ", f"the {f.speech.schema.entity} ", f"a {f.speech.schema.entity} such as ")
    )
    return f"{start}{quote}{marked('text', '', f.text)}{quote}"


def _case(f: Filling) -> str:
    said, f.case = case(f.speech, f.rng)
    f.used |= {one.feature for one in f.case}
    return said


def _rows(f: Filling) -> str:
    if f.before is not None and f.before.groups and not f.groups:
        f.groups = f.before.groups
        return f.rng.choice(
            (
                "those",
                "these",
                "them",
                "those people" if f.speech.people else "those ones",
                "this subset",
                "this group",
                "that group",
                "those cases",
                "these " + f.speech.schema.entities,
            )
        )
    said, groups = selection(f.speech, f.used, f.rng, f.word)
    f.groups = tuple(dict.fromkeys((*f.groups, *groups)))
    return said


def _some(f: Filling) -> str:
    if (f.before is not None and f.before.groups) or f.rng.random() < 0.88:
        return _the(f) + _rows(f)
    return f.rng.choice(("", "", "all ", "the ", "our ", "all the ")) + f.rng.choice(f.speech.entities[:8])[1]


def _who(f: Filling) -> str:
    return _row(f) if f.rng.random() < 0.45 else _rows(f)


def _on(f: Filling) -> str:
    return _row(f) if f.rng.random() < 0.35 else _the(f) + _rows(f)


def _the(f: Filling) -> str:
    """An article before a selection, seldom; none before a pronoun."""
    return f.rng.choice(("the ", "all ", "those ")) if f.before is None and f.rng.random() < 0.12 else ""


def _who_id(f: Filling) -> str:
    return _id(f) if f.rng.random() < 0.45 else _rows(f)


def _plain_id(f: Filling) -> str:
    f.row = f.before.row if f.before is not None and f.before.row else _new_id(f)
    return marked("row", "", f.row)


def _id2(f: Filling) -> str:
    """A second id: both become a selection."""
    other = _new_id(f)
    ids = tuple(dict.fromkeys((str(f.row), other)))
    f.groups = (AnyOf(any=tuple(Condition(on="id", value=one) for one in ids)),)
    f.row = None
    return marked("row", "", other)


def _other(f: Filling) -> str:
    other = _new_id(f)
    while other == f.row:
        other = _new_id(f)
    f.values["other"] = other
    return _said_id(f, other) if f.rng.random() < 0.5 else marked("row", "", other)


def _class(f: Filling) -> str:
    return f.speech.label(_pick_class(f), f.rng)


def _pick_class(f: Filling, slot: str = "class") -> Any:
    taken = f.values.get("class")
    label = f.rng.choice([one for one in f.speech.schema.classes if one.name != taken or slot == "class"])
    f.values[slot] = label.name
    return label


def _anyclass(f: Filling) -> str:
    return f.speech.label(f.rng.choice(f.speech.schema.classes), f.rng)


def _about(f: Filling) -> str:
    """What is predicted, named along the way: it selects no rows."""
    plural = f.rng.choice(("people", "they") if f.speech.people else ("they",))
    plural = f.rng.choice((plural, f.speech.schema.entities, f.rng.choice(f.speech.entities[:8])[1]))
    if not f.speech.schema.classes or f.rng.random() < 0.15:
        target = f.rng.choice(f.speech.targets)
        return f.rng.choice((target, f"the {target}", f"the {target} of {f.speech.schema.entities}"))
    label = f.rng.choice(f.speech.schema.classes)
    draw = f.rng.random()
    if draw < 0.2:
        return f.speech.label(label, f.rng)
    whether = f.rng.choice(("whether", "whether", "if", "whether or not", "that"))
    if draw < 0.35:
        one = f.rng.choice(("someone", "somebody", "a person") if f.speech.people else (f"a {f.speech.schema.entity}",))
        return f"{whether} {one} {f.speech.does(label, f.rng)}"
    return f"{whether} {plural} {_plural(f.speech.do(label, f.rng))}"


def _plural(verb: str) -> str:
    """Of several: "be late" becomes "are late"."""
    return f"are {verb.removeprefix('be ')}" if verb.startswith("be ") else verb


def _they_do(f: Filling, slot: str) -> str:
    """Rows that are said to be of a class; the class is what the question is about only in slot `class`."""
    label = _pick_class(f, slot)
    if f.before is not None and f.before.instance:
        _row(f)
        one = f.rng.choice(("he", "she") if f.speech.people else ("it",))
        return f"{one} {f.speech.does(label, f.rng)}"
    who = _rows(f)
    who = "they" if f.before is not None and f.before.groups and f.rng.random() < 0.6 else who
    helper = f.rng.choice(("", "", "", "will ", "would "))
    verb = f.speech.do(label, f.rng)
    return f"{who} {helper}{verb if helper else _plural(verb)}"


def _pred(f: Filling) -> str:
    return _judged(f, "predicted", "where are_predicted")


def _truly(f: Filling) -> str:
    return _judged(f, "actual", "where are_really")


def _judged(f: Filling, on: Any, key: str) -> str:
    label = f.rng.choice(f.speech.schema.classes)
    group = AnyOf(any=(Condition(on=on, value=label.name),))
    f.groups = tuple(dict.fromkeys((*f.groups, group)))
    return phrased(key, f.rng, c=f.speech.label(label, f.rng))


FILLERS: dict[str, Callable[[Filling], str]] = {
    "row": _row,
    "id": _id,
    "id2": _id2,
    "id's": lambda f: f"{_id(f)}'s",
    "case": _case,
    "rows": _rows,
    "some": _some,
    "who": _who,
    "on": _on,
    "who_id": _who_id,
    "other": _other,
    "class": _class,
    "class2": lambda f: f.speech.label(_pick_class(f, "class2"), f.rng),
    "anyclass": _anyclass,
    "does": lambda f: f.speech.does(_pick_class(f), f.rng),
    "do": lambda f: f.speech.do(_pick_class(f), f.rng),
    "pred": _pred,
    "about": _about,
    "about_rows": lambda f: f"{f.rng.choice(('if', 'whether'))} {_they_do(f, 'topic')}",
    "they_do": lambda f: _they_do(f, "topic"),
    "they_do_class": lambda f: _they_do(f, "class"),
    "plain_id": _plain_id,
    "truly": _truly,
}
"""How each slot is filled."""
