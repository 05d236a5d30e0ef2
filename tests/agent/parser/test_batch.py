"""Questions side by side: padding makes no difference, and what is to be learnt is what the grammar allows."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from tiny_parser import ODD_QUESTIONS, feature, odd_schemas, schema, tiny_model, tiny_pieces

from askwhy.agent.parser.actions import Action
from askwhy.agent.parser.batch import Batch, Lesson, Read, allowed_mask, make_batch, make_lesson
from askwhy.agent.parser.grammar import Grammar
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.trained import Trained
from askwhy.agent.parser.writing import write
from askwhy.agent.plan import Plan
from askwhy.evals.bank import QUESTIONS, read_domain
from askwhy.evals.train_parser import Example, examples_of

Written = Sequence[tuple[Action, ...]]


@pytest.fixture(scope="module")
def model() -> Trained:
    return tiny_model(sharp=5)


@functools.cache
def examples() -> tuple[Example, ...]:
    """Questions of unlike length, over a regression, several classes and texts, with and without a turn before."""
    found = []
    for name in ("apartment_rent", "app_stars"):
        domain = examples_of(read_domain(QUESTIONS / f"{name}.toml"))
        found += [next(one for one in domain if one.earlier and isinstance(one.asked.gold, Plan)), domain[0]]
    return tuple(found)


def read_all(model: Trained) -> tuple[list[Read], list[Written]]:
    reads = [
        Read.of(Page.of(one.asked.question, one.schema, one.earlier), model.pieces, one.said) for one in examples()
    ]
    return reads, [write(one.asked.gold, read.page) for one, read in zip(examples(), reads, strict=True)]


def log_probabilities(model: Trained, reads: list[Read], written: list[Written]) -> list[list[dict[Action, float]]]:
    """Of every action that is allowed, for each question and step."""
    catalogue, shelf = model.shelf()
    batch = make_batch(reads, model.pieces, catalogue)
    lesson = make_lesson(batch, written, catalogue)
    with torch.no_grad():
        joined = model.network.join(batch, shelf, model.items(batch.texts))
        scores = model.network.write(joined, lesson.before, lesson.allowed)
    found = []
    for i, place in enumerate(batch.places):
        everything = {**catalogue.index, **place}
        steps = range(len(written[i]))
        found.append(
            [
                {one: float(scores[i, t, at]) for one, at in everything.items() if lesson.allowed[i, t, at]}
                for t in steps
            ]
        )
    return found


def test_padding_makes_no_difference(model: Trained) -> None:
    reads, written = read_all(model)
    together = log_probabilities(model, reads, written)
    assert len({len(one.pieces[0]) for one in reads}) == 4 and len({len(one.items) for one in reads}) == 3
    for i, (read, actions) in enumerate(zip(reads, written, strict=True)):
        (alone,) = log_probabilities(model, [read], [actions])
        assert len(alone) == len(together[i])
        for one, other in zip(alone, together[i], strict=True):
            assert one == pytest.approx(other, abs=1e-4)
            assert sum(torch.tensor(list(one.values())).exp()) == pytest.approx(1, abs=1e-4)


def test_padding_makes_no_difference_to_words_unlike_every_item(model: Trained) -> None:
    table = model.network.encoder.words.weight
    short, long = schema(feature("x"), classes=()), schema(feature("a very long name of a column"), classes=())
    pieces, (catalogue, _) = tiny_pieces(), model.shelf()
    kept = table.data.clone()
    try:
        table.data[:] = kept[5]
        table.data[pieces.text("z")[1]] = -kept[5]
        reads = [Read.of(Page.of("z", one), pieces) for one in (short, long)]
        found = [model.network._alike(make_batch(some, pieces, catalogue)) for some in (reads[:1], reads)]
    finally:
        table.data[:] = kept
    assert found[0][0, 0, 0] == found[1][0, 0, 0]


def test_the_loss_is_what_the_right_actions_have(model: Trained) -> None:
    reads, written = read_all(model)
    catalogue, shelf = model.shelf()
    batch = make_batch(reads, model.pieces, catalogue)
    loss = model.network(batch, make_lesson(batch, written, catalogue), shelf, model.items(batch.texts))
    shares = [
        sum(torch.tensor([scores[action] for action in choices]).exp())
        for scored, actions in zip(log_probabilities(model, reads, written), written, strict=True)
        for scores, choices in zip(scored, actions, strict=True)
    ]
    assert float(loss.detach()) == pytest.approx(-float(torch.tensor(shares).log().mean()), abs=1e-4)


def lesson_of(model: Trained) -> tuple[Batch, Lesson, list[Written]]:
    reads, written = read_all(model)
    catalogue, _ = model.shelf()
    batch = make_batch(reads, model.pieces, catalogue)
    return batch, make_lesson(batch, written, catalogue), written


def test_a_lesson_allows_what_the_grammar_does(model: Trained) -> None:
    batch, lesson, written = lesson_of(model)
    catalogue, _ = model.shelf()
    size = len(catalogue.actions) + batch.candidates
    for i, actions in enumerate(written):
        grammar, place = Grammar(batch.reads[i].offer), batch.places[i]
        names = {**catalogue.index, **place}
        for t, choices in enumerate(actions):
            allowed = allowed_mask(grammar.allowed(), place, catalogue, size)
            assert [bool(one) for one in allowed] == lesson.allowed[i, t].tolist()
            assert {action for action, at in names.items() if lesson.right[i, t, at]} == set(choices)
            assert all(action in grammar.allowed() for action in choices)
            grammar.push(choices[0])
        assert lesson.there[i].sum() == len(actions) and not lesson.there[i, len(actions) :].any()
        assert grammar.done


def test_every_candidate_has_a_place_of_its_own(model: Trained) -> None:
    batch, _, _ = lesson_of(model)
    common = len(model.shelf()[0].actions)
    for read, place in zip(batch.reads, batch.places, strict=True):
        assert len(set(place.values())) == len(place)
        assert len(place) == len(read.items) + len(read.page.numbers) + len(read.page.question.words)
        assert all(common <= at < common + batch.candidates for at in place.values())


def test_what_a_question_follows_is_known(model: Trained) -> None:
    batch, _, _ = lesson_of(model)
    catalogue, _ = model.shelf()
    for one, tool in zip(examples(), batch.earlier_tool.tolist(), strict=True):
        assert (catalogue.actions[tool] == ("T", one.earlier[-1].tool)) if one.earlier else tool == -1


@pytest.mark.parametrize("question", ODD_QUESTIONS)
def test_every_word_has_a_first_piece(question: str) -> None:
    page = Page.of(question, odd_schemas()["one feature"])
    before, pieces = "and what was asked before", tiny_pieces()
    ids, kinds, first = pieces.words([word.text for word in page.question.words], before)
    assert len(ids) == len(kinds) <= 160 and len(first) == len(page.question.words)
    assert all(0 < one < len(ids) for one in first)
    assert kinds == sorted(kinds) and (len(ids) == 160 or kinds.count(1) == len(pieces.text(before)) - 1)


def test_words_and_pieces_go_together() -> None:
    pieces = tiny_pieces()
    tokenizer: Any = pieces._tokenizer
    ids, _, first = pieces.words(["row", "Qqx", "12"])
    names = [tokenizer.id_to_token(one) for one in ids]
    assert (names[0], names[first[0]], names[first[2]], names[-1]) == ("[CLS]", "row", "1", "[SEP]")
    assert names[first[1] : first[2]] == ["q", "##q", "##x"]
