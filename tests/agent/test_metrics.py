"""Counters in the text format: what is counted, and that nobody's words get in."""

from __future__ import annotations

import re
from typing import Any

from askwhy.agent.answer import Answer, Spent, Usage
from askwhy.agent.metrics import Metrics
from askwhy.agent.plan import Decline

SECRET = 'secret" } words\nevil 1'
LINE = re.compile(r'(# (HELP|TYPE) [a-z_]+ .+)|([a-z_]+(\{([a-z]+="(\\.|[^"\\\n])*",?)+\})? [0-9.e+-]+)')


def answer(*hops: Spent, currency: str = "EUR", **more: Any) -> Answer:
    usage = Usage(hops=hops, currency=currency)
    return Answer(text=SECRET, question=SECRET, outcome=Decline(reason=SECRET), usage=usage, **more)


def test_every_answer_is_counted() -> None:
    metrics = Metrics()
    asked = Spent(
        hop="understand", seconds=0.5, model_calls=2, failed=1, cached=3, tokens_in=100, tokens_out=7, cost=0.25,
        model_seconds=0.25,
    )  # fmt: skip
    metrics.observe(answer(asked, Spent(hop="run", seconds=0.25, predict_rows=40), verdict="verified"))
    metrics.observe(answer(asked, verdict="verified", note="used up"))
    metrics.observe(answer(Spent(hop="run", seconds=100.0), verdict="declined"))
    lines = metrics.text().splitlines()
    for line in (
        'askwhy_turns_total{verdict="verified"} 2',
        'askwhy_turns_total{verdict="declined"} 1',
        "askwhy_budget_stops_total 1",
        "askwhy_rows_asked_total 40",
        'askwhy_model_calls_total{hop="understand"} 4',
        'askwhy_model_failures_total{hop="understand"} 2',
        'askwhy_cached_replies_total{hop="understand"} 6',
        'askwhy_model_tokens_total{direction="in",hop="understand"} 200',
        'askwhy_model_tokens_total{direction="out",hop="understand"} 14',
        'askwhy_model_seconds_total{hop="understand"} 0.5',
        'askwhy_model_cost_total{currency="EUR"} 0.5',
        'askwhy_turn_seconds_bucket{le="0.25"} 0',
        'askwhy_turn_seconds_bucket{le="0.5"} 1',
        'askwhy_turn_seconds_bucket{le="1.0"} 2',
        'askwhy_turn_seconds_bucket{le="60.0"} 2',
        'askwhy_turn_seconds_bucket{le="+Inf"} 3',
        "askwhy_turn_seconds_sum 101.25",
        "askwhy_turn_seconds_count 3",
    ):
        assert line in lines


def test_the_format_holds_and_nobodys_words_are_in_it() -> None:
    metrics = Metrics()
    metrics.observe(answer(Spent(hop="run", seconds=1, cost=1.0), currency='E"U\\R\n', verdict="verified"))
    text = metrics.text()
    assert "secret" not in text and text.endswith("\n")
    assert all(LINE.fullmatch(line) for line in text.splitlines())
    assert 'currency="E\\"U\\\\R\\n"' in text


def test_what_was_not_seen_is_not_made_up() -> None:
    lines = Metrics().text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        *(f'askwhy_turn_seconds_bucket{{le="{end}"}} 0' for end in (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)),
        'askwhy_turn_seconds_bucket{le="+Inf"} 0',
        "askwhy_turn_seconds_sum 0",
        "askwhy_turn_seconds_count 0",
    ]
