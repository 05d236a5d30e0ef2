"""True sentences about columns whose names are ordinary words pass the check, and altered ones do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject

from askwhy.agent.investigate.notebook import draft_of
from askwhy.agent.plan import Plan, Step
from askwhy.agent.verify import verify
from askwhy.tools.call import Call, perform
from askwhy.tools.registry import tools
from askwhy.tools.subject import Subject


@pytest.fixture(scope="module")
def calls() -> Subject:
    rng = np.random.default_rng(0)
    rows = 400
    frame = pd.DataFrame(
        {
            "support calls": rng.integers(0, 9, rows),
            "late payments": rng.integers(0, 5, rows),
            "building year": rng.integers(1900, 2020, rows),
            "region": rng.choice(["north", "south"], rows),
        }
    )

    def model(given: pd.DataFrame) -> np.ndarray:
        chance = 1 / (1 + np.exp(4 - given["support calls"] + (1950 - given["building year"]) / 40))
        return np.column_stack([1 - chance, chance])

    truth = rng.random(rows) < model(frame)[:, 1]
    old = frame["building year"] <= 1930
    truth = np.where(old, ~truth, truth).astype(int)
    classes = ("stayed", "left")
    return hand_subject(
        model, frame, classes, target=np.array(classes, dtype=object)[truth], held_out=np.ones(rows, bool)
    )


def draft_and_failures(subject: Subject, tool: str, old: str = "", new: str = "") -> tuple[str, bool]:
    """What the template says of a tool's evidence, with some words exchanged, and whether the check refuses it."""
    plan = Plan(steps=(Step(tool=tool),))
    evidence = perform(subject, Call(tools()[tool])).evidence
    draft = draft_of(plan, evidence, subject.schema)
    if old:
        assert old in draft.text
        draft = draft.model_copy(update={"text": draft.text.replace(old, new, 1)})
    return draft.text, bool(verify(draft, (evidence,), plan, subject.schema))


@pytest.mark.parametrize(
    "tool", ["data_summary", "importance", "failure_slices", "worst_group", "mistakes", "leak_check"]
)
def test_what_is_true_is_told(calls: Subject, tool: str) -> None:
    text, refused = draft_and_failures(calls, tool)
    assert not refused, text


@pytest.mark.parametrize(
    ("tool", "old", "new"),
    [
        ("data_summary", "The 4 features", "The 5 features"),
        ("importance", "support calls", "late payments"),
        ("failure_slices", "reversal", "leak"),
        ("failure_slices", "building year at most 19", "building year at most 18"),
        ("leak_check", "support calls", "region"),
    ],
)
def test_what_is_altered_is_refused(calls: Subject, tool: str, old: str, new: str) -> None:
    text, refused = draft_and_failures(calls, tool, old, new)
    assert refused, text


def test_a_year_has_no_thousands(calls: Subject) -> None:
    assert "building year at most 19" in draft_and_failures(calls, "failure_slices")[0]
