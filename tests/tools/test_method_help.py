"""The glossary, and how every kind of answer says how it was computed."""

from __future__ import annotations

import contextlib
import re
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from toy_subjects import SUBJECTS, binary

from askwhy.agent.plan import Plan, Step
from askwhy.agent.run import Runner
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence, Fact, Figure, Series
from askwhy.tools.glossary import find_term, glossary, terms_in, terms_of
from askwhy.tools.how import how_computed
from askwhy.tools.registry import Tool, find_tool, names_kind, tool, tools, unregister
from askwhy.tools.scope import Change, Condition, Scope, Where, arguments_of
from askwhy.tools.subject import Subject
from askwhy.tools.view import View, make_view


def helped(kind: str = "binary", **arguments: str) -> Evidence:
    subject = SUBJECTS[kind]()
    return find_tool("method_help")(make_view(subject, Scope(), Evaluator(subject.predictor), 0), **arguments)


def words(evidence: Evidence, kind: str = "binary") -> str:
    """What is said, after the check of the words has passed."""
    schema = SUBJECTS[kind]().schema
    draft = verbalize((evidence,), schema)
    assert verify(draft, (evidence,), Plan(steps=(Step(tool="method_help"),)), schema) == ()
    return draft.text


def an_answer(name: str) -> tuple[Evidence, str]:
    """What a tool finds on the first toy subject that it has something to say about, and which subject that is."""
    made = find_tool(name)
    for kind in SUBJECTS:
        subject = SUBJECTS[kind]()
        if not made.fits(subject.schema):
            continue
        edit = Change(action="insert", value="great") if kind == "text" else Change(feature="age", value=50)
        changes = (edit,) if made.needs == "changes" else ()
        some = Condition(feature=subject.schema.names[0], op="contains" if kind == "text" else "gt", value=30)
        whole = Scope(changes=changes), Scope(row="3", changes=(edit,)), Scope(where=Where.of(some))
        for scope in (Scope(row="3", changes=changes), *whole):
            view = make_view(subject, scope, Evaluator(subject.predictor), 0)
            with contextlib.suppress(ToolError):
                return made(view, **required(made, subject)), kind
    pytest.skip(f"{name} has nothing to say about a toy subject")


def required(made: Tool, subject: Subject) -> dict[str, object]:
    """A value for every argument that must be given."""
    hints = get_type_hints(made.function, include_extras=True)
    features = iter(subject.schema.names * 2)
    found: dict[str, object] = {}
    for name, field in made.arguments.model_fields.items():
        if field.is_required():
            kind = names_kind(hints[name])
            one = (
                next(features)
                if kind == "feature"
                else subject.schema.classes[0].name
                if kind == "class"
                else "age > 30"
            )
            if get_origin(hints[name]) is Literal:
                one = get_args(hints[name])[0]
            found[name] = (one,) if get_origin(hints[name]) is tuple else one
    return found


def test_entries_are_prose_of_a_few_sentences_and_name_tools_that_exist() -> None:
    assert len(glossary()) >= 40
    for one in glossary():
        assert 40 <= len(one.meaning) <= 420 and one.meaning.endswith("."), one.term
        assert len(re.findall(r"[.!?](?:\s|$)", one.meaning)) <= 4, one.term
        assert all(re.search(r"(?:19|20)\d\d", paper) for paper in filter(None, one.paper.split(";"))), one.term
    named = {name for one in glossary() for name in one.tools}
    assert named <= set(tools())


def test_no_two_entries_share_a_name() -> None:
    for one in glossary():
        assert all(find_term(name) == one for name in one.names())


@pytest.mark.parametrize(
    ("said", "term"),
    [
        ("shapley values", "SHAP"), ("P value", "p-value"), ("PDP", "partial dependence"),
        ("fdr", "false discovery rate"),
        ("standard errors", "standard error"), ("Gower's distance", "Gower distance"), ("faithfulness", "fidelity"),
    ],
)  # fmt: skip
def test_other_names_and_spellings_are_understood(said: str, term: str) -> None:
    assert find_term(said).term == term


