"""Tools that no training has seen: registered for as long as they are asked for, each with questions that want it."""

from __future__ import annotations

import random

import pytest
import torch
from tiny_parser import tiny_model

from askwhy.agent.plan import Plan
from askwhy.evals.bank import BadBank, read_domain
from askwhy.evals.new_tools import FOLDER, new_tools
from askwhy.evals.train_shelves import Shelves
from askwhy.tools.registry import tools

(DOMAIN,) = sorted(FOLDER.glob("*.toml"))


def test_every_new_tool_has_questions_and_is_gone_afterwards() -> None:
    before = set(tools())
    with new_tools() as made:
        assert set(tools()) - before == {one.name for one in made}
        golds = [asked.gold for asked in read_domain(DOMAIN).questions]
        wanted = [gold.steps[0].tool for gold in golds if isinstance(gold, Plan)]
        assert len(wanted) == len(golds) >= 60
        assert {wanted.count(one.name) for one in made} == {10}
    assert set(tools()) == before


def test_without_them_their_questions_cannot_be_read() -> None:
    with pytest.raises(BadBank):
        read_domain(DOMAIN)


def test_a_batch_sees_a_tool_by_some_sentences_of_its_own() -> None:
    with new_tools():
        domain = read_domain(DOMAIN)
        model = tiny_model()
        shelves = Shelves(model, (), [domain], 3)
        _, whole = model.shelf()
        one, other = shelves.drawn(1), shelves.drawn(2)
        assert one.tools.shape == other.tools.shape == whole.tools.shape
        assert not torch.equal(one.tools, other.tools)
        assert set(one.owner.tolist()) == set(range(len(tools())))
        assert max(one.owner.tolist().count(place) for place in range(len(tools()))) <= 5
        place = [name for _, name in shelves.catalogue.actions[shelves.catalogue.first_tool :]].index("appeal")
        drawn = torch.cat([one.asks[one.owner == place] for one in (shelves.drawn(step) for step in range(40))])
        asked = [text for text in (asked.question for asked in domain.questions) if text]
        vectors = model.sentences(random.Random(0).sample(asked, len(asked)))
        assert (drawn @ vectors.T > 0.999).any()
