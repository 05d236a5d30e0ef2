"""Which words matter to the model over many texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import quantity, unit_of
from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.text_corpus import FEWEST_TEXTS, Sign, WordEffect, WordEffects, word_effects
from askwhy.tools.engines.text_patterns import FALSE_DISCOVERIES
from askwhy.tools.engines.text_telling import quoted, said_of_output
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table
from askwhy.tools.quality import order_caveats
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.view import View

TopK = Annotated[int, Field(ge=1)]

_SHOWN = 20
_NEGLIGIBLE = 5e-7

_SAYS: Says = (
    *said_of_output(
        "asked_word", "Where it stands, [ROLE*: “{at}” {value:word raises/lowers} QUANTITY by {value:size} on average]."
    ),
    *said_of_output(
        "asked_unsure",
        "[ROLE*: the average effect of “{at}” on QUANTITY is too small to tell from zero "
        "({value:signed}, with a standard error of {error})].",
    ),
    "[asked_zero*: “{at}” makes no difference to the predictions].",
    *said_of_output(
        "top_word",
        "What moves QUANTITY most where it stands, on average: "
        "[ROLE*: “{at}” {value:word raises/lowers} it by {value:size}].",
    ),
    *said_of_output(
        "top_for", "What raises QUANTITY most where it stands, on average: [ROLE*: “{at}” (by {value:size})]."
    ),
    *said_of_output(
        "top_against", "What lowers QUANTITY most where it stands, on average: [ROLE*: “{at}” (by {value:size})]."
    ),
    # Where a larger one may be chance, those that are named are not the most.
    *said_of_output(
        "clear_word",
        "What clearly moves QUANTITY where it stands, on average: "
        "[ROLE*: “{at}” {value:word raises/lowers} it by {value:size}].",
    ),
    *said_of_output(
        "clear_for", "What clearly raises QUANTITY where it stands, on average: [ROLE*: “{at}” (by {value:size})]."
    ),
    *said_of_output(
        "clear_against", "What clearly lowers QUANTITY where it stands, on average: [ROLE*: “{at}” (by {value:size})]."
    ),
    *said_of_output("no_top_word", "[ROLE*: no word clearly moves QUANTITY]."),
    *said_of_output("no_top_for", "[ROLE*: no word clearly raises QUANTITY]."),
    *said_of_output("no_top_against", "[ROLE*: no word clearly lowers QUANTITY]."),
    "That makes up {named_share} of the effects of all {words_measured} words measured, added up by size.",
    "The numbers are averages over at most {most_measured:entities} that hold the word, of what deleting it changes.",
    "The words were looked for in {sampled_texts} of the {total} {entities}, drawn at random.",
)


@tool(
    audit="What it relies on",
    asks=(
        "which words matter most?",
        "which words matter most for {class}?",
        "what are the {k} most important words?",
        "top {k} words",
        "which words does the model react to?",
        "what words does the model look at overall?",
        "which words matter most in {entities} {subset}?",
        "does the word {word} matter to the model?",
        "how important is the word {word} in general?",
        "what does {word} usually do to the prediction?",
        ask("what is the most important word?", k=1),
        ask("which words make the model say {class}?", sign="for"),
        ask("which words speak for {class}?", sign="for"),
        ask("what are typical words for {class}?", sign="for"),
        ask("which words speak against {class}?", sign="against"),
        ask("which words make {class} less likely?", sign="against"),
    ),
    says=_SAYS,
    fits=lambda schema: schema.modality == "text",
)
def importance_text(
    view: View,
    k: TopK = 5,
    cls: ClassName | None = None,
    words: tuple[str, ...] = (),
    sign: Sign = "all",
) -> Evidence:
    """Which words matter most to the model over many texts: how its output changes when they are deleted.

    `words`: the words or phrases asked about. `k`: how many to name. `sign`: only what speaks for or against `cls`.
    """
    found = word_effects(view, view.explained_class(cls), words, k, sign)
    wanted = _wanted(found, sign)
    p_values = _adjusted(found)
    passing = [i for i in wanted if _clear(found.ranked[i]) and p_values[i] <= FALSE_DISCOVERIES]
    named = [] if words else passing[:k]
    return Evidence(
        facts=(*_importances(view, found), *_roles(view, found, wanted, named, sign), *_counts(view, found)),
        method="deletion of each word from the texts that hold it",
        estimand=f"mean change of {quantity(view, found.label)} between a text and the text without the word",
        quality=_quality(found, [p_values[i] for i in named]),
        caveats=tuple(_caveats(view, found, wanted, named)),
        figure=_figure(view, found),
        table=Table(
            columns=("word", "mean effect", "standard error", "texts"),
            rows=tuple((one.word, one.mean, one.error, one.texts) for one in (*found.asked, *found.ranked)),
        ),
    )


def _clear(effect: WordEffect) -> bool:
    """Whether an effect can be told from zero, and would not print as 0."""
    return abs(effect.mean) > max(_NEGLIGIBLE, 2 * (effect.error or 0.0))


def _adjusted(found: WordEffects) -> list[float]:
    """Adjusted p-values of the ranked words' mean effects, as the largest of all the words there are."""
    from scipy.stats import t

    own = np.zeros(len(found.ranked))  # an effect that is the same in all texts that hold a word is no chance
    for place, one in enumerate(found.ranked):
        if one.error:
            own[place] = 2 * t.sf(abs(one.mean) / one.error, one.texts - 1)
    every = adjusted(np.concatenate([own, np.ones(max(0, found.words - len(own)))]))
    return [float(one) for one in every[: len(own)]]


