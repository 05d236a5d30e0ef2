"""Which features act together: the model asked with one, the other and both changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import column_of, quantity, sample, unit_of
from askwhy.tools.engines.coalitions import Coalitions, one_by_one
from askwhy.tools.engines.curves import FLAT
from askwhy.tools.engines.pairs import (
    Interaction,
    Pair,
    Strength,
    Together,
    corners,
    interactions_at,
    strongest_columns,
    together,
    two_values,
)
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table
from askwhy.tools.quality import direct_evaluation, order_caveats, shared_credit
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.shapley import EXACT_PLAYERS
from askwhy.tools.subject import plain
from askwhy.tools.view import View

TopPairs = Annotated[int, Field(ge=1, le=50)]

_MOST_FEATURES = 20
"""With more features than this only pairs among those that move the output most are compared."""

_FEWEST_ROWS = 5
_CONTRAST_ROWS = 300
_LOCAL_FEATURES = EXACT_PLAYERS
_NEGLIGIBLE = 0.01

_CONTRAST = tuple(
    f"Where {{{end}.feature}} is {{{end}.at}}, changing {{start.feature}} from {{start.at}} to {{end.at}} changes "
    f"{what} by {{{end}_effect{role}:signed}} on average."
    for what, role in (("the probability of {low_effect.cls}", ""), ("the model's output", "_output"))
    for end in ("low", "high")
)


@tool(
    fits=lambda schema: schema.modality == "table" and len(schema.features) > 1,
    asks=(
        "do {feature} and {feature2} interact?",
        "do {feature} and {feature2} act together?",
        "does the effect of {feature} depend on {feature2}?",
        "is there an interaction between {feature} and {feature2}?",
        "which pairs of features interact most?",
        "which features interact most for {entities} with {subset}?",
        "what are the {k} strongest interactions?",
        "which features does {feature} interact with?",
        "which features act together for {row}?",
        "do {feature} and {feature2} act together for {row}?",
        ask("what is the strongest interaction?", k=1),
    ),
    says=(
        "{pair.group} interact: changing both moves the probability of {pair.cls} by {pair:size} more or less than the "
        "two separate changes add up to (root mean square over {draws} changes).",
        "{pair_output.group} interact: changing both moves the model's output by {pair_output:size} more or less than "
        "the two separate changes add up to (root mean square over {draws} changes).",
        "{weak_pair.group} hardly interact: changing both moves the probability of {weak_pair.cls} by only "
        "{weak_pair:size} more or less than the two separate changes add up to (root mean square over {draws} "
        "changes).",
        "{weak_pair_output.group} hardly interact: changing both moves the model's output by only "
        "{weak_pair_output:size} more or less than the two separate changes add up to (root mean square over {draws} "
        "changes).",
        "{no_interaction.group} do not interact in this model: in all {draws} changes tried, changing both did exactly "
        "what the two separate changes add up to.",
        "No two features interact in this model: in all {draws} changes tried for each of {no_pairs} pairs, changing "
        "both did exactly what the two separate changes add up to.",
        "The pairs that interact most{scope}, by how much changing both moves the probability of {ranked.cls} beyond "
        "the two separate changes: [ranked*: {group} ({value:size})].",
        "The pairs that interact most{scope}, by how much changing both moves the model's output beyond the two "
        "separate changes: [ranked_output*: {group} ({value:size})].",
        "The part that needs both features is {share} of the variance of what {share.group} do.",
        "If their separate effects added up in log odds, this would be {expected:size}, so "
        "{expected.group} interact more than that.",
        "Effects that add up in log odds would give {expected_same:size} of this as well, so it is no "
        "more than the bend between log odds and probabilities.",
        "This is exactly what effects that add up in log odds give: in log odds, {exactly_added.group} do "
        "not interact.",
        *_CONTRAST,
        "Only pairs among the {screened} features that move the output most were compared, of {feature_count}.",
        "For {row}, having {here.group} together {here:word raises/lowers} the probability of {here.cls} by "
        "{here:size} beyond what they do separately.",
        "For {row}, having {here_output.group} together {here_output:word raises/lowers} the model's output by "
        "{here_output:size} beyond what they do separately.",
        "For {row}, {none_here.group} do not act together: what they do adds up.",
        "For {row}, none of the {nothing_here} pairs of features looked at act together: what they do adds up.",
        "For {row}, these pairs act together most, beyond what they do separately to the probability of "
        "{ranked_here.cls}: [ranked_here*: {group} ({value:signed})].",
        "For {row}, these pairs act together most, beyond what they do separately to the model's output: "
        "[ranked_here_output*: {group} ({value:signed})].",
    ),
)
def interactions(
    view: View, features: tuple[FeatureName, ...] = (), k: TopPairs = 3, cls: ClassName | None = None
) -> Evidence:
    """Whether features interact: which pairs have a joint effect beyond their separate ones, over rows or for one row.

    `features`: none for the strongest pairs, one for its partners, two for that pair. `k`: how many pairs to name.
    """
    if len(view.schema.features) < 2:
        raise ToolError("An interaction needs at least two features.")
    chosen = [view.schema.names.index(name) for name in features]
    return _local(view, chosen, k, cls) if view.scope.has_instance else _overall(view, chosen, k, cls)


def _pairs(chosen: Sequence[int], among: Sequence[int]) -> list[Pair]:
    """The pairs asked about: all, those of one feature, or those among the named."""
    if len(chosen) == 1:
        return [(min(chosen[0], other), max(chosen[0], other)) for other in among if other != chosen[0]]
    return list(itertools.combinations(sorted(chosen) if chosen else among, 2))


def _group(view: View, pair: Pair) -> str:
    return " and ".join(view.schema.features[one].label for one in pair)


def _overall(view: View, chosen: Sequence[int], k: int, cls: str | None) -> Evidence:
    if len(view.rows) < _FEWEST_ROWS:
        raise ToolError(
            f"Interactions need at least {_FEWEST_ROWS} {view.schema.entities}; name one, or widen the choice."
        )
    among = list(range(len(view.schema.features)))
    screened = len(chosen) < 2 and len(among) > _MOST_FEATURES
    if screened:
        among = strongest_columns(view.evaluate, view.rows, _MOST_FEATURES, view.rng)
    pairs = _pairs(chosen, among)
    found = together(view.evaluate, view.rows, pairs, view.rng, classes=bool(view.schema.classes))
    ranking = _Ranking.of(view, pairs, found, cls)
    facts = [Fact(relation="draws", value=found.draws, unit="count"), *_ranking_facts(view, ranking, chosen, k)]
    if screened:
        facts += [
            Fact(relation="screened", value=len(among), unit="count"),
            Fact(relation="feature_count", value=len(view.schema.features), unit="count"),
        ]
    if len(chosen) == 2 and not ranking.none:
        facts += _contrast(view, pairs[0], ranking.label)
    named = [view.schema.names[one] for pair in ranking.named(chosen, k) for one in pair]
    return Evidence(
        facts=tuple(facts),
        method="direct evaluation of joint and separate changes (superset importance, Hooker 2004, Liu & Owen 2006)",
        estimand=f"root mean square of what changing both features adds to {quantity(view, ranking.label)} beyond "
        "the two separate changes, with new values from other rows",
        quality=direct_evaluation(found.draws, "changes of each pair evaluated on the model"),
        caveats=(*ranking.caveats(view, chosen, k), *shared_credit(view.subject.data, view.schema, named)),
        figure=_figure(view, ranking),
        table=_table(view, ranking),
    )


@dataclass(frozen=True)
class _Ranking:
    """Pairs with their strengths, strongest first. scale: the outputs' spread, against which a pair counts as weak."""

    pairs: list[Pair]
    strengths: list[Strength]
    label: ClassLabel | None
    scale: float

    @classmethod
    def of(cls, view: View, pairs: Sequence[Pair], found: Together, name: str | None) -> _Ranking:
        """For the class asked for, else the one whose probability moves most with the pairs."""
        label = view.explained_class(name)
        if label is None and not view.subject.regression:
            label = view.schema.classes[int((found.beyond**2).mean(axis=(0, 1)).argmax())]
        strengths = found.of(column_of(view, label))
        order = np.argsort([-one.size for one in strengths], kind="stable")
        spread = float(view.evaluate.all_outputs(view.subject)[:, 0].std()) if label is None else 1.0
        return cls([pairs[i] for i in order], [strengths[i] for i in order], label, spread)

    @property
    def none(self) -> bool:
        """Whether no pair ever did anything but add up."""
        return all(one.largest <= FLAT * max(1.0, self.scale) for one in self.strengths)

    def weak(self, place: int) -> bool:
        """Whether a pair is surely below one percentage point, or one per cent of the outputs' spread."""
        one = self.strengths[place]
        return one.size + 1.96 * (one.error or 0.0) < _NEGLIGIBLE * self.scale

    def named(self, chosen: Sequence[int], k: int) -> list[Pair]:
        """The pairs that the words name."""
        return [] if self.none else self.pairs[: 1 if len(chosen) == 2 else k]

    def caveats(self, view: View, chosen: Sequence[int], k: int) -> tuple[Caveat, ...]:
        """Order that is not certain."""
        if self.none or len(self.pairs) < 2:
            return ()
        labels = [f"{_group(view, pair)}" for pair in self.pairs]
        sizes, errors = [one.size for one in self.strengths], [one.error for one in self.strengths]
        return _tie_caveat(order_caveats(labels, sizes, errors, range(min(k, len(labels)))))


