"""Prices come from the user's file, or there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from askwhy.agent.prices import PRICES, Price, Prices, load_prices
from askwhy.tools.errors import ToolError

FILE = """
currency = "EUR"

[[model]]
name = "openai:*"
input = 1.0
output = 4

[[model]]
name = "openai:small"
input = 0.25
output = 2.0
"""


def named(folder: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    path = folder / "prices.toml"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(PRICES, str(path))


def test_there_are_no_prices_but_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PRICES, raising=False)
    assert load_prices() is None


def test_the_very_name_comes_before_a_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(tmp_path, monkeypatch, FILE)
    prices = load_prices()
    assert prices is not None and prices.currency == "EUR"
    assert prices.of("openai:small") == Price(name="openai:small", input=0.25, output=2)
    assert prices.of("openai:large") == Price(name="openai:*", input=1, output=4)
    assert prices.of("ollama:small") is None
    assert Prices(currency="EUR").of("openai:small") is None


def test_a_price_is_for_a_million_tokens() -> None:
    assert Price(name="x", input=0.25, output=2.0).cost(1_000_000, 500_000) == 0.25 + 1.0
    assert Price(name="x", input=3.0, output=15.0).cost(1000, 100) == pytest.approx(0.003 + 0.0015)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("currency = ", "cannot be read"),
        ("[[model]]\nname = 'x'\ninput = 1\noutput = 1", "currency"),
        ("currency = 'EUR'\n[[model]]\nname = 'x'\ninput = -1\noutput = 1", "model.0.input"),
        ("currency = 'EUR'\n[[model]]\nname = 'x'\ninput = nan\noutput = 1", "model.0.input"),
        ("currency = 'EUR'\n[[model]]\nname = 'x'\ninput = 1", "model.0.output"),
        ("currency = 'EUR'\n[[price]]\nname = 'x'", "price"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    content: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(tmp_path, monkeypatch, content)
    with pytest.raises(ToolError, match=problem):
        load_prices()


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRICES, str(tmp_path / "absent.toml"))
    with pytest.raises(ToolError, match="cannot be read"):
        load_prices()
