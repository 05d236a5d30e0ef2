"""Which of several samples of a model's plan to take: the one that leaves the least of the question over.

How many samples agree on it is its confidence (self-consistency, Wang et al. 2023).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

from askwhy.agent.plan import SURE, Outcome, Plan, Step
from askwhy.tools.registry import find_tool, names_kind
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Assignment, Change, Condition, Scalar

if TYPE_CHECKING:
    from askwhy.agent.parser.page import Page

_ERRORS = (
    "numbers_left", "numbers_unsaid", "names_left", "names_unsaid", "values_left", "values_unsaid", "classes_unsaid",
)  # fmt: skip
"""Signs of `parser.judge` that count as errors: said but not used, or used but not said."""

_MOST_OTHERS = 3
Action = tuple[str, Any]


def chosen(found: Sequence[Outcome], asked: int, question: str, schema: Schema, earlier: tuple[Step, ...]) -> Outcome:
    """The best of some outcomes, of which there is one at least. asked: how many samples were asked for.

    A plan has the share of samples that agree as its confidence; where that is low, the others are offered beside it.
    A question back or a refusal is taken where more than half of the outcomes are that.
    """
    counts = Counter(found)
    plans = [one for one in counts if isinstance(one, Plan)]
    if 2 * sum(counts[one] for one in plans) < len(found) or not plans:
        return max((one for one in counts if not isinstance(one, Plan)), key=lambda one: counts[one])
    errors = {plan: slot_errors(plan, question, schema, earlier) for plan in plans}
    best, *others = sorted(plans, key=lambda plan: (errors[plan], -counts[plan]))
    share = counts[best] / asked
    offered = tuple(others[:_MOST_OTHERS]) if share < SURE else ()
    return best.model_copy(update={"confidence": share, "others": offered})


def slot_errors(plan: Plan, question: str, schema: Schema, earlier: tuple[Step, ...] = ()) -> int:
    """Numbers, names and values of the question that a plan leaves over, and those that it has and nobody said."""
    from askwhy.agent.parser.batch import Read
    from askwhy.agent.parser.decoding import Reading
    from askwhy.agent.parser.judge import SIGNS, signs
    from askwhy.agent.parser.page import Page
    from askwhy.agent.parser.trained import trained

    read = Read.of(Page.of(question, schema, earlier), trained().pieces)
    pointed, invented = [("T", plan.steps[0].tool)], 0
    for step in plan.steps:
        for action in _pointers(step, read.page):
            if action is None:
                invented += 1
            else:
                pointed.append(action)
    found = dict(zip(SIGNS, signs(Reading(plan, 1.0, tuple(pointed)), read), strict=True))
    return invented + round(sum(found[name] for name in _ERRORS))


def _pointers(step: Step, page: Page) -> Iterator[Action | None]:
    """What a step points at, as the parser writes it; None for a number that neither the question nor the turn before
    has."""
    scope = step.scope
    cells: tuple[Condition | Change | Assignment, ...] = (*scope.where.conditions(), *scope.changes, *scope.case)
    for one in cells:
        if one.feature is not None and one.feature in page.schema.names:
            yield from _value(one.feature, one.value, page)
        elif getattr(one, "on", "") in ("predicted", "actual") and page.schema.classes and one.value is not None:
            yield "K", page.schema.class_index(one.value)
        elif one.value is not None and not isinstance(one.value, bool):
            yield from _number(one.value, page)
    if scope.row is not None:
        yield from _number(scope.row, page)
    yield from _arguments(step, page)


def _arguments(step: Step, page: Page) -> Iterator[Action | None]:
    hints = get_type_hints(find_tool(step.tool).function, include_extras=True)
    for argument in step.arguments:
        kind = names_kind(hints.get(argument.name))
        for value in argument.value if isinstance(argument.value, tuple) else (argument.value,):
            if kind == "feature":
                yield "F", page.schema.names.index(str(value))
            elif kind == "class" and value is not None:
                yield "K", page.schema.class_index(value)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                yield from _number(value, page)


def _value(name: str, value: Scalar | None, page: Page) -> Iterator[Action | None]:
    """A value that the schema names, which says its feature as well; else the feature and a number."""
    place = page.schema.names.index(name)
    category = next((at for at, (of, one) in enumerate(page.values) if of == place and one.value == value), None)
    if category is not None:
        yield "C", category
        return
    yield "F", place
    if value is not None and not isinstance(value, bool):
        yield from _number(value, page)


def _number(value: Scalar, page: Page) -> Iterator[Action | None]:
    """The mention of a number, one of the question before others; nothing for what is no number."""
    try:
        wanted = float(value)
    except ValueError:
        return
    places = [at for at, one in enumerate(page.numbers) if one.value == wanted]
    yield ("N", places[0]) if places else None