def _tie_caveat(found: tuple[Caveat, ...]) -> tuple[Caveat, ...]:
    """One sentence, however many neighbours tie: the pairs' names are long."""
    return tuple(Caveat(flag=one.flag, text="The order of these pairs is not certain.") for one in found[:1])


def _ranking_facts(view: View, found: _Ranking, chosen: Sequence[int], k: int) -> Iterator[Fact]:
    suffix = "" if found.label is not None else "_output"
    if found.none:
        one = len(chosen) == 2
        group = _group(view, found.pairs[0]) if one else None
        yield Fact(relation="no_interaction" if one else "no_pairs", value=len(found.pairs), unit="count", group=group)
        return
    for rank, pair in enumerate(found.named(chosen, k), 1):
        strength = found.strengths[rank - 1]
        if len(chosen) != 2:
            if strength.largest > FLAT * max(1.0, found.scale):
                yield _pair_fact(view, found, rank, f"ranked{suffix}", pair)
            continue
        name = "weak_pair" if found.weak(0) else "pair"
        yield _pair_fact(view, found, rank, f"{name}{suffix}", pair)
        yield Fact(relation="share", value=strength.share, unit="share", group=_group(view, pair))
        if found.label is not None:
            yield _reference(view, found, pair)
    yield from _members(view, found.named(chosen, k))