def _quality(found: WordEffects, p_values: Sequence[float]) -> tuple[Quality, ...]:
    """C10: how sure it is that the words that are named move the output at all."""
    if not p_values:
        return ()
    note = f"largest adjusted p of the words named, of {found.words:,} words"
    return (Quality(check="C10", value=max(p_values), passed=True, note=note),)


def _wanted(found: WordEffects, sign: Sign) -> list[int]:
    """Positions of the words that speak the wanted way."""
    return [i for i, one in enumerate(found.ranked) if sign == "all" or (one.mean > 0) == (sign == "for")]


def _fact(view: View, found: WordEffects, effect: WordEffect, relation: str, rank: int | None) -> Fact:
    return Fact(
        relation=relation,
        value=effect.mean,
        unit=unit_of(view, "probability"),
        at=effect.word,
        cls=None if found.label is None else found.label.name,
        rank=rank,
        error=effect.error,
    )


def _importances(view: View, found: WordEffects) -> Iterator[Fact]:
    for rank, effect in enumerate(found.ranked, 1):
        yield _fact(view, found, effect, "word_importance", rank)


def _roles(view: View, found: WordEffects, wanted: Sequence[int], named: Sequence[int], sign: Sign) -> Iterator[Fact]:
    """The same facts in the roles that the words need."""
    suffix = "_output" if found.label is None else ""
    for effect in found.asked:
        if abs(effect.mean) <= _NEGLIGIBLE:
            yield _fact(view, found, effect, "asked_zero", None)
        else:
            yield _fact(view, found, effect, ("asked_word" if _clear(effect) else "asked_unsure") + suffix, None)
    role = {"all": "word", "for": "for", "against": "against"}[sign] + suffix
    leading = list(named) == list(wanted[: len(named)])
    for position in named:
        yield _fact(view, found, found.ranked[position], ("top_" if leading else "clear_") + role, position + 1)
    if not named and not found.asked:
        cls = None if found.label is None else found.label.name
        yield Fact(relation=f"no_top_{role}", value=0, unit="count", cls=cls)
    whole = sum(abs(one.mean) for one in found.ranked)
    if named and whole > 0:
        part = sum(abs(found.ranked[position].mean) for position in named)
        yield Fact(relation="named_share", value=part / whole, unit="share")
        yield Fact(relation="words_measured", value=len(found.ranked), unit="count")


def _counts(view: View, found: WordEffects) -> Iterator[Fact]:
    measured = max(one.texts for one in (*found.asked, *found.ranked))
    yield Fact(relation="most_measured", value=measured, unit="count")
    yield Fact(relation="words_tried", value=found.words, unit="count")
    yield Fact(relation="total", value=found.total, unit="count")
    if found.texts < found.total:
        yield Fact(relation="sampled_texts", value=found.texts, unit="count")


def _caveats(view: View, found: WordEffects, wanted: Sequence[int], named: Sequence[int]) -> Iterator[Caveat]:
    if found.support < FEWEST_TEXTS and named:
        text = f"No word stands in {FEWEST_TEXTS} of these {view.schema.entities}, so the averages are over very few."
        yield Caveat(flag="few_texts", text=text)
    skipped = [found.ranked[i].word for i in wanted[: wanted.index(named[-1])] if i not in named] if named else []
    if skipped:
        words = quoted(skipped)
        text = f"Larger on average, but in too few {view.schema.entities} to be told from chance: {words}."
        yield Caveat(flag="unsure_larger", text=text)
    yield from order_caveats(
        [f"“{found.ranked[i].word}”" for i in wanted],
        [abs(found.ranked[i].mean) for i in wanted],
        [found.ranked[i].error for i in wanted],
        {wanted.index(i) for i in named},
    )


def _figure(view: View, found: WordEffects) -> Figure:
    shown, what = found.ranked[:_SHOWN], quantity(view, found.label)
    error = tuple(one.error for one in shown)
    return Figure(
        kind="bars",
        title=f"What single words do to {what}",
        x_label="word",
        y_label=f"mean change of {what}",
        series=(
            Series(
                name="mean effect",
                x=tuple(one.word for one in shown),
                y=tuple(one.mean for one in shown),
                error=None if None in error else tuple(value or 0.0 for value in error),
            ),
        ),
    )
