"""What a local model can call in an investigation: what it points at exists, whatever it writes."""

from __future__ import annotations

import functools
import json
import random
import time
from pathlib import Path
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
import pytest
import toy_subjects
from borne_out import assert_borne_out
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from tiny_causal import tiny_causal, tiny_words

from askwhy.agent.accounting import Meter
from askwhy.agent.investigate.allowance import Allowance
from askwhy.agent.investigate.graph import offered
from askwhy.agent.investigate.notebook import Notebook
from askwhy.agent.local.chat import LocalChat
from askwhy.agent.local.grammar import calls_grammar
from askwhy.agent.local.pointers import Pointers, pointers
from askwhy.agent.local.prompt import asked
from askwhy.agent.run import Runner
from askwhy.agent.session import Session
from askwhy.tools.subject import Subject

QUESTION = "explain “slow and dull” or applicant 12, its worst mistake, and 7.5"
STEPS = {
    "binary": (("mistakes", {"what": "sample", "k": 2}), ("worst_group", {}), ("importance", {"k": 3})),
    "text": (("similar_text", {"text": "a dull film", "k": 3}), ("count", {})),
}


@functools.cache
def words() -> Any:
    return llguidance.hf.from_tokenizer(tiny_words())


@functools.cache
def subject(name: str) -> Subject:
    return toy_subjects.binary() if name == "binary" else toy_subjects.text()


@functools.cache
def looked_into(name: str) -> tuple[Notebook, tuple[BaseMessage, ...]]:
    """An investigation after three steps, and its conversation."""
    notebook = Notebook(
        subject=subject(name), runner=Runner(), allowance=Allowance(), on_step=lambda told: None,
        cancelled=lambda: False, deadline=time.monotonic() + 3600, tab=Meter().tab(),
    )  # fmt: skip
    said: list[BaseMessage] = [HumanMessage(QUESTION)]
    for number, (tool, args) in enumerate(STEPS[name]):
        found = notebook.perform(tool, args)
        assert not found.problems, found.problems
        call = {"name": tool, "args": args, "id": f"c{number}", "type": "tool_call"}
        said += [AIMessage(content="", tool_calls=[call])]
        said += [ToolMessage(found.text, tool_call_id=f"c{number}", name=tool, artifact=found)]
    return notebook, tuple(said)


def schemas(name: str) -> list[dict[str, Any]]:
    """The tools on offer, as LangChain binds them."""
    return [convert_to_openai_tool(one) for one in offered(subject(name).schema)]


def matcher(name: str, found: Pointers) -> Any:
    made = llguidance.LLMatcher(words(), calls_grammar(schemas(name), subject(name).schema, found=found))
    assert not made.is_error(), made.get_error()
    return made


def accepts(made: Any, *calls: tuple[str, dict[str, Any]]) -> bool:
    """Whether these calls are a whole reply."""
    one = made.deep_copy()
    said = [{"name": name, "arguments": arguments} for name, arguments in calls]
    tokens = words().tokenize_str(json.dumps(said, ensure_ascii=False))
    return bool(one.try_consume_tokens(tokens) == len(tokens) and one.is_accepting())


def walk(made: Any, rng: random.Random) -> list[dict[str, Any]]:
    """The calls of a walk over allowed tokens, each as likely as the others."""
    one, taken = made.deep_copy(), []
    while not one.is_stopped() and len(taken) < 4000:
        bits = np.unpackbits(np.frombuffer(one.compute_bitmask(), dtype=np.uint8), bitorder="little")
        taken.append(int(rng.choice(np.flatnonzero(bits).tolist())))
        assert one.consume_token(taken[-1])
    text = words().decode_bytes([token for token in taken if token != words().eos_token]).decode()
    calls: list[dict[str, Any]] = json.loads(text)
    return calls


@pytest.mark.parametrize(("name", "kinds"), [("binary", {"row", "group", "feature"}), ("text", {"row"})])
def test_every_random_walk_is_calls_that_can_be_run_or_the_end(name: str, kinds: set[str]) -> None:
    notebook, said = looked_into(name)
    made, rng = matcher(name, pointers(said, notebook.subject.schema)), random.Random(3)
    pointed, finished = set(), 0
    for _ in range(60):
        for call in walk(made, rng):
            if call["name"] == "finish":
                finished += 1
                assert set(call["arguments"]["steps"]) <= set(range(1, len(STEPS[name]) + 1))
                continue
            planned, step = notebook._read(call["name"], call["arguments"])
            assert (
                step.scope.row is None or step.scope.row in notebook.subject.row_ids or step.scope.row in ("12", "7.5")
            )
            assert step.scope.text in (None, "slow and dull")
            assert not step.scope.case
            pointed |= {ref.take for ref in planned.refs}
    assert pointed == kinds and finished


