"""Selections of rows, said in the ways people say them.

A condition is said as a `Part`: a noun in place of the rows ("women"), an adjective before it ("married"), or words
after it ("older than 40", "with at least two cars"). `selection` puts parts together.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from askwhy.evals.generate_words import (
    BEGIN,
    Speech,
    is_year,
    lexicon,
    listed,
    marked,
    phrased,
    plural,
    rounded,
    sampled,
    wording,
)
from askwhy.tools.schema import Feature
from askwhy.tools.scope import AnyOf, Comparison, Condition, Scalar

Groups = tuple[AnyOf, ...]


class Part(NamedTuple):
    """How one condition is said: `place` is noun, before or after; `clause` says it as a sentence of its own."""

    place: str
    text: str
    groups: Groups
    clause: str = ""


_OPS: tuple[Comparison, ...] = ("gt", "lt", "ge", "le", "eq", "ne")
_WEIGHTS = (30, 24, 17, 11, 8, 3)
_DECADES = ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties")


def numeric(speech: Speech, feature: Feature, rng: random.Random) -> Part:
    """A condition on a numeric column."""
    if feature is speech.age and rng.random() < 0.75:
        return _aged(feature, speech, rng)
    if rng.random() < 0.11:
        return _between(feature, speech, rng)
    op = rng.choices(_OPS, _WEIGHTS)[0]
    value = sampled(feature, rng)
    if value <= float(feature.low or 0) and op in ("ge", "lt"):
        op = "gt"
    elif value >= float(feature.high or 0) and op in ("gt", "le"):
        op = "lt"
    groups = _one(feature, op, value)
    noun, number = speech.feature(feature, rng), speech.number(feature, value, rng)
    adjectives = _adjectives(feature, op)
    if adjectives and rng.random() < 0.5:
        word = marked("feature", feature.name, rng.choice(adjectives))
        return Part("after", f"{word} than {number}", groups, f"are {word} than {number}")
    if feature.kind == "integer" and plural(noun) and not is_year(feature) and rng.random() < 0.75:
        if value == 0 and op == "eq":
            return Part(
                "after", f"{rng.choice(('with no', 'without any', 'with zero'))} {noun}", groups, f"have no {noun}"
            )
        text = phrased(f"counted {op}", rng, n=speech.number(feature, value, rng, unit=False), f=noun)
        return Part(
            "after", f"{rng.choice(('with', 'with', 'who have', 'having', 'that have'))} {text}", groups, f"have {text}"
        )
    compared = phrased(f"compared {op}", rng, n=number)
    return Part("after", _after(noun, compared, rng), groups, f"have {_article(noun, rng)}{noun} {compared}")


def _after(noun: str, compared: str, rng: random.Random) -> str:
    """The words after the rows: "with a fee above 50", "whose fee is above 50"."""
    bare = compared.removeprefix("of ")
    draw = rng.random()
    if draw < 0.5:
        opening = rng.choice(("with", "with", "with", "having", "that have", "w/"))
        article = "" if compared[0] in f"{BEGIN}<>=" else _article(noun, rng)
        return f"{opening} {article}{noun} {compared}"
    if draw < 0.72 and "\x02his " not in noun and "\x02her " not in noun:
        opening = rng.choice(("whose", "where", "where the", "for which the"))
        return f"{opening} {noun} {rng.choice(('is', 'is', 'was'))} {bare}"
    if draw < 0.86:
        return f"with {noun} {bare}"
    return f"{rng.choice(('at', 'of', 'for', 'where'))} {noun} {bare}"


def _article(noun: str, rng: random.Random) -> str:
    if plural(noun) or rng.random() < 0.4:
        return ""
    start = noun.partition("\x02")[2][:1].lower()
    return "an " if start in "aeio" else "a "


def _aged(feature: Feature, speech: Speech, rng: random.Random) -> Part:
    draw = rng.random()
    low, high = int(feature.low or 0), int(feature.high or 99)
    if draw < 0.1 and high >= 40:
        decade = rng.randrange(2, min(9, high // 10))
        word = marked("number", feature.name, rng.choice((_DECADES[decade - 2], f"{decade}0s")))
        groups = _one(feature, "ge", decade * 10) + _one(feature, "lt", decade * 10 + 10)
        return Part("after", f"in their {word}", groups, f"are in their {word}")
    if draw < 0.22:
        first = rng.randint(low, max(low, high - 5))
        last = min(high, first + rng.choice((5, 9, 10, 15, 20)))
        a, b = (marked("number", feature.name, str(one)) for one in (first, last))
        text = phrased("ranges age", rng, a=a, b=b)
        return Part(
            "after",
            text,
            _one(feature, "ge", first) + _one(feature, "le", last),
            f"are {text.removeprefix('who are ')}",
        )
    op = rng.choices(_OPS, _WEIGHTS)[0]
    value = (
        rng.choice((18, 21, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70)) if rng.random() < 0.6 else sampled(feature, rng)
    )
    value = int(value) if low <= value <= high else sampled(feature, rng)
    text = phrased(f"aged {op}", rng, n=speech.number(feature, value, rng, unit=False))
    return Part("after", text, _one(feature, op, value), f"are {text.removeprefix('who are ')}")


def _between(feature: Feature, speech: Speech, rng: random.Random) -> Part:
    span = float(feature.high or 1) - float(feature.low or 0)
    first = sampled(feature, rng, 0.7)
    last = rounded(first + span * rng.choice((0.1, 0.2, 0.3)), feature, span, rng)
    if last <= first:
        last = first + (1 if feature.kind == "integer" or span > 20 else round(span / 10, 6))
    text = phrased("ranges any", rng, a=speech.number(feature, first, rng, False), b=speech.number(feature, last, rng))
    noun = speech.feature(feature, rng)
    groups = _one(feature, "ge", first) + _one(feature, "le", last)
    return Part("after", _after(noun, text, rng), groups, f"have {_article(noun, rng)}{noun} {text}")


def _adjectives(feature: Feature, op: str) -> list[str]:
    words = feature.more if op == "gt" else feature.less if op == "lt" else ()
    return [word for word in words if " " not in word]


def _one(feature: Feature, op: Comparison, value: Scalar | None, negated: bool = False) -> Groups:
    return (AnyOf(any=(Condition(feature=feature.name, op=op, value=value, negated=negated),)),)


def discrete(speech: Speech, feature: Feature, rng: random.Random) -> Part:
    """A condition on a category or a yes-or-no column."""
    if feature.kind == "boolean":
        return _boolean(speech, feature, rng)
    draw = rng.random()
    if draw < 0.13 and len(feature.categories) > 2:
        return _either(speech, feature, rng)
    category = rng.choice(feature.categories)
    word = speech.category(category, feature, rng)
    said = marked("value", feature.name, word)
    noun = speech.feature(feature, rng)
    if draw > 0.96:  # as it stands in the data
        raw = f"{marked('feature', feature.name, feature.name)} = {marked('value', feature.name, str(category.value))}"
        return Part("after", f"with {raw}", _one(feature, "eq", category.value))
    if draw < 0.25:
        text = phrased("where not", rng, v=said, f=noun)
        return Part("after", text, _one(feature, "ne", category.value), f"are not {said}")
    return _placed(word, said, noun, _one(feature, "eq", category.value), rng)


def _placed(word: str, said: str, noun: str, groups: Groups, rng: random.Random) -> Part:
    words = lexicon()
    if word in words["people"]:
        return Part("noun", said, groups, f"are {said}")
    if word in words["adjectives"] and rng.random() < 0.85:
        return Part("before", said, groups, f"are {said}")
    if word.split(maxsplit=1)[0] in words["prepositions"]:
        return Part("after", said, groups, f"are {said}")
    text = phrased("where value", rng, v=said, f=noun)
    return Part("after", text, groups, f"have {noun} {said}")


def _either(speech: Speech, feature: Feature, rng: random.Random) -> Part:
    chosen = rng.sample(feature.categories, 2 if rng.random() < 0.75 or len(feature.categories) < 4 else 3)
    words = [marked("value", feature.name, speech.category(one, feature, rng)) for one in chosen]
    noun = speech.feature(feature, rng)
    if rng.random() < 0.3 and len(chosen) == 2 < len(feature.categories):
        text = phrased("where neither", rng, f=noun, a=words[0], b=words[1])
        return Part("after", text, tuple(group for one in chosen for group in _one(feature, "ne", one.value)))
    either = listed(words, rng, "or")
    group = AnyOf(any=tuple(Condition(feature=feature.name, value=one.value) for one in chosen))
    text = phrased("where either", rng, f=noun, e=either)
    return Part("after", text, (group,), f"are {either}")


def _boolean(speech: Speech, feature: Feature, rng: random.Random) -> Part:
    category = rng.choice(feature.categories)
    true = category.value is True
    words = speech.category_words(category, feature)
    groups = _one(feature, "eq", category.value)
    noun = speech.feature(feature, rng)
    if words and rng.random() < 0.65:
        word = rng.choice(words)
        said = marked("value", feature.name, word)
        if (
            word in lexicon()["people"]
            or word in lexicon()["adjectives"]
            or word.split()[0] in lexicon()["prepositions"]
        ):
            return _placed(word, said, noun, groups, rng)
        if not word.endswith("s") or word.startswith(("not ", "no ")):
            return Part("after", f"{'with ' if word.startswith('no ') else 'that are '}{said}", groups, f"are {said}")
    label = speech.nouns(feature)[0]
    if label in lexicon()["true_adjectives"]:
        said = marked("feature", feature.name, label)
        if rng.random() < 0.4 and true and " " not in label:
            return Part("before", said, groups, f"are {said}")
        return Part("after", f"that are {'' if true else 'not '}{said}", groups, f"are {'' if true else 'not '}{said}")
    if label in lexicon()["clauses"] or rng.random() < 0.25:
        value = rng.choice(("yes", "yes", "true") if true else ("no", "no", "false"))
        return Part("after", phrased("where boolean", rng, f=noun, v=value), groups)
    text = phrased("where has" if true else "where lacks", rng, f=noun)
    return Part("after", text, groups, f"have {'' if true else 'no '}{noun}")


def missing(speech: Speech, feature: Feature, rng: random.Random) -> Part:
    """A condition on an empty cell."""
    noun = speech.feature(feature, rng)
    if rng.random() < 0.8:
        text = phrased("where missing", rng, f=noun)
        return Part("after", text, _one(feature, "missing", None))
    text = phrased("where known", rng, f=noun)
    return Part("after", text, _one(feature, "missing", None, negated=True))


def outcome(speech: Speech, rng: random.Random) -> Part:
    """A condition on the prediction, the truth, or whether they agree."""
    schema = speech.schema
    draw = rng.random()
    if draw < 0.12:
        right = rng.random() < 0.4
        text = wording("where right" if right else "where wrong", rng)
        return Part("after", text, (AnyOf(any=(Condition(on="correct", value=right),)),))
    if not schema.classes:
        return _number_outcome(speech, rng)
    label = rng.choice(schema.classes)
    said = speech.label(label, rng)
    if draw < 0.6:
        text = phrased("where predicted", rng, c=said)
        return Part("after", text, (AnyOf(any=(Condition(on="predicted", value=label.name),)),))
    text = phrased("where actual", rng, c=said, t=schema.target.label)
    return Part("after", text, (AnyOf(any=(Condition(on="actual", value=label.name),)),))


def _number_outcome(speech: Speech, rng: random.Random) -> Part:
    op = rng.choice(("gt", "lt", "ge", "le"))
    value = rng.choice((1, 2, 5, 8, 10, 12, 20, 30, 50, 75, 100, 200, 500, 1500, 3000, 50000, 80000))
    number = marked("number", "", f"{value:,}" if rng.random() < 0.2 else str(value))
    compared = phrased(f"outcome {op}", rng, n=number)
    if rng.random() < 0.5:
        text = phrased("where predicted_number", rng, c=compared)
        return Part("after", text, (AnyOf(any=(Condition(on="predicted", op=op, value=value),)),))
    is_at = compared.removeprefix("to be ").removeprefix(
        "at " if compared.startswith("at ") and " or " in compared else ""
    )
    target = rng.choice((speech.schema.target.label, "value"))
    text = phrased("where actual_number", rng, t=target, c=is_at)
    return Part("after", text, (AnyOf(any=(Condition(on="actual", op=op, value=value),)),))


def contains(speech: Speech, word: str, rng: random.Random) -> Part:
    """A condition on the words of a text."""
    quote = rng.choice('"""\'')
    said = marked("word", "", f"{quote}{word}{quote}" if rng.random() < 0.85 else word)
    name = speech.schema.names[0]
    no = rng.random() < 0.15
    text = phrased("where lacks_word" if no else "where contains", rng, w=said)
    condition = Condition(feature=name, op="contains", value=word, negated=no)
    return Part("after", text, (AnyOf(any=(condition,)),))


