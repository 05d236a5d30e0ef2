"""Plans as the network writes them: only valid ones, most likely first, whatever the weights and the question."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_parser import ODD_QUESTIONS, PEOPLE, TAUGHT, gold, odd_schemas, reread, taught, tiny_model

from askwhy.agent.parser import decoding, engine
from askwhy.agent.parser.actions import Action
from askwhy.agent.parser.batch import Batch, Read, make_batch, make_lesson
from askwhy.agent.parser.decoding import Reading, Writer
from askwhy.agent.parser.grammar import follows
from askwhy.agent.parser.network import Joined
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.trained import Trained
from askwhy.agent.plan import Outcome, Plan, Step
from askwhy.evals.typed import typed
from askwhy.tools.schema import Schema


@functools.cache
def untrained(seed: int) -> Trained:
    return tiny_model(seed, sharp=(1, 10, 60)[seed % 3])


def asked(model: Trained, question: str, about: Schema, earlier: tuple[Step, ...] = ()) -> list[Reading]:
    said = "what was asked before" if earlier else ""
    return list(engine.hear(model, question, about, None, earlier, said).readings)


def check(found: Sequence[Reading], question: str, about: Schema, earlier: tuple[Step, ...] = ()) -> None:
    """Whether readings are valid, in order, and their probabilities parts of one."""
    page = Page.of(question, about, earlier)
    chances = [one.probability for one in found]
    assert chances == sorted(chances, reverse=True) and sum(chances) <= 1 + 1e-6
    assert len({one.outcome for one in found}) == len(found)
    for one in found:
        assert 0 < one.probability <= 1 + 1e-6
        assert follows(page.offer(), one.actions)
        if isinstance(one.outcome, Plan):
            assert reread(one.outcome, about) == one.outcome


@pytest.fixture
def nothing_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written must be readable, not just be left out of the readings where it is not."""
    read = decoding.read

    def strict(actions: Sequence[Action], page: Page) -> Outcome:
        try:
            return read(actions, page)
        except Exception as error:
            raise AssertionError(f"{error}: {actions}") from error

    monkeypatch.setattr(decoding, "read", strict)


@pytest.mark.usefixtures("nothing_dropped")
@pytest.mark.parametrize("name", odd_schemas())
def test_whatever_the_weights_only_valid_plans_are_written(name: str) -> None:
    about, found = odd_schemas()[name], 0
    start = list(odd_schemas()).index(name)
    earlier: tuple[Step, ...] = ()
    for number, question in enumerate(ODD_QUESTIONS[start % 5 :: 5]):
        readings = asked(untrained(number % 3), question, about, earlier)
        check(readings, question, about, earlier)
        found += bool(readings)
        earlier = next((one.outcome.steps for one in readings if isinstance(one.outcome, Plan)), ())
    assert found  # some networks never come to an end


@pytest.mark.usefixtures("nothing_dropped")
@settings(max_examples=15)
@given(st.text(max_size=40), st.integers(0, 2), st.sampled_from(["unicode", "texts", "two of one label"]))
def test_no_question_makes_it_raise(question: str, seed: int, name: str) -> None:
    check(asked(untrained(seed), question, odd_schemas()[name]), question, odd_schemas()[name])


def test_only_tools_on_offer_are_written() -> None:
    offered = frozenset({"count", "explain"})
    for question in ("why row 12", "how many are older than 40"):
        for one in engine.hear(untrained(0), question, PEOPLE, offered, (), "").readings:
            assert not isinstance(one.outcome, Plan) or {step.tool for step in one.outcome.steps} <= offered


@pytest.mark.parametrize("question", TAUGHT)
def test_what_was_taught_is_read(question: str) -> None:
    found = asked(taught(), question, PEOPLE)
    check(found, question, PEOPLE)
    assert typed(found[0].outcome) == typed(gold(TAUGHT[question])) and found[0].probability > 0.5


def test_it_points_instead_of_learning_by_heart() -> None:
    found = [asked(taught(), question, PEOPLE)[0].outcome for question in
             ("why was row 44 predicted so", "how many are older than 23")]  # fmt: skip
    assert [typed(one) for one in found] == [typed(gold("explain ; row 44")), typed(gold("count ; where age > 23"))]


def prepared(model: Trained, question: str) -> tuple[Batch, Writer]:
    catalogue, shelf = model.shelf()
    batch = make_batch([Read.of(Page.of(question, PEOPLE), model.pieces)], model.pieces, catalogue)
    with torch.no_grad():
        joined = model.network.join(batch, shelf, model.items(batch.texts))
    return batch, Writer(model.network, catalogue, batch, joined)


