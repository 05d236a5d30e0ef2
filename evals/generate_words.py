"""How people say what a schema holds: columns, values, numbers, classes, rows.

`Speech` prepares the words of one schema. What is said carries marks, so that typing errors spare what must stay
legible and a trainer knows where each column, value, class and number was spoken of; `generate_noise.unmarked` takes
them out.
"""

from __future__ import annotations

import functools
import random
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from askwhy.evals.generate_schemas import Varied
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema

BEGIN, MIDDLE, END = "\x01", "\x02", "\x03"
_MONEY = {"dollars": "$", "euros": "€", "pounds": "£"}


@functools.cache
def lexicon() -> dict[str, frozenset[str]]:
    """Which words are people, adjectives, verbs and so on: `generate_words.toml`."""
    notes: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: frozenset(words.split("|")) for name, words in notes.items()}


@functools.cache
def patterns() -> dict[str, tuple[str, ...]]:
    """The wordings of `generate_patterns.toml`, by section and key: `patterns()["compared gt"]`."""
    notes = tomllib.loads(Path(__file__).with_name("generate_patterns.toml").read_text(encoding="utf-8"))
    return {f"{section} {key}": tuple(text.split("|")) for section, keys in notes.items() for key, text in keys.items()}


def wording(key: str, rng: random.Random) -> str:
    """A wording of a kind, drawn at random; its slots are still open."""
    several = patterns()[key]
    return several[int(rng.random() * len(several))]


def phrased(key: str, rng: random.Random, **slots: str) -> str:
    """A wording of a kind with its slots filled."""
    return wording(key, rng).format(**slots)


def marked(kind: str, name: str, text: str) -> str:
    """A text that says something of the schema. Kinds: feature, value, class, number, row, count, text, word."""
    return f"{BEGIN}{kind}:{name}{MIDDLE}{text}{END}"


