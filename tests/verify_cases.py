"""Evidence made by hand, and texts about it that are true: in the tools' words and in others'."""

from __future__ import annotations

from verify_case import Case, evidence_by
from verify_cases_other import CLASSES, EFFECT, PRICE
from verify_schemas import LOANS

from askwhy.tools.evidence import Caveat, Evidence, Fact
from askwhy.tools.scope import Argument, Change, Condition, Scope, Where


def _where(*conditions: Condition) -> Scope:
    return Scope(where=Where.of(*conditions))


OLD = _where(Condition(feature="age", op="gt", value=40))
YOUNG_WOMEN = _where(Condition(feature="age", op="lt", value=30), Condition(feature="sex", value="female"))
NOT_OWNERS = _where(Condition(feature="housing", value="own", negated=True))


def _count(scope: Scope, found: int) -> tuple[Evidence, ...]:
    facts = (
        Fact(relation="count", value=found, unit="count"),
        Fact(relation="total", value=1000, unit="count"),
        Fact(relation="share", value=found / 1000, unit="share"),
    )
    return (evidence_by("count", *facts, scope=scope),)


COUNT = Case(
    LOANS,
    _count(OLD, 274),
    true=(
        "There are 274 applicants older than 40, which is 27% of all 1,000.",
        "274 of the 1,000 applicants are older than 40 (27.4%).",
        "Applicants over the age of 40: 274.",
        "Of 1000 applicants, 274 have an age above 40 years.",
        "About 27 percent of the applicants are older than 40, namely 274.",
    ),
    false=(
        ("There are 275 applicants older than 40.", "V1"),
        ("There are 274 applicants younger than 40.", "V4"),
        ("There are 274 applicants aged 40 or older.", "V4"),
        ("There are 274 applicants of at most 40 years of age.", "V4"),
        ("There are 274 applicants older than 45.", "V1"),
        ("There are 274 applicants older than 40 months.", "V1"),
        ("There are 274 applicants.", "V5"),
        ("There are 274 applicants older than 40, which is 28% of all 1,000.", "V1"),
        ("There are 274 applicants older than 40 with a high salary.", "V4"),
        ("There are not 274 applicants older than 40.", "V2"),
        ("There are 274 applicants older than 40, which is 27 percentage points of all.", "V1"),
        ("Nearly a third of the applicants, 274, are older than 40.", "V13"),
    ),
)

WOMEN = Case(
    LOANS,
    _count(YOUNG_WOMEN, 171),
    true=(
        "There are 171 applicants younger than 30 and with sex female, which is 17% of all 1,000.",
        "171 applicants are women younger than 30.",
    ),
    false=(
        ("There are 171 applicants younger than 30 and with sex male.", "V4"),
        ("171 applicants are men younger than 30.", "V4"),
        ("There are 171 applicants older than 30 and with sex female.", "V4"),
        ("There are 171 applicants younger than 30.", "V5"),
        ("There are 171 applicants younger than 30 and with sex not female.", "V4"),
    ),
)

NOT_OWN = Case(
    LOANS,
    _count(NOT_OWNERS, 287),
    true=(
        "There are 287 applicants with housing other than own.",
        "287 of 1,000 applicants have a housing that is not own, 28.7%.",
    ),
    false=(
        ("There are 287 applicants with housing own.", "V4"),
        ("There are 287 applicants with housing other than rent.", "V4"),
    ),
)