def part(speech: Speech, used: set[str], rng: random.Random, word: Callable[[], str]) -> Part | None:
    """A random condition on something that was not spoken of yet."""
    if not speech.table:
        if "@" in used or rng.random() < 0.65:
            return contains(speech, word(), rng)
        used.add("@")
        return outcome(speech, rng)
    draw = rng.random()
    if draw < 0.09 and "@" not in used:
        used.add("@")
        return outcome(speech, rng)
    pool = speech.numeric if draw < 0.58 else speech.discrete
    free = [one for one in (pool or speech.features) if one.name not in used]
    if not free:
        return None
    feature = speech.age if speech.age is not None and speech.age in free and rng.random() < 0.3 else rng.choice(free)
    used.add(feature.name)
    if draw > 0.975 or (feature.has_missing and rng.random() < 0.25):
        return missing(speech, feature, rng)
    return numeric(speech, feature, rng) if feature.numeric else discrete(speech, feature, rng)


def selection(speech: Speech, used: set[str], rng: random.Random, word: Callable[[], str]) -> tuple[str, Groups]:
    """Words for some rows ("married women over 40"), and the groups of conditions that they mean."""
    wanted = rng.choices((1, 2, 3), (60, 30, 10))[0]
    parts = [one for one in (part(speech, used, rng, word) for _ in range(wanted)) if one]
    if not parts:
        return speech.entities[0][1], ()
    if len(parts) == 2 and rng.random() < 0.1 and (either := _alternatives(parts, speech, rng)):
        return either
    noun, rest = _noun(parts, speech, rng)
    before = [one for one in rest if one.place == "before"]
    after = [one for one in rest if one.place == "after"]
    head = " ".join([*(one.text for one in before), noun])
    ordered = [*([next(one for one in parts if one not in rest)] if len(rest) < len(parts) else []), *before, *after]
    groups = tuple(dict.fromkeys(group for one in ordered for group in one.groups))
    return _joined(head, [one.text for one in after], rng), groups