class Speech:
    """The words for one schema, made once."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.spoken = dict(schema.spoken) if isinstance(schema, Varied) else {}
        self.table = schema.modality == "table"
        features = schema.features if self.table else ()
        self.numeric = [one for one in features if one.numeric and one.low is not None and one.high is not None]
        self.discrete = [one for one in features if one.categories]
        self.features = [*self.numeric, *self.discrete]
        self.people = schema.entity in lexicon()["people_entities"]
        self.entities = _entities(schema, self.people)
        ages = [one for one in self.numeric if _is_age(one)]
        self.age = ages[0] if self.people and len(ages) == 1 else None
        self.targets = [readable(word) for word in schema.target.words() if word not in lexicon()["not_nouns"]]
        self.targets = self.targets or [readable(schema.target.label)]
        self.menu: Any = None
        """The templates that fit, once they were looked up (`generate_steps.menu_of`)."""
        self._nouns: dict[str, list[str]] = {}
        self._classes: dict[str, tuple[list[str], list[str]]] = {}

    def nouns(self, feature: Feature) -> list[str]:
        """The nouns for a column, the most usual first."""
        found = self._nouns.get(feature.name)
        if found is None:
            verbs = lexicon()["not_nouns"]
            words = [feature.label, *feature.aliases, *self.spoken.get(feature.name, ())]
            if set(readable(feature.name).lower().split()) <= set(readable(feature.label).lower().split()):
                words.append(feature.name)
            plain = dict.fromkeys(readable(word) for word in words if word not in verbs)
            found = self._nouns[feature.name] = list(plain) or [readable(feature.label)]
        return found

    def feature(self, feature: Feature, rng: random.Random) -> str:
        """A noun for a column, marked; now and then its name as it stands in the data."""
        nouns = self.nouns(feature)
        draw = rng.random()
        if draw < 0.07:
            return marked("feature", feature.name, feature.name if draw < 0.05 else f'"{feature.name}"')
        noun = nouns[0] if draw < 0.4 else nouns[int(rng.random() * len(nouns))]
        return marked("feature", feature.name, noun)

    def forms(self, label: ClassLabel) -> tuple[list[str], list[str]]:
        """The nouns or adjectives for a class, and its verbs in the third person ("gets approved")."""
        found = self._classes.get(label.name)
        if found is None:
            verbs: list[str] = []
            nouns: list[str] = []
            said = (*label.words(), *self.spoken.get(f"class {label.name}", ()))
            for word in dict.fromkeys(readable(one) for one in said):
                (verbs if word.split()[0] in lexicon()["class_verbs"] else nouns).append(word)
            bare = [word for word in nouns if word not in ("0", "1", "yes", "no") and len(word) > 1] or nouns or verbs
            found = self._classes[label.name] = (bare, verbs)
        return found

    def label(self, label: ClassLabel, rng: random.Random) -> str:
        """A noun or adjective for a class, marked."""
        nouns = self.forms(label)[0]
        return marked("class", label.name, nouns[0] if rng.random() < 0.5 else rng.choice(nouns))

    def does(self, label: ClassLabel, rng: random.Random) -> str:
        """What somebody of the class does: "gets approved", "is churned"."""
        nouns, verbs = self.forms(label)
        if verbs and rng.random() < 0.7:
            return marked("class", label.name, rng.choice(verbs))
        return rng.choice(("is ", "is ", "is predicted ", "is classified as ")) + marked(
            "class", label.name, rng.choice(nouns)
        )

    def do(self, label: ClassLabel, rng: random.Random) -> str:
        """The same after "can" or "to": "get approved", "be churned"."""
        nouns, verbs = self.forms(label)
        if verbs and rng.random() < 0.7:
            return marked("class", label.name, base_form(rng.choice(verbs)))
        return rng.choice(("be ", "become ", "be ", "be classified as ", "get ")) + marked(
            "class", label.name, rng.choice(nouns)
        )

    def number(self, feature: Feature, value: float, rng: random.Random, unit: bool = True) -> str:
        """A value of a column as people write it, with its unit now and then."""
        text = marked("number", feature.name, spelled(value, rng, plain=is_year(feature)))
        if not unit or not feature.unit or rng.random() < 0.55:
            return text
        if feature.unit in _MONEY and any(mark.isdigit() for mark in text):
            return f"{_MONEY[feature.unit]}{text}" if rng.random() < 0.5 else f"{text} {feature.unit}"
        if feature.unit in ("%", "percent"):
            return f"{text}{rng.choice(('%', ' %', ' percent', ' per cent'))}"
        return f"{text} {feature.unit}" if feature.unit in lexicon()["said_units"] else text

    def category(self, category: Category, feature: Feature, rng: random.Random) -> str:
        """A value of a categorical column by its label or another word, unmarked."""
        words = self.category_words(category, feature)
        return words[0] if rng.random() < 0.5 else rng.choice(words)

    def category_words(self, category: Category, feature: Feature) -> list[str]:
        """Every word for a value; those of booleans only where they have words of their own."""
        said = (category.label, *category.aliases, *self.spoken.get(f"{feature.name} {category.name}", ()))
        if feature.kind == "boolean":
            own = [word for word in said if word not in ("yes", "no", "true", "false")]
            return own
        known = [word for word in said if len(word) > 2 or word == category.label]
        return list(dict.fromkeys(known))


def plural(noun: str) -> bool:
    """Whether a noun, marked or not, is a plural, so that it can be counted: previous owners, children under 18."""
    word = noun.rstrip(END).rpartition(MIDDLE)[2]
    words = word.split()
    for at, one in enumerate(words):
        if at and one in lexicon()["noun_ends"]:
            words = words[:at]
            break
    if not words or words[0] in (
        "number",
        "months",
        "years",
        "days",
        "hours",
        "minutes",
        "year",
        "share",
        "time",
        "kilometres",
    ):
        return False
    head = words[-1]
    return head in ("children", "people", "kids") or (
        head.endswith("s") and not head.endswith(("ss", "us", "is", "ness"))
    )


def _entities(schema: Schema, people: bool) -> list[tuple[str, str]]:
    own = (schema.entity, schema.entities)
    if people:
        return [own] * 6 + [("person", "people")] * 3 + [("person", "persons"), ("case", "cases"), ("person", "folks")]
    return [own] * 8 + [("case", "cases"), ("row", "rows"), ("record", "records")]


def _is_age(feature: Feature) -> bool:
    words = {word.lower() for word in feature.words()}
    return feature.unit in ("years", "") and bool(words & {"age", "years old", "customer age", "donor age"})


def is_year(feature: Feature) -> bool:
    """Whether a column holds calendar years, which are written without separators."""
    return feature.low is not None and feature.high is not None and feature.low >= 1500 and feature.high <= 2100


@functools.lru_cache(maxsize=8192)
def readable(name: str) -> str:
    """A column's name as words: "Annual Income ($)" is annual income, n_prev_orders n prev orders."""
    text = name.split(" (", maxsplit=1)[0] if name.endswith(")") and " (" in name else name
    text = text.replace("_", " ").strip()
    if " " not in text and any(mark.islower() for mark in text):
        parts = "".join(f" {mark}" if mark.isupper() and text[at - 1 : at].islower() else mark
                        for at, mark in enumerate(text))  # fmt: skip
        text = parts.strip()
    words = (word if sum(map(str.isupper, word)) > 1 or any(map(str.isdigit, word)) else word[:1].lower() + word[1:]
             for word in text.split())  # fmt: skip
    return " ".join(words) or name


