"""How a text would have to read for the model to say something else; every edited text is checked on the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from askwhy.tools.engines.counterfactual_search import Goal
from askwhy.tools.engines.recourse import Direction, Wish, already_facts, fact_of, goal_facts, wished
from askwhy.tools.engines.text_edits import Edit, EditKind, edited, words_changed
from askwhy.tools.engines.text_flips import Edits, Flip, FlipSearch, without
from askwhy.tools.engines.text_game import ask_texts
from askwhy.tools.engines.text_source import Source
from askwhy.tools.engines.text_telling import one_line
from askwhy.tools.engines.text_units import Split, fold, split_text
from askwhy.tools.engines.text_vectors import network_of, text_space
from askwhy.tools.engines.text_words import vocabulary
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.subject import plain
from askwhy.tools.view import View

Allowed = Literal["any", "replace", "remove", "insert"]

_QUOTED = 80
_OPTIONS = ("", "_2", "_3", "_4", "_5")
_LEADS = ("Another way is", "A third way is", "A fourth way is", "A fifth way is")
_EDITS = "[cf_edit{n}*: “{{at}}” {{value}}]"


def _more_ways() -> Iterator[str]:
    for lead, n in zip(_LEADS, _OPTIONS[1:], strict=True):
        edits = _EDITS.format(n=n)
        yield f"{lead} {edits}, for a probability of {{cf_probability{n}}}."
        yield f"{lead} {edits}, for a prediction of {{cf_estimate{n}}}."


_SAYS: Says = (
    "The model's output for {row} would be {goal} instead of {goal_instead} with {edits_count} "
    "{edits_count:one edit/edits}: [cf_edit*: “{at}” {value}].",
    "The probability of {cf_probability.cls} would then be {cf_probability} instead of {goal_probability}.",
    "The model's output for {row} would be {cf_estimate} instead of {before_estimate} with {edits_count} "
    "{edits_count:one edit/edits}: [cf_edit*: “{at}” {value}].",
    "The text would then read {cf_text}.",
    "Of the text, {empty_text} would be left.",
    *_more_ways(),
    "Only {options} of the {wanted} ways asked for {options:one was/were} found.",
    "No number was named, so the goal is {assumed_goal}, a quartile of the model's predictions for this data.",
    "The model already predicts {already} for {row}, with a probability of {probability}.",
    "The model already predicts {already_estimate} for {row}, which meets the goal of {goal_number}.",
    "None of the {none_found} edited texts that were tried makes the model predict {unreached} for {row}.",
    "None of the {none_found} edited texts that were tried brings the prediction for {row} from {before_estimate} to "
    "{goal_number}.",
    "The one that comes closest has a probability of {nearest_probability.cls} of {nearest_probability}: "
    "[nearest_edit*: “{at}” {value}].",
    "The one that comes closest has a prediction of {nearest_estimate}: [nearest_edit*: “{at}” {value}].",
)


@tool(
    needs="instance",
    drafts=True,
    fits=lambda schema: schema.modality == "text",
    asks=(
        "how would {row} have to read to be {class}?",
        "how would the text have to read to be classified as {class}?",
        "what would have to be written in {row} for it to be {class}?",
        "which words must change for {row} to be {class}?",
        "what is the smallest edit that flips {row}?",
        "give me a counterfactual for {text}",
        "how could {text} become {class}?",
        "rewrite {row} so that the model says {class}",
        "what would flip the prediction for {text}?",
        "change {row} so that the prediction flips, but keep the word {word}",
        "give me {k} different ways to make {row} {class}",
        ask("which words would I have to delete for {row} to be {class}?", edits="remove"),
        ask("what would I have to add to {text} to make it {class}?", edits="insert"),
        ask("which words could be replaced to flip {row}?", edits="replace"),
        ask("how could the prediction for {row} be lower?", direction="lower"),
    ),
    says=_SAYS,
)
def counterfactual_text(
    view: View,
    cls: ClassName | None = None,
    edits: Allowed = "any",
    keep: tuple[str, ...] = (),
    k: Annotated[int, Field(ge=1, le=5)] = 1,
    number: float | None = None,
    direction: Direction | None = None,
) -> Evidence:
    """The fewest words of a text to replace, leave out or put in for the model to predict something else: `cls`, or
    for a regression at least or at most `number`. `edits`: only edits of one kind; `keep`: words that must stay; `k`
    different ways."""
    if not view.subject.regression and number is None and direction is None and len(view.schema.classes) < 2:
        raise ToolError("The model knows one class only, so no edit can flip it.")
    wish = wished(view, cls, number, direction)
    if wish.goal.met(view.outputs)[0]:
        return Evidence(facts=already_facts(view, wish), method="direct evaluation")
    split = split_text(str(plain(view.instance.iloc[0, 0]) or ""))
    kinds: frozenset[EditKind] = frozenset(("replace", "remove", "insert") if edits == "any" else (edits,))
    search = _search(view, split, kinds, _kept(split, keep), wish.goal)
    found = _valid(view, wish.goal, search.run(k, view.drafts))
    if found:
        facts = (*goal_facts(view, wish, "goal_instead"), *_options(view, wish, split, found, k))
    else:
        facts = tuple(_none(view, wish, search))
    return Evidence(
        facts=facts,
        method=f"beam search over edits of words{_drafted(view)} ({search.tried:,} texts), each checked on the model",
        estimand="model output",
        quality=tuple(_judged(view, search, found)),
        caveats=_caveats(found),
        table=_table(view, wish, split, found),
    )


def _drafted(view: View) -> str:
    count = len(view.drafts)
    return f", and the edits of {count} draft{'s' * (count > 1)} by a language model" if count else ""


def _search(view: View, split: Split, kinds: frozenset[EditKind], keep: frozenset[str], goal: Goal) -> FlipSearch:
    """The search; a network takes a hundred times longer for each text, so it is asked about fewer."""
    words = vocabulary(view)
    if network_of(view) is None:
        return FlipSearch(view, split, Source(words, kinds, keep), goal)
    return FlipSearch(view, split, Source(words, kinds, keep, neighbours=6), goal, most_places=20, most_words=150)


def _kept(split: Split, keep: tuple[str, ...]) -> frozenset[str]:
    """The folded words that must stay; UnknownName for one that does not stand in the text."""
    standing = {fold(unit.text): unit.text for unit in split.units}
    wanted = {fold(unit.text): unit.text for phrase in keep for unit in split_text(phrase).units}
    for word, written in wanted.items():
        if word not in standing:
            raise UnknownName("word", written, standing.values())
    return frozenset(wanted)


def _valid(view: View, goal: Goal, found: list[Flip]) -> list[Flip]:
    """Asked of the model once more, as the texts will be quoted: only what flips is shown."""
    if not found:
        return []
    met = goal.met(ask_texts(view, [flip.text for flip in found]))
    return [flip for flip, holds in zip(found, met, strict=True) if holds]


def _options(view: View, wish: Wish, split: Split, found: list[Flip], k: int) -> Iterator[Fact]:
    """Facts of every option; those of the second and later ones carry its number in their relation."""
    for suffix, flip in zip(_OPTIONS, found, strict=False):
        yield from edit_facts(view, split, flip.edits, suffix)
        output = float(flip.output[wish.goal.column or 0])
        if wish.label is None:
            yield fact_of(view, f"cf_estimate{suffix}", output, "output")
        else:
            yield fact_of(view, f"cf_probability{suffix}", output, "probability", cls=wish.label.name)
        yield fact_of(view, f"edits_count{suffix}", len(flip.edits), "count")
        share = words_changed(flip.edits, len(split.units))
        yield fact_of(view, f"edit_share{suffix}", share, "share")
        shown = "cf_text" if len(flip.text) <= _QUOTED else "cf_long_text"
        yield fact_of(view, f"{shown if flip.text.strip() else 'cf_no_text'}{suffix}", flip.text, "text")
    if found and not found[0].text.strip():
        yield fact_of(view, "empty_text", "nothing", "")
    if len(found) < k:
        yield fact_of(view, "options", len(found), "count")
        yield fact_of(view, "wanted", k, "count")


def edit_facts(view: View, split: Split, edits: Edits, suffix: str = "", role: str = "cf_edit") -> Iterator[Fact]:
    """Every edit twice: in words, and as `edit_KIND` with the word before (at) and after (value)."""
    for edit in edits:
        word = edit.after if edit.kind == "insert" else edit.before
        words = one_line(word)
        yield fact_of(view, f"{role}{suffix}", _happens(split, edit), "", at=words)
        yield fact_of(view, f"edit_{edit.kind}{suffix}", edit.after, "text", at=one_line(edit.before) or None)


def _happens(split: Split, edit: Edit) -> str:
    """What is done, as what follows the word it is done to."""
    if edit.kind == "remove":
        return "is left out"
    if edit.kind == "replace":
        return f"is replaced by “{edit.after}”"
    if edit.place >= len(split.units):
        return "is added at the end"
    return f"is put in before “{one_line(edit.before)}”"


def _none(view: View, wish: Wish, search: FlipSearch) -> Iterator[Fact]:
    yield fact_of(view, "none_found", search.tried, "count")
    if wish.label is None:
        yield from goal_facts(view, wish, "goal_instead")
    else:
        yield fact_of(view, "unreached", wish.label.name, "class", cls=wish.label.name)
    if search.nearest is None:
        return
    edits, output = search.nearest
    if wish.label is None:
        yield fact_of(view, "nearest_estimate", float(output[0]), "output")
    else:
        chance = float(output[wish.goal.column or 0])
        yield fact_of(view, "nearest_probability", chance, "probability", cls=wish.label.name)
    yield from edit_facts(view, search.split, edits, role="nearest_edit")


def _judged(view: View, search: FlipSearch, found: list[Flip]) -> Iterator[Quality]:
    """The C14 measurements of every option."""
    if not found:
        return
    own = search.split.text
    alike = text_space(view, [own, *(flip.text for flip in found)]).likeness(own, [flip.text for flip in found])
    for number, (flip, likeness) in enumerate(zip(found, alike, strict=True), 1):
        note = f"option {number}"
        yield Quality(check="C14 validity", value=1.0, passed=True, note=note)
        needed = _needed(view, search, flip)
        yield Quality(check="C14 minimality", value=needed, passed=needed == 1.0, note=note)
        yield Quality(check="C14 sparsity", value=float(len(flip.edits)), passed=True, note=f"{note}, edits")
        share = words_changed(flip.edits, len(search.split.units))
        yield Quality(check="C14 edit ratio", value=share, passed=True, note=f"{note}, edits per word")
        words = f"{note}, cosine of TF-IDF vectors with the text as it is"
        yield Quality(check="C14 similarity", value=round(float(likeness), 12), passed=True, note=words)


def _needed(view: View, search: FlipSearch, flip: Flip) -> float:
    """The share of the edits whose undoing loses the flip."""
    if len(flip.edits) == 1:
        return 1.0  # undone, it is the text as it is
    undone = [without(flip.edits, position) for position in range(len(flip.edits))]
    outputs = ask_texts(view, [edited(search.split, edits) for edits in undone])
    return float((~search.goal.met(outputs)).mean())


def _caveats(found: list[Flip]) -> tuple[Caveat, ...]:
    if not found:
        return ()
    text = "The edits are made word by word and only the model's output was checked, so a text may read oddly."
    return (Caveat(flag="edited_text", text=text),)


def _table(view: View, wish: Wish, split: Split, found: list[Flip]) -> Table | None:
    """Every option with its edits, the whole text and what the model makes of it."""
    if not found:
        return None
    what = f"prediction ({view.schema.target.label})" if wish.label is None else f"probability of {wish.label.label}"
    column = wish.goal.column or 0
    own = float(view.outputs[0, column])
    rows: list[tuple[str | float | None, ...]] = [("as it is", None, None, None, split.text, own)]
    for number, flip in enumerate(found, 1):
        for edit in flip.edits:
            cells = (edit.kind, edit.before or None, edit.after or None)
            rows.append((f"option {number}", *cells, flip.text, float(flip.output[column])))
    return Table(columns=("option", "edit", "before", "after", "text", what), rows=tuple(rows))
