"""Counters of this process in the text format of Prometheus: turns, verdicts, calls, tokens, cost, failures, seconds.

No label holds what a user typed or what stands in the data: labels are hops, verdicts and the currency of the prices.
"""

from __future__ import annotations

import threading
from collections import defaultdict

from askwhy.agent.answer import Answer

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper ends of the histogram of seconds."""

_COUNTERS = {
    "askwhy_turns_total": "Answers by verdict.",
    "askwhy_budget_stops_total": "Turns in which a budget kept the language model from a call.",
    "askwhy_rows_asked_total": "Rows that the explained model was asked for.",
    "askwhy_model_calls_total": "Calls of a language model by hop.",
    "askwhy_model_failures_total": "Calls of a language model without a reply, by hop.",
    "askwhy_cached_replies_total": "Replies of a language model that were had before, by hop.",
    "askwhy_model_tokens_total": "Tokens that language models read and wrote, by hop.",
    "askwhy_model_seconds_total": "Seconds that language models took, by hop.",
    "askwhy_model_cost_total": "What language models cost, where the price is known.",
}
_SECONDS = "askwhy_turn_seconds"

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters, safe to add to from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in _COUNTERS}
        self._buckets = [0] * len(BUCKETS)
        self._turns, self._seconds = 0, 0.0

    def observe(self, answer: Answer) -> None:
        """Add one answer."""
        with self._lock:
            self._add("askwhy_turns_total", 1, verdict=answer.verdict)
            self._add("askwhy_budget_stops_total", bool(answer.note))
            for hop in answer.usage.hops:
                self._add("askwhy_rows_asked_total", hop.predict_rows)
                self._add("askwhy_model_calls_total", hop.model_calls, hop=hop.hop)
                self._add("askwhy_model_failures_total", hop.failed, hop=hop.hop)
                self._add("askwhy_cached_replies_total", hop.cached, hop=hop.hop)
                self._add("askwhy_model_tokens_total", hop.tokens_in, hop=hop.hop, direction="in")
                self._add("askwhy_model_tokens_total", hop.tokens_out, hop=hop.hop, direction="out")
                self._add("askwhy_model_seconds_total", hop.model_seconds, hop=hop.hop)
                self._add("askwhy_model_cost_total", hop.cost or 0.0, currency=answer.usage.currency)
            seconds = answer.usage.seconds
            self._turns += 1
            self._seconds += seconds
            self._buckets = [n + (seconds <= end) for n, end in zip(self._buckets, BUCKETS, strict=True)]

    def text(self) -> str:
        """Everything in the text format."""
        lines = []
        with self._lock:
            for name, about in _COUNTERS.items():
                lines += [f"# HELP {name} {about}", f"# TYPE {name} counter"]
                lines += [_line(name, labels, count) for labels, count in sorted(self._counts[name].items())]
            lines += [f"# HELP {_SECONDS} Seconds from question to answer.", f"# TYPE {_SECONDS} histogram"]
            ends = [*map(str, BUCKETS), "+Inf"]
            for end, count in zip(ends, [*self._buckets, self._turns], strict=True):
                lines.append(_line(f"{_SECONDS}_bucket", (("le", end),), count))
            lines += [_line(f"{_SECONDS}_sum", (), self._seconds), _line(f"{_SECONDS}_count", (), self._turns)]
        return "\n".join(lines) + "\n"

    def _add(self, name: str, count: float, **labels: str) -> None:
        if count:
            self._counts[name][tuple(sorted(labels.items()))] += count


def _line(name: str, labels: Labels, count: float) -> str:
    said = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels)
    return f"{name}{f'{{{said}}}' if said else ''} {count:.12g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_METRICS = Metrics()


def observe(answer: Answer) -> None:
    """Count an answer of this process."""
    _METRICS.observe(answer)


def metrics_text() -> str:
    """The counters of this process, for a page named /metrics."""
    return _METRICS.text()