def base_form(verb: str) -> str:
    """ "gets approved" as "get approved"."""
    first, _, rest = verb.partition(" ")
    known = {"is": "be", "has": "have", "does": "do", "goes": "go", "passes": "pass", "flunks": "flunk"}
    if first in known:
        first = known[first]
    elif first.endswith("ies") and len(first) > 4:
        first = first[:-3] + "y"
    elif first.endswith(("shes", "ches", "sses")):
        first = first[:-2]
    elif first.endswith("s"):
        first = first[:-1]
    return f"{first} {rest}".strip()


def spelled(value: float, rng: random.Random, plain: bool = False) -> str:
    """A number in digits, words or short forms: 1200, 1,200, 1.2k, forty."""
    whole = float(value).is_integer()
    if not whole or plain or value < 0:
        return f"{value:g}" if not whole else str(int(value))
    number, draw = int(value), rng.random()
    if draw < 0.18 and number <= 20:
        return in_words(number) if number != 12 or draw > 0.04 else "a dozen"
    if draw < 0.1 and number <= 120:
        return in_words(number)
    if number >= 1000:
        if draw < 0.25:
            return f"{number:,}"
        if draw < 0.42 and number % 100 == 0:
            return f"{number / 1000:g}k"
        if draw < 0.46 and number % 1000 == 0 and number <= 99000:
            return f"{in_words(number // 1000)} thousand"
    return str(number)


def in_words(number: int) -> str:
    """A whole number below a thousand in words."""
    if number < 20:
        return patterns()["numbers ones"][number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return patterns()["numbers tens"][tens - 2] + (f"-{patterns()['numbers ones'][ones]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    return f"{in_words(hundreds)} hundred" + (f" and {in_words(rest)}" if rest else "")


def sampled(feature: Feature, rng: random.Random, share: float = 1.0) -> float:
    """A value within the column's range, as round as people say them; `share` narrows the range from below."""
    low, high = float(feature.low or 0), float(feature.high or 1)
    low = max(low, 0.0) if high > 0 and rng.random() < 0.9 else low
    span = (high - low) * share
    value = low + span * rng.random() * (rng.random() if rng.random() < 0.5 and span > 200 else 1)
    return rounded(value, feature, high - low, rng)


def rounded(value: float, feature: Feature, span: float, rng: random.Random) -> float:
    """A value as round as somebody would say it who has `span` in mind."""
    if is_year(feature) or (feature.kind == "integer" and span <= 60):
        return int(value)
    if span > 60:
        digits = 1 if rng.random() < 0.5 else 2
        size = len(str(int(abs(value)))) - digits
        scale = float(10 ** max(size, 0))
        return round(value / scale) * scale
    for digits in (1, 2, 3, 4, 5, 6):
        if span > 5 * 10 ** (1 - digits):
            return _plain(round(value, digits - (1 if span > 20 and rng.random() < 0.6 else 0)))
    return _plain(round(value, 6))


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def listed(items: Sequence[str], rng: random.Random, last: str = "and") -> str:
    """Items with commas and a last "and"."""
    if len(items) < 2:
        return "".join(items)
    comma = ", " if rng.random() < 0.85 else f" {last} "
    return f"{comma.join(items[:-1])}{',' if len(items) > 2 and rng.random() < 0.2 else ''} {last} {items[-1]}"
