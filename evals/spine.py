"""The first release's questions on the built-in subjects: `askwhy eval spine [SUBJECT ...]`.

Each answer must use the right tool, be verified, and agree with a direct computation where there is one.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from askwhy.evals.registry import Cell, Report, UsageError, evaluation

if TYPE_CHECKING:
    from askwhy.agent.answer import Answer
    from askwhy.agent.session import Session
    from askwhy.evals.golds import Check

_TEXT = "a moving and funny film with a great cast"
_HOPS = ("understand", "run", "verbalize", "verify")


@dataclass(frozen=True)
class Case:
    """A question, the tools that may answer it, and the check against a direct computation, if there is one."""

    question: str
    tools: tuple[str, ...]
    check: Check | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a case: `gold` is None where nothing was computed directly."""

    subject: str
    case: Case
    answer: Answer
    right_tool: bool
    gold: bool | None


@evaluation("spine")
def spine(arguments: list[str]) -> Report:
    """The first release's questions: right tool, verified, equal to a direct computation; seconds per hop."""
    known = cases()
    unknown = [name for name in arguments if name not in known]
    if unknown:
        raise UsageError(f"no questions for {', '.join(unknown)}; there are: {', '.join(known)}")
    outcomes = [one for name in arguments or known for one in _asked(name, known[name])]
    columns = ("subject", "question", "tools", "right tool", "verdict", "gold", *(f"{hop} s" for hop in _HOPS))
    figures = figures_of(outcomes)
    perfect = all(figures[name] == figures[of] for name, of in _ALL_OF.items())
    return Report("The first release's questions", columns, tuple(map(_row, outcomes)), figures, passed=perfect)


_ALL_OF = {"right_tool": "questions", "verified": "questions", "gold_right": "gold_checked"}


def figures_of(outcomes: list[Outcome]) -> dict[str, object]:
    """How many questions, how many right in each respect, and the median seconds of each hop."""
    figures: dict[str, object] = {
        "questions": len(outcomes),
        "right_tool": sum(one.right_tool for one in outcomes),
        "verified": sum(one.answer.verdict == "verified" for one in outcomes),
        "gold_checked": sum(one.gold is not None for one in outcomes),
        "gold_right": sum(one.gold is True for one in outcomes),
    }
    for hop in _HOPS:
        seconds = [_seconds(one.answer, hop) for one in outcomes]
        figures[f"median_{hop}_seconds"] = round(statistics.median(seconds), 3) if seconds else 0.0
    return figures


def _asked(name: str, asked: tuple[Case, ...]) -> list[Outcome]:
    from askwhy.agent.session import Session
    from askwhy.tools.subjects.builtin import builtin

    session = Session(builtin(name))
    return [_outcome(name, case, session) for case in asked]


def _outcome(name: str, case: Case, session: Session) -> Outcome:
    answer = session.ask(case.question)
    used = tuple(evidence.tool for evidence in answer.evidence)
    right_tool = bool(used) and set(used) <= set(case.tools)
    gold = None
    if case.check is not None:
        try:
            gold = bool(case.check(answer, session.subject))
        except KeyError:  # the answer lacks the tool or the fact that the check looks for
            gold = False
    return Outcome(name, case, answer, right_tool, gold)


def _row(one: Outcome) -> tuple[Cell, ...]:
    used = ", ".join(evidence.tool for evidence in one.answer.evidence) or one.answer.text
    seconds = (_seconds(one.answer, hop) for hop in _HOPS)
    return (one.subject, one.case.question, used, one.right_tool, one.answer.verdict, one.gold, *seconds)


def _seconds(answer: Answer, hop: str) -> float:
    return sum(spent.seconds for spent in answer.usage.hops if spent.hop == hop)


def cases() -> dict[str, tuple[Case, ...]]:
    """The questions by subject."""
    return {"credit": _credit(), "diabetes": _diabetes(), "penguins": _penguins(), "reviews": _reviews()}


