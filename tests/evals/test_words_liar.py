"""A quick slice of the lies: what the scripted liar writes is false, and none of it gets through."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request

import pytest
from verify_cases import CASES

from askwhy.agent.skeleton import filled, skeleton
from askwhy.agent.verbalize import verbalize
from askwhy.evals import words_liar
from askwhy.evals.words_answers import TrueAnswer
from askwhy.evals.words_liar import COLUMNS, Case, Tally, Writing, cases_of, liar_part, scripted_chat
from askwhy.evals.words_lies import KINDS, Told, free_lies, honest, lies, narrated
from askwhy.evals.words_wire import served


def answers() -> list[TrueAnswer]:
    return [TrueAnswer(name, one.plan, one.evidence, one.schema) for name, one in sorted(CASES.items())]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return cases_of(answers())


def test_every_lie_has_a_kind_and_differs_from_the_truth_it_is_put_into(cases: list[Case]) -> None:
    rng = random.Random(0)
    kinds = set()
    for case in cases:
        for _ in range(4):
            for one in lies(case.bones, case.true, rng):
                kinds.add(one.lie)
                assert one.text not in (case.bones.text, *case.true)
    assert kinds <= set(KINDS) and len(kinds) >= 12


def test_the_honest_writer_keeps_every_placeholder(cases: list[Case]) -> None:
    for case in cases:
        for seed in range(3):
            text = honest(case.bones, random.Random(seed))
            told = {claim.facts for claim in filled(text, case.bones).claims}
            assert told == {claim.facts for claim in filled(case.bones.text, case.bones).claims}


def test_the_narrator_tells_reasons_in_words_of_its_own() -> None:
    case = CASES["explain"]
    bones = skeleton(verbalize(case.evidence, case.schema), case.evidence, case.schema)
    story = narrated(bones, random.Random(1))
    assert story is not None and "What moves" not in story
    assert "the most" in story or "48 months" in filled(story, bones).text


def test_some_lies_disregard_the_placeholders(cases: list[Case]) -> None:
    told = [one for case in cases for one in free_lies(case.bones, case.draft.text, 1)]
    assert len({one.lie for one in told}) >= 8
    assert all("{" not in one.text for one in told)


def test_a_tally_counts_a_lie_that_gets_out_and_then_has_no_bound(cases: list[Case]) -> None:
    case, tally = cases[0], Tally()
    tally.note([Told("nonsense", "a kind"), Told("nonsense", "a kind")], case.rephrased(_chat("nonsense", "nonsense")))
    assert (tally.texts, tally.lies, tally.templates, tally.bound) == (2, 2, 1, 1.5)
    tally.note([Told(case.bones.text, "said to be a lie")], case.rephrased(_chat(case.bones.text)))
    assert len(tally.got_out) == 1 and tally.bound is None


def _chat(*texts: str) -> object:
    return scripted_chat([Told(one, "") for one in texts])


def test_a_few_hundred_lies_and_none_gets_out(cases: list[Case]) -> None:
    tally = words_liar._in_process(Writing(cases, random.Random(5)), 300)
    assert tally.texts >= 300 and tally.lies > 200
    assert tally.got_out == []
    assert tally.accepted["true"] > 0


def test_the_part_has_rows_for_the_table_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.setattr(words_liar, "answers_of", lambda name: answers())
    monkeypatch.setattr(words_liar, "_QUICK", (40, 6, 0))
    rows, figures, passed = liar_part(quick=True)
    assert passed and figures["liar_lies_that_reach_the_reader"] == 0
    assert all(len(row) == len(COLUMNS) for row in rows)
    alone = figures["liar_prose_check_alone"]
    assert isinstance(alone, float) and 0 <= alone < 1
    json.dumps(figures)


def test_the_server_speaks_and_counts_and_survives_a_failing_writer() -> None:
    def reply(messages: list[dict[str, object]]) -> str:
        if messages[0]["content"] == "fail":
            raise RuntimeError("as asked")
        return str(messages[0]["content"]).upper()

    with served(reply) as server:
        url = server.name.removeprefix("openai-compatible@").partition("#")[0] + "/chat/completions"
        assert _post(url, "hello")["choices"][0]["message"]["content"] == "HELLO"
        with pytest.raises(urllib.error.HTTPError, match="500"):
            _post(url, "fail")
        assert server.requests == 2


def _post(url: str, content: str) -> dict[str, list[dict[str, dict[str, str]]]]:
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body)) as reply:
        found: dict[str, list[dict[str, dict[str, str]]]] = json.load(reply)
    return found
