"""Which piece of a plan can follow which: a plan that is written by these rules can be read."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from askwhy.agent.parser.actions import (
    ASKS,
    CHANGES,
    DECLINES,
    EDITS,
    MANNERS,
    MAX_STEPS,
    OPS,
    Action,
    Argument,
    Offer,
    arguments_of_tool,
    takes,
)
from askwhy.tools.registry import Tool


@dataclass
class Allowed:
    """What may come next: single actions, and whole groups (of features and numbers, those given)."""

    single: set[Action] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    features: frozenset[int] | None = None
    numbers: frozenset[int] | None = None
    words_from: int = 0

    def __contains__(self, action: Action) -> bool:
        group, index = action
        if action in self.single:
            return True
        if group not in self.groups:
            return False
        if group == "F" and self.features is not None:
            return index in self.features
        if group == "N" and self.numbers is not None:
            return index in self.numbers
        return not (group == "W" and index < self.words_from)

    def say(self, *words: str) -> None:
        """Allow words of the grammar."""
        self.single |= {("G", word) for word in words}


class Grammar:
    """Reads actions one by one and says which may follow."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.done = False
        self.steps = 0
        self._expected: list[str] = ["start"]
        self._tool: Tool | None = None
        self._stage = 0
        self._given: set[str] = set()
        self._closed: set[str] = set()
        self._argument: Argument | None = None
        self._about = self._pinned = self._changed = self._selected = False
        self._last = (False, False, False)  # the step before: whether pinned, changed, about anything
        self._first_word = self._feature = 0
        self._again = False
        self._manners: set[str] = set()

    def copy(self) -> Grammar:
        """Another one that has read the same."""
        other = copy(self)
        other._expected, other._given = list(self._expected), set(self._given)
        other._closed, other._manners = set(self._closed), set(self._manners)
        return other

    def allowed(self) -> Allowed:
        """What may come next; nothing once the plan is complete."""
        found = Allowed()
        if not self.done:
            getattr(self, f"_{self._expected[-1]}")(found)
        return found

    def push(self, action: Action) -> None:
        """Read an action. Raises ValueError for one that may not come here."""
        if action not in self.allowed():
            raise ValueError(
                f"{action} may not come where {self._expected[-1] if self._expected else 'nothing'} is due"
            )
        state = self._expected.pop()
        getattr(self, f"_after_{state}", self._after_leaf)(*action)

    # what may come, by what is expected

    def _start(self, found: Allowed) -> None:
        self._tool_name(found)
        found.say(*(f"ask:{what}" for what in ASKS), *(f"no:{reason}" for reason in DECLINES))

    def _tool_name(self, found: Allowed) -> None:
        found.single |= {("T", name) for name, made in self.offer.tools.items() if self._sayable(made)}

    def _sayable(self, made: Tool) -> bool:
        """Whether there is what the tool cannot do without."""
        if made.needs == "changes" and not (self._changeable or self.offer.kept):
            return False
        if made.needs == "instance" and not self._pinnable:
            return False
        return all(self._possible(made, one) for one in arguments_of_tool(made) if one.required)

    @property
    def _changeable(self) -> bool:
        return bool(self.offer.words) if self.offer.is_text else bool(self.offer.numeric) or self.offer.valued

    @property
    def _pinnable(self) -> bool:
        """Whether there is a way to say which instance; `from:1` alone is none for the first step."""
        offer = self.offer
        return offer.nameable or offer.pinned or self._last[0] or (self._changeable and not offer.is_text)

    def _body(self, found: Allowed) -> None:
        tool = self._tool
        assert tool is not None
        if tool.needs != "nothing":
            self._scope(found, tool)
        if (tool.needs == "instance" and not self._pinned) or (tool.needs == "changes" and not self._changed):
            return  # what comes next leaves the scope behind
        if self._stage <= 3:
            for one in arguments_of_tool(tool):
                open_ = one.name not in self._given or (one.many and one.name not in self._closed)
                if open_ and self._possible(tool, one):
                    found.single.add(("A", one.name))
        if all(one.name in self._given for one in arguments_of_tool(tool) if one.required):
            found.say(*(one for one in MANNERS if one.split(":")[0] not in self._manners), "end")
            if self.steps < MAX_STEPS:
                found.say("next")

    def _scope(self, found: Allowed, tool: Tool) -> None:
        if self._stage == 0:
            self._instances(found, tool)
        if self._stage <= 1 and not self._selected and not self._pinned and tool.needs != "instance":
            found.say("where")
        if self._stage == 1 and self._selected:
            found.say("and", "or")
        if self._stage <= 2 and (tool.needs != "instance" or self._pinned):
            found.say(*(("change",) if self._changeable else ()))
            found.say(*(("kept",) if self.offer.kept and self._stage < 2 else ()))

    def _instances(self, found: Allowed, tool: Tool) -> None:
        offer = self.offer
        if not offer.is_text and self._changeable:
            found.say("case")
        if self._about:  # the user's own case goes on
            return
        found.say(*(("row",) if offer.nameable else ()), *(f"from:{step}" for step in range(1, self.steps)))
        if offer.is_text and offer.words:
            found.say("text")
        pinned, _, said = self._last
        if pinned or (tool.needs != "instance" and said):
            found.say("same")
        if offer.pinned or (tool.needs != "instance" and offer.earlier):
            found.say("before")

    def _possible(self, made: Tool, one: Argument) -> bool:
        if one.kind == "number":
            return bool(self._fitting(made, one))
        if one.kind == "text":
            return self.offer.nameable or self.offer.valued
        return one.kind != "class" or bool(self.offer.classes)

    def _fitting(self, made: Tool, one: Argument) -> frozenset[int]:
        """The numbers that an argument can be."""
        return frozenset(i for i, value in enumerate(self.offer.numbers) if takes(made, one.name, value))

    def _id(self, found: Allowed) -> None:
        found.groups |= {"N", "W"}
        found.numbers = self.offer.written

    def _span(self, found: Allowed) -> None:
        found.groups.add("W")

    def _span_end(self, found: Allowed) -> None:
        found.groups.add("W")
        found.words_from = self._first_word

    def _number(self, found: Allowed) -> None:
        found.groups.add("N")

    def _cell(self, found: Allowed) -> None:
        found.groups |= {"F", "C"}
        found.features = self.offer.numeric

    def _condition(self, found: Allowed) -> None:
        found.groups |= {"F", "C"} | ({"P"} if self.offer.groups else set())
        found.say("predicted", "actual", "correct", "wrong", *(("id",) if self.offer.nameable else ()))
        if self.offer.valued:
            found.say("ne")
        if self.offer.is_text and self.offer.words:
            found.say("contains", "lacks")

    def _category(self, found: Allowed) -> None:
        found.groups.add("C")

    def _test(self, found: Allowed) -> None:
        found.say("missing", "present")
        if self._feature in self.offer.numeric | self.offer.dates:
            found.say(*OPS)
        if self.offer.words:
            found.say("contains", "lacks")

    def _outcome(self, found: Allowed) -> None:
        if self.offer.classes:
            found.groups.add("K")
            found.say("ne")
        else:
            found.say(*OPS)

    def _class(self, found: Allowed) -> None:
        found.groups.add("K")

    def _named_row(self, found: Allowed) -> None:
        self._id(found)
        found.say("ne")

    def _changed_thing(self, found: Allowed) -> None:
        if self.offer.is_text:
            found.say(*EDITS)
        else:
            found.groups |= {"F", "C"}
            found.features = self.offer.numeric

    def _action(self, found: Allowed) -> None:
        found.say(*CHANGES)

    def _value(self, found: Allowed) -> None:
        one = self._argument
        assert one is not None
        if one.kind == "feature":
            found.groups.add("F")
        elif one.kind == "class":
            found.groups.add("K")
        elif one.kind == "number":
            assert self._tool is not None
            found.groups.add("N")
            found.numbers = self._fitting(self._tool, one)
        elif one.kind == "choice":
            found.single |= {("E", (one.name, value)) for value in one.choices}
        else:
            found.groups.add("C")
            self._id(found)
            found.single |= {("E", (one.name, name)) for name in self.offer.rivals if one.name == "model"}
        if one.kind in ("feature", "text") and not self._again:
            found.say(*(f"from:{step}" for step in range(1, self.steps)))

    # what follows, by what was read

    def _after_start(self, group: str, index: Any) -> None:
        if group == "G":
            self.done = True
        else:
            self._after_tool_name(group, index)

    def _after_tool_name(self, group: str, index: Any) -> None:
        self.steps += 1
        self._tool = self.offer.tools[index]
        self._stage, self._given, self._closed, self._manners, self._argument = 0, set(), set(), set(), None
        self._last = self._pinned, self._changed, self._about or self._changed or self._selected
        self._about = self._pinned = self._changed = self._selected = False
        self._expected.append("body")

    def _after_body(self, group: str, index: Any) -> None:
        self._expected.append("body")
        if group == "A":
            self._stage = 3
            self._again = index in self._given
            self._given.add(index)
            assert self._tool is not None
            self._argument = next(one for one in arguments_of_tool(self._tool) if one.name == index)
            self._expected += [] if self._argument.kind == "flag" else ["value"]
            return
        word = str(index)
        if word in ("next", "end"):
            self._expected = ["tool_name"] if word == "next" else []
            self.done = word == "end"
        elif word.partition(":")[0] in ("form", "audience", "length"):
            self._stage = 4
            self._manners.add(word.partition(":")[0])
        else:
            self._after_scope(word)

    def _after_scope(self, word: str) -> None:
        if word in ("where", "and", "or"):
            self._stage, self._selected = 1, True
            self._expected.append("condition")
        elif word in ("change", "kept"):
            self._stage, self._changed = 2, True
            self._expected += ["changed_thing"] if word == "change" else []
        else:
            self._about = self._pinned = True
            self._stage = 0 if word == "case" else 1
            if word == "same":
                self._pinned, self._changed, _ = self._last
            elif word == "before":  # which may be many rows, that can be narrowed
                self._pinned = self.offer.pinned
            self._expected += {"row": ["id"], "text": ["span"], "case": ["cell"]}.get(word, [])

    def _after_id(self, group: str, index: Any) -> None:
        self._spans(group, index)

    def _after_span(self, group: str, index: Any) -> None:
        self._spans(group, index)

    def _spans(self, group: str, index: Any) -> None:
        if group == "W":
            self._first_word = index
            self._expected.append("span_end")

    def _after_cell(self, group: str, index: Any) -> None:
        if group == "F":
            self._expected.append("number")

    def _after_condition(self, group: str, index: Any) -> None:
        if group == "F":
            self._feature = index
            self._expected.append("test")
        elif group == "G":
            follow = {"ne": "category", "predicted": "outcome", "actual": "outcome", "id": "named_row"}
            follow |= {"contains": "span", "lacks": "span"}
            self._expected += [follow[index]] if index in follow else []

    def _after_test(self, group: str, index: Any) -> None:
        if index in OPS:
            self._expected.append("id" if self._feature in self.offer.dates else "number")
        elif index in ("contains", "lacks"):
            self._expected.append("span")

    def _after_outcome(self, group: str, index: Any) -> None:
        if group == "G":
            self._expected.append("class" if self.offer.classes else "number")

    def _after_named_row(self, group: str, index: Any) -> None:
        if group == "G":
            self._expected.append("id")
        else:
            self._spans(group, index)

    def _after_changed_thing(self, group: str, index: Any) -> None:
        if group == "F":
            self._expected += ["number", "action"]
        elif group == "G":
            self._expected += ["span", "span"] if index in ("replace", "insert_before") else ["span"]

    def _after_value(self, group: str, index: Any) -> None:
        assert self._argument is not None
        if group == "G":  # what an earlier step finds is not listed with others
            self._closed.add(self._argument.name)
        self._spans(group, index)

    def _after_leaf(self, group: str, index: Any) -> None:
        """Nothing more follows."""


def follows(offer: Offer, actions: Iterable[Action]) -> bool:
    """Whether the actions are a complete plan of the grammar."""
    grammar = Grammar(offer)
    try:
        for action in actions:
            grammar.push(action)
    except ValueError:
        return False
    return grammar.done