_PREDICT = (
    Fact(relation="prediction", value="0", unit="class", cls="0", row="12"),
    Fact(relation="probability", value=0.8162, unit="probability", cls="0", row="12"),
)
PREDICT = Case(
    LOANS,
    (evidence_by("predict", *_PREDICT, scope=Scope(row="12")),),
    true=(
        "The model predicts declined for applicant 12, with a probability of 82%.",
        "Applicant 12 is predicted declined; the model gives this a probability of 81.6%.",
        "For applicant 12 the predicted class is declined (probability 0.82).",
        "The model would not approve applicant 12: it predicts declined with 82% probability.",
        "The model predicts declined, not approved, for applicant 12, with a probability of 81.62 per cent.",
    ),
    false=(
        ("The model predicts approved for applicant 12, with a probability of 82%.", "V5"),
        ("The model predicts declined for applicant 13, with a probability of 82%.", "V4"),
        ("The model predicts declined for applicant 12, with a probability of 83%.", "V1"),
        ("The model predicts declined for applicant 12, with a probability of 28%.", "V1"),
        ("The model predicts declined for applicant 12, with a probability of 82 percentage points.", "V1"),
        ("The model does not predict declined for applicant 12, with a probability of 82%.", "V5"),
        ("The model predicts declined for applicant 12.", "V5"),
        ("The model predicts declined, with a probability of 82%.", "V5"),
        ("The probability for applicant 12 is 82%.", "V5"),
        ("Applicant 12 is declined with 82% because of a low salary.", "V4"),
        ("The model predicts declined for applicant 12, with a probability of 82% for approved.", "V1"),
        ("The model predicts declined for applicant 12, with 82%, so longer loans are riskier.", "V4"),
    ),
)


def _attribution(feature: str, value: float, at: object, rank: int, relation: str = "attribution") -> Fact:
    return Fact.model_validate(
        {"relation": relation, "value": value, "unit": "points", "feature": feature, "at": at, "cls": "0", "row": "12",
         "rank": rank}
    )  # fmt: skip


