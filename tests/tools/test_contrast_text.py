"""Why one class rather than another, the agreement of methods, and the quality of an explanation, on texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from text_subjects import bag_of_words, schema, text_subject, view_of, words_of

from askwhy.agent.verbalize import verbalize
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.predictor import Predictor
from askwhy.tools.registry import find_tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import View

Model = Callable[[list[str]], Any]
WEIGHTS = {"great": 0.2, "warm": 0.1, "dull": -0.25, "mess": -0.15}
CORPUS = ("a great film of note", "one dull plot and a weak cast", "the warm story sings", "some mess or other")
TEXT = "a great warm film, no dull mess of it here though"


def view(call: Model, text: str, seed: int = 0) -> View:
    return view_of(text_subject(call, CORPUS), Scope(text=text), seed)


def three_classes() -> Subject:
    """“fine” makes good likelier at the cost of bad; “poor” bad at the cost of so-so."""
    names = ("bad", "so-so", "good")
    about = schema().model_copy(
        update={"task": "multiclass", "classes": tuple(ClassLabel(name=one, label=one, value=one) for one in names)}
    )

    def call(texts: list[str]) -> Any:
        fine, poor = (np.array([word in words_of(text) for text in texts]) for word in ("fine", "poor"))
        return np.column_stack([0.3 - 0.2 * fine + 0.1 * poor, 0.4 - 0.1 * poor, 0.3 + 0.2 * fine])

    data = pd.DataFrame({"review": pd.array(list(CORPUS), dtype="str")}, index=list("0123"))
    nothing = np.zeros(4, dtype=bool)
    return Subject(Predictor(call, about, about.names), about, data, None, nothing, data, id="three")


def contrast(text: str, **arguments: Any) -> Evidence:
    return find_tool("contrast_text")(view_of(three_classes(), Scope(text=text)), **arguments)


def leads(evidence: Evidence) -> dict[str, float]:
    return {str(fact.at): fact.number() for fact in evidence.all("word_contrast")}


def test_the_lead_divides_among_the_words() -> None:
    evidence = contrast("a fine poor film")
    assert (evidence.one("fact_probability").cls, evidence.one("foil_probability").cls) == ("good", "so-so")
    assert leads(evidence) == pytest.approx({"fine": 0.2, "poor": 0.1, "a": 0.0, "film": 0.0})
    assert evidence.one("base_lead").number() == pytest.approx(-0.1)
    assert evidence.one("lead").number() == pytest.approx(0.2)
    other = contrast("a fine poor film", cls="bad")  # why not bad?
    assert leads(other) == pytest.approx({"fine": 0.4, "poor": -0.1, "a": 0.0, "film": 0.0})
    assert other.one("foil").value == "bad"
    named = contrast("a fine poor film", cls="bad", instead="so-so")
    assert leads(named) == pytest.approx({"fine": -0.2, "poor": 0.2, "a": 0.0, "film": 0.0})


def test_the_contrast_is_said_and_impossible_ones_are_refused() -> None:
    text = verbalize((contrast("a fine poor film", k=1),), three_classes().schema).text
    assert "What moves the lead of good over so-so most: “fine” raises it by 20 percentage points." in text
    with pytest.raises(ToolError, match="two different classes"):
        contrast("a fine film", cls="bad", instead="bad")
    with pytest.raises(ToolError, match="does predict good"):
        contrast("a fine film", instead="good")
    with pytest.raises(ToolError, match="The text is empty"):
        contrast(" ")
    assert "No part of the text clearly moves" in verbalize((contrast("a film"),), three_classes().schema).text


def test_methods_agree_about_an_additive_model_and_all_are_equally_good() -> None:
    evidence = find_tool("agree_text")(view(bag_of_words(WEIGHTS), TEXT), cls="fresh", k=3)
    assert {fact.group for fact in evidence.all("shared")} == {
        "SHAP and LIME", "SHAP and occlusion", "SHAP and marginalisation",
    }  # fmt: skip
    for method in ("shap", "lime", "occlusion"):
        assert {fact.at for fact in evidence.all(f"{method}_top")} == {"dull", "great", "mess"}
    shared = {str(fact.group): fact.value for fact in evidence.all("shared")}
    assert shared["SHAP and LIME"] == shared["SHAP and occlusion"] == 3
    tied = {str(fact.group) for fact in (*evidence.all("tied_best"), *evidence.all("best"))}
    assert {"SHAP", "LIME", "occlusion"} <= tied


def test_methods_that_fail_are_told_apart_by_the_model() -> None:
    """Either of two words will do: deleting one at a time, as occlusion does, sees neither."""

    def call(texts: list[str]) -> Any:
        return np.array([0.2 + 0.6 * bool({"good", "fun"} & words_of(text)) - 0.05 * ("of" in text) for text in texts])

    evidence = find_tool("agree_text")(view(call, "the good fun film of very old men"), cls="fresh", k=2)
    assert {fact.at for fact in evidence.all("shap_top")} == {"good", "fun"}
    assert {fact.at for fact in evidence.all("occlusion_top")} == {"of"}
    lead = {str(fact.group): fact.number() for fact in evidence.all("method_lead")}
    assert lead["SHAP"] > lead["occlusion"]
    assert "disagree" in [caveat.flag for caveat in evidence.caveats]
    chosen = find_tool("explain_text")(view(call, "the good fun film of very old men"), cls="fresh")
    assert chosen.method.endswith("(auto: SHAP)")
    with pytest.raises(ToolError, match="single word"):
        find_tool("agree_text")(view(call, "good"))


def quality(call: Model, text: str, **arguments: Any) -> Evidence:
    return find_tool("explanation_quality")(view(call, text), **arguments)


def test_the_explanation_of_an_additive_model_passes_every_check() -> None:
    evidence = quality(bag_of_words(WEIGHTS), TEXT, cls="fresh")
    passed = {one.check: one.passed for one in evidence.quality}
    assert all(passed.values()) and {"C2", "C3", "C4", "C5", "C7"} <= set(passed)
    assert evidence.one("agreement").number() == pytest.approx(1.0)
    assert evidence.one("mistaken_words").value == 0
    text = verbalize((evidence,), text_subject(len, []).schema).text
    assert "feature" not in text and "holds up: it passes all" in text


def test_occlusion_fails_where_either_of_two_words_will_do() -> None:
    def call(texts: list[str]) -> Any:
        return np.array([0.2 + 0.6 * bool({"good", "fun"} & words_of(text)) for text in texts])

    evidence = quality(call, "the good fun film of very old men", cls="fresh", method="occlusion")
    assert evidence.all("weak")
    assert not {one.check: one.passed for one in evidence.quality}["C3"]
    fair = quality(call, "the good fun film of very old men", cls="fresh")
    assert {one.check: one.passed for one in fair.quality}["C3"]


def test_runs_with_other_seeds_are_compared_where_values_are_sampled() -> None:
    text = " ".join([*WEIGHTS, *(f"w{i}" for i in range(10))])
    evidence = quality(bag_of_words(WEIGHTS), text, cls="fresh", method="lime")
    assert evidence.one("runs").value == 10
    assert evidence.one("overlap_words").number() == pytest.approx(1.0)
    assert evidence.one("signs").number() == pytest.approx(1.0)


def test_one_word_leaves_nothing_to_rank_and_the_same_seed_gives_the_same_bytes() -> None:
    call = bag_of_words(WEIGHTS)
    assert quality(call, "great", cls="fresh").all("untested_words")
    assert quality(call, TEXT).canonical() == quality(call, TEXT).canonical()
    with pytest.raises(ToolError, match="no gradients"):
        quality(call, TEXT, method="integrated_gradients")
