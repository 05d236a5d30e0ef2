"""A question of several parts, cut into its clauses, and what a clause points at among the things found before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from askwhy.agent.wording import ORDINALS
from askwhy.tools.schema import Schema

_ASKED = r"(?:what|which|why|how|who|whom|whose|where|when)"
_STARTS = (
    rf"(?:(?:also|finally|next|now|please|lastly)\s+)*(?:find|explain|show|tell|{_ASKED}|is|are|"
    r"was|were|does|do|did|would|could|can|should|compare|list|check|say|give|describe|name|look|see|count|measure|"
    r"predict|test|take|pick|edit|change|remove|drop|delete|replace|raise|double|halve|reword|rewrite|flip)\b"
)
_ABOUT = (
    r"(?:in|on|by|for|from|to|with|at|of|through|because of|thanks to|owing to|due to|about|under|over|going by|"
    r"according to)"
)
_WORST = r"(?:the|its|their) (?:\w+[ -])?(?:worst|surest|gravest|clearest|largest|biggest|greatest)\b"
_JOINT = re.compile(
    rf"[.?!;]+\s+(?:(?:and|then)\s+)*|(?:\s*,\s*|\s+)(?:and\s+then|then|and)\s+(?={_STARTS}|{_ABOUT} {_ASKED}\b)|"
    rf"\s*,\s*(?:and\s+then|then|and)\s+(?={_WORST}|(?:for|among) [^,.?!;:]+[?.]?$)|"
    rf"\s*,\s*(?={_STARTS}|{_ABOUT} {_ASKED}\b)|(?<=[\w”\"')])\s*(?::|\s[-–—])\s+",
    re.IGNORECASE,
)
_FRONT = re.compile(
    rf"(?:(?:and|but) )?(?:among|amongst|of|in|for|within|where|with|by|from|on|at|out of)\b(?! {_ASKED}\b)[^?.!;:]*",
    re.IGNORECASE,
)
_THERE = re.compile(
    r"\s*(?<!\bis)(?<!\bare)(?<!\bwas)(?<!\bwere)\s*\b(?:there(?!\s+(?:is|are|was|were|any)\b(?! it\b))|(?:in|within|"
    r"inside|for|of|among|on|about) (?:it|them|those|these|such "
    r"(?:ones|cases|people)|(?:that|this|the) (?:(?:wors[et]|weake(?:r|st)) )?"
    r"(?:group|slice|segment|subgroup|part|weak spot)))\b"
    r"(?!\s+(?:under|over|with|who|whose|that|above|below)\b)",
    re.IGNORECASE,
)
_OF_GROUP = re.compile(
    r"\b(?P<many>how many [\w -]+?) (?:does|do|did) (?:it|they) (?:hold|have|contain|include|cover)$", re.I
)
_ORDINAL = rf"{'|'.join(ORDINALS)}|last"
_COMPARED = re.compile(r"\b(?:that|this|the) (?:wors[et]|weake(?:r|st)) (?:group|one|half|part)\b", re.IGNORECASE)
_IF = re.compile(r"if (?:so|not|yes|no|it (?:is|does)(?:n't| not)?)", re.IGNORECASE)
_ONE = re.compile(r"\b(?:(?:for|about|of) (?:it|them)|on it)\b", re.IGNORECASE)
_MODEL = re.compile(
    r"\bit (?:treats?|fails?|makes?|made|relies|rely|uses?|gets?|got|does|is (?:most |more |least )?(?:often )?wrong|"
    r"performs?|predicts?|decides?|works?|gives?|gave|thinks?|thought|sees?|calls?|takes?|took|says?)\b|"
    r"\b(?:does|did|is|can|would|was|has|had) it (?:fail|make|rely|use|get|do|treat|perform|decide|work|wrong|"
    r"give|think|see|call|"
    r"take|say|predict|believe|judge|misjudge|right)\w*\b",
    re.IGNORECASE,
)
_FIX = re.compile(
    r"\b(?:what|how|which changes?)\b.*"
    r"\b(?:fix|mend|correct|put (?:it|that|this) right|change (?:it|that|this)|flip(?:ped)?|tip)\b|"
    r"\bwhat (?:would|must|has to|should) (?:have to )?(?:change|be different)\b|"
    r"\bwhat would make (?:it|that|this) (?:right|correct)\b|"
    r"\b(?:edit|change|alter|reword|rewrite) (?:it|that|this|them|\{row\})\b.*\buntil\b",
    re.IGNORECASE,
)
FIXED = "what would have to be different about {row} to get another prediction?"
"""How the question after what would make a prediction another is put where its own words are not understood."""

_PUSHED = (
    r"(?:dr[oi]ves?|pull\w*|push\w*|decide[sd]?|settle[sd]|tip(?:s|ped)|sway(?:s|ed)|weigh\w*|fool(?:s|ed)|"
    r"misle(?:d|ads)|"
    r"persuaded|convinced|caused|made|did(?= (?:it|that|this)$)|speaks?|spoke|count(?:s|ed)|"
    r"(?:lies |is |was |to )?(?:behind|blame|responsible))"
)
"""What a reason is said to do to a prediction."""
_REASON = r"(?:words?|grounds?|traits?|reasons?|features?|factors?|measurements?|values?)"
_WHY = re.compile(
    rf"^(?:(?:and|but|so|then) )*(?:{_ABOUT} {_ASKED} (?:{_REASON}|terms?|one|account)\b|what (?:\w+ )?{_PUSHED}\b|"
    r"(?:say |tell me )?what .*\brests? on\b)",
    re.IGNORECASE,
)
WHY = "why is {row} predicted as it is?"
"""How a question after the reasons for one prediction is put where its own words are not understood well."""

_MEASURED = r"(?:average|mean|median|range|spread|minimum|maximum|effect|influence|importance|distribution|values)"
_ALL = re.compile(
    r"(?:(?:and|but|now) )?(?:among|for|of|over|in|across) (?:all(?: of)?(?: (?:them|those|these|the \w+|\w+))?|"
    r"everyone|everybody|the whole \w+)",
    re.IGNORECASE,
)
_INSTANCE = re.compile(
    rf"^(?:(?:and|but|so) )?(?:{_ABOUT} {_ASKED}\b|why\b|"
    rf"(?:which|what)(?: {_REASON})?(?: (?:is|was|are|were))? {_PUSHED}\b|(?:predict|explain(?: why)?|how come)$|"
    r"how (?:sure|certain|confident|likely)\b|name a\b)|"
    r"\b(?:the|that|this) (?:forecast|prediction|decision|diagnosis|verdict|outcome|answer|call|judge?ment|result|"
    rf"estimate|guess)\b|^(?:(?:and|but|so) )?(?:{_ASKED}|tell me what) .*\b(?:it|its|the truth|him|her|they)\b",
    re.IGNORECASE,
)
_EVERY = re.compile(
    r"\bhow many\b|\b(?:overall|in general|generally|altogether|in all|anyway|on average|average|mean|accuracy)\b|"
    r"\b(?:for|of|over|among) (?:all|every)\b",
    re.IGNORECASE,
)


def clauses_of(question: str) -> tuple[str, ...]:
    """The parts of a question that ask for something each, in order, with the words in front about their rows."""
    return tuple(_joined(question.strip()))


def _joined(question: str) -> Iterator[str]:
    """The parts; a phrase in front that asks for nothing goes with what follows it."""
    front, start = "", 0
    for joint in [*_JOINT.finditer(question), None]:
        end = joint.start() if joint else len(question)
        part = question[start:end].strip(" \t\n,;.?!:")
        start = joint.end() if joint else end
        if not part or _IF.fullmatch(part):
            continue
        if joint is not None and "," in joint[0] and "and" not in joint[0].casefold() and _FRONT.fullmatch(part):
            front = f"{front}{part}, "
            continue
        yield f"{front}{part}"
        front = ""
    if front:
        yield front.strip(" ,")


@dataclass(frozen=True)
class Clause:
    """A clause without what it points at.

    text: “{row}” stands for the row pointed at. there: whether it is about the group found before. fix: whether it asks
    what would make the prediction of the row another. bare: the words as they were.
    """

    text: str
    there: bool
    fix: bool
    bare: str


def points_there(said: str, row: bool = False) -> bool:
    """Whether a clause is about a group found before; `row`: whether “it” is likelier the row that was found."""
    found = _THERE.search(said)
    return (found is not None and not (row and _ONE.search(found[0]))) or re.search(
        r"\bsuch \w+", said, re.IGNORECASE
    ) is not None


def fronted(said: str) -> tuple[str, str]:
    """What a clause says in front as to the rows, empty where it says nothing, and the rest."""
    found = re.match(rf"({_FRONT.pattern.replace(';:', ';:,')}),\s*(?=\S)", said, re.IGNORECASE)
    return (found[1], said[found.end() :]) if found else ("", said)


def asks_all(said: str) -> bool:
    """Whether a clause only says that the question before is meant of all rows."""
    return _ALL.fullmatch(said.strip()) is not None


def about_one(said: str) -> bool:
    """Whether a clause that names no row is likely about the one that has just been found."""
    return _INSTANCE.search(said) is not None and _EVERY.search(said) is None


def asks_why(said: str) -> bool:
    """Whether a clause about one row asks for the reasons of its prediction, on no side of it."""
    return _WHY.search(said) is not None and re.search(r"\b(?:against|for|not|rather|instead)\b", said) is None


def only_counts(said: str) -> bool:
    """Whether a clause asks how many rows there are and little more: “how many people live”."""
    bare = re.fullmatch(r"(?:and )?how many(?: \w+){0,3}\s*", said, re.IGNORECASE) is not None
    return bare and re.search(r"\b(?:wrong|right|correct|err|mis|incorrect|fail)\w*", said, re.IGNORECASE) is None


def with_values(said: str, label: str) -> str:
    """The clause with a feature's label for “its values”, and “the average of AGE” for “its average”."""
    said = re.sub(
        rf"\bits (?={_MEASURED}\b)(\w+)", lambda found: f"the {found[1]} of {label}", said, flags=re.IGNORECASE
    )
    return re.sub(
        r"\b(?:of )?(?:its values|values of (?:it|that feature))\b", lambda found: label, said, flags=re.IGNORECASE
    )