_REASONS = (
    ("duration", 0.1314, 48), ("savings", -0.0623, "not_known"), ("age", 0.0311, 22), ("housing", 0.0049, "rent"),
    ("amount", -0.0021, 5951), ("sex", 0.0, "female"),
)  # fmt: skip
_WARNING = "The order is not certain between housing and credit amount."
EXPLAIN = Case(
    LOANS,
    (
        evidence_by(
            "explain",
            *_PREDICT,
            Fact(relation="base", value=0.31, unit="probability", cls="0"),
            Fact(relation="feature_count", value=6, unit="count"),
            *(_attribution(name, value, at, rank) for rank, (name, value, at) in enumerate(_REASONS, 1)),
            *(_attribution(name, value, at, rank, "reason") for rank, (name, value, at) in enumerate(_REASONS[:3], 1)),
            Fact(relation="named_share", value=0.9698, unit="share"),
            method="interventional SHAP, exact",
            caveats=(Caveat(flag="ties", text=_WARNING),),
            scope=Scope(row="12"),
            arguments=(Argument(name="k", value=3),),
        ),
    ),
    true=(
        "The model predicts declined for applicant 12, with a probability of 82%. What moves the probability of "
        "declined "
        "most: duration (48 months) raises it by 13.1 percentage points, savings (not known) lowers it by 6.2 "
        "percentage "
        "points and age (22 years) raises it by 3.1 percentage points. That accounts for 97% of the total "
        "attribution. "
        "The comparison is with the average over the reference applicants, 31%. " + _WARNING,
        "Applicant 12 is predicted declined (82%). The most important feature is duration: at 48 months it "
        "raises the "
        "probability of declined by 13.1 percentage points. Age, which is 22 years, also raises it, by 3.1 "
        "percentage "
        f"points, while savings lowers it by 6.2 percentage points. {_WARNING}",
        "For applicant 12, the three most important features are duration (+13.1 percentage points), savings (-6.2 "
        f"percentage points) and age (+3.1 percentage points). {_WARNING}",
        "For applicant 12, duration and age push the prediction towards declined, by 13.1 and 3.1 percentage points, "
        f"whereas savings pushes it towards approved by 6.2 percentage points. {_WARNING}",
        f"Duration matters most for applicant 12, savings second most and age is third in rank. {_WARNING}",
        "For applicant 12, duration is more important than age, and savings matters more than age but is not more "
        f"important than duration. {_WARNING}",
        "For applicant 12: savings (not known) speaks against declined, duration (48 months) and age (22 years) "
        "speak "
        f"for it. {_WARNING}",
        "Duration raises the probability that applicant 12 is declined and lowers the probability that it is "
        "approved by "
        f"13 percentage points; savings and age come next. {_WARNING}",
        "For applicant 12, sex does not change the prediction; duration raises it most, then savings and age follow. "
        f"{_WARNING}",
    ),
    false=(
        (f"For applicant 12, duration lowers the probability of declined, savings and age. {_WARNING}", "V2"),
        (f"For applicant 12, duration raises the probability of approved; savings and age. {_WARNING}", "V2"),
        (f"For applicant 12, savings raises it by 13.1 percentage points, duration, age. {_WARNING}", "V1"),
        (f"For applicant 12, savings (not known) raises declined by 6.2 points; duration, age. {_WARNING}", "V2"),
        (f"For applicant 12, duration (36 months) raises it by 13.1 percentage points; savings, age. {_WARNING}", "V1"),
        (f"For applicant 12, duration (48 years) raises it by 13.1 percentage points; savings, age. {_WARNING}", "V1"),
        (f"For applicant 12, savings (little) lowers it by 6.2 percentage points; duration, age. {_WARNING}", "V4"),
        (f"For applicant 12, duration raises it by 13.1%; savings, age. {_WARNING}", "V1"),
        (f"For applicant 12, duration raises it by 13.2 percentage points; savings, age. {_WARNING}", "V1"),
        (f"For applicant 12, age is the most important feature, then duration and savings. {_WARNING}", "V3"),
        (f"For applicant 12, duration is the least important feature; savings, age. {_WARNING}", "V3"),
        (f"For applicant 12, age is more important than savings; duration is there too. {_WARNING}", "V3"),
        (f"For applicant 12, duration is not more important than age; savings. {_WARNING}", "V3"),
        (f"For applicant 12, age is the second most important feature; duration, savings. {_WARNING}", "V3"),
        (f"For applicant 12, the most important features are duration, age and savings. {_WARNING}", "V3"),
        (f"For applicant 12, the four most important features are duration, savings and age. {_WARNING}", "V1"),
        (f"For applicant 12, income raises it; duration, savings, age. {_WARNING}", "V4"),
        (f"For applicant 12, the credit score raises it; duration, savings, age. {_WARNING}", "V4"),
        (f"For applicant 12, duration raises it by 13.1 percentage points; savings lowers it. {_WARNING}", "V5"),
        ("For applicant 12, duration raises it by 13.1 percentage points; savings lowers it; age raises it.", "V7"),
        (f"For applicant 12, duration does not raise the probability of declined; savings, age. {_WARNING}", "V2"),
        (f"For applicant 12, savings (known) lowers it by 6.2 percentage points; duration, age. {_WARNING}", "V4"),
        (f"For applicant 12, duration causes defaults, and savings and age do too. {_WARNING}", "V8"),
        (f"For applicant 12, by LIME: duration raises it, savings lowers it and age raises it. {_WARNING}", "V4"),
        (f"For applicant 12, duration strongly raises it; savings lowers it, age raises it. {_WARNING}", "V13"),
        (f"For applicant 12, sex raises declined; duration and age too, not savings. {_WARNING}", "V2"),
        (f"For applicant 12, duration and savings are equally important; age is third. {_WARNING}", "V3"),
        (f"For applicant 12, duration, savings and age account for 79% of the total attribution. {_WARNING}", "V1"),
        (f"For applicant 12, duration (48 months) ranks second, savings, age. {_WARNING}", "V3"),
    ),
)  # fmt: skip