def _credit() -> tuple[Case, ...]:
    from askwhy.evals import golds

    wish = "what should row 12 change to be approved, without touching sex or age"
    return (
        Case("how many applicants are older than 40", ("count",), golds.counted(lambda rows: rows["age"] > 40)),
        Case("what do you predict for row 12, and how sure are you", ("predict", "likelihood"), golds.predicted("12")),
        Case("why was row 12 predicted this way", ("explain",), golds.added_up()),
        Case(wish, ("counterfactual",), golds.reached("12", ("sex", "age"), cls="approved")),
        Case("what if the duration were 12 months shorter", ("what_if",), golds.changed("12", "duration", -12)),
        Case("what are the three most important features", ("importance",), golds.matters_most()),
        Case(
            "how accurate is the model for women under 30",
            ("score",),
            golds.scored(lambda rows: (rows["sex"] == "female") & (rows["age"] < 30)),
        ),
        Case("show me cases it gets wrong", ("mistakes",), golds.wrong_cases()),
        Case("how does age affect the predictions", ("effect",), golds.averaged("age")),
        Case("is age more important than purpose for row 12", ("compare_features",), golds.larger("age", "purpose")),
    )


def _diabetes() -> tuple[Case, ...]:
    from askwhy.evals import golds

    wish = "what should patient 12 change to get a prediction below 100, without touching sex or age"
    return (
        Case("how many patients are older than 50", ("count",), golds.counted(lambda rows: rows["age"] > 50)),
        Case("what do you predict for patient 12", ("predict",), golds.predicted("12")),
        Case("why was patient 12 predicted this way", ("explain",), golds.added_up()),
        Case(wish, ("counterfactual",), golds.reached("12", ("sex", "age"), below=100)),
        Case("what if the bmi were 3 lower", ("what_if",), golds.changed("12", "bmi", -3)),
        Case("what are the three most important features", ("importance",), golds.matters_most()),
        Case(
            "how good is the model for patients older than 50", ("score",), golds.scored(lambda rows: rows["age"] > 50)
        ),
        Case("show me the cases it gets most wrong", ("mistakes",), golds.wrong_cases()),
        Case("how does bmi affect the predictions", ("effect",), golds.averaged("bmi")),
        Case("is bmi more important than age for patient 12", ("compare_features",), golds.larger("bmi", "age")),
    )


def _penguins() -> tuple[Case, ...]:
    from askwhy.evals import golds

    wish = "what should penguin 12 change to be a Gentoo, without touching sex or island"
    return (
        Case(
            "how many penguins are heavier than 4000",
            ("count",),
            golds.counted(lambda rows: rows["body_mass_g"] > 4000),
        ),
        Case(
            "what do you predict for penguin 12, and how sure are you", ("predict", "likelihood"), golds.predicted("12")
        ),
        Case("why was penguin 12 predicted this way", ("explain",), golds.added_up()),
        Case(wish, ("counterfactual",), golds.reached("12", ("sex", "island"), cls="Gentoo")),
        Case("what if the bill length were 10 longer", ("what_if",), golds.changed("12", "bill_length_mm", 10)),
        Case("what are the three most important features", ("importance",), golds.matters_most()),
        Case(
            "how accurate is the model for female penguins",
            ("score",),
            golds.scored(lambda rows: rows["sex"] == "female"),
        ),
        Case("show me cases it gets wrong", ("mistakes",), golds.wrong_cases()),
        Case("how does flipper length affect the predictions", ("effect",), golds.averaged("flipper_length_mm")),
        Case(
            "is bill length more important than body mass for penguin 12",
            ("compare_features",),
            golds.larger("bill_length_mm", "body_mass_g"),
        ),
    )


def _reviews() -> tuple[Case, ...]:
    from askwhy.evals import golds

    words = golds.added_up("explain_text", "word_attribution")
    return (
        Case(f'what do you predict for "{_TEXT}"', ("predict",), golds.predicted_text(_TEXT)),
        Case("why", ("explain_text",), words),
        Case("which three words matter most in it", ("explain_text",), words),
        Case("what if I remove the word funny", ("what_if",), golds.without_word(_TEXT, "funny")),
    )
