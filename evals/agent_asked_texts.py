"""Questions of several steps about the built-in text models: film reviews (two classes) and debates (three)."""

from __future__ import annotations

import re
from typing import Any

from askwhy.evals.agent_keys import (
    WRONG,
    Gold,
    Key,
    Seen,
    change,
    named,
    number,
    pushed_word,
    reworded_to,
    rewrites,
    rows,
    said,
    true,
    without,
)
from askwhy.evals.agent_keys import at as _at
from askwhy.evals.agent_keys import step as s
from askwhy.evals.agent_questions import numbered
from askwhy.evals.agent_world import World
from askwhy.tools.scope import Condition

_FOOLED: dict[str, Any] = {"kind": "false_positives", "k": 1}


def _with(word: str) -> Condition:
    return _at("text", word, "contains")


_REVIEWS = numbered(
    "reviews",
    ("mistake, why", "Which review does it get most confidently wrong, and which words did it?",
     lambda w: Gold((s("mistakes", k=1), s("explain_text", row=(r := w.top(w.sure, w.wrong)))),
                    (rows(r), pushed_word(w, r)))),
    ("mistake, rewrite", "Of the rotten reviews that it took for fresh, take the surest and edit it until it is "
     "seen for "
     "what it is.",
     lambda w: Gold((s("mistakes", cls="fresh", **_FOOLED),
                     s("counterfactual_text", row=(r := w.top(w.sure, w.wrong & (w.said == "fresh"))))),
                    (rows(r), rewrites(w, r)))),
    ("mistake, why, rewrite", "Show the fresh review it slated most firmly: what turned it, and what would turn "
     "it back?",
     lambda w: Gold((s("mistakes", cls="rotten", **_FOOLED),
                     s("explain_text", row=(r := w.top(w.sure, w.wrong & (w.said == "rotten")))),
                     s("counterfactual_text", row=r)),
                    (rows(r), pushed_word(w, r), rewrites(w, r)))),
    ("count, score", "How many reviews mention a comedy, and how often is it right about those?",
     lambda w: Gold((s("count", where=_with("comedy")), s("score", where=_with("comedy"), metric="accuracy")),
                    (number(int(w.having("comedy").sum()), what="count"), _accuracy(w, "comedy")))),
    ("count, mistakes", "Count the reviews with “script” in them. How many of them does it misjudge?",
     lambda w: Gold((s("count", where=_with("script")), s("mistakes", where=_with("script"), what="count")),
                    (number(int(w.having("script").sum()), what="count"),
                     number(int((w.wrong & w.having("script")).sum()), what="wrong")))),
    ("group, mistake, why", "Among reviews that mention acting, which one fooled it worst, and through which word?",
     lambda w: Gold((s("mistakes", where=_with("acting"), k=1),
                     s("explain_text", row=(r := w.top(w.sure, w.wrong & w.having("acting"))))),
                    (rows(r), pushed_word(w, r)))),
    ("group, mistake, rewrite", "Look only at reviews about a director: fix its most confident error with as "
     "few edits as "
     "possible.",
     lambda w: Gold((s("mistakes", where=_with("director"), k=1),
                     s("counterfactual_text", row=(r := w.top(w.sure, w.wrong & w.having("director"))))),
                    (rows(r), rewrites(w, r)))),
    ("predict, why", "Review 12, fresh or rotten, and thanks to which word?",
     lambda w: Gold((s("predict", row="12"), s("explain_text", row="12")),
                    (named(w.label_of("12")), pushed_word(w, "12")))),
    ("why, what-if", "What word carries review 20 most, and how sure would it be without that word?",
     lambda w: Gold((s("explain_text", row="20"),
                     s("what_if", row="20", changes=without(_heaviest(w, "20")))),
                    (pushed_word(w, "20"), _bare(w, "20")))),
    ("mistake, likelihood", "Its most confident blunder among reviews with “boring”: what chance did it give "
     "the truth?",
     lambda w: Gold((s("mistakes", where=_with("boring"), k=1),
                     s("likelihood", row=(r := w.top(w.sure, w.wrong & w.having("boring"))),
                       cls=(c := str(w.truth[w.place(r)])))),
                    (rows(r), number(float(w.chance(c)[w.place(r)]), row=r)))),
    ("two rows", "Which words decided reviews 5 and 7?",
     lambda w: Gold((s("explain_text", row="5"), s("explain_text", row="7")),
                    (pushed_word(w, "5"), pushed_word(w, "7")))),
    ("mistakes ranked, why second", "Explain the second most confident error to me, not the first.",
     lambda w: Gold((s("mistakes", k=2), s("explain_text", row=(r := w.ranked(w.sure, w.wrong, 2)[1]))),
                    (rows(r), pushed_word(w, r)))),
    ("predict, rewrite", "How does it rate review 100, and what is the least I would have to edit for the opposite?",
     lambda w: Gold((s("predict", row="100"), s("counterfactual_text", row="100")),
                    (number(float(w.sure[100]), row="100"), rewrites(w, "100")))),
    ("actual rows, mistakes", "How many reviews are fresh in truth, and how many of those held out does it slate?",
     lambda w: Gold((s("count", where=true("fresh")), s("mistakes", what="count", kind="false_negatives", cls="fresh")),
                    (number(int((w.truth == "fresh").sum()), what="count"),
                     number(int((w.wrong & (w.truth == "fresh")).sum()), what="slated")))),
    ("mistake, show", "Read me the rotten review that it praised with the greatest certainty.",
     lambda w: Gold((s("mistakes", cls="fresh", **_FOOLED),
                     s("show", row=(r := w.top(w.sure, w.wrong & (w.said == "fresh"))))),
                    (rows(r), named(w.text(r))))),
    ("predicted rows, count, score", "How many does it call rotten, and what is its accuracy on those held out?",
     lambda w: Gold((s("count", where=said("rotten")), s("score", where=said("rotten"), metric="accuracy")),
                    (number(int((w.said == "rotten").sum()), what="count"),
                     number(float((w.said == w.truth)[w.held & (w.said == "rotten")].mean()), what="accuracy")))),
)  # fmt: skip