WHAT_IF = Case(
    LOANS,
    (
        evidence_by(
            "what_if",
            Fact(relation="before_prediction", value="0", unit="class", cls="0", row="12"),
            Fact(relation="after_prediction", value="1", unit="class", cls="1", row="12"),
            Fact(relation="flipped", value="1", unit="class", cls="1", row="12"),
            Fact(relation="before_probability", value=0.816, unit="probability", cls="0", row="12"),
            Fact(relation="after_probability", value=0.402, unit="probability", cls="0", row="12"),
            Fact(relation="change", value=-0.414, unit="points", cls="0", row="12"),
            scope=Scope(row="12", changes=(Change(feature="duration", action="decrease", value=12),)),
        ),
    ),
    true=(
        "If duration were 12 months shorter, the model would predict approved for applicant 12 instead of "
        "declined. Its "
        "probability of declined would be 40% instead of 82%, 41.4 percentage points lower.",
        "With a duration 12 months shorter, the prediction for applicant 12 would flip from declined to approved.",
        "For applicant 12, cutting the duration by 12 months lowers the probability of declined from 81.6% to 40.2%.",
        "If the duration of applicant 12 were reduced by 12 months, the probability of declined would fall from "
        "82% to "
        "40%, that is by 41.4 percentage points.",
        "Applicant 12, with duration shorter by 12 months: the probability of declined drops by 41 percentage "
        "points and "
        "the prediction changes to approved.",
    ),
    false=(
        ("If duration were 12 months longer, the model would predict approved for applicant 12.", "V4"),
        ("If duration were 12 months shorter, the model would predict declined for applicant 12.", "V5"),
        (
            "If duration were 12 months shorter, the prediction for applicant 12 would flip from approved to declined.",
            "V5",
        ),
        ("If duration were 12 months shorter, the prediction for applicant 12 would not flip.", "V2"),
        (
            "If duration were 12 months shorter, applicant 12's probability of declined would be 82% instead of 40%.",
            "V1",
        ),
        (
            "If duration were 12 months shorter, applicant 12's probability of declined would rise by 41.4 "
            "percentage points.",
            "V2",
        ),
        (
            "If duration were 12 months shorter, applicant 12's probability of declined would fall from 40% to 82%.",
            "V1",
        ),
        ("If duration were 12 months shorter, applicant 12's probability of declined would fall by 41.4%.", "V1"),
        ("If duration were 18 months shorter, the model would predict approved for applicant 12.", "V1"),
        ("If age were 12 years younger, the model would predict approved for applicant 12.", "V4"),
        ("The model would predict approved for applicant 12.", "V5"),
    ),
)


def _importance(feature: str, value: float, rank: int) -> Fact:
    return Fact(relation="importance", value=value, unit="score", feature=feature, rank=rank, error=0.01)


IMPORTANCE = Case(
    LOANS,
    (
        evidence_by(
            "importance",
            _importance("duration", 0.12, 1), _importance("savings", 0.07, 2), _importance("age", 0.061, 3),
            _importance("amount", 0.02, 4), _importance("housing", 0.0, 5), _importance("sex", -0.001, 6),
            *(
                Fact(relation="top", value=value, unit="score", feature=name, rank=rank, error=0.01)
                for rank, (name, value) in enumerate((("duration", 0.12), ("savings", 0.07), ("age", 0.061)), 1)
            ),
            method="permutation importance",
            arguments=(Argument(name="k", value=3),),
        ),
    ),
    true=(
        "The most important features are duration (0.120), savings (0.0700) and age (0.0610).",
        "Duration is the most important feature (0.12). Savings and age are about equally important (0.07 and "
        "0.061).",
        "Overall, duration matters more than age; savings comes second.",
    ),
    false=(
        ("The most important features are savings (0.0700), duration (0.120) and age (0.0610).", "V3"),
        ("Savings is more important than age; duration is first.", "V3"),
        ("Savings is less important than age; duration is first.", "V3"),
        ("Duration and savings are about equally important; age is third.", "V3"),
        ("The most important features are duration (0.130), savings (0.0700) and age (0.0610).", "V1"),
        ("The most important features are duration (0.120) and savings (0.0700).", "V5"),
        ("The most important features are housing, duration and savings.", "V3"),
    ),
)  # fmt: skip

CASES = {
    "count": COUNT, "women": WOMEN, "not own": NOT_OWN, "predict": PREDICT, "explain": EXPLAIN, "what if": WHAT_IF,
    "importance": IMPORTANCE, "price": PRICE, "classes": CLASSES, "effect": EFFECT,
}  # fmt: skip
