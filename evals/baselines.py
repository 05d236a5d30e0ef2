"""What the embedded model is compared with: the nearest question of the bank, and TF-IDF with rules.

Both choose tools from the training questions, in which every mention of a schema is replaced by its kind, and fill
them by rules: rows, conditions and changes as `askwhy.agent.embedded` reads them, features and classes as named.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.agent.answer import Turn
from askwhy.agent.embedded.conditions import where_of
from askwhy.agent.embedded.mentions import Reading, sketch
from askwhy.agent.embedded.reading import read
from askwhy.agent.parser.actions import arguments_of_tool
from askwhy.agent.plan import Clarify, Decline, Outcome, Plan, Step
from askwhy.evals.bank import QUESTIONS, Domain, read_domain
from askwhy.evals.suites import Item
from askwhy.tools.errors import ToolError
from askwhy.tools.registry import Tool, tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope, arguments_of

BASELINES = ("nearest", "tfidf-rules")

_CODE = re.compile(r"\b([A-Z])\d+\b")
_LIKELY = 0.5
_MOST_STEPS = 3


def masked(question: str, schema: Schema) -> str:
    """The question in lower case with a word for the kind of thing in the place of each thing of the schema."""
    return _CODE.sub(lambda match: f"slot{match[1].lower()}", sketch(question, schema).text)


@dataclass(frozen=True, eq=False)
class _Known:
    """Training questions for models that read one kind of input."""

    golds: tuple[Outcome, ...]
    texts: tuple[str, ...]

    @functools.cached_property
    def labels(self) -> tuple[frozenset[str], ...]:
        """The tools of each, or what is done instead."""
        return tuple(map(_labels, self.golds))

    @functools.cached_property
    def vectors(self) -> tuple[Any, Any]:
        """The vectorizer and the vectors of the texts, each of length 1."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        made = TfidfVectorizer(token_pattern=r"[^\W_]+", ngram_range=(1, 2), sublinear_tf=True)
        return made, made.fit_transform(self.texts)

    def nearness(self, text: str) -> Any:
        """The cosine with every training question."""
        made, known = self.vectors
        return (known @ made.transform([text]).T).toarray()[:, 0]

    @functools.cached_property
    def classifiers(self) -> tuple[tuple[str, ...], Any]:
        """The labels, and a logistic regression for each, one against the rest."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier

        names = tuple(sorted(frozenset().union(*self.labels)))
        wanted = np.array([[name in one for name in names] for one in self.labels], dtype=int)
        # Two labels at least, as one column would be read as two classes.
        model = OneVsRestClassifier(LogisticRegression(C=20.0, class_weight="balanced", solver="liblinear"))
        return names, model.fit(self.vectors[1], wanted)


class Baseline:
    """A baseline taught the questions of some domains; `name` is one of BASELINES."""

    def __init__(self, name: str, domains: Iterable[Domain]) -> None:
        self.name = name
        taught: dict[str, list[tuple[Outcome, str]]] = {}
        for domain in domains:
            pairs = taught.setdefault(domain.schema.modality, [])
            pairs += [(one.gold, masked(one.question, domain.schema)) for one in domain.questions]
        self._known = {
            modality: _Known(tuple(gold for gold, _ in pairs), tuple(text for _, text in pairs))
            for modality, pairs in taught.items()
        }

    def __call__(self, item: Item) -> Outcome:
        """What a question of a suite is taken to mean."""
        schema = item.subject.schema
        known = self._known.get(schema.modality)
        if known is None:
            return Decline(reason="out_of_scope")
        text = masked(item.question, schema)
        nearness = known.nearness(text)
        if self.name == "nearest":
            chosen, sure = self._nearest(known, nearness, schema)
        else:
            chosen, sure = self._likely(known, text, nearness, schema)
        return _filled(chosen, sure, item)

    def _nearest(self, known: _Known, nearness: Any, schema: Schema) -> tuple[Outcome, float]:
        fitting = tools(schema).keys() | {"clarify", "decline"}
        best = next(i for i in np.argsort(-nearness, kind="stable") if known.labels[i] <= fitting)
        return known.golds[best], float(nearness[best])

    def _likely(self, known: _Known, text: str, nearness: Any, schema: Schema) -> tuple[Outcome, float]:
        names, model = known.classifiers
        fitting = tools(schema).keys() | {"clarify", "decline"}
        chances = np.asarray(model.predict_proba(known.vectors[0].transform([text])))[0]
        order = [i for i in np.argsort(-chances, kind="stable") if names[i] in fitting]
        chosen = [i for i in order[:_MOST_STEPS] if chances[i] >= _LIKELY] or order[:1]
        if not chosen or names[chosen[0]] in ("clarify", "decline"):
            labels = frozenset({names[chosen[0]]}) if chosen else frozenset({"decline"})
            return next((gold for gold, one in zip(known.golds, known.labels, strict=True) if one == labels)), 1.0
        steps = tuple(_like(known, nearness, names[i]) for i in chosen if names[i] not in ("clarify", "decline"))
        return Plan(steps=steps), float(min(chances[i] for i in chosen))


def _labels(outcome: Outcome) -> frozenset[str]:
    return frozenset(step.tool for step in outcome.steps) if isinstance(outcome, Plan) else frozenset({outcome.kind})


def _like(known: _Known, nearness: Any, tool: str) -> Step:
    """The step with this tool of the nearest question that has one."""
    best = next(i for i in np.argsort(-nearness, kind="stable") if tool in known.labels[i])
    gold = known.golds[best]
    assert isinstance(gold, Plan)
    return next(step for step in gold.steps if step.tool == tool)


def _filled(chosen: Outcome, sure: float, item: Item) -> Outcome:
    """The tools of an outcome with the question's own rows, conditions, changes, features and classes."""
    if not isinstance(chosen, Plan):
        return chosen
    schema = item.subject.schema
    reading = read(item.question, schema)
    steps = [_step(tools(schema)[step.tool], step, reading, item.history) for step in chosen.steps]
    found = tuple(dict.fromkeys(step for step in steps if step is not None))
    if len(found) < len(set(chosen.steps)) and not found:
        return Clarify(question="row")
    return Plan(steps=found, confidence=min(1.0, max(0.0, sure)))


