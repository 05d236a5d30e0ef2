"""Training: lessons by seed and in batches of like length, steps that can be gone on from, and golds left alone."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_parser import gold, tiny_network, tiny_pieces

from askwhy.agent.parser import trained
from askwhy.agent.parser.batch import Batch, Lesson, Pieces
from askwhy.agent.parser.catalogue import Catalogue
from askwhy.agent.parser.network import Network
from askwhy.agent.plan import Plan
from askwhy.evals import train_parser
from askwhy.evals.bank import QUESTIONS, Asked, Domain, read_domain
from askwhy.evals.train_parser import Example, ahead, examples_of, lessened, lessons
from askwhy.tools.registry import tools

NAMES = ("apartment_rent", "telecom_churn", "app_stars")


@pytest.fixture(scope="module")
def domains() -> tuple[Domain, ...]:
    return tuple(read_domain(QUESTIONS / f"{name}.toml") for name in NAMES)


@pytest.fixture(scope="module")
def catalogue(domains: tuple[Domain, ...]) -> Catalogue:
    return Catalogue.of(tools().values(), sorted({name for domain in domains for name in domain.schema.rivals}))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_DOMAINS": 2, "_EACH": 3, "_POOL": 3}.items():
        monkeypatch.setattr(train_parser, name, value)


def some(domains: tuple[Domain, ...], catalogue: Catalogue, seed: int, count: int = 8) -> list[tuple[Batch, Lesson]]:
    return list(itertools.islice(lessons(domains, tiny_pieces(), catalogue, seed), count))


def questions(batch: Batch) -> list[str]:
    return [read.page.question.text for read in batch.reads]


def lengths(batch: Batch) -> list[int]:
    return [len(read.pieces[0]) for read in batch.reads]


def test_the_same_seed_gives_the_same_lessons(domains: tuple[Domain, ...], catalogue: Catalogue) -> None:
    one, two, other = (some(domains, catalogue, seed, 4) for seed in (5, 5, 6))
    assert [questions(batch) for batch, _ in one] == [questions(batch) for batch, _ in two]
    assert [questions(batch) for batch, _ in one] != [questions(batch) for batch, _ in other]
    for (batch, lesson), (again, repeated) in zip(one, two, strict=True):
        assert torch.equal(batch.ids, again.ids) and torch.equal(batch.matched, again.matched)
        assert torch.equal(lesson.right, repeated.right) and torch.equal(lesson.before, repeated.before)


def test_a_batch_holds_questions_as_long_as_each_other(domains: tuple[Domain, ...], catalogue: Catalogue) -> None:
    batches = [lengths(batch) for batch, _ in some(domains, catalogue, 7, 24)]
    for start in range(0, len(batches), 3):  # those that were sorted together
        parts = sorted(batches[start : start + 3], key=lambda part: (max(part), min(part)))
        assert all(max(one) <= min(two) for one, two in itertools.pairwise(parts))
        assert all(3 <= len(part) <= 6 for part in parts)


def test_every_lesson_can_be_learnt(domains: tuple[Domain, ...], catalogue: Catalogue) -> None:
    for batch, lesson in some(domains, catalogue, 8):
        assert not (lesson.right & ~lesson.allowed).any()
        assert torch.equal(lesson.right.any(-1), lesson.there)
        assert (lesson.before[:, 0] == -1).all() and (lesson.before[:, 1:][lesson.there[:, 1:]] >= 0).all()
        assert lesson.right.shape[2] == len(catalogue.actions) + batch.candidates


def test_a_follow_up_is_read_with_the_plan_before_it(domains: tuple[Domain, ...]) -> None:
    plan, other = gold("count ; where age > 40"), gold("explain ; row 3")
    assert isinstance(plan, Plan) and isinstance(other, Plan)
    asked = [Asked("how many?", (plan,), 1), Asked("hm", (gold("ask row"),), 2), Asked("and 3", (other,), 3)]
    schema = domains[0].schema
    found = examples_of(Domain("d", schema, (tuple(asked), (asked[2],))))
    assert found == [
        Example(schema, asked[0]), Example(schema, asked[1], plan.steps, "how many?"),
        Example(schema, asked[2], plan.steps, "how many?"), Example(schema, asked[2]),
    ]  # fmt: skip


def test_a_lessened_schema_means_the_same(domains: tuple[Domain, ...]) -> None:
    for schema, seed in itertools.product((one.schema for one in domains), range(5)):
        less = lessened(schema, random.Random(seed))
        assert sorted(less.names) == sorted(schema.names)
        for one in less.features:
            whole = schema.feature(one.name)
            assert set(one.words()) <= set(whole.words())
            assert [two.value for two in one.categories] == [two.value for two in whole.categories]
        assert [one.name for one in less.classes] == [one.name for one in schema.classes]


def test_what_fails_ahead_fails_here() -> None:
    def failing() -> Iterator[tuple[Batch, Lesson]]:
        raise ValueError("a lesson that cannot be made")
        yield

    with pytest.raises(ValueError, match="cannot be made"):
        next(ahead(failing()))


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bank of two domains, a network that is small, and nothing that depends on when a step is made."""

    def start(packed: bool = False) -> tuple[Network, Pieces]:
        return tiny_network(), tiny_pieces()

    folder = tmp_path / "questions"
    folder.mkdir()
    for name, end in itertools.product(NAMES[:2], (".toml", ".txt")):
        text = (QUESTIONS / f"{name}{end}").read_text()
        (folder / f"{name}{end}").write_text(text if end == ".toml" else "\n\n".join(text.split("\n\n")[:40]))
    held = {"QUESTIONS": folder, "DEVELOPMENT": (), "start": start, "_FROZEN": 0, "_SHELF_EVERY": 1, "_WARM": 2}
    for attribute, value in held.items():
        monkeypatch.setattr(train_parser, attribute, value)
    return folder