def _members(view: View, pairs: Sequence[Pair]) -> Iterator[Fact]:
    """Which features the pairs are made of."""
    for one in dict.fromkeys(column for pair in pairs for column in pair):
        yield Fact(relation="member", value=None, feature=view.schema.names[one])


def _pair_fact(view: View, found: _Ranking, rank: int, relation: str, pair: Pair) -> Fact:
    strength = found.strengths[rank - 1]
    return Fact(
        relation=relation,
        value=strength.size,
        unit=unit_of(view, "probability"),
        cls=None if found.label is None else found.label.name,
        group=_group(view, pair),
        rank=rank,
        error=strength.error,
    )


def _reference(view: View, found: _Ranking, pair: Pair) -> Fact:
    """What is to be expected of a pair whose effects add up in log odds: the bend of the curve alone."""
    strength = found.strengths[0]
    name = "expected" if strength.excess > 1.96 else "expected_same"
    name = "exactly_added" if strength.missed <= 1e-6 else name
    cls = None if found.label is None else found.label.name
    return Fact(relation=name, value=strength.expected, unit="points", cls=cls, group=_group(view, pair))


def _contrast(view: View, pair: Pair, label: ClassLabel | None) -> Iterator[Fact]:
    """The effect of the first feature where the second is low and where it is high, averaged over the rows."""
    features = [view.schema.features[one] for one in pair]
    ends = [two_values(feature, view.subject.data[feature.name]) for feature in features]
    if ends[0] is None or ends[1] is None:
        return
    rows = sample(view.rows, _CONTRAST_ROWS, view.rng)
    outputs = corners(view.evaluate, rows, [one.name for one in features], ends)[:, :, :, column_of(view, label)]
    sampled = len(rows) < len(view.rows)
    for name, end in zip(("start", "end"), ends[0], strict=True):
        yield _cell(name, features[0], end)
    for place, (name, end) in enumerate(zip(("low", "high"), ends[1], strict=True)):
        yield _cell(name, features[1], end)
        moved = outputs[:, 1, place] - outputs[:, 0, place]
        yield Fact(
            relation=f"{name}_effect" if label is not None else f"{name}_effect_output",
            value=float(moved.mean()),
            unit=unit_of(view, "probability"),
            cls=None if label is None else label.name,
            feature=features[0].name,
            error=float(moved.std(ddof=1) / np.sqrt(len(moved))) if sampled else None,
        )


