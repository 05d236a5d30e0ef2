"""CoXQL's notation, in which questions about text models are parsed, and askwhy's plans in the same typed form.

    filter id 12 and nlpattribute topk 3 lime [E]

It shares filters and most operations with `askwhy.evals.notation`. What no tool does (other attribution methods,
editing labels, learning and unlearning) is to be declined.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from askwhy.agent.plan import Plan, Step
from askwhy.evals.notation import Item, Typed, merged, number, plain_tool, read_step, scope_items, steps_of
from askwhy.tools.registry import tools
from askwhy.tools.schema import ClassLabel, Feature, Schema, Target
from askwhy.tools.scope import Where

_METHODS = frozenset(("default", "attention", "lime", "integrated_gradients", "input_x_gradient"))
_OURS = frozenset(("default", "lime", "integrated_gradients"))
_NO_TOOL = frozenset(("editlabel", "learn", "unlearn"))
_ALONE = frozenset(("rationalize", "cfe", "adversarial", "augment", "domain", "qatutorial", *_NO_TOOL))
_OPERATIONS = frozenset(("nlpattribute", "similar", "influence", "keywords", *_ALONE))
_TOOLS = {
    "similar_text": "similar", "influence_text": "influence", "counterfactual_text": "cfe",
    "robustness_text": "adversarial", "augment": "augment", "define": "domain",
}  # fmt: skip
_TUTORIALS = {
    "qafa": ("attribution", "feature importance", "SHAP", "LIME", "integrated gradients", "occlusion", "explain_text"),
    "qacfe": ("counterfactual", "counterfactual_text"),
    "qada": ("augment",),
    "qasim": ("text similarity", "similar_text"),
    "qainflu": ("influence", "influence_text"),
    "qaadv": ("robustness", "counterexample search", "robustness_text"),
    "qarationale": (), "qaedit": (), "qalearn": (), "qaunlearn": (),
}  # fmt: skip
"""For each tutorial the terms of the glossary, and the tools, that it is about; none where there is neither."""
_TOPICS = {name: topic for topic, names in _TUTORIALS.items() for name in names}
_OPEN = "some term"


def read_coxql(text: str) -> tuple[tuple[Typed, ...], bool]:
    """The readings that are right, and whether to decline is. Raises ValueError for what is not in the notation."""
    steps, either = steps_of(text)
    choices, declined = [], False
    for step in steps:
        items, refused = _choices(step)
        choices.append(items)
        declined = declined or refused
    more = {("or",)} if either else set()
    found = (merged(frozenset(chosen) | more) for chosen in itertools.product(*choices))
    return tuple(dict.fromkeys(found)), declined


def typed_text_plan(plan: Plan, earlier: Where) -> Typed:
    """A plan about a text model in the same form. A text of the user's own is no filter."""
    return merged(
        frozenset(item for step in plan.steps for item in (*scope_items(step.scope, earlier), *of_text_tool(step)))
    )


def of_text_tool(step: Step) -> Iterator[Item]:
    """The operation of a step."""
    tool = step.tool
    if tool == "explain_text":
        yield ("nlpattribute", *_how_much(step), _method(step))
    elif tool == "importance_text":
        yield ("nlpattribute", *_how_much(step), "default")
    elif tool in ("similar_text", "influence_text"):
        yield (_TOOLS[tool], *_count(step.argument("k"), tool))
    elif tool == "keywords":
        yield ("keywords", "all" if step.argument("k") is None else number(step.argument("k")))
    elif tool == "method_help":
        said = str(step.argument("term") or step.argument("tool") or "")
        yield ("qatutorial", _TOPICS.get(said, _OPEN))
    else:
        yield (_TOOLS[tool],) if tool in _TOOLS else plain_tool(step)


def text_schema(parses: Iterable[str]) -> Schema:
    """A text model of which nothing is known but the classes that the parses filter by."""
    named: dict[str, None] = {}
    for parse in parses:
        for step in parse.lower().replace("[e]", " ").split(" and "):
            words = step.split()
            if len(words) > 1 and words[0] in ("predictionfilter", "labelfilter"):
                named[" ".join(words[1:])] = None
    names = sorted(named) if len(named) > 1 else sorted({*named, "0", "1"})[-2:]
    return Schema(
        features=(Feature(name="text", label="text", kind="text"),),
        target=Target(name="label", label="label"),
        task="binary" if len(names) == 2 else "multiclass",
        classes=tuple(ClassLabel(name=name, label=name, value=name) for name in names),
        modality="text",
        entity="text",
        entities="texts",
    )


def _choices(step: str) -> tuple[tuple[Item, ...], bool]:
    """The elements of which a step may be any one, and whether it asks for what no tool does."""
    words = step.split()
    head, rest = words[0], words[1:]
    if head not in _OPERATIONS:
        return (read_step(step),), False
    if head in _NO_TOOL:
        return (), True
    if head == "nlpattribute":
        return _attribution(rest)
    if head == "similar":
        return ((head, *_count(rest[-1] if rest else None, "similar_text")),), False
    if head == "influence":
        return ((head, *_count(rest[-1] if rest else None, "influence_text")),), False
    if head == "keywords":
        return ((head, number(rest[-1]) if rest else "all"),), False
    if head == "rationalize":
        return ((head,), ("nlpattribute", "all", "default")), False
    if head == "adversarial":
        return ((head,), ("cfe",)), False
    if head == "domain":
        return (("domain",), *(("qatutorial", topic) for topic in (*_TUTORIALS, _OPEN))), False
    return _tutorial(rest) if head == "qatutorial" else (((head,),), False)


def _attribution(words: list[str]) -> tuple[tuple[Item, ...], bool]:
    method = words[-1] if words and words[-1] in _METHODS else "default"
    much = words[:-1] if words and words[-1] in _METHODS else words
    if much[:1] == ["topk"] and len(much) == 2:
        item: Item = ("nlpattribute", "topk", number(much[1]), method)
    elif len(much) < 2 and (much or ["all"])[0] in ("all", "sentence"):
        item = ("nlpattribute", (much or ["all"])[0], method)
    else:
        raise ValueError(f"nlpattribute {' '.join(words)!r} is not in the notation")
    return ((item,), False) if method in _OURS else ((), True)


def _tutorial(words: list[str]) -> tuple[tuple[Item, ...], bool]:
    topic = "".join(words)
    if topic not in _TUTORIALS:
        raise ValueError(f"there is no tutorial {topic!r}")
    if _TUTORIALS[topic]:
        return (("qatutorial", topic),), False
    return (("qatutorial", _OPEN),), True


def _how_much(step: Step) -> tuple[str, ...]:
    if (unit := step.argument("unit")) not in (None, "word"):
        return (str(unit),)
    k = step.argument("k")
    return ("all",) if k is None else ("topk", number(k))


def _method(step: Step) -> str:
    method = str(step.argument("method") or "auto")
    return "default" if method == "auto" else method


def _count(said: object, tool: str) -> tuple[str, ...]:
    """How many are asked for; nothing where it is what the tool gives anyway."""
    usual = number(tools()[tool].arguments.model_fields["k"].default)
    return () if said is None or number(said) == usual else (number(said),)
