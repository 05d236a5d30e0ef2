"""Questions of several steps about the built-in credit model; "1" is approved, "0" declined."""

from __future__ import annotations

import pandas as pd

from askwhy.evals.agent_keys import (
    WRONG,
    Gold,
    Key,
    at,
    averaged,
    change,
    changed_to,
    flips,
    group,
    named,
    number,
    pushed,
    rows,
    said,
    true,
)
from askwhy.evals.agent_keys import step as s
from askwhy.evals.agent_questions import numbered
from askwhy.evals.agent_world import World

QUESTIONS = numbered(
    "credit",
    ("mistake, why", "What is its worst mistake, and what talked it into that?",
     lambda w: Gold((s("mistakes", k=1), s("explain", row=(r := w.top(w.sure, w.wrong)))), (rows(r), pushed(w, r)))),
    ("mistake, flip", "Of the applicants that were wrongly approved, who was surest, and what would have flipped it?",
     lambda w: Gold((s("mistakes", kind="false_positives", cls="1", k=1),
                     s("counterfactual", row=(r := w.top(w.sure, w.wrong & (w.said == "1"))))),
                    (rows(r), flips(w, r)))),
    ("importance, what-if", "Which feature matters most, and what happens to row 12 if it rises by 10 %?",
     lambda w: Gold((s("importance", k=1),
                     s("what_if", row="12", changes=change((f := _number(w.matter(4))), 1.1, "scale"))),
                    (named(*w.matter()), changed_to(w, "12", **{f: w.cell("12", f) * 1.1})))),
    ("group, mistake, why", "For which loan purpose does it err most, and which feature led it astray in the clearest "
     "error there?",
     lambda w: Gold((s("group_compare", feature="purpose"),
                     s("mistakes", where=at("purpose", (g := w.worst_category("purpose"))), k=1),
                     s("explain", row=(r := w.top(w.sure, w.wrong & w.is_at("purpose", g))))),
                    (rows(r), pushed(w, r)))),
    ("group, mistake, flip", "Find the housing group with the highest error rate, take the error it is most confident "
     "about and tell me what it would take to get the other answer.",
     lambda w: Gold((s("group_compare", feature="housing"),
                     s("mistakes", where=at("housing", (g := w.worst_category("housing"))), k=1),
                     s("counterfactual", row=(r := w.top(w.sure, w.wrong & w.is_at("housing", g))))),
                    (rows(r), flips(w, r)))),
    ("extreme, why", "Why did the applicant who wants the most money get the answer they got?",
     lambda w: Gold((s("statistic", feature="credit_amount", measure="max"),
                     s("explain", row=(r := w.top(w["credit_amount"])))), (rows(r), pushed(w, r)))),
    ("extreme, predict", "Who is the oldest of them, and would they be approved?",
     lambda w: Gold((s("statistic", feature="age", measure="max"), s("predict", row=(r := w.top(w["age"])))),
                    (rows(r), number(float(w.sure[w.place(r)]), row=r)))),
    ("extreme, flip", "Take the smallest loan in the file. If it was turned down, what would turn that round; if not, "
     "what would sink it?",
     lambda w: Gold((s("statistic", feature="credit_amount", measure="min"),
                     s("counterfactual", row=(r := w.top(-w["credit_amount"])))), (rows(r), flips(w, r)))),
    ("why, what-if", "What speaks most for approving row 5, and does the answer hold if the loan ran only 12 months?",
     lambda w: Gold((s("explain", row="5", sign="for"), s("what_if", row="5", changes=change("duration", 12))),
                    (pushed(w, "5", 1), changed_to(w, "5", duration=12)))),
    ("flip, what-if", "What is the smallest change that would get applicant 12 approved? And would simply halving the "
     "amount do as well?",
     lambda w: Gold((s("counterfactual", row="12"),
                     s("what_if", row="12", changes=change("credit_amount", 0.5, "scale"))),
                    (flips(w, "12", "1"),
                     changed_to(w, "12", credit_amount=w.cell("12", "credit_amount") * 0.5)))),
    ("flip kept, likelihood", "How sure is it about 12, and how could she be approved without touching age, sex "
     "or job?",
     lambda w: Gold((s("likelihood", row="12"), s("counterfactual", row="12", keep=("age", "sex", "job"))),
                    (number(float(w.sure[12]), row="12"), flips(w, "12", "1", ("age", "sex", "job"))))),
    ("score by group", "Is it more often right about women or about men, and by how much is it right for the "
     "worse off?",
     lambda w: Gold((s("group_compare", feature="sex"),
                     s("score", where=at("sex", (g := w.worst_category("sex"))), metric="accuracy")),
                    (number(float((w.said == w.truth)[w.held & w.is_at("sex", g)].mean()), what="accuracy"),
                     group(g)))),
    ("group, count mistakes", "In which job class is the error rate worst? Count the wrong approvals there.",
     lambda w: Gold((s("group_compare", feature="job"),
                     s("mistakes", where=at("job", (g := w.worst_category("job"))), what="count",
                       kind="false_positives", cls="1")),
                    (number(int((w.wrong & w.is_at("job", g) & (w.said == "1")).sum()), what="count"),))),
    ("mistake, similar", "Look at the confident blunder at the top of the list: which earlier case is it most like?",
     lambda w: Gold((s("mistakes", k=1), s("similar", row=(r := w.top(w.sure, w.wrong)), k=3)),
                    (rows(r), named("1", "0")))),
    ("mistake, likelihood", "Among people renting, whom does it misjudge with the most confidence, and what "
     "probability "
     "did it give?",
     lambda w: Gold((s("mistakes", where=at("housing", "rent"), k=1),
                     s("likelihood", row=(r := w.top(w.sure, w.wrong & w.is_at("housing", "rent"))))),
                    (rows(r), number(float(w.sure[w.place(r)]), row=r)))),
    ("importance, effect", "Take the single most important input and describe what it does to the chance of approval "
     "between its ends.",
     lambda w: Gold((s("importance", k=1), s("effect", feature=(f := w.matter(1)[0]), cls="1")),
                    (named(*w.matter()), _ends(w, f)))),
    ("importance, group", "Whatever matters most to it: for which of its values is it wrong most often?",
     lambda w: Gold((s("importance", k=1), s("group_compare", feature=(f := _category(w.matter(4)))),
                     s("score", where=at(f, (g := w.worst_category(f))), metric="accuracy")),
                    (named(f), number(float((w.said == w.truth)[w.held & w.is_at(f, g)].mean()), what="accuracy")))),
    ("count, mistakes", "How many of those asking for more than 8000 are there, and how many of them did it get wrong?",
     lambda w: Gold((s("count", where=at("credit_amount", 8000, "gt")),
                     s("mistakes", where=at("credit_amount", 8000, "gt"), what="count")),
                    (number(int((w["credit_amount"] > 8000).sum()), what="count"),
                     number(int((w.wrong & (w["credit_amount"] > 8000)).sum()), what="wrong")))),
    ("mistake, what-if", "Take the good customer it rejected most firmly. Would a loan half as long have saved them?",
     lambda w: Gold((s("mistakes", kind="false_negatives", cls="1", k=1),
                     s("what_if", row=(r := w.top(w.sure, w.wrong & (w.said == "0"))),
                       changes=change("duration", 0.5, "scale"))),
                    (rows(r), changed_to(w, r, duration=w.cell(r, "duration") * 0.5)))),
    ("mistake, why against", "Someone who would have paid back was declined, and it was dead certain. Which of their "
     "details counted most against them?",
     lambda w: Gold((s("mistakes", kind="false_negatives", cls="1", k=1),
                     s("explain", row=(r := w.top(w.sure, w.wrong & (w.said == "0"))), cls="1", sign="against")),
                    (rows(r), pushed(w, r, -1, "1")))),
    ("two rows", "Rows 12 and 20: what decided each of them?",
     lambda w: Gold((s("explain", row="12"), s("explain", row="20")),
                    (pushed(w, "12"), pushed(w, "20"), rows("12", "20")))),
    ("extreme in group, why", "Of the applicants who want a business loan, look at the one with the longest term. "
     "Explain the verdict.",
     lambda w: Gold((s("statistic", feature="duration", measure="max", where=at("purpose", "business")),
                     s("explain", row=(r := w.top(w["duration"], w.is_at("purpose", "business"))))),
                    (rows(r), pushed(w, r)))),
    ("extreme in group, flip", "What would have to be different for the youngest home owner to be judged the "
     "other way?",
     lambda w: Gold((s("statistic", feature="age", measure="min", where=at("housing", "own")),
                     s("counterfactual", row=(r := w.top(-w["age"], w.is_at("housing", "own"))))),
                    (rows(r), flips(w, r)))),
    ("extreme, what-if", "The longest-running loan of all: what if it were cut to two years?",
     lambda w: Gold((s("statistic", feature="duration", measure="max"),
                     s("what_if", row=(r := w.top(w["duration"])), changes=change("duration", 24))),
                    (rows(r), changed_to(w, r, duration=24)))),
    ("statistic, count", "What's the average amount asked for, and how many ask for more than that?",
     lambda w: Gold((s("statistic", feature="credit_amount", measure="mean"),
                     s("count", where=at("credit_amount", (m := float(w["credit_amount"].mean())), "gt"))),
                    (number(m, within=1e-6, what="mean"), number(int((w["credit_amount"] > m).sum()), what="count")))),
    ("statistic, score", "Work out the median age; how accurate is it for those above?",
     lambda w: Gold((s("statistic", feature="age", measure="median"),
                     s("score", where=at("age", (m := float(w["age"].median())), "gt"), metric="accuracy")),
                    (number(m, what="median"),
                     number(float((w.said == w.truth)[w.held & (w["age"] > m)].mean()), what="accuracy")))),
    ("flip, count", "What would get 12 approved? And how many applicants have a rich checking account anyway?",
     lambda w: Gold((s("counterfactual", row="12"), s("count", where=at("checking_account", "rich"))),
                    (flips(w, "12", "1"), number(int(w.is_at("checking_account", "rich").sum()), what="count")))),
    ("mistake, show", "Who is the most confidently wrong decline, and what did that person fill in as purpose?",
     lambda w: Gold((s("mistakes", kind="false_negatives", cls="1", k=1),
                     s("show", row=(r := w.top(w.sure, w.wrong & (w.said == "0"))))),
                    (rows(r), named(str(w.cell(r, "purpose")))))),
    ("mistakes, typical, score", "What do its errors have in common, and how good is it overall, in AUC?",
     lambda w: Gold((s("mistakes", what="typical"), s("score", metric="roc_auc")), (_auc(w),))),
    ("group, flip cheaply", "People with little in their checking account: pick the one it turned down with the "
     "greatest "
     "certainty though wrongly, and find a way to a yes that leaves the amount alone.",
     lambda w: Gold((s("mistakes", kind="false_negatives", cls="1", k=1, where=at("checking_account", "little")),
                     s("counterfactual", keep=("credit_amount",),
                       row=(r := w.top(w.sure, w.wrong & (w.said == "0") & w.is_at("checking_account", "little"))))),
                    (rows(r), flips(w, r, "1", ("credit_amount",))))),
    ("group, count, mistake, why", "By savings, where is accuracy lowest? How many such applicants are there, which of "
     "them is judged wrong with most confidence, and on what grounds?",
     lambda w: Gold((s("group_compare", feature="saving_accounts"),
                     s("count", where=at("saving_accounts", (g := w.worst_category("saving_accounts")))),
                     s("mistakes", where=at("saving_accounts", g), k=1),
                     s("explain", row=(r := w.top(w.sure, w.wrong & w.is_at("saving_accounts", g))))),
                    (number(int(w.is_at("saving_accounts", g).sum()), what="count"), rows(r), pushed(w, r)))),
    ("mistake, why, flip", "I need the full story of the worst wrong approval: who, why, and what would have "
     "changed it.",
     lambda w: Gold((s("mistakes", kind="false_positives", cls="1", k=1),
                     s("explain", row=(r := w.top(w.sure, w.wrong & (w.said == "1")))), s("counterfactual", row=r)),
                    (rows(r), pushed(w, r), flips(w, r)))),
    ("predict, why, flip", "Is 20 approved? On what grounds? And what would tip it?",
     lambda w: Gold((s("predict", row="20"), s("explain", row="20"), s("counterfactual", row="20")),
                    (number(float(w.sure[20]), row="20"), pushed(w, "20"), flips(w, "20")))),
    ("what-if on many, count", "If every loan ran 6 months less, how many verdicts would change, and out of how many?",
     lambda w: Gold((s("what_if", changes=change("duration", 6, "decrease")), s("count")),
                    (number(_flips(w), what="flips"), number(len(w.ids), what="count")))),
    ("wrong rows, statistic", "Among the cases it got wrong, what is the average amount? And among all of them?",
     lambda w: Gold((s("statistic", feature="credit_amount", measure="mean", where=WRONG),
                     s("statistic", feature="credit_amount", measure="mean")),
                    (number(float(w["credit_amount"][w.said != w.truth].mean()), what="mean of the wrong"),
                     number(float(w["credit_amount"].mean()), what="mean")))),
    ("predicted rows, extreme, why", "Of everyone it turned down, who wanted the least money, and why them?",
     lambda w: Gold((s("statistic", feature="credit_amount", measure="min", where=said("0")),
                     s("explain", row=(r := w.top(-w["credit_amount"], w.said == "0")))), (rows(r), pushed(w, r)))),
    ("actual rows, count, mistakes", "How many really were bad risks, and how many of those slipped through?",
     lambda w: Gold((s("count", where=true("0")), s("mistakes", what="count", kind="false_positives", cls="1")),
                    (number(int((w.truth == "0").sum()), what="count"),
                     number(int((w.wrong & (w.said == "1")).sum()), what="slipped through")))),
    ("worst group, count", "Which kind of applicants fares worst with it? How many students' loans (education) "
     "are there "
     "by the way?",
     lambda w: Gold((s("worst_group"), s("count", where=at("purpose", "education"))),
                    (number(int(w.is_at("purpose", "education").sum()), what="count"), group("")))),
    ("best group, mistake, why", "Where people go for a loan for radio or TV, its most confident miss: what drove it?",
     lambda w: Gold((s("mistakes", where=at("purpose", "radio/TV"), k=1),
                     s("explain", row=(r := w.top(w.sure, w.wrong & w.is_at("purpose", "radio/TV"))))),
                    (rows(r), pushed(w, r)))),
    ("mistakes ranked, flip second", "Skip its worst error and take the runner-up. What would have made it "
     "decide right?",
     lambda w: Gold((s("mistakes", k=2), s("counterfactual", row=(r := w.ranked(w.sure, w.wrong, 2)[1]))),
                    (rows(r), flips(w, r)))),
)  # fmt: skip


def _number(names: list[str]) -> str:
    """The first of some features that is a number."""
    return next(one for one in names if one in ("credit_amount", "duration", "age"))


def _category(names: list[str]) -> str:
    """The first of some features that is none."""
    return next(one for one in names if one not in ("credit_amount", "duration", "age"))


def _ends(w: World, feature: str) -> Key:
    """The mean chance of approval at the feature's most common value, or at its largest number."""
    cells = w[feature]
    where = cells.max() if pd.api.types.is_numeric_dtype(cells) else cells.mode().iloc[0]
    return averaged(w, feature, where, "1")


def _auc(w: World) -> Key:
    from sklearn.metrics import roc_auc_score

    return number(float(roc_auc_score(w.truth[w.held] == "1", w.chance("1")[w.held])), within=1e-9, what="AUC")


def _flips(w: World) -> int:
    shorter = w.subject.predictor(w.frame.assign(duration=w["duration"] - 6))
    return int((shorter.argmax(axis=1) != w.out.argmax(axis=1)).sum())
