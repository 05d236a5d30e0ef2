"""A question of several clauses, each a step or more: “find the group it treats worst, explain its worst mistake there,
and what would fix it”. What a clause describes is found first; the embedded engine reads the rest of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from askwhy.agent.embedded.chat import EmbeddedChat
from askwhy.agent.investigate.clauses import clause_of, clauses_of, counts_group, means_worse, points_there, with_values
from askwhy.agent.investigate.comparing import bound_in, mean_first
from askwhy.agent.investigate.focus import Focus, Named, chosen, focus_of, tied
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.picks import HERE, Pick, pick_in, rated_group, states_mistake
from askwhy.agent.investigate.pointing import pointer, where_written
from askwhy.agent.investigate.reading import Read, Reader, asks_each, rows_in, selected
from askwhy.agent.investigate.script import Hop
from askwhy.agent.listing import clean
from askwhy.tools.scope import Where
from askwhy.tools.subject import Subject


@dataclass
class Chain:
    """The hops of a question's clauses. A clause is read when what the one before asks for has been found."""

    question: str
    subject: Subject
    said: list[str] = field(default_factory=list)
    _hops: list[Hop] = field(default_factory=list)
    _picked: dict[str, Pick] = field(default_factory=dict)
    _waiting: tuple[str, Pick, str] | None = None
    _named: tuple[str, ...] = ()
    _within: bool = False
    _lost: bool = False
    _turned: bool = False

    def __post_init__(self) -> None:
        self.clauses = clauses_of(self.question)
        self._left = list(self.clauses)
        self._reader = Reader(self.subject, EmbeddedChat(subject_schema=self.subject.schema))

    @property
    def several(self) -> bool:
        """Whether there is more than one clause."""
        return len(self.clauses) > 1

    @property
    def picks(self) -> bool:
        """Whether a clause describes a row, a group, a feature or a word that has to be found first."""
        schema = self.subject.schema
        return any(pick_in(one, schema) is not None or mean_first(one, schema) is not None for one in self.clauses)

    def __call__(self, done: Mapping[str, Found]) -> Sequence[Hop]:
        """Every hop so far, with those of the next clause once all others are done."""
        while all(hop.name in done for hop in self._hops) and (self._left or self._waiting):
            made = list(self._next(done))
            self._hops += made
            if made:
                break
        return list(self._hops)

    def notes(self) -> list[str]:
        """What could not be read, what no group was found for, and what was read with doubts."""
        return list(dict.fromkeys(self.said))

    def _next(self, done: Mapping[str, Found]) -> Iterator[Hop]:
        """The hops of the next clause, or of what is left of the one for which something has now been found."""
        focus = focus_of(done, self._picked)
        if shown := self._shown(done, focus):
            yield shown
        elif self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            yield from self._resumed(*waiting, done, focus)
        else:
            yield from self._begun(done, focus)

    def _resumed(self, said: str, pick: Pick, name: str, done: Mapping[str, Found], focus: Focus) -> Iterator[Hop]:
        """The rest of a clause, of what was picked for it."""
        taken = chosen(done.get(name), pick)
        if taken is None:
            self.said.append(f"Not answered, as nothing of the kind was found: “{clean(said, 200)}”.")
        elif pick.kind == "group":
            self._left.insert(0, pick.rest)
            self._within = True
            yield from self._next(done)
        else:
            text, focus = _filled(pick, taken[1], done[name].step, focus, self.subject)
            yield from self._read(said, text, done, focus)

    def _begun(self, done: Mapping[str, Found], focus: Focus) -> Iterator[Hop]:
        """The hops of the next clause, or the one that finds what it describes."""
        said, within, self._within = self._opened(focus), self._within, False
        self._lost = self._lost or self._failed(done)
        focus = self._worse(said, done) or (Focus() if self._lost else focus)
        self._say_where(said, focus)
        if self._lost and focus.group is None and points_there(said):
            self._missed(said)
            return
        pick = pick_in(said, self.subject.schema)
        if mean := self._mean(said, done):
            self._left.insert(0, said)
            yield mean
        elif named := self._rows_only(said):
            self._named = named
        elif pick is not None:
            yield from self._find(said, pick, focus)
        else:
            yield from self._each(said, done, focus, within)

    def _failed(self, done: Mapping[str, Found]) -> bool:
        """Whether the step that was to find what the clause before describes came to nothing."""
        name = self._hops[-1].name if self._hops else ""
        return name in self._picked and (name not in done or done[name].evidence is None)

    def _worse(self, said: str, done: Mapping[str, Found]) -> Focus | None:
        """The focus on the worse of the groups that the last step compared, where a clause says “the worse group”."""
        name = self._hops[-1].name if self._hops else ""
        found = done.get(name)
        if found is None or found.evidence is None or found.evidence.tool != "group_compare" or not means_worse(said):
            return None
        self._picked.setdefault(name, rated_group({}, bool(self.subject.schema.classes)))
        return focus_of(done, self._picked)

    def _shown(self, done: Mapping[str, Found], focus: Focus) -> Hop | None:
        """The hop that says how good the model is in the group that was picked last, where its step does not say so."""
        name = self._hops[-1].name if self._hops else ""
        pick = self._picked.get(name)
        if pick is None or pick.kind != "group" or focus.group is None:
            return None
        taken = chosen(done.get(name), pick)
        if tied(done.get(name), pick):
            self.said.append(
                f"Several groups are equally far out; “{clean(str(taken and taken[1].group))}” is the first."
            )
        if taken is None or not taken[1].relation.endswith("_each"):
            return None
        metric = "accuracy" if self.subject.schema.classes else "mae"
        return Hop(f"{name} (shown)", ("score",), {"metric": metric, "where": focus.group.pointer})

    def _opened(self, focus: Focus) -> str:
        """The next clause: with the statement before it that says of what mistake it speaks."""
        schema = self.subject.schema
        said = self._left.pop(0)
        if self._left and states_mistake(said, schema) and pick_in(f"of those where {said}, {self._left[0]}", schema):
            said = f"of those where {said}, {self._left.pop(0)}"
        said = counts_group(said) if focus.group is not None and focus.row is None else said
        return said if focus.feature is None else with_values(said, schema.feature(focus.feature.id).label)

    def _mean(self, said: str, done: Mapping[str, Found]) -> Hop | None:
        """The hop that finds a mean with which a clause compares, where it has not been found."""
        wanted = mean_first(said, self.subject.schema)
        if wanted is None or bound_in(said, self.subject, list(done.values())) is not None:
            return None
        name = f"{wanted[0]} of {clean(wanted[1].label, 80)}"
        args = {"measure": wanted[0], "feature": wanted[1].name}
        return None if any(hop.name == name for hop in self._hops) else Hop(name, ("statistic",), args)

    def _say_where(self, said: str, focus: Focus) -> None:
        there = points_there(said, focus.feature is not None or (focus.row is not None and focus.fresh))
        if focus.group is not None and focus.group.mistakes and there:
            every = clean(self.subject.schema.entities)
            self.said.append(f"“{clean(said, 200)}” is read of all {every} it gets wrong, those of training as well.")
        if focus.group is None and there and self._hops:
            every = clean(self.subject.schema.entities)
            self.said.append(f"No group was found before “{clean(said, 200)}”, so this is about all {every}.")

    def _find(self, said: str, pick: Pick, focus: Focus) -> Iterator[Hop]:
        """The hop that finds what a clause describes."""
        schema = self.subject.schema
        args: dict[str, Any] = dict(pick.args)
        if pick.kind == "word":
            row = next(iter(rows_in(said, self.subject)), focus.row.id if focus.row else None)
            if row is None:
                self._missed(said)
                return
            args["row"] = row if focus.row is None or focus.row.id != row else focus.row.pointer
        elif pick.kind == "row":
            where = selected(self._reader, pick)
            if where is None:
                self._missed(said)
                return
            held = focus.group if points_there(said, focus.fresh) or pick.implied or self._in_group() else None
            if held is not None and held.pointer is not None and not where:
                args["where"] = held.pointer
            elif both := (held.where if held is not None else Where()) & where:
                args["where"] = where_written(both, schema)
        self._lost = False
        name = self._name(said)
        self._picked[name] = pick
        self._waiting = (said, pick, name) if pick.rest else None
        yield Hop(name, pick.tools, args)

    def _each(self, said: str, done: Mapping[str, Found], focus: Focus, within: bool) -> Iterator[Hop]:
        """The hops of a clause, once for each row where it is asked of several."""
        rows = rows_in(said, self.subject)
        among = rows if len(rows) > 1 else self._named if asks_each(said) else ()
        self._named = rows if len(rows) > 1 else ()
        parted = self._reader.apart(said, among) if among else None
        if parted is None:
            yield from self._read(said, said, done, focus, within=within)
            return
        made = 0
        for row in among:
            own = Focus(None, Named(row, row), None, True)
            hops = list(self._read(said, parted, done, own, len(self._hops) + made))
            made += len(hops)
            yield from hops

    def _in_group(self) -> bool:
        """Whether the clause before found a group by name, so that this one goes on in it."""
        name = self._hops[-1].name.removesuffix(" (shown)") if self._hops else ""
        last = self._picked.get(name)
        return last is not None and last.kind == "group"

    def _rows_only(self, said: str) -> tuple[str, ...]:
        """The rows that a clause names where it says nothing else: “rows 12 and 20”."""
        return rows_in(said, self.subject, only=True) if self._left else ()

    def _read(
        self,
        said: str,
        text: str,
        done: Mapping[str, Found],
        focus: Focus,
        start: int | None = None,
        *,
        within: bool = False,
    ) -> Iterator[Hop]:
        """The hops of a clause as the engine reads `text`; `start`: the number of hops before them."""
        clause = clause_of(text, self.subject.schema, focus.group is not None, focus.row is not None, within=within)
        read = self._reader.read(clause, {} if self._lost else done, focus, tuple(self._hops))
        if read is None and (read := self._whole()) is not None:
            said, self._left = self.question, []
        if read is None:
            self._missed(said, described=clause.text == said and not clause.there)
            return
        self._lost = False
        if self._reader.doubtful:
            self.said.append(f"Not sure: was “{clean(said, 200)}” meant as its step says?")
        first = len(self._hops) if start is None else start
        hops: list[Hop] = []
        for step in read:
            hops.append(self._hop(said, step, [one.name for one in hops], first + len(hops)))
        self._reader.turns.append((said, tuple(one.name for one in hops)))
        yield from hops

    def _hop(self, said: str, read: Read, before: Sequence[str], place: int) -> Hop:
        takes = tuple(taken for taken in read.takes(before))
        return Hop(self._name(said, place), (read.tool,), read.args, takes)

    def _whole(self) -> tuple[Read, ...] | None:
        """The whole question in one turn, where a clause is not understood and the engine is sure of the whole."""
        if self._turned or not self.several:
            return None
        self._turned = True
        return self._reader.whole(self.question)

    def _missed(self, said: str, *, described: bool = True) -> None:
        """Say so. described: whether it may have spoken of something new, that the next clause points at."""
        self._lost = self._lost or described
        self.said.append(f"Not understood: “{clean(said, 200)}”.")

    def _name(self, said: str, place: int | None = None) -> str:
        return f"clause {(len(self._hops) if place is None else place) + 1}: {clean(said, 80)}"


def _filled(pick: Pick, fact: Any, step: int, focus: Focus, subject: Subject) -> tuple[str, Focus]:
    """The rest of a clause with the name of what was picked, and the focus on that."""
    schema = subject.schema
    if pick.kind == "row":
        row = Named(str(fact.row), pointer(step, fact, "row"))
        return pick.rest.replace(HERE, f"{schema.entity} {row.id}"), Focus(focus.group, row, None, True)
    if pick.kind == "feature":
        feature = Named(str(fact.feature), pointer(step, fact, "feature"))
        text = pick.rest.replace(HERE, schema.feature(feature.id).label)
        return text, Focus(focus.group, focus.row, feature, focus.fresh)
    return pick.rest.replace(HERE, f"the word “{fact.at}”"), focus
