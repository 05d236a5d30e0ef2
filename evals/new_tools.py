"""Tools that no training has seen: `askwhy eval parsing --new-tools` asks for them by their description and examples.

The functions are never run; what is measured is whether a tool that a user registers is chosen, with its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from askwhy.evals.bank import QUESTIONS
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import FeatureName, Needs, Tool, tool, unregister
from askwhy.tools.view import View

FOLDER: Path = QUESTIONS / "new"
"""The questions, each of which wants one of these tools."""


def percentile(view: View, feature: FeatureName) -> Evidence:
    """Where a row stands among all rows with its value of a feature, as a percentile."""
    raise NotImplementedError


def drift(view: View, feature: FeatureName | None = None) -> Evidence:
    """Whether the values of features have moved away from the data that the model was trained on."""
    raise NotImplementedError


def decision_cost(view: View, missed: float, false_alarm: float) -> Evidence:
    """What wrong predictions cost in money, given the cost of a missed case and of a false alarm."""
    raise NotImplementedError


def appeal(view: View) -> Evidence:
    """How the person concerned can object to the decision on a row."""
    raise NotImplementedError


def reidentify(view: View) -> Evidence:
    """Whether a row could be recognised by its data: how many others share its values."""
    raise NotImplementedError


def data_age(view: View) -> Evidence:
    """When the training data were collected and how old they are."""
    raise NotImplementedError


_REGISTERED: tuple[tuple[Callable[..., Evidence], Needs, tuple[str, ...]], ...] = (
    (percentile, "instance", ("in which percentile is the {feature} of {row}?", "how does {feature} of {row} rank?")),
    (drift, "rows", ("has {feature} drifted since training?", "do the data still look like the training data?")),
    (
        decision_cost,
        "rows",
        ("what do wrong predictions cost if a missed case costs {number}?", "what do errors cost?"),
    ),
    (appeal, "instance", ("how can {row} appeal?", "how does one object to the decision on {row}?")),
    (reidentify, "instance", ("could {row} be recognised by its data?", "how many others share the values of {row}?")),
    (data_age, "nothing", ("how old are the training data?", "when were the data collected?")),
)


@contextmanager
def new_tools() -> Iterator[tuple[Tool, ...]]:
    """The tools, registered as a user would, for as long as the context lasts."""
    made = tuple(tool(asks=asks, says=(), needs=needs)(function) for function, needs, asks in _REGISTERED)
    try:
        yield made
    finally:
        for one in made:
            unregister(one.name)