_DEBATES = numbered(
    "debates",
    ("mistake, why", "Where is it most certain and still wrong, and which word is to blame?",
     lambda w: Gold((s("mistakes", k=1), s("explain_text", row=(r := w.top(w.sure, w.wrong)))),
                    (rows(r), pushed_word(w, r)))),
    ("mistake, why not", "Someone from the Republican side was taken for a Democrat. Take the surest case and "
     "name a word.",
     lambda w: Gold((s("mistakes", where=true("Republican"), cls="Democratic", **_FOOLED),
                     s("explain_text", row=(r := w.top(w.sure, w.wrong & (w.truth == "Republican")
                                                       & (w.said == "Democratic"))))),
                    (rows(r), pushed_word(w, r)))),
    ("mistake, rewrite", "Take its clearest error and change the wording until it names another side.",
     lambda w: Gold((s("mistakes", k=1),
                     s("counterfactual_text", row=(r := w.top(w.sure, w.wrong)), cls=(c := str(w.truth[w.place(r)])))),
                    (rows(r), _rewritten(w, r, c)))),
    ("count, score", "In how many statements do taxes come up (“tax”), and how often does it place those correctly?",
     lambda w: Gold((s("count", where=_with("tax")), s("score", where=_with("tax"), metric="accuracy")),
                    (number(int(w.having("tax").sum()), what="count"), _accuracy(w, "tax")))),
    ("group, mistake, why", "Of the statements with “war”, which does it misplace most confidently, and over "
     "what word?",
     lambda w: Gold((s("mistakes", where=_with("war"), k=1),
                     s("explain_text", row=(r := w.top(w.sure, w.wrong & w.having("war"))))),
                    (rows(r), pushed_word(w, r)))),
    ("predict, why", "Who does it think speaks in statement 30, and which word tells it so?",
     lambda w: Gold((s("predict", row="30"), s("explain_text", row="30")),
                    (named(w.label_of("30")), pushed_word(w, "30")))),
    ("actual rows, count, mistakes", "How many statements are the moderator's, and how many of those held out "
     "are lost?",
     lambda w: Gold((s("count", where=true("Moderator")),
                     s("mistakes", what="count", kind="false_negatives", cls="Moderator")),
                    (number(int((w.truth == "Moderator").sum()), what="count"),
                     number(int((w.wrong & (w.truth == "Moderator")).sum()), what="lost")))),
    ("two rows", "Statements 8 and 80: one telling word for each, please.",
     lambda w: Gold((s("explain_text", row="8"), s("explain_text", row="80")),
                    (pushed_word(w, "8"), pushed_word(w, "80")))),
    ("predict, rewrite", "Whose words are statement 64, in its view, and what edit makes it hear someone else?",
     lambda w: Gold((s("predict", row="64"), s("counterfactual_text", row="64", cls=(c := _other(w, "64")))),
                    (named(w.label_of("64")), _rewritten(w, "64", c)))),
    ("why, what-if", "What happens to statement 12 if its heaviest word is dropped?",
     lambda w: Gold((s("explain_text", row="12"), s("what_if", row="12", changes=without(_heaviest(w, "12")))),
                    (pushed_word(w, "12"), _bare(w, "12")))),
    ("mistake, likelihood", "How much chance did it give the true side in its most confident mistake?",
     lambda w: Gold((s("mistakes", k=1),
                     s("likelihood", row=(r := w.top(w.sure, w.wrong)), cls=(c := str(w.truth[w.place(r)])))),
                    (rows(r), number(float(w.chance(c)[w.place(r)]), row=r)))),
    ("predict, what-if", "Statement 100 with “thank you” put at its end: same side, same confidence?",
     lambda w: Gold((s("predict", row="100"), s("what_if", row="100", changes=change(None, "thank you", "insert"))),
                    (number(float(w.sure[100]), row="100"), _appended(w, "100", "thank you")))),
    ("predicted rows, mistakes, why", "Among what it calls Republican, find the error it would bet most on and "
     "explain it.",
     lambda w: Gold((s("mistakes", kind="false_positives", cls="Republican", k=1),
                     s("explain_text", row=(r := w.top(w.sure, w.wrong & (w.said == "Republican"))))),
                    (rows(r), pushed_word(w, r)))),
    ("wrong rows, count", "How many statements does it misplace in all, the training ones too, and how many of "
     "them say "
     "“people”?",
     lambda w: Gold((s("count", where=WRONG), s("count", where=(WRONG, _with("people")))),
                    (number(int((w.said != w.truth).sum()), what="wrong"),
                     number(int(((w.said != w.truth) & w.having("people")).sum()), what="with people")))),
)  # fmt: skip

