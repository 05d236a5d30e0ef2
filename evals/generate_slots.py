"""The slots of templates beside those for rows and classes: columns, numbers, changes, words, what is out of scope."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from askwhy.agent.parser.actions import arguments_of_tool
from askwhy.evals.generate_changes import change
from askwhy.evals.generate_filling import FILLERS, Filling
from askwhy.evals.generate_grammar import registered
from askwhy.evals.generate_schemas import domains
from askwhy.evals.generate_words import Speech, in_words, listed, marked, patterns, readable, sampled, wording
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Change

__all__ = ["Filling", "twins", "vague"]

_COUNTS = (2, 3, 3, 4, 5, 5, 6, 7, 8, 10, 12, 15, 20)
_NUMBERS = (2, 5, 7, 10, 12, 20, 50, 100, 300)


@functools.cache
def _term_names() -> tuple[str, ...]:
    return next(one.choices for one in arguments_of_tool(registered()["method_help"]) if one.name == "term")


def _feats(f: Filling) -> str:
    wanted = min(f.rng.choice((1, 1, 1, 2, 2, 3)), max(1, len(f.speech.features) - 1))
    chosen = [f.pick(f.speech.features) for _ in range(wanted)]
    f.values["feats"] = tuple(dict.fromkeys(one.name for one in chosen))
    return listed([f.speech.feature(one, f.rng) for one in chosen], f.rng, f.rng.choice(("and", "and", "or", "&")))


def _main(f: Filling) -> Feature:
    if f.main is None:
        f.main = f.pick(f.speech.numeric)
    return f.main


def _num(f: Filling) -> str:
    feature = _main(f)
    f.values["num"] = feature.name
    return f.speech.feature(feature, f.rng)


def _bound(f: Filling, slot: str) -> str:
    feature = _main(f)
    value = sampled(feature, f.rng)
    start = f.values.get("start")
    if slot == "stop" and start is not None and value <= start:
        value = start + max(1, int(feature.high or 1) // 5)
    f.values[slot] = value
    return f.speech.number(feature, value, f.rng, unit=slot != "start")


def _category(f: Filling) -> str:
    """A value of the column in slot `catv`, which may come later in the template."""
    feature, value = _valued(f)
    f.values["catvalue"] = str(value.value)
    return marked("value", feature.name, f.speech.category(value, feature, f.rng))


def _valued(f: Filling) -> Any:
    if "valued" not in f.values:
        feature = f.pick([one for one in f.speech.discrete if one.kind != "boolean"])
        f.values["valued"] = (feature, f.rng.choice(feature.categories))
        f.values["catv"] = feature.name
    return f.values["valued"]


def _count(f: Filling, slot: str, choices: Sequence[int]) -> str:
    low, high = f.limits.get(slot, (1, 30))
    value = f.rng.choice([one for one in choices if low <= one <= high] or [low, low + 10, 2 * low])
    if f.row and f.row.isdigit() and max(low, 2) <= int(f.row) <= high and f.rng.random() < 0.2:
        value = int(f.row)  # a count that equals an id
    f.values[slot] = value
    f.counts.append(value)
    words = value <= 12 and f.rng.random() < 0.35
    return marked("count", "", in_words(value) if words else str(value))


def _changes(f: Filling, mood: str) -> str:
    several = 2 if f.rng.random() < 0.2 and len(f.speech.features) > 2 else 1
    said = []
    for _ in range(several):
        feature = f.pick(f.speech.features)
        text, made = change(f.speech, feature, mood, f.rng)
        said.append(text)
        f.changes = (*f.changes, made)
    return " and ".join(said)


def _edit(f: Filling, slot: str) -> str:
    word = _new_word(f, slot)
    made = {
        "cut": lambda: Change(action="remove", words=word),
        "new": lambda: Change(action="replace", words=f.values.get("old", "?"), value=word),
        "add": lambda: Change(action="insert", value=word),
        "before": lambda: Change(action="insert", words=word, value=f.values["add"]),
    }.get(slot)
    if made is not None:
        f.changes = (made(),)
    return _quoted(f, word)


def _new_first(f: Filling) -> str:
    """The new words; where they are said before the old ones, the change is completed by `_old`."""
    if "old" in f.values:
        return _edit(f, "new")
    word = f.word()
    f.values["new"] = word
    return _quoted(f, word)


def _old(f: Filling) -> str:
    word = f.word()
    while word == f.values.get("new"):
        word = f.word()
    f.values["old"] = word
    if "new" in f.values:
        f.changes = (Change(action="replace", words=word, value=f.values["new"]),)
    return _quoted(f, word)


def _quoted(f: Filling, word: str) -> str:
    quote = f.rng.choice(('"', '"', "'"))
    return f"{quote}{marked('word', '', word)}{quote}"


def _word(f: Filling, slot: str) -> str:
    return _quoted(f, _new_word(f, slot))


def _new_word(f: Filling, slot: str) -> str:
    """A word that stands in no other slot."""
    word = f.word()
    while word in f.values.values():
        word = f.word()
    f.values[slot] = word
    return word


def _highlow(f: Filling, slot: str) -> str:
    feature = f.pick(f.speech.numeric)
    side = f.rng.choice(("high", "low"))
    noun = f.rng.choice(f.speech.nouns(feature))
    f.values[slot] = f"{side} {noun}"
    return f"{side} {marked('feature', feature.name, noun)}"


def _free(f: Filling, slot: str, pool: Sequence[str], mark: str = "word") -> str:
    text = f.rng.choice([one for one in pool if one not in f.values.values()])
    f.values[slot] = text
    return marked(mark, "", text)


def _goal(f: Filling) -> str:
    value = f.rng.choice((5, 10, 20, 25, 50, 80, 100, 150, 250, 500, 1000, 2500, 20000, 75000))
    f.values["goal"] = value
    return marked("number", "", f"{value:,}" if f.rng.random() < 0.2 else str(value))


def _rate(f: Filling) -> str:
    percent = f.rng.choice((1, 5, 10, 20))
    f.values["rate"] = percent / 100
    return marked("number", "", f"{percent / 100:g}" if f.rng.random() < 0.5 else f"{percent}%")


def _share(f: Filling) -> str:
    percent = f.rng.choice((80, 90, 95, 99))
    f.values["share"] = percent / 100
    return marked("number", "", f"{percent}%" if f.rng.random() < 0.7 else f"{percent} percent")


def _term(f: Filling) -> str:
    term = f.rng.choice(_term_names())
    f.values["term"] = term
    return marked("word", "", f.rng.choice((term, term, *patterns().get(f"terms {term}", ()))))


def _foreign(f: Filling) -> str:
    """A column that the schema does not have, nor anything that sounds like it."""
    own = {
        part
        for one in f.speech.features
        for word in (*one.words(), *f.speech.nouns(one))
        for part in readable(word).lower().split()
    }
    own |= {part for word in f.speech.schema.target.words() for part in word.lower().split()}
    for _ in range(20):
        feature = f.rng.choice(f.rng.choice(domains()).features)
        noun = readable(feature.label)
        if (
            feature.kind != "text"
            and len(noun) > 4
            and not own & {word for word in noun.lower().split() if len(word) > 2}
        ):
            return noun
    return "shoe size"


def twins(speech: Speech) -> list[tuple[str, tuple[str, ...]]]:
    """Words that two columns share ("temperature"), with the columns' names."""
    found: dict[str, set[str]] = {}
    for one in speech.features:
        for word in readable(one.label).split(" (")[0].split():
            if len(word) > 3 and word not in (
                "previous",
                "last",
                "number",
                "with",
                "average",
                "from",
                "years",
                "months",
                "days",
            ):
                found.setdefault(word, set()).add(one.name)
    nouns = {noun for one in speech.features for noun in speech.nouns(one)}
    return [(word, tuple(names)) for word, names in found.items() if len(names) > 1 and word not in nouns]