@pytest.mark.parametrize("question", [*TAUGHT, "how many are in the south and older than 30"])
def test_more_beams_find_what_is_at_least_as_likely(question: str) -> None:
    _, writer = prepared(taught(), question)
    one, four = writer.readings(0, width=1), writer.readings(0, width=4)
    assert len(one) == 1 < len(four)
    assert four[0].probability >= one[0].probability - 1e-6


def test_the_probability_of_a_reading_is_that_of_its_actions() -> None:
    question = "how many live in the north"
    model = taught()
    batch, writer = prepared(model, question)
    catalogue, shelf = model.shelf()
    for found in writer.readings(0):
        lesson = make_lesson(batch, [[(action,) for action in found.actions]], catalogue)
        with torch.no_grad():
            scores = model.network.write(
                model.network.join(batch, shelf, model.items(batch.texts)), lesson.before, lesson.allowed
            )
        places = {**catalogue.index, **batch.places[0]}
        total = sum(float(scores[0, t, places[action]]) for t, action in enumerate(found.actions))
        assert found.probability == pytest.approx(math.exp(total), rel=1e-3)


Script = Mapping[tuple[Action, ...], Mapping[Action, float]]
LONG: tuple[Action, ...] = (
    ("T", "count"), ("G", "where"), ("F", 0), ("G", "gt"), ("N", 0), ("G", "and"), ("C", 0), ("G", "end"),
)  # fmt: skip


def scripted(monkeypatch: pytest.MonkeyPatch, script: Script) -> Writer:
    """A writer whose network gives each next action the probability of the script."""
    model = tiny_model()
    batch, writer = prepared(model, "older than 40")
    places = {**model.shelf()[0].index, **batch.places[0]}
    names = {at: action for action, at in places.items()}

    def write_(joined: Joined, before: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        scores = torch.full((*before.shape, allowed.shape[2]), -1e9)
        for i, row in enumerate(before.tolist()):
            for action, share in script.get(tuple(names[at] for at in row[1:]), {}).items():
                scores[i, -1, places[action]] = math.log(share)
        return scores[:, -allowed.shape[1] :]

    monkeypatch.setattr(model.network, "write", write_)
    return writer


def test_a_long_plan_is_not_given_up_for_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = {("T", "count"): 0.6, ("T", "show"): 0.2, ("T", "importance"): 0.15, ("T", "mistakes"): 0.05}
    script: dict[tuple[Action, ...], Mapping[Action, float]] = {(): tools}
    script |= {(tool,): {("G", "end"): 1.0} for tool in tools}
    script |= {LONG[:1]: {("G", "where"): 0.9, ("G", "end"): 0.1}, LONG[:2]: {LONG[2]: 0.9, ("G", "wrong"): 0.1}}
    script |= {(*LONG[:2], ("G", "wrong")): {("G", "end"): 1.0}}
    script |= {LONG[:size]: {LONG[size]: 1.0} for size in range(3, len(LONG))}
    found = scripted(monkeypatch, script).readings(0)
    assert found[0].actions == LONG
    assert [one.probability for one in found] == pytest.approx([0.486, 0.2, 0.15, 0.06, 0.054])


def test_what_the_grammar_does_not_allow_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    script: Script = {
        (): {("T", "similar"): 0.5, ("T", "count"): 0.3, ("G", "ask:row"): 0.2},
        (("T", "similar"),): {("G", "end"): 1.0},
        (("T", "count"),): {("G", "end"): 0.5, ("G", "kept"): 0.5},
    }
    found = scripted(monkeypatch, script).readings(0)
    assert [one.actions for one in found] == [(("G", "ask:row"),), (("T", "count"), ("G", "end"))]
    assert [one.probability for one in found] == pytest.approx([0.2, 0.15])


def test_a_plan_without_an_end_is_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    start: tuple[Action, ...] = (("T", "count"), ("G", "where"))
    script: dict[tuple[Action, ...], Mapping[Action, float]] = {(): {start[0]: 1.0}, start[:1]: {start[1]: 1.0}}
    actions = start
    for _ in range(60):
        script |= {actions: {("G", "wrong"): 1.0}, (*actions, ("G", "wrong")): {("G", "and"): 1.0}}
        actions = (*actions, ("G", "wrong"), ("G", "and"))
    assert scripted(monkeypatch, script).readings(0) == []