QUESTIONS = (*_REVIEWS, *_DEBATES)


def _accuracy(w: World, word: str) -> Key:
    return number(float((w.said == w.truth)[w.held & w.having(word)].mean()), what="accuracy")


def _heaviest(w: World, row: str) -> str:
    """The word whose deletion moves the predicted class most."""
    values = w.deletions(row, int(w.out[w.place(row)].argmax()))
    return max(values, key=lambda word: abs(values[word]))


def _bare(w: World, row: str) -> Key:
    """The probability without the heaviest word."""
    word = re.escape(_heaviest(w, row))
    return reworded_to(w, row, re.sub(rf"(?<!\w){word}(?!\w)", " ", w.text(row), flags=re.IGNORECASE))


def _appended(w: World, row: str, words: str) -> Key:
    return reworded_to(w, row, f"{w.text(row)} {words}")


def _other(w: World, row: str) -> str:
    return next(one.name for one in w.subject.schema.classes if one.name != w.label_of(row))


def _rewritten(w: World, row: str, cls: str) -> Key:
    """The text that the answer shows is taken for `cls`, or the answer says that none of those tried is."""
    flipped = rewrites(w, row)

    def holds(seen: Seen) -> bool:
        gave_up = any(fact.relation == "unreached" and fact.cls in (None, cls) for _, fact in seen.told)
        return flipped.holds(seen) or gave_up

    return Key(flipped.name, holds)
