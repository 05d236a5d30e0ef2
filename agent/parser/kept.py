"""What a reading keeps of the turn before and what it drops, as signs for the judge."""

from __future__ import annotations

import re

from askwhy.agent.parser.page import Page
from askwhy.agent.parser.sides import about
from askwhy.agent.plan import Outcome, Plan, Step
from askwhy.agent.wording import is_number
from askwhy.tools.scope import AnyOf, Change, Where

_SIGNS = (
    "asks", "turns", "drops", "keeps", "keeps_all", "replaces", "doubles", "outcome_added", "arguments_lost",
    "arguments_gained", "arguments_changed", "arguments_of_turn", "nothing_new", "row_dropped", "row_for_rows",
    "rows_for_row", "row_changed", "changes_lost", "changes_lost_also", "changes_of_turn",
)  # fmt: skip

KEPT_SIGNS = (*_SIGNS, "bare_log_probability", *(f"bare_{name}" for name in _SIGNS))
"""Each a number of a reading; bare_*: of a question that says little by itself ("and for women?"), else of any other.
turns: another tool; drops, keeps: conditions; doubles: two on the same feature; *_of_turn: with another tool."""

_OPENS = re.compile(
    r"^(?:and|but|or|now|only|just|also|then|same|the same|do the same|ditto|what about|how about|for|in|on|with|"
    r"without|plus|minus|instead|no|ok|okay|not|except|those|these|them)\b"
)
_OWN = re.compile(
    r"\b(?:what(?! about)|which|how(?! about)|why|who|is|are|does|do|show|tell|explain|give|list|"
    r"would|could|can|will)\b"
)
_EVERYTHING = re.compile(r"\b(?:overall|all|every\w*|general|altogether|total|anyone|whole|globally|across)\b")
_ALSO = re.compile(r"\b(?:also|too|plus|as well|on top|additionally|besides|in addition)\b|^and\b")
_FEW = 3


def kept_signs(outcome: Outcome, page: Page, log_probability: float = 0.0) -> dict[str, float]:
    """KEPT_SIGNS that are not zero; none where nothing was asked before."""
    if not page.earlier:
        return {}
    asked = page.question.text.lower()
    found = _compared(outcome, page, asked)
    if not _is_bare(asked):
        return found
    return {f"bare_{name}": value for name, value in found.items()} | {"bare_log_probability": log_probability}


def _compared(outcome: Outcome, page: Page, asked: str) -> dict[str, float]:
    if not isinstance(outcome, Plan):
        return {"asks": 1.0}
    last, step = page.earlier[-1], outcome.steps[0]
    found = _of_rows(last, step, asked) | _of_changes(last, step, page)
    if all(one.tool != last.tool for one in outcome.steps):
        found |= {
            "turns": 1.0,
            "arguments_of_turn": float(len(step.arguments)),
            "changes_of_turn": float(bool(set(last.scope.changes) & set(step.scope.changes))),
        }
    elif step.tool == last.tool:
        found |= _of_arguments(last, step)
    return found


def _is_bare(asked: str) -> bool:
    words = re.findall(r"\w+", asked)
    return len(words) <= _FEW or not says_what(asked)


def says_what(asked: str) -> bool:
    """Whether a question, in small letters, has a word for what is wanted, and begins by itself: "explain 7"."""
    return bool(_OWN.search(asked)) and not _OPENS.match(asked)


def _of_rows(last: Step, step: Step, asked: str) -> dict[str, float]:
    old, new = set(last.scope.where.all), set(step.scope.where.all)
    touched = {each for group in new for each in _about(group)}
    gone = [group for group in old - new if not touched & _about(group)]
    everything = bool(_EVERYTHING.search(asked))
    one_before, one_now = last.scope.has_instance, step.scope.has_instance
    return {
        "drops": float(bool(gone) and not everything),
        "keeps": float(len(old & new)),
        "keeps_all": float(everything and bool(old & new)),
        "replaces": float(any(touched & _about(group) for group in old - new)),
        "doubles": float(any(_about(kept) & _about(added) for kept in old & new for added in new - old)),
        "outcome_added": float(_outcomes(step.scope.where) > _outcomes(last.scope.where)),
        "row_dropped": float(one_before and not one_now and not new),
        "row_for_rows": float(one_now and bool(old)),
        "rows_for_row": float(one_before and not one_now and bool(new)),
        "row_changed": float(step.scope.row != last.scope.row and one_now and bool(last.scope.changes)),
    }


def _of_changes(last: Step, step: Step, page: Page) -> dict[str, float]:
    """Whether changes of the turn before are gone, or copied badly."""
    old, new = last.scope.changes, step.scope.changes
    touched = {one.feature for one in new if is_said(one, page)}
    lost = sum(one not in new and one.feature not in touched for one in old)
    also = bool(lost) and bool(_ALSO.search(page.question.text.lower()))
    return {"changes_lost": float(lost), "changes_lost_also": float(also)}


def is_said(change: Change, page: Page) -> bool:
    """Whether a question may ask for a change: not by a number that it does not say, as of an old one copied badly."""
    return not is_number(change.value) or any(change.value == mention.value for mention in page.question.numbers)


def _of_arguments(last: Step, step: Step) -> dict[str, float]:
    old, new = ({one.name: one.value for one in each.arguments} for each in (last, step))
    same = (last.scope, last.form, last.audience, last.length) == (step.scope, step.form, step.audience, step.length)
    return {
        "arguments_lost": float(len(old.keys() - new.keys())),
        "arguments_gained": float(len(new.keys() - old.keys())),
        "arguments_changed": float(sum(old[name] != new[name] for name in old.keys() & new.keys())),
        "nothing_new": float(same and old == new),
    }


def _about(group: AnyOf) -> set[tuple[str, str | None]]:
    return {about(one) for one in group.any}


def _outcomes(where: Where) -> int:
    return sum(one.on in ("predicted", "actual") for one in where.conditions())