def train(folder: Path, steps: int, minutes: float = 1e6, seed: int = 0) -> dict[str, torch.Tensor]:
    train_parser.train(folder, minutes, steps, 1e-2, seed, False)
    return load_file(folder / "network.safetensors")


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.usefixtures("bank")
def test_the_same_steps_give_the_same_weights(tmp_path: Path) -> None:
    one, two, other = train(tmp_path / "a", 2), train(tmp_path / "b", 2), train(tmp_path / "c", 2, seed=1)
    assert equal(one, two) and not equal(one, other)
    start = tiny_network().state_dict()
    moved = {name for name in start if not torch.equal(start[name], one[name])}
    assert "pointer.weight" in moved and "encoder.layers.0.into.weight" in moved
    assert not {name for name in moved if name.startswith(("encoder.words", "encoder.places", "encoder.norm"))}


class Clock:
    """A clock that moves by a minute with every lesson."""

    minutes = 0

    def monotonic(self) -> float:
        return 60.0 * self.minutes


@pytest.mark.usefixtures("bank")
def test_going_on_is_as_if_it_had_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domains: tuple[Domain, ...], catalogue: Catalogue
) -> None:
    prepared, clock = some(domains[:2], catalogue, 3, 4), Clock()

    def from_step(*given: object) -> Iterator[tuple[Batch, Lesson]]:
        for one in prepared[int(str(given[-1])) :]:  # the seed is moved on by the steps that are done
            clock.minutes += 1
            yield one

    monkeypatch.setattr(train_parser, "lessons", from_step)
    monkeypatch.setattr(train_parser, "ahead", lambda source: source)
    monkeypatch.setattr(train_parser, "time", clock)
    monkeypatch.setattr(trained, "Catalogue", type("Fixed", (), {"of": lambda made, rivals: catalogue}))
    straight = train(tmp_path / "straight", 4)
    stopped = train(tmp_path / "stopped", 4, minutes=2)
    assert json.loads((tmp_path / "stopped" / "state.json").read_text()) == {"steps": 2}
    assert not equal(straight, stopped)
    assert equal(straight, train(tmp_path / "stopped", 4))
    assert json.loads((tmp_path / "stopped" / "state.json").read_text()) == {"steps": 4}