def _twin(f: Filling) -> str:
    word, names = f.rng.choice(twins(f.speech))
    f.values["twins"] = tuple(one.name for one in f.speech.features if one.name in names)
    return word


def vague(speech: Speech) -> list[str]:
    """Adjectives of the columns that say no number."""
    return [word for one in speech.numeric for word in (*one.more, *one.less) if " " not in word]


def _entity(f: Filling) -> str:
    return f.speech.schema.entity


FILLERS |= {
    "feature": lambda f: f.named("feature", f.speech.features),
    "feature2": lambda f: f.named("feature2", f.speech.features),
    "feats": _feats,
    "num": _num,
    "cat": lambda f: f.named("cat", f.speech.discrete),
    "start": lambda f: _bound(f, "start"),
    "stop": lambda f: _bound(f, "stop"),
    "limit": lambda f: _bound(f, "limit"),
    "catvalue": _category,
    "catv": lambda f: f.speech.feature(_valued(f)[0], f.rng),
    "k": lambda f: _count(f, "k", _COUNTS),
    "small": lambda f: _count(f, "small", (2, 3, 4)),
    "were": lambda f: _changes(f, "were"),
    "had": lambda f: _changes(f, "had"),
    "imp": lambda f: _changes(f, "imp"),
    "ger": lambda f: _changes(f, "ger"),
    "cut": lambda f: _edit(f, "cut"),
    "add": lambda f: _edit(f, "add"),
    "before": lambda f: _edit(f, "before"),
    "old": _old,
    "new": _new_first,
    "word": lambda f: _word(f, "word"),
    "word2": lambda f: _word(f, "word2"),
    "highlow": lambda f: _highlow(f, "highlow"),
    "highlow2": lambda f: _highlow(f, "highlow2"),
    "concept": lambda f: _free(f, "concept", patterns()["words concepts"]),
    "concept2": lambda f: _free(f, "concept2", patterns()["words concepts"]),
    "rival": lambda f: _free(f, "rival", f.speech.schema.rivals),
    "goal": _goal,
    "rate": _rate,
    "share": _share,
    "term": _term,
    "foreign": _foreign,
    "twin": _twin,
    "vague": lambda f: f.rng.choice(vague(f.speech)),
    "place": lambda f: wording("words places", f.rng),
    "plainnumber": lambda f: str(f.rng.choice(_NUMBERS)),
    "entity": _entity,
    "entities": lambda f: f.speech.schema.entities,
    "target": lambda f: f.rng.choice(f.speech.targets),
    "it": lambda f: wording("words it", f.rng),
    "it's": lambda f: f.rng.choice(("its", "the model's", "the system's", "its")),
    "iam": lambda f: (
        f.rng.choice(("I am", "I'm", "we have")) if f.speech.people else f.rng.choice(("I have", "it is", "take"))
    ),
    "him": lambda f: f.rng.choice(("him", "her", "this one") if f.speech.people else ("it", "this one")),
    "row_he": lambda f: f.rng.choice(("he", "she")) if f.speech.people else "it",
    "inputs": lambda f: wording("words inputs", f.rng),
    "input": lambda f: wording("words inputs", f.rng)[:-1],
    "result": lambda f: wording("words results", f.rng),
}