def counts_group(said: str) -> str:
    """The clause with “are there in it” where it asks how many rows a group holds."""
    return _OF_GROUP.sub(lambda found: f"{found['many']} are there in it", said)


def counted(said: str) -> str:
    """The clause with “the second one” for “the second” at its end, as rows that were listed are counted to."""
    return re.sub(rf"\bthe ({_ORDINAL})$", r"the \1 one", said, flags=re.IGNORECASE)


def counts_to(said: str) -> bool:
    """Whether a clause counts to something in a list: “the second one”."""
    return re.search(rf"\b(?:{_ORDINAL}) (?:ones?|of (?:them|these|those))\b", said, re.IGNORECASE) is not None


def means_worse(said: str) -> bool:
    """Whether a clause is about the worse of the groups that were compared."""
    return _COMPARED.search(said) is not None


def with_rows(said: str, schema: Schema) -> str:
    """The clause with the word for rows where it counts without one: “how many are under 30”."""
    return re.sub(r"\bhow many (?=(?:are|were|have|had)\b)", f"how many {schema.entities} ", said, flags=re.IGNORECASE)


def clause_of(said: str, schema: Schema, group: bool, row: bool, *, within: bool = False) -> Clause:
    """A clause as it is to be understood; `group` and `row`: whether there is one that it can point at. within: whether
    it is about the group though no word says so."""
    found = _THERE.search(said)
    if found is not None and row and _ONE.search(found[0]) and not (group and "them" in found[0].casefold()):
        found = None
    if found is not None and not group and re.search(r"\bit\b", found[0], re.IGNORECASE):
        found = None
    text = said[: found.start()] + said[found.end() :] if found else said
    entities = re.escape(schema.entities)
    such = re.search(rf"\bsuch (?={entities}\b|rows\b|cases\b|people\b)", text, re.IGNORECASE)
    if such:
        text = text[: such.start()] + text[such.end() :]
    there = group and (within or found is not None or such is not None)
    if row and found is None and not within:
        return Clause(_with_row(text, schema), there, _FIX.search(text) is not None, said)
    if group and not row and not there and (their := re.search(r"\btheir\b", text, re.IGNORECASE)):
        return Clause(f"{text[: their.start()]}the{text[their.end() :]}", True, False, said)
    return Clause(text, there, row and _FIX.search(text) is not None, said)


def with_feature(text: str, label: str) -> str:
    """The clause with a feature's label in the place of a pronoun, unless that is the model's."""
    if _MODEL.search(text):
        return text
    return re.sub(
        r"\b(?:(?:that|this) (?:one|feature|factor|column)|it)\b",
        lambda found: label,
        text,
        count=1,
        flags=re.IGNORECASE,
    )


def _with_row(text: str, schema: Schema) -> str:
    """The clause with “{row}” in the place of a pronoun, unless that is the model's."""
    entity = re.escape(schema.entity)
    persons = r"(?:they|them|he|she|him)"
    named = (
        rf"\b(?:(?:that|this) (?:one|case|row|mistake|error|prediction|{entity})|the (?:mistake|case)|it|{persons})\b"
    )
    if _MODEL.search(text):
        return re.sub(rf"\b{persons}\b", "{row}", text, count=1, flags=re.IGNORECASE)
    return re.sub(named, "{row}", re.sub(r"\b(?:its|his)\b", "{row}'s", text, flags=re.IGNORECASE), flags=re.IGNORECASE)
