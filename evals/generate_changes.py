"""Changes to rows ("what if she were five years older") and cases of the user's own, in words and as values.

A change is said in one of four moods: `were` (the fee were 40), `had` (had a fee of 40, were five years older), `imp`
(set the fee to 40), `ger` (setting the fee to 40).
"""

from __future__ import annotations

import random

from askwhy.evals.generate_words import (
    Speech,
    is_year,
    lexicon,
    listed,
    marked,
    phrased,
    plural,
    sampled,
    spelled,
    wording,
)
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Assignment, Change, Scalar

_FACTORS = ((2, "doubled", 5), (0.5, "halved", 4), (3, "tripled", 1))


def change(speech: Speech, feature: Feature, mood: str, rng: random.Random) -> tuple[str, Change]:
    """A change of a column, in words and as the change."""
    noun = speech.feature(feature, rng)
    the = f"the {noun}" if mood in ("were", "imp", "ger") and rng.random() < 0.45 else noun
    if feature.categories:
        return _to_category(speech, feature, mood, noun, the, rng)
    if feature is speech.age and mood in ("were", "had") and rng.random() < 0.8:
        return _aged(feature, mood, rng)
    draw = rng.random()
    if draw < 0.13 and not is_year(feature):
        return _scaled(feature, mood, noun, the, rng)
    if draw < 0.55:
        value = sampled(feature, rng)
        number = speech.number(feature, value, rng)
        form = wording(f"set {mood}", rng)
        if mood == "had" and feature.kind == "integer" and plural(noun):
            form = rng.choice(("had {n} {f}", "had {n} {f}", "had only {n} {f}"))
            number = speech.number(feature, value, rng, unit=False)
        made = Change(feature=feature.name, action="set", value=value)
        return _article(form, noun).format(f=noun if mood == "had" or "a {f}" in form else the, n=number), made
    return _moved(speech, feature, mood, noun, the, rng)


def _aged(feature: Feature, mood: str, rng: random.Random) -> tuple[str, Change]:
    who = f"{rng.choice(('he', 'she', 'they'))} " if mood == "were" else ""
    were = rng.choice(("were", "were", "was"))
    if rng.random() < 0.4:
        age = int(sampled(feature, rng))
        number = marked("number", feature.name, str(age))
        return f"{who}{were} {number}{rng.choice(('', '', ' years old'))}", Change(feature=feature.name, value=age)
    up, step = rng.random() < 0.6, rng.choice((1, 2, 3, 5, 5, 10, 15, 20))
    number = marked("number", feature.name, spelled(step, rng))
    word = marked("feature", feature.name, "older" if up else "younger")
    made = Change(feature=feature.name, action="increase" if up else "decrease", value=step)
    return f"{who}{were} {number} {rng.choice(('years ', 'years ', ''))}{word}", made


def _moved(speech: Speech, feature: Feature, mood: str, noun: str, the: str, rng: random.Random) -> tuple[str, Change]:
    up = rng.random() < 0.55
    step = _step(feature, rng)
    number = speech.number(feature, step, rng)
    made = Change(feature=feature.name, action="increase" if up else "decrease", value=step)
    words = [word for word in (feature.more if up else feature.less) if len(word.split()) < 3]
    if words and rng.random() < 0.55 and mood in ("were", "had"):
        word = marked("feature", feature.name, rng.choice(words))
        who = rng.choice(("he", "she", "they")) if speech.people else rng.choice(("it", "this one"))
        return (f"{who + ' ' if mood == 'were' else ''}{rng.choice(('were', 'were', 'was'))} {number} {word}"), made
    form = wording(f"{made.action} {mood}", rng)
    return _article(form, noun).format(
        f=noun if mood == "had" or "more {f}" in form or "less {f}" in form else the, n=number
    ), made


def _article(pattern: str, noun: str) -> str:
    if plural(noun):
        return pattern.replace("a {f}", "{f}")
    vowel = noun.partition("\x02")[2][:1].lower() in "aeio"
    return pattern.replace("a {f}", "an {f}") if vowel else pattern


def _step(feature: Feature, rng: random.Random) -> float:
    span = float(feature.high or 1) - float(feature.low or 0)
    if feature.kind == "integer" and span <= 30:
        return rng.choice((1, 1, 2, 2, 3, 4, 5)) if span > 5 else 1
    for size in (100000, 10000, 1000, 100, 10, 1, 0.1, 0.01, 0.001, 0.0001, 0.00001):
        if span >= 4 * size:
            step = rng.choice((1, 2, 5, 3, 1.5)) * size
            return int(step) if float(step).is_integer() or feature.kind == "integer" else round(step, 6)
    return span


def _scaled(feature: Feature, mood: str, noun: str, the: str, rng: random.Random) -> tuple[str, Change]:
    if rng.random() < 0.45 or feature.unit in ("%", "percent"):
        factor, key, _ = rng.choices(_FACTORS, [weight for *_, weight in _FACTORS])[0]
        text = wording(f"{key} {mood}", rng)
    else:
        percent, up = rng.choice((5, 10, 10, 15, 20, 25, 30, 50)), rng.random() < 0.5
        factor = round(1 + (percent if up else -percent) / 100, 2)
        said = marked("number", feature.name, str(percent)) + rng.choice(("%", " %", " percent", " per cent"))
        text = wording(f"percent_{'up' if up else 'down'} {mood}", rng).replace("{p}", said)
    made = Change(feature=feature.name, action="scale", value=factor)
    return text.format(f=noun if mood == "had" else the), made


