"""What every question can point at: the grammar's words, and the tools with their arguments, read from the registry."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from askwhy.agent.parser.actions import WORDS, Action, arguments_of_tool
from askwhy.agent.parser.items import parted, tool_texts
from askwhy.tools.registry import Tool


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The common actions in order, and what is read of those that are not words of the grammar.

    texts: of arguments and their values, aligned with `actions[first_text:first_tool]`. asks: (tool, text) of every
    tool, its description first; tools are `actions[first_tool:]`.
    """

    actions: tuple[Action, ...]
    texts: tuple[str, ...]
    asks: tuple[tuple[int, str], ...]
    first_text: int
    first_tool: int

    @functools.cached_property
    def index(self) -> dict[Action, int]:
        """The place of every action."""
        return {action: place for place, action in enumerate(self.actions)}

    @classmethod
    def of(cls, tools: Iterable[Tool], rivals: Sequence[str] = ()) -> Catalogue:
        """For these tools; rivals: names of models that can be compared with."""
        made = list(tools)
        arguments: dict[Action, str] = {}
        values: dict[Action, str] = {}
        for one in made:
            for argument in arguments_of_tool(one):
                arguments.setdefault(("A", argument.name), f"argument {parted(argument.name)}")
                for value in argument.choices:
                    values.setdefault(("E", (argument.name, value)), f"{parted(argument.name)}: {parted(value)}")
        for name in rivals:
            values.setdefault(("E", ("model", name)), f"model: {name}")
        texts = arguments | values
        words: tuple[Action, ...] = tuple(("G", word) for word in WORDS)
        asks = tuple((place, text) for place, one in enumerate(made) for text in tool_texts(one))
        actions = (*words, *texts, *(("T", one.name) for one in made))
        return cls(actions, tuple(texts.values()), asks, len(words), len(words) + len(texts))