def test_an_unknown_term_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="calibration"):
        helped(term="calibraton")
    with pytest.raises(ToolError, match="importance"):
        helped(tool="importence")


@pytest.mark.parametrize("kind", ["binary", "text"])
@pytest.mark.parametrize("one", glossary(), ids=lambda one: one.term)
def test_every_entry_is_said_as_it_stands(one: object, kind: str) -> None:
    entry = find_term(one.term)  # type: ignore[attr-defined]
    assert entry.meaning in words(helped(kind, term=entry.term), kind)


def test_an_entry_names_the_answers_that_use_it_on_this_subject() -> None:
    assert "“explain”" in words(helped(term="SHAP")) and "“explain_text”" not in words(helped(term="SHAP"))
    assert "“explain_text”" in words(helped("text", term="SHAP"), "text")


def test_a_longer_phrase_hides_the_shorter_one_inside_it() -> None:
    assert [one.term for one in terms_in("permutation importance: 10 shuffles")] == ["permutation importance"]
    assert [one.term for one in terms_in("SHAP: exact, against 90 background rows")] == ["SHAP", "background"]
    assert terms_in("a shapeless answer about limes") == ()


@pytest.mark.parametrize("name", sorted(tools()))
def test_every_tool_is_explained_by_what_it_is_for_and_by_its_method(name: str) -> None:
    """Nothing but its own file is needed for that: its docstring, and the method that its evidence names."""
    assert f"“{name}” is for this:" in words(helped(tool=name))
    found, kind = an_answer(name)
    said = words(how_computed(found), kind)
    assert found.method.replace(": ", ", ", 1) in said and f"“{name}”" in said


def test_the_names_of_arguments_are_left_out_of_what_a_tool_is_for() -> None:
    said = {name: words(helped(tool=name)) for name in ("counterfactual", "flip_rate", "explain")}
    assert not any("`" in text for text in said.values())
    assert "smallest changes to one row that make the model predict something else." in said["counterfactual"]


def test_the_glossary_knows_the_methods_of_most_tools() -> None:
    known = [name for name in tools() if terms_of(name, find_tool(name).description)]
    assert len(known) >= 0.85 * len(tools()), sorted(set(tools()) - set(known))


def test_a_new_tool_is_explained_without_an_entry() -> None:
    @tool(asks=("a?", "b?", "c?"), says=("There are {n}.",))
    def counted_twice(view: View) -> Evidence:
        """How many rows there are, counted two times over."""
        return Evidence(facts=(Fact(relation="n", value=2, unit="count"),), method="counting twice")

    try:
        plan = Plan(steps=(Step(tool="counted_twice", form="method"),))
        (found,) = Runner().run(plan, binary()).evidence
        assert "counting twice" in words(found) and "counted two times over" in words(found)
    finally:
        unregister("counted_twice")


def test_how_it_was_computed_says_what_the_picture_shows_and_how_much_was_asked() -> None:
    series = Series(name="mean", x=("a", "b"), y=(0.1, 0.2), error=(0.01, 0.02))
    figure = Figure(kind="bars", title="t", x_label="feature", y_label="change of the output", series=(series,))
    subject = binary()
    view = make_view(subject, Scope(row="3"), Evaluator(subject.predictor), 0)
    found = find_tool("contrast_rows")(view, other="5").model_copy(update={"figure": figure})
    asked = next((one for one in found.quality if one.check == "C19"), None)
    said = words(how_computed(found))
    assert "each bar stands for one feature, and its length is the change of the output" in said
    assert "one standard error to either side" in said
    assert asked is None or f"{asked.value:,.0f}" in said
    whatever = find_tool("effect")(make_view(subject, Scope(), Evaluator(subject.predictor), 0), feature="age")
    assert "height of a line" in words(how_computed(whatever))


def test_it_is_about_the_call_and_never_about_rows() -> None:
    subject = binary()
    view = make_view(subject, Scope(row="3"), Evaluator(subject.predictor), 0)
    found = how_computed(find_tool("predict")(view))
    assert found.scope == Scope() and found.arguments == arguments_of({"tool": "predict"})
    assert found.subject == subject.id
