"""Ways to attribute a text: each compared with what can be worked out by hand, and the choice among them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of, words_of
from tiny_networks import WORDS, tiny_module, tiny_tokenizer

from askwhy.agent.verbalize import verbalize
from askwhy.tools.engines.text_fill import stock
from askwhy.tools.engines.text_game import SLOW_COALITIONS
from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.engines.text_phrases import phrases, units_of
from askwhy.tools.engines.text_units import split_text
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.view import View

Model = Callable[[list[str]], Any]
WEIGHTS = {"great": 0.2, "warm": 0.1, "dull": -0.25, "mess": -0.15}
CORPUS = ("a great film of note", "one dull plot and a weak cast", "the warm story sings", "some mess or other")


def view(call: Model, text: str, *, regression: bool = False, seed: int = 0, behind: Any = None) -> View:
    return view_of(text_subject(call, CORPUS, regression, behind), Scope(text=text), seed)


def explain(call: Model, text: str, **arguments: Any) -> Evidence:
    return find_tool("explain_text")(view(call, text), **arguments)


def by_word(evidence: Evidence, relation: str = "word_attribution") -> dict[str, float]:
    return {str(fact.at): fact.number() for fact in evidence.all(relation)}


def checks(evidence: Evidence) -> dict[str, float]:
    return {one.check: one.value for one in evidence.quality}


def both(texts: list[str]) -> Any:
    """Only “good” and “fun” together raise the output."""
    return np.array([0.2 + 0.6 * ({"good", "fun"} <= words_of(text)) for text in texts])


def test_occlusion_is_what_deleting_one_word_costs() -> None:
    evidence = explain(both, "a good fun film", cls="fresh", method="occlusion")
    assert by_word(evidence) == pytest.approx({"good": 0.6, "fun": 0.6, "a": 0.0, "film": 0.0})
    assert checks(evidence)["C2"] == pytest.approx(0.6)  # 0.8 - 0.2 - 1.2: it is said that they do not add up
    assert "not_additive" in [caveat.flag for caveat in evidence.caveats]
    assert "Each of the 4 words was deleted on its own" in verbalize((evidence,), text_subject(len, []).schema).text


def test_marginalisation_of_an_additive_model_gives_weights_less_what_the_replacements_weigh() -> None:
    def counted(texts: list[str]) -> Any:  # additive over places, so that every replacement counts for itself
        return np.array([0.5 + sum(WEIGHTS.get(word, 0.0) / 4 for word in text.lower().split()) for text in texts])

    text = "great film dull mess"
    evidence = explain(counted, text, cls="fresh", method="marginalisation")
    looked = view(counted, text)
    fills = stock(looked, "word").draw(split_text(text), 8, looked.rng)
    for place, word in enumerate(text.split()):
        replaced = np.mean([WEIGHTS.get(draw[place], 0.0) / 4 for draw in fills])
        assert by_word(evidence)[word] == pytest.approx(WEIGHTS.get(word, 0.0) / 4 - replaced)
    assert checks(evidence)["C2"] < 1e-9
    assert evidence.one("base_replaced").number() == pytest.approx(
        np.mean([counted([" ".join(draw)])[0] for draw in fills])
    )


def test_replacements_are_words_of_the_data_in_their_places_and_never_the_word_itself() -> None:
    looked = view(both, "The dull, plot!")
    split = split_text("The dull, plot!")
    fills = stock(looked, "word").draw(split, 50, looked.rng)
    known = {word for text in CORPUS for word in text.split()}
    assert {word for draw in fills for word in draw} <= known
    assert all(draw[1] != "dull" and draw[2] != "plot" for draw in fills)
    assert len({draw[1] for draw in fills}) > 5
    assert split.filled([False, True, True], ["one", "x", "y"]) == "One dull, plot!"
    assert split.filled([True, False, False], ["x", "warm", "story"]) == "The warm, story!"


def test_too_few_words_to_replace_with_are_refused_with_advice() -> None:
    subject = text_subject(both, ["a b", "b a"])
    with pytest.raises(ToolError, match="only 2 different words"):
        find_tool("explain_text")(view_of(subject, Scope(text="a good film")), method="marginalisation")


def test_phrases_are_cut_at_pauses_and_function_words() -> None:
    def cut(text: str) -> list[str]:
        split = split_text(text)
        return [" ".join(split.units[place].text for place in run) for run in phrases(split)]

    assert cut("The acting is not very good, but the plot drags.") == [
        "The acting", "is not very good", "but the plot", "drags",
    ] or cut("The acting is not very good, but the plot drags.") == [
        "The acting", "is not very good", "but the plot drags",
    ]  # fmt: skip
    assert cut("wow") == ["wow"]
    assert cut("warm funny moving bright sharp clever film") == ["warm funny moving bright sharp", "clever film"]
    assert cut("סרט נהדר, אבל ארוך 😀") == ["סרט נהדר", "אבל ארוך 😀"]
    _, terms = units_of("so good, so bad, SO good", "phrase")
    assert [(term.text, term.times) for term in terms] == [("so good", 2), ("so bad", 1)]


def test_phrases_are_attributed_as_one() -> None:
    evidence = explain(both, "a good fun film, not a mess", cls="fresh", unit="phrase")
    assert by_word(evidence, "phrase_attribution") == pytest.approx({"a good fun film": 0.6, "not a mess": 0.0})
    assert by_word(evidence, "phrase_reason") == pytest.approx({"a good fun film": 0.6})


def test_shap_is_shown_unless_another_method_is_clearly_more_faithful() -> None:
    evidence = explain(bag_of_words(WEIGHTS), "a great warm film, no dull mess of it here", cls="fresh")
    assert evidence.method.endswith("(auto: SHAP)")
    tried = next(one for one in evidence.quality if one.check == "C6")
    assert tried.passed and "SHAP" in tried.note and "occlusion" in tried.note
    assert next(one for one in evidence.quality if one.check == "C3").passed


def test_the_lead_over_random_rankings_is_that_of_brute_force() -> None:
    """Few words: all 24 rankings are tried, so the areas can be worked out."""
    words, call = ["great", "film", "dull", "warm"], bag_of_words(WEIGHTS)
    evidence = explain(call, " ".join(words), cls="fresh")

    def area(order: tuple[str, ...]) -> float:  # insertion along the order, read between the ends
        return float(np.mean([call([" ".join(w for w in words if w in order[:size])])[0] for size in (1, 2, 3)]))

    way = 1 if call([" ".join(words)])[0] >= call([""])[0] else -1
    best = tuple(sorted(words, key=lambda word: -way * WEIGHTS.get(word, 0.0)))
    every = [way * area(order) for order in itertools.permutations(words)]
    insertion = way * area(best) - float(np.mean(every))
    deletion = float(np.mean(every)) - way * area(best[::-1])
    assert checks(evidence)["C6"] == pytest.approx((insertion + deletion) / 2)
    assert checks(evidence)["C3"] == pytest.approx(min(insertion, deletion))


@pytest.mark.parametrize("count", [9, 14, 20])
def test_choosing_and_measuring_cost_at_most_as_much_as_the_attribution(count: int) -> None:
    looked = view(bag_of_words(WEIGHTS), " ".join([*WEIGHTS, *(f"w{i}" for i in range(count - 4))]))
    evidence = find_tool("explain_text")(looked, cls="fresh")
    asked = int(evidence.method.split(",", 1)[1].split(" texts")[0].replace(",", ""))
    assert looked.evaluate.rows <= 2 * asked + 1


# Networks


class Additive:
    """Sums a number per token: integrated gradients are known."""

    def __new__(cls) -> Any:
        import torch

        class Module(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.table = torch.nn.Embedding(len(WORDS) + 5, 3)
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(1)
                    torch.nn.init.normal_(self.table.weight)

            def forward(self, input_ids: Any, attention_mask: Any) -> Any:
                return (self.table(input_ids).sum(2) * attention_mask).sum(1)

        return Module()


def network_view(text: str, module: Any = None, labels: tuple[str, ...] = ("rotten", "fresh")) -> View:
    network = TextNetwork(module or tiny_module(), tiny_tokenizer(), labels, max_tokens=32)
    return view(network.outputs, text, regression=not labels, behind=network)


def test_integrated_gradients_of_an_additive_network_are_its_weights() -> None:
    module = Additive()
    looked = network_view("a very good film, not dull", module, ())
    evidence = find_tool("explain_text")(looked, method="integrated_gradients")
    weights = module.table.weight.detach().sum(dim=1).double().numpy()
    place = {word: 5 + number for number, word in enumerate(WORDS)}
    expected = {word: weights[place[word]] - weights[0] for word in ("a", "very", "good", "film", "not", "dull")}
    expected["film"] += weights[1] - weights[0]  # the comma is an unknown token, and goes with the word before it
    assert by_word(evidence) == pytest.approx(expected, abs=1e-5)
    assert checks(evidence)["C2"] < 1e-5


def test_integrated_gradients_of_a_transformer_add_up_and_follow_its_slope() -> None:
    looked = network_view("the film was very good and bright")
    evidence = find_tool("explain_text")(looked, cls="fresh", method="integrated_gradients")
    assert next(one for one in evidence.quality if one.check == "C2").passed
    total = evidence.one("base_padding").number() + sum(by_word(evidence).values())
    assert total == pytest.approx(float(looked.outputs[0, 1]), abs=0.01)
    other = find_tool("explain_text")(looked, cls="rotten", method="integrated_gradients")
    assert by_word(other) == pytest.approx({word: -value for word, value in by_word(evidence).items()}, abs=1e-4)
    assert "integrated gradients" in verbalize((evidence,), looked.schema).text
    again = find_tool("explain_text")(looked, cls="fresh", method="integrated_gradients")
    assert again.canonical() == evidence.canonical()


def test_integrated_gradients_need_a_network() -> None:
    with pytest.raises(ToolError, match="no gradients"):
        explain(both, "a good film", method="integrated_gradients")


def test_twenty_words_on_a_network_stay_within_their_budget() -> None:
    looked = network_view(" ".join(f"{word}{n}" for n in "ab" for word in WORDS[:10]))
    evidence = find_tool("explain_text")(looked, cls="fresh")
    assert len(evidence.all("word_attribution")) == 20
    assert looked.evaluate.rows <= 2 * SLOW_COALITIONS + 1


def test_a_text_that_a_network_reads_only_in_part_says_so() -> None:
    looked = network_view("good film " * 30)
    evidence = find_tool("explain_text")(looked, cls="fresh", method="integrated_gradients")
    assert "cut_short" in [caveat.flag for caveat in evidence.caveats]


@pytest.mark.parametrize("text", ["", "   "])
@pytest.mark.parametrize("method", ["occlusion", "marginalisation", "integrated_gradients"])
def test_an_empty_text_is_refused(text: str, method: str) -> None:
    with pytest.raises(ToolError, match="The text is empty"):
        find_tool("explain_text")(network_view(text), method=method)


@pytest.mark.parametrize("method", ["occlusion", "marginalisation", "integrated_gradients", "auto"])
@pytest.mark.parametrize("text", ["good", "😀", "רע", "!!"])
def test_one_token_is_explained(text: str, method: str) -> None:
    evidence = find_tool("explain_text")(network_view(text), cls="fresh", method=method)
    assert len(evidence.all("word_attribution")) == 1