def _step(made: Tool, like: Step, reading: Reading, history: Sequence[Turn]) -> Step | None:
    """The tool on what the question is about; None where something it needs is not said."""
    scope = _scope(made, reading, history)
    given = _arguments(made, like, reading)
    if (made.needs == "instance" and not scope.has_instance) or (made.needs == "changes" and not scope.changes):
        return None
    try:
        checked = made.checked(reading.schema, given)
    except ToolError:
        return None
    own = arguments_of({name: checked[name] for name in given})
    return Step(tool=made.name, arguments=own, scope=scope, form=like.form)


def _scope(made: Tool, reading: Reading, history: Sequence[Turn]) -> Scope:
    if made.needs == "nothing":
        return Scope()
    changes = tuple(reading.changes)
    if reading.rows:
        return Scope(row=reading.rows[0], changes=changes)
    if reading.quoted is not None:
        return Scope(text=reading.quoted, changes=changes)
    before = next((turn.scope for turn in reversed(history) if turn.scope is not None), None) or Scope()
    if made.needs == "instance" and before.has_instance:
        return before.model_copy(update={"changes": changes})
    where = where_of(reading, reading.text)
    return Scope(where=before.where & where if reading.previous else where, changes=changes)


def _arguments(made: Tool, like: Step, reading: Reading) -> dict[str, Any]:
    """Values of closed lists as in the example; features, classes, numbers and words from the question, in order."""
    said: dict[str, list[Any]] = {
        "feature": [reading.feature(code).name for code in reading.left("F")],
        "class": [reading.label(code) for code in reading.left("K")],
        "number": [reading.number(code).value for code in reading.left("N")],
        "text": [reading.slots[code].text for code in reading.left("Q")],
    }
    given: dict[str, Any] = {}
    for one in arguments_of_tool(made):
        if one.kind in ("choice", "flag"):
            if (value := like.argument(one.name)) is not None:
                given[one.name] = value
            continue
        left = said[one.kind]
        if left and one.many:
            given[one.name] = tuple(dict.fromkeys(left))
            left.clear()
        elif left:
            given[one.name] = left.pop(0)
    return given


@functools.cache
def baseline(name: str) -> Baseline:
    """The baseline of this name, taught the whole training bank."""
    return Baseline(name, map(read_domain, sorted(QUESTIONS.glob("*.toml"))))
