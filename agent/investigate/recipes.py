"""Named lists of steps for what is asked again and again, so that an investigation needs no language model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import get_args

from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.pointing import pointer
from askwhy.agent.investigate.script import Hop, Hops, Kind, Taken, names
from askwhy.agent.listing import clean
from askwhy.tools.errors import ToolError
from askwhy.tools.registry import Section, tools
from askwhy.tools.subject import Subject

Recipe = Callable[[Subject, str | None], Hops]
"""The hops of a recipe for a subject and the row in question, if there is one. Raises ToolError where it has none."""

FLAW = "flaw"
"""Relation of the facts by which a tool says that something is wrong with the model or its data."""

_EXPLAIN, _FIX = ("explain", "explain_text"), ("counterfactual", "counterfactual_text")
_SLICES = ("failure_slices", "failure_texts")
_WORST = (Taken("worst mistakes", "row", relations=("mistake", "largest_error")),)

_DEBUG = (
    Hop("worst mistakes", ("mistakes",), {"what": "sample"}),
    Hop("why it went wrong", _EXPLAIN, takes=_WORST),
    Hop("similar rows", ("similar", "similar_text"), takes=_WORST),
    Hop("what would change it", _FIX, takes=_WORST),
    Hop("weak spots", _SLICES),
    Hop("mistakes in the weak spot", ("mistakes",), {"what": "sample"}, (Taken("weak spots", "group"),)),
)

_COMPARE = (
    Hop("both models", ("compare_models",)),
    Hop("worst mistakes", ("mistakes",), {"what": "sample"}),
    Hop("how they differ on the worst mistake", ("contrast_models",), takes=_WORST),
    Hop("weak spots", _SLICES),
    Hop("both models in the weak spot", ("compare_models",), takes=(Taken("weak spots", "group"),)),
)

_DECLINE = (
    ("prediction", ("predict",)),
    ("decision", ("explain_decision",)),
    ("reasons", ("letter_reasons", "explain_text")),
    ("certain", ("trust", "trust_text")),
    ("what would change it", _FIX),
    ("similar rows", ("similar", "similar_text")),
)


def _debug(subject: Subject, row: str | None) -> Hops:
    """The worst mistake (or the row asked about): why, what is like it, what would change it, where there are more."""
    if row is None:
        return lambda done: _DEBUG
    about = [Hop(one.name, one.tools, {"row": row}) if one.takes == _WORST else one for one in _DEBUG]
    return lambda done: [one for one in about if one.name != "worst mistakes"]


def _compare(subject: Subject, row: str | None) -> Hops:
    """The model and its rival over all rows, in the worst mistake of the model, and where it fails most."""
    if "compare_models" not in tools(subject.schema):
        subject.rival()
        raise ToolError("Only models on tables can be compared.")
    return lambda done: _COMPARE


def _decline(subject: Subject, row: str | None) -> Hops:
    """What a letter about one row has to rest on."""
    if row is None:
        raise ToolError(f"Say which {clean(subject.schema.entity)} it is about, by its id.")
    hops = [Hop(name, fitting, {"row": row}) for name, fitting in _DECLINE]
    return lambda done: hops


def _audit(subject: Subject, row: str | None) -> Hops:
    """Every tool that belongs to a section of an audit, then one step for each flaw that was found."""
    sections = get_args(Section)
    fitting = [(sections.index(one.audit), name) for name, one in tools(subject.schema).items() if one.audit]
    first = [Hop(name, (name,)) for _, name in sorted(fitting)]
    if not first:
        raise ToolError("No tool checks this kind of model for flaws.")
    return lambda done: [*first, *follow_ups(done)] if len(done) >= len(first) else first


RECIPES: dict[str, Recipe] = {
    "debug a mistake": _debug,
    "audit a model": _audit,
    "prepare a decline": _decline,
    "compare two versions": _compare,
}
"""The recipes by name."""


def follow_ups(done: Mapping[str, Found]) -> Iterator[Hop]:
    """One step for each flaw that names something to look at: a row, a group, or a feature."""
    looked: dict[Kind, tuple[tuple[str, ...], dict[str, str]]] = {
        "row": (_EXPLAIN, {}), "group": (("mistakes",), {"what": "sample"}), "feature": (("effect",), {}),
    }  # fmt: skip
    seen: set[tuple[str, object]] = set()
    for name, found in done.items():
        if found.evidence is None or name.startswith(f"{FLAW} "):
            continue
        for fact in found.evidence.all(FLAW):
            kind = next((kind for kind in looked if names(found.evidence, fact, kind)), None)
            about = None if kind is None else (kind, getattr(fact, kind))
            if kind is None or about is None or about in seen:
                continue
            seen.add(about)
            fitting, args = looked[kind]
            where = "where" if kind == "group" else kind
            yield Hop(f"{FLAW} {found.step}.{fact.id}", fitting, {**args, where: pointer(found.step, fact, kind)})


_DECLINED = "declin|reject|refus|deni(?:al|ed)|deny|turn(?:ed)? down"
_WORDS = {
    "audit a model": r"\b(?:audit|health check|check-?up|anything wrong with (?:it|this|the model)|flaws?|"
    r"(?:is|was) (?:it|this model|the model) (?:safe|fit|ready)|look into (?:it|this model|the model)|"
    r"review (?:this|the) model|vet)\b",
    "compare two versions": r"\b(?:compare|versus|vs|difference between|which is better|better than)\b.*"
    r"\b(?:models?|versions?|rivals?|challenger|champion|candidate(?! #?\d)|old\b.*\bnew|new\b.*\bold)\b",
    "prepare a decline": rf"\b(?:adverse action|letters?\b|(?:prepare|write|draft|word)\b.*\b(?:{_DECLINED}))",
    "debug a mistake": r"\bdebug(?:ging)?\b",
}
_HINTS = {
    "prepare a decline": rf"\b(?:{_DECLINED})",
    "debug a mistake": r"\b(?:mistakes?|errors?|wrong|fails?|failures?|misclassif\w*|bugs?|went wrong)\b",
}


def recipe_for(question: str, *, by_name: bool = False) -> str | None:
    """The recipe that the words of a question ask for, None where none is meant. by_name: only where they say so."""
    said = " ".join(question.casefold().split())
    words = [*_WORDS.items(), *(() if by_name else _HINTS.items())]
    return next((name for name, pattern in words if re.search(pattern, said)), None)


def row_in(question: str, subject: Subject) -> str | None:
    """The row that a question names: an id after the word for a row, such as “applicant 12”."""
    entity = re.escape(subject.schema.entity)
    ids = set(subject.row_ids)
    for match in re.finditer(
        rf"\b(?:{entity}|row|case|instance|number|no\.?|id)\s+#?[\"“]?([^\s,;?!\"”]+)", question, re.I
    ):
        for said in (match[1], match[1].rstrip(".:'")):
            if said in ids:
                return said
    return None