def _cell(relation: str, feature: Feature, cell: Any) -> Fact:
    return Fact(relation=relation, value=None, unit="", feature=feature.name, at=plain(cell))


def _local(view: View, chosen: Sequence[int], k: int, cls: str | None) -> Evidence:
    label = view.explained_class(cls)
    game = Coalitions(view.evaluate, view.instance, view.subject.background, column_of(view, label))
    if game.count < 2:
        raise ToolError("Fewer than two features differ from the reference data, so there is nothing to act together.")
    players = {int(column): place for place, column in enumerate(game.players)}
    pairs = [
        pair for pair in _pairs(chosen, _local_candidates(game, chosen)) if pair[0] in players and pair[1] in players
    ]
    values = interactions_at(game, [(players[a], players[b]) for a, b in pairs], view.rng)
    order = [int(one) for one in np.argsort([-abs(one.value) for one in values], kind="stable")]
    pairs, values = [pairs[one] for one in order], [values[one] for one in order]
    exact = game.count <= _LOCAL_FEATURES
    how = "exact over all coalitions" if exact else "over drawn coalitions"
    facts = tuple(_local_facts(view, pairs, values, label, chosen, k))
    sizes, errors = [abs(one.value) for one in values], [one.error for one in values]
    named = range(sum(fact.relation.startswith("ranked_here") for fact in facts))
    ties = order_caveats([_group(view, pair) for pair in pairs], sizes, errors, named)
    return Evidence(
        facts=facts,
        method=f"pairwise Shapley interactions, {how}, against {game.refs} background rows",
        estimand=f"pairwise Shapley interaction in {quantity(view, label)}",
        quality=direct_evaluation(len(game.known()), "coalitions of the row evaluated on the model"),
        caveats=_tie_caveat(ties),
    )


def _local_candidates(game: Coalitions, chosen: Sequence[int]) -> list[int]:
    """The features whose pairs are looked at: all of a small game, else those that move the output most here."""
    if game.count <= _LOCAL_FEATURES or len(chosen) > 1:
        return [int(one) for one in game.players]
    order = np.argsort(-np.abs(one_by_one(game)), kind="stable")[:_LOCAL_FEATURES]
    return sorted(int(one) for one in game.players[order])


def _local_facts(
    view: View, pairs: list[Pair], values: list[Interaction], label: ClassLabel | None, chosen: Sequence[int], k: int
) -> Iterator[Fact]:
    suffix, cls = ("", label.name) if label is not None else ("_output", None)
    spread = float(np.ptp(view.evaluate.outputs(view.subject.background)[:, 0])) if label is None else 1.0
    named = [
        (pair, one) for pair, one in zip(pairs, values, strict=True) if abs(one.value) > max(FLAT * spread, _noise(one))
    ]
    unit = unit_of(view, "probability")
    if not named:
        group = " and ".join(view.schema.features[one].label for one in chosen) if len(chosen) == 2 else None
        relation = "none_here" if group else "nothing_here"
        yield Fact(relation=relation, value=len(pairs), unit="count", group=group, row=view.row_id)
        return
    for rank, (pair, one) in enumerate(named[:k], 1):
        name = "here" if len(chosen) == 2 else "ranked_here"
        yield Fact(
            relation=f"{name}{suffix}", value=one.value, unit=unit, cls=cls, row=view.row_id, rank=rank,
            error=one.error, group=_group(view, pair),
        )  # fmt: skip
    yield from _members(view, [pair for pair, _ in named[:k]])


def _noise(found: Interaction) -> float:
    return 1.96 * (found.error or 0.0)


def _figure(view: View, found: _Ranking) -> Figure:
    shown = min(len(found.pairs), 12)
    errors = [one.error for one in found.strengths[:shown]]
    series = Series(
        name="interaction",
        x=tuple(_group(view, pair) for pair in found.pairs[:shown]),
        y=tuple(one.size for one in found.strengths[:shown]),
        error=None if None in errors else tuple(one or 0.0 for one in errors),
    )
    return Figure(kind="bars", title=f"joint change of {quantity(view, found.label)}", series=(series,))


def _table(view: View, found: _Ranking) -> Table:
    rows = tuple(
        (_group(view, pair), one.size, one.error, one.share, one.expected if found.label is not None else None)
        for pair, one in zip(found.pairs[:20], found.strengths[:20], strict=True)
    )
    columns = ("pair", "joint change beyond", "standard error", "share of the pair's variance", "if log odds add up")
    return Table(columns=columns, rows=rows)
