"""What a language model costs: prices per 1,000,000 tokens, from the user's own file. None are built in.

The file that ASKWHY_PRICES names, in whatever currency the contract is in:

    currency = "EUR"

    [[model]]
    name = "openai:gpt-5-mini"     # as answers report the engine, or a pattern such as "ollama:*"
    input = 0.25
    output = 2.0
"""

from __future__ import annotations

import os
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from askwhy.tools.errors import ToolError
from askwhy.tools.value import Value

PRICES = "ASKWHY_PRICES"
"""Environment variable: the user's TOML file of prices."""

PER = 1_000_000


class Price(Value):
    """What 1,000,000 tokens cost that a model reads (input) and writes (output). `name` is an engine, or a pattern."""

    model_config = ConfigDict(allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=300)
    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """What so many tokens cost."""
        return (self.input * tokens_in + self.output * tokens_out) / PER


class Prices(Value):
    """A list of prices in one currency."""

    currency: str = Field(min_length=1, max_length=12)
    model: tuple[Price, ...] = ()

    def of(self, engine: str) -> Price | None:
        """The price of this very name, else of the first pattern that fits; None where it is not known."""
        exact = (one for one in self.model if one.name == engine)
        fitting = (one for one in self.model if fnmatchcase(engine, one.name))
        return next(exact, None) or next(fitting, None)


def load_prices() -> Prices | None:
    """The user's prices, None where no file is named. Raises ToolError for a file that cannot be used."""
    name = os.environ.get(PRICES)
    if not name:
        return None
    try:
        return Prices.model_validate(tomllib.loads(Path(name).read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ToolError(f"{PRICES} names a file that cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ToolError(f"The prices that {PRICES} names cannot be used: {where}: {first['msg']}") from None