def _to_category(
    speech: Speech, feature: Feature, mood: str, noun: str, the: str, rng: random.Random
) -> tuple[str, Change]:
    category = rng.choice(feature.categories)
    made = Change(feature=feature.name, action="set", value=category.value)
    words = speech.category_words(category, feature)
    if words:
        word = rng.choice(words)
        said = marked("value", feature.name, word)
        if mood in ("were", "had") and rng.random() < 0.6 and (own := _being(word, said)):
            who = rng.choice(("he ", "she ", "they ")) if speech.people else "it "
            return (who if mood == "were" else "") + own, made
        if feature.kind != "boolean":
            return phrased(f"to_value {mood}", rng, f=noun if mood == "had" else the, v=said), made
    value = category.value is True
    label = speech.nouns(feature)[0]
    if label in lexicon()["true_adjectives"] and mood in ("were", "had"):
        who = rng.choice(("he ", "she ", "they ")) if speech.people else "it "
        said = marked("feature", feature.name, label)
        return f"{who if mood == 'were' else ''}were {'' if value else 'not '}{said}", made
    if label in lexicon()["clauses"]:
        if mood in ("imp", "ger"):
            return f"{'set' if mood == 'imp' else 'setting'} {noun} to {'yes' if value else 'no'}", made
        truth = "true" if value else "false"
        return (f"{noun} was {truth}" if mood == "were" else f"had {noun} set to {truth}"), made
    return phrased(f"switched_{'on' if value else 'off'} {mood}", rng, f=noun), made


def _being(word: str, said: str) -> str:
    words = lexicon()
    if word in words["singles"]:
        return f"were {'an' if word[0] in 'aeio' else 'a'} {said}"
    if word in words["adjectives"] or word.split(maxsplit=1)[0] in ("with", "without", "in", "on", "from", "not"):
        return f"were {said}"
    return ""


def case(speech: Speech, rng: random.Random) -> tuple[str, tuple[Assignment, ...]]:
    """A case of the user's own: "a 34 year old woman with two children"."""
    features = rng.sample(speech.features, min(len(speech.features), rng.choice((2, 2, 3, 3, 4, 5))))
    if speech.age and speech.age not in features and rng.random() < 0.6:
        features[0] = speech.age
    listing = rng.random() < 0.3
    first: list[tuple[str, Assignment]] = []
    rest: list[tuple[str, Assignment]] = []
    noun = (speech.schema.entity, None)  # type: tuple[str, Assignment | None]
    for feature in features:
        if feature is speech.age and not listing:
            age = int(sampled(feature, rng))
            number = marked("number", feature.name, str(age))
            form = rng.choice(("{n} year old", "{n}-year-old", "{n} y/o"))
            first.insert(0, (form.format(n=number), Assignment(feature=feature.name, value=age)))
            continue
        text, value, place = _cell(speech, feature, rng)
        made = Assignment(feature=feature.name, value=value)
        if place == "single" and not listing and noun[1] is None:
            noun = (text, made)
        elif place == "before" and not listing:
            first.append((text, made))
        else:
            rest.append((text, made))
    cells = [*(one for _, one in first), *([noun[1]] if noun[1] else []), *(one for _, one in rest)]
    said = [text for text, _ in rest]
    if listing:
        start = rng.choice(
            ("", f"a {speech.schema.entity}: ", f"this {speech.schema.entity}: ", f"a new {speech.schema.entity} with ")
        )
        return start + (", ".join(said) if rng.random() < 0.7 else listed(said, rng)), tuple(cells)
    head = " ".join([*(text for text, _ in first), noun[0]])
    start = head.lstrip("\x01").partition("\x02")[2] or head
    article = "an" if start[:1].lower() in "aeio" or start[:2] in ("11", "18") or start[:1] == "8" else "a"
    new = "new " if not first and article == "a" and rng.random() < 0.3 else ""
    return f"{article} {new}{head}{' with ' if said else ''}{listed(said, rng)}", tuple(cells)


def _cell(speech: Speech, feature: Feature, rng: random.Random) -> tuple[str, Scalar, str]:
    noun = speech.feature(feature, rng)
    if feature.numeric:
        value = sampled(feature, rng)
        number = speech.number(feature, value, rng)
        counted = feature.kind == "integer" and plural(noun) and not feature.unit
        form = rng.choice(
            ("{n} {f}",) if counted else ("{f} {n}", "{f} of {n}", "a {f} of {n}", "{f} = {n}", "{f} {n}")
        )
        return _article(form, noun).format(f=noun, n=number), value, "after"
    category = rng.choice(feature.categories)
    words = speech.category_words(category, feature)
    if feature.kind == "boolean":
        return (noun if category.value is True else f"no {noun}"), category.value, "after"
    word = rng.choice(words)
    said = marked("value", feature.name, word)
    known = lexicon()
    if word in known["singles"]:
        return said, category.value, "single"
    if word in known["adjectives"]:
        return said, category.value, "before"
    return rng.choice(("{f} {v}", "{v} as {f}", "{f}: {v}", "{f} {v}")).format(f=noun, v=said), category.value, "after"
