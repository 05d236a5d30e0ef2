"""Lessons for a small model say what the bank means; packs have the loss of their lessons; training goes on."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from askwhy.agent.plan import Clarify, Plan
from askwhy.evals.bank import QUESTIONS, Domain, read_domain
from askwhy.evals.lora_packs import Encoded, Lesson, encoded, loss_of, pack
from askwhy.evals.lora_plan import kept, known, plan_lessons, read_reply, target_of
from askwhy.evals.train_lora import Lessons, train
from askwhy.evals.typed import same

LESSONS = (
    Encoded(prompt=(5, 6, 7, 8, 9), target=(20, 21, 2)),
    Encoded(prompt=(5, 6, 7, 30), target=(22, 2)),
    Encoded(prompt=(5, 6, 7, 31, 32, 33), target=(23, 24, 25, 2)),
)


@pytest.fixture
def tiny() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, max_position_embeddings=64,
        )
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def domain() -> Domain:
    return read_domain(QUESTIONS / "coffee_score.toml")


def test_most_targets_read_back_are_the_plans_of_the_bank(domain: Domain) -> None:
    found = [(asked, target_of(asked.gold, domain.schema)) for asked in domain.questions]
    told = [(asked, target) for asked, target in found if target is not None]

    assert len(told) >= 0.9 * len(found)  # what points at an earlier step cannot be said by calls
    for asked, target in told:
        meant = read_reply(target, domain.schema)
        assert meant is not None
        assert same(meant, [asked.gold])
    assert {type(asked.gold) for asked, _ in told} >= {Plan, Clarify}


def test_what_points_at_an_earlier_step_is_no_lesson(domain: Domain) -> None:
    pointing = [one for one in domain.questions if isinstance(one.gold, Plan) and any(s.refs for s in one.gold.steps)]

    assert pointing
    assert all(target_of(one.gold, domain.schema) is None for one in pointing)


def test_a_lesson_shows_names_and_the_turn_before_but_never_the_reply(domain: Domain) -> None:
    rng = random.Random(0)
    found = list(plan_lessons(domain, 40, rng, lambda grammar, text: True))
    assert found == list(plan_lessons(domain, 40, random.Random(0), lambda grammar, text: True))
    assert not list(plan_lessons(domain, 40, random.Random(0), lambda grammar, text: False))

    for one in found:
        system, *before, (role, question) = one.said
        assert (system[0], role) == ("system", "user")
        assert 'f0 "altitude"' in system[1]
        assert one.target not in question
        assert len(before) in (0, 2)
        assert known(kept(one)) == one
    assert any(len(one.said) == 4 for one in found)


def test_text_that_is_no_list_of_calls_means_nothing(domain: Domain) -> None:
    for text in ("", "[]", "no", "{}", '[{"name": "count"}]', '[{"name": "rm", "arguments": {}}]', "[1]", "null"):
        assert read_reply(text, domain.schema) is None
    meant = read_reply('[{"name": "count", "arguments": {"where": {"all": []}}}]', domain.schema)
    assert isinstance(meant, Plan)


def test_a_pack_has_the_loss_of_its_lessons_one_by_one(tiny: Any) -> None:
    together = pack(LESSONS)
    with torch.no_grad():
        alone = sum(float(loss_of(tiny, pack([one]))) * len(one.target) for one in LESSONS)
    tokens = sum(len(one.target) for one in LESSONS)

    assert together.tokens.shape == (1, 3 + (2 + 2) + (1 + 1) + (3 + 3))  # the shared beginning stands there once
    assert loss_of(tiny, together).item() == pytest.approx(alone / tokens, abs=1e-5)


def test_a_token_sees_no_other_lesson(tiny: Any) -> None:
    other = (LESSONS[0], Encoded(prompt=(5, 6, 7, 60), target=(61, 2)), LESSONS[2])
    places = len(LESSONS[0].target)
    with torch.no_grad():
        first, second = (
            tiny(input_ids=one.tokens, position_ids=one.positions, attention_mask=one.sees, logits_to_keep=one.places)
            .logits[0, :places]
            for one in (pack(LESSONS), pack(other))
        )  # fmt: skip

    assert torch.allclose(first, second, atol=1e-6)


def test_training_learns_and_goes_on_where_it_stopped(tiny: Any, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    lessons = Lessons(train=(LESSONS,), dev=(LESSONS[:2],))
    state = {name: one.clone() for name, one in tiny.state_dict().items()}

    assert train(tmp_path / "a", tiny, lessons, steps=2, minutes=1) == 2
    curve = [json.loads(line) for line in (tmp_path / "a" / "curve.jsonl").read_text().splitlines()]
    assert [one["steps"] for one in curve] == [2]
    assert (tmp_path / "a" / "2" / "adapter_model.safetensors").is_file()

    from transformers import LlamaForCausalLM

    fresh = LlamaForCausalLM(tiny.config).eval()
    fresh.load_state_dict({name.replace(".base_layer", ""): one for name, one in state.items()})
    assert train(tmp_path / "a", fresh, lessons, steps=12, minutes=1) == 12
    curve = [json.loads(line) for line in (tmp_path / "a" / "curve.jsonl").read_text().splitlines()]
    assert [one["steps"] for one in curve] == [2, 12]
    assert curve[1]["dev_loss"] < curve[0]["dev_loss"]


def test_a_lesson_is_encoded_in_the_template_of_the_model() -> None:
    class Tokenizer:
        eos_token_id = 1

        def apply_chat_template(self, said: list[dict[str, str]], **options: Any) -> str:
            assert options == {"add_generation_prompt": True, "tokenize": False}
            return "".join(f"{one['role'][0]}{one['content']}" for one in said) + "a"

        def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
            assert not add_special_tokens
            return {"input_ids": [ord(one) for one in text]}

    one = encoded(Lesson("g", (("system", "x"), ("user", "y")), "z"), Tokenizer())

    assert one == Encoded(prompt=tuple(map(ord, "sxuya")), target=(ord("z"), 1))