def _noun(parts: list[Part], speech: Speech, rng: random.Random) -> tuple[str, list[Part]]:
    """The noun for the rows and the parts that it leaves to be said."""
    for one in parts:
        if one.place == "noun":
            return one.text, [other for other in parts if other is not one and other.place != "noun"] + [
                other._replace(place="after", text=f"that are {other.text}")
                for other in parts if other is not one and other.place == "noun"]  # fmt: skip
    return rng.choice(speech.entities)[1], parts


def _joined(head: str, after: list[str], rng: random.Random) -> str:
    text = head
    for number, words in enumerate(after):
        previous = after[number - 1].split()[0] if number else ""
        joiner = " " if not number else rng.choice((" and ", " and ", ", ", " but ", " & ", " and also ", " "))
        first = words.split()[0]
        if number and joiner == " " and first == previous:
            joiner = " and "
        text += joiner + words
    return text


def _alternatives(parts: list[Part], speech: Speech, rng: random.Random) -> tuple[str, Groups] | None:
    """Two conditions of which one is enough, where each is a single one."""
    if not all(one.clause and len(one.groups) == 1 for one in parts):
        return None
    group = AnyOf(any=(*parts[0].groups[0].any, *parts[1].groups[0].any))
    noun = rng.choice(speech.entities)[1]
    who = rng.choice(("who", "that")) if speech.people else "that"
    return f"{noun} {who} {'either ' if rng.random() < 0.4 else ''}{parts[0].clause} or {parts[1].clause}", (group,)