def test_only_what_exists_at_the_moment_is_on_offer() -> None:
    schema = subject("binary").schema
    first = matcher("binary", pointers([HumanMessage("what is wrong?")], schema))
    assert accepts(first, ("count", {})) and accepts(first, ("count", {}), ("mistakes", {}))
    assert not accepts(first, ("explain", {"row": "12"}))
    assert not accepts(first, ("finish", {"steps": [1]}))
    assert not accepts(first, ("explain", {"row": "@1.f4.row"}))
    typed = matcher("binary", pointers([HumanMessage("why was applicant 12 declined?")], schema))
    assert accepts(typed, ("explain", {"row": "12"})) and not accepts(typed, ("explain", {"row": "13"}))


def test_rows_groups_and_features_of_facts_can_be_pointed_at() -> None:
    notebook, said = looked_into("binary")
    schema = notebook.subject.schema
    found = pointers(said, schema)
    worst = notebook.evidence[0].one("mistake")
    made = matcher("binary", found)
    assert found.steps == 3 and f"@1.{worst.id}.row" in found.rows
    assert accepts(made, ("explain", {"row": f"@1.{worst.id}.row"}))
    assert accepts(made, ("mistakes", {"where": found.groups[0]})) and found.groups[0].startswith("@2.")
    assert accepts(made, ("effect", {"feature": found.features[-1]})) and found.features[-1].startswith("@3.")
    assert not accepts(made, ("explain", {"row": found.groups[0]}))
    assert not accepts(made, ("effect", {"feature": found.rows[0]}))
    assert not accepts(made, ("explain", {"row": "@4.f1.row"}))
    assert accepts(made, ("finish", {"steps": [3, 1]})) and not accepts(made, ("finish", {"steps": [4]}))
    assert not accepts(made, ("count", {}), ("finish", {"steps": [1]}))
    rows = [notebook.perform("explain", {"row": one}) for one in found.rows]
    assert next(one.evidence.scope.row for one in rows if one.evidence) == worst.row


def test_a_call_made_twice_in_vain_is_not_on_offer_any_more() -> None:
    notebook, said = looked_into("binary")
    again = {"name": "importance", "args": {"k": 3}, "id": "again", "type": "tool_call"}
    made = matcher("binary", pointers([*said, AIMessage(content="", tool_calls=[again])], notebook.subject.schema))
    assert not accepts(made, ("importance", {"k": 2})) and accepts(made, ("mistakes", {}))


def test_what_it_reads_gets_shorter_until_it_fits() -> None:
    notebook, said = looked_into("binary")
    schema = notebook.subject.schema
    question = asked([HumanMessage("ignored"), *said[1:]], schemas("binary"), schema)
    lengths = [sum(len(one["content"]) for one in form) for form in question.forms]
    assert lengths == sorted(lengths, reverse=True) and question.prompt and question.prompt.id == "local_investigate"
    first = "".join(str(said[2].text).splitlines(keepends=True)[:3])
    assert first in question.forms[0][-5]["content"]
    for form in question.forms:
        results = [
            json.loads(line) for one in form[-5:] if one["role"] == "user" for line in one["content"].split("\n")[1:]
        ]
        assert all(isinstance(one, dict) for one in results), "lines are whole"
        assert "ignored" in "".join(one["content"] for one in form)


@pytest.mark.parametrize("seed", range(3))
def test_a_model_that_knows_nothing_investigates_in_calls_that_can_be_used(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, whole = Notebook._read, []

    def noted(self: Notebook, name: str, args: Any) -> Any:
        whole.append("no")
        done = read(self, name, args)
        whole[-1] = name
        return done

    monkeypatch.setattr(Notebook, "_read", noted)
    chat = LocalChat(
        model=str(tiny_causal(tmp_path)), subject_schema=subject("binary").schema, timeout=600, temperature=1.2,
        seed=seed, max_tokens=200, name="tiny",
    )  # fmt: skip
    report = Session(subject("binary"), chat, rephrase=False).investigate(
        "look into it", allowance=Allowance(model_calls=2, tool_calls=4)
    )
    assert whole and "no" not in whole
    assert report.told and report.used.model_calls == 2 and report.used.tool_calls <= 4
    assert_borne_out(report, subject("binary").schema)
