"""The gate for constrained text: words of a language model in which every value is a placeholder.

Far stricter than `verify`, which finds claims in any text: here each sentence must be read in full, from its first word
to its last, as statements that the template made of the same facts, in one of the listed ways to say them. Whatever is
not listed is refused, so that a lie has to be one of the true statements to pass. What is read:

    a sentence of the template, in its own words or in words that mean the same (`ways`)
    one or several items of a list of reasons, in words of one's own (`moves`)
    statements joined by "and", "while" or a semicolon; "but" only between opposite directions

in the order of the template; what refers back must follow what it refers to. Nothing is said twice, the first sentence
of every paragraph comes first, and no caveat is missing. Whoever calls this fills in the words and runs `verify` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from askwhy.agent.answer import Failure
from askwhy.agent.skeleton import PLACEHOLDER, Skeleton
from askwhy.agent.verify.moves import Move, Said, leads_clearly, listed, readings
from askwhy.agent.verify.ways import Tokens, canonical, variants, ways
from askwhy.tools.evidence import Fact

_ALLOWED = re.compile(r"[^\W\d_]|[\s,;:.()'’–—-]")
_NUMBER_WORDS = re.compile(
    r"\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|"
    r"sixty|seventy|eighty|ninety|hundred|thousand|million|half|third|quarter|dozen|twice|double|triple|"
    r"per ?cent|percent\w*)\b",
    re.I,
)  # fmt: skip
_STOP = re.compile(r"\.(?=\s|$)|\n+")
_ANAPHOR = frozenset(
    ["it", "its", "itself", "this", "that", "these", "those", "they", "them", "their", "there", "other", "others",
     "another", "same", "such", "so", "then", "also", "both", "neither", "either", "one", "ones", "former", "latter",
     "rest", "next", "again", "still", "too", "else", "each", "further", "here", "second", "third", "fourth", "fifth"]
)  # fmt: skip
_LEAD = re.compile(r"(?P<lead>(?:For|If|With|At|Among|In|On) [^,:;()]+), (?P<rest>[^,:;()]+)\.")
_COUPLED = re.compile(r"\b(?:and|or|but|while|whereas|which|than|if|as)\b")
_POINTS_BACK = ("it", "that probability", "this probability")
_LONGER = 3
"""A text may be this many times as long as the template, and some hundred characters more."""
_MOST_TRIES = 6000
"""Readings of one sentence that are tried before it counts as unreadable."""


def check_constrained(text: str, bones: Skeleton) -> tuple[Failure, ...]:
    """Everything in a constrained text that the template does not bear out; empty if it may be filled in."""
    failures = [*_marks(text, bones), *_names(text, bones)]
    if not failures:
        failures = list(_Gate(bones).failures(text))
    return tuple(failures)


def _marks(text: str, bones: Skeleton) -> Iterator[Failure]:
    """Failures of single characters and words: what needs no reading to be refused."""
    plain = PLACEHOLDER.sub(lambda match: " " * len(match.group()), text)
    if not text.strip():
        yield Failure(check="V5", message="The text is empty.", start=0, end=0)
    if len(text) > _LONGER * len(bones.text) + 400:
        yield Failure(check="V9", message="The text is much longer than the template.", start=0, end=len(text))
    for position, char in enumerate(plain):
        if char.isdigit():
            message = "Write no digits: use the placeholder."
            yield Failure(check="V1", message=message, start=position, end=position + 1)
        elif not _ALLOWED.fullmatch(char):
            message = f"“{char}” is not allowed: plain sentences only."
            yield Failure(check="V4", message=message, start=position, end=position + 1)
    theirs = {match.group().lower() for match in _NUMBER_WORDS.finditer(PLACEHOLDER.sub(" ", bones.text))}
    for match in _NUMBER_WORDS.finditer(plain):
        if match.group().lower() not in theirs:
            message = f"Write no number words such as “{match.group()}”: use the placeholder."
            yield Failure(check="V1", message=message, start=match.start(), end=match.end())


def _names(text: str, bones: Skeleton) -> Iterator[Failure]:
    """Failures of placeholders: unknown, missing or printed by a name that is none of theirs."""
    for match in PLACEHOLDER.finditer(text):
        one = bones.find(match["name"])
        if one is None:
            message = f"There is no placeholder {{{match['name']}}}."
            yield Failure(check="V4", message=message, start=match.start(), end=match.end())
        elif match["alias"] and match["alias"] not in one.aliases:
            message = f"“{match['alias']}” is no other name of {{{match['name']}}}."
            yield Failure(check="V4", message=message, start=match.start(), end=match.end())
    said = {(one.kind, one.key) for match in PLACEHOLDER.finditer(text) if (one := bones.find(match["name"]))}
    for name in bones.required:
        wanted = bones.by_name[name]
        if (wanted.kind, wanted.key) not in said:
            check = "V7" if wanted.kind == "caveat" else "V5"
            yield Failure(check=check, message=f"{{{name}}} is missing.", start=0, end=len(text))


@dataclass(frozen=True)
class _Unit:
    """A sentence of the template. paragraph: its number; opens: first of it; follows: it refers to the one before."""

    place: int
    paragraph: int
    said: Tokens
    opens: bool
    follows: bool
    moves: tuple[Move, ...]
    turned: tuple[Tokens, ...] = ()
    """The same with what it begins with at its end: "for x, y is z" as "y is z for x"."""

    @cached_property
    def ways(self) -> frozenset[Tokens]:
        """Every listed way to say it."""
        return frozenset(way for one in (self.said, *self.turned) for way in variants(one))


@dataclass(frozen=True)
class _State:
    """What was said up to here. last: place of the unit; moves: what was said of its list; latest: the last of them."""

    last: int = -1
    moves: frozenset[int] = frozenset()
    latest: Move | None = None
    average: bool = False
    began: bool = False
    """Whether the sentence has a statement yet."""


@dataclass
class _Gate:
    """A skeleton, ready to read texts against."""

    bones: Skeleton
    meanings: dict[tuple[str, str], str] = field(default_factory=dict)
    tries: int = 0

    @cached_property
    def units(self) -> tuple[_Unit, ...]:
        """The sentences of the template."""
        found: list[_Unit] = []
        paragraph = -1
        for place, one in enumerate(self.bones.sentences):
            paragraph += one.opens
            said = canonical(self._encoded(one.text.strip().rstrip(".")))
            moves = listed(" ".join(said), self.target)
            follows = not one.opens and not moves and not _ANAPHOR.isdisjoint(said)
            turned = tuple(canonical(self._encoded(other)) for other in _turned(one.text))
            found.append(_Unit(place, paragraph, said, one.opens, follows, moves, turned))
        return tuple(found)

    @cached_property
    def target(self) -> str:
        """The target's label as `ways` has it; empty where the outputs are probabilities."""
        schema = self.bones.schema
        return "" if schema.classes else " ".join(canonical(schema.target.label))

    @cached_property
    def facts(self) -> dict[str, Fact]:
        """By the meaning of its value, the fact a placeholder rests on."""
        steps = enumerate(self.bones.evidence, 1)
        by_id = {f"{step}.{fact.id}": fact for step, one in steps for fact in one.facts}
        values = (one for one in self.bones.placeholders if one.kind == "value" and one.fact in by_id)
        return {self._meaning(one.kind, one.key): by_id[one.fact] for one in values}

    def failures(self, text: str) -> Iterator[Failure]:
        """Sentences that cannot be read as what the template says."""
        state = _State()
        for start, end in _sentences(text):
            said = canonical(self._encoded(text[start:end].rstrip(" .")))
            after = self._read(said, replace(state, average=False, began=False)) if said else state
            if after is None:
                yield Failure(check="V9", message=self._unread(text[start:end], state), start=start, end=end)
                return
            state = after

    def _unread(self, sentence: str, state: _State) -> str:
        place = state.last + 1
        rest = [one.text for one in self.bones.sentences[place : place + 2]]
        hint = f" Stay closer to the template, which goes on: {' '.join(rest)}" if rest else " Leave it out."
        return f"This sentence does not say what the template says, or not in this place: {sentence.strip()}{hint}"

    def _encoded(self, text: str) -> str:
        def token(match: re.Match[str]) -> str:
            one = self.bones.by_name[match["name"]]
            return f"<{one.kind}:{self._meaning(one.kind, one.key)}>"

        safe = text.replace("<", "‹").replace(">", "›")
        return PLACEHOLDER.sub(token, safe)

    def _meaning(self, kind: str, key: str) -> str:
        return self.meanings.setdefault((kind, key), str(len(self.meanings)))

    def _read(self, said: Tokens, state: _State) -> _State | None:
        """The state after a sentence that can be read in full, or None."""
        if said.count("(") != said.count(")"):
            return None
        self.tries = 0
        text = " ".join(said)
        starts, position = {}, 0
        for number, token in enumerate(said):
            starts[position] = number
            position += len(token) + 1
        return next(self._rest(said, text, starts, 0, state), None)

    def _rest(self, said: Tokens, text: str, starts: dict[int, int], at: int, state: _State) -> Iterator[_State]:
        """Every state in which the sentence can end, read from the token `at`."""
        self.tries += 1
        if self.tries > _MOST_TRIES:
            return
        if at == len(said):
            if state.began:
                yield state
            return
        for begin, contrast in self._openings(said, at, state):
            for end, after in self._statements(said, text, starts, begin, state):
                if not contrast or _opposed(state, after):
                    yield from self._rest(said, text, starts, end, after)

    def _openings(self, said: Tokens, at: int, state: _State) -> Iterator[tuple[int, bool]]:
        """Where a statement may begin: here, or after a joining or a leading word."""
        known = ways()
        begins = [(at, False)]
        for joins, contrast in ((known.joins, False), (known.contrasts, True)):
            for words in joins if state.began or contrast else ():
                if said[at : at + len(words)] == words:
                    begins.append((at + len(words), contrast))
        for begin, contrast in begins:
            yield begin, contrast
            for words in known.leads:
                if said[begin : begin + len(words)] == words:
                    yield begin + len(words), contrast

    def _statements(
        self, said: Tokens, text: str, starts: dict[int, int], at: int, state: _State
    ) -> Iterator[tuple[int, _State]]:
        rest = len(said) - at
        if rest <= 0:
            return
        for unit in self.units:
            if self._may_follow(unit, state):
                for way in unit.ways:
                    if len(way) <= rest and said[at : at + len(way)] == way:
                        yield at + len(way), self._after(unit, state)
        position = next(offset for offset, number in starts.items() if number == at)
        for one in readings(text, position, self.target):
            end = next((number for offset, number in starts.items() if offset == one.end + 1), len(said))
            for after in self._moved(one, state):
                yield end, after

    def _may_follow(self, unit: _Unit, state: _State) -> bool:
        """Whether the template's order allows this unit now."""
        if unit.place <= state.last:
            return False
        before = self.units[state.last] if state.last >= 0 else None
        paragraph = before.paragraph if before else -1
        if unit.paragraph > paragraph:
            return unit.opens and unit.paragraph == paragraph + 1
        if unit.follows:
            whole = before is not None and (not before.moves or len(state.moves) == len(before.moves))
            return unit.place == state.last + 1 and whole
        return True

    @staticmethod
    def _after(unit: _Unit, state: _State) -> _State:
        return _State(unit.place, frozenset(one.place for one in unit.moves), None, state.average, True)

    def _moved(self, said: Said, state: _State) -> Iterator[_State]:
        """States after a statement about a move, one for every list that bears it out."""
        for unit in self.units:
            same = unit.place == state.last
            if not unit.moves or not (same or self._may_follow(unit, state)):
                continue
            for move in unit.moves:
                moves = state.moves if same else frozenset()
                again = move == state.latest and said.feature is None
                if (move.place not in moves or again) and self._holds(said, move, unit, state, same):
                    average = state.average or said.average
                    yield _State(unit.place, moves | {move.place}, move, average, True)

    def _holds(self, said: Said, move: Move, unit: _Unit, state: _State, same: bool) -> bool:
        """Whether the list says this of this item."""
        latest = state.latest if same else None
        named = ((said.feature, move.feature), (said.at, move.at), (said.size, move.size), (said.turn, move.turn))
        if any(one not in (None, other) for one, other in named):
            return False
        if said.feature is None and (move != latest or said.turn is None):
            return False
        if said.turn is None and not said.most and (latest is None or not state.began or latest.turn != move.turn):
            return False  # "age by 3" takes the verb of the statement before it
        if not self._same_output(said, move, unit, state, latest):
            return False
        if said.average != move.average and not (move.average and state.average):
            return False
        if said.rows and set(said.rows) != self._rows(unit.paragraph):
            return False
        if said.most and not (move.ranked and move.place == 0 and self._leads(unit, 0)):
            return False
        return not said.after or bool(
            latest and unit.moves[0].ranked and move.place == latest.place + 1 and self._leads(unit, latest.place)
        )

    def _rows(self, paragraph: int) -> set[str]:
        """Meanings of the rows that a paragraph of the template speaks of."""
        said = (token for one in self.units if one.paragraph == paragraph for token in one.said)
        return {token[len("<row:") : -1] for token in said if token.startswith("<row:")}

    def _leads(self, unit: _Unit, place: int) -> bool:
        sizes = [self.facts.get(one.size or "") for one in unit.moves]
        return leads_clearly(sizes[place], sizes[place + 1] if place + 1 < len(sizes) else None)

    def _same_output(self, said: Said, move: Move, unit: _Unit, state: _State, latest: Move | None) -> bool:
        if said.output is None:
            return latest is not None or (said.most and said.size is None and said.turn is None)
        if said.output == "prediction":
            return move.output.startswith("predicted ")
        if said.output not in _POINTS_BACK:
            return said.output == move.output
        if latest is not None:
            return True
        before = " ".join(self.units[state.last].said) if state.last >= 0 else ""
        classes = set(re.findall(r"<cls:\w+>", before))
        named = len(classes) == 1 and move.output == f"probability of {next(iter(classes))}"
        return said.output != "it" and named and "probability" in before and state.last == unit.place - 1


def _turned(text: str) -> Iterator[str]:
    """ "For applicant 12, X." as "X for applicant 12": only where it is the one part of the sentence before a comma."""
    found = _LEAD.fullmatch(text.strip())
    if found is not None and not _COUPLED.search(text):
        yield f"{found['rest']} {found['lead']}"


def _opposed(before: _State, after: _State) -> bool:
    """Whether two statements are about moves in opposite directions."""
    return before.latest is not None and after.latest is not None and before.latest.turn != after.latest.turn


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Spans between full stops, placeholders not cut."""
    blank = PLACEHOLDER.sub(lambda match: "_" * len(match.group()), text)
    start = 0
    for stop in _STOP.finditer(blank):
        yield start, stop.end()
        start = stop.end()
    if start < len(text):
        yield start, len(text)
