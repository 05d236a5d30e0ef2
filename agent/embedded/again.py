"""What needs no model to be read: words to check, and the last answer once more in another manner or form.

"now in one sentence", "say that to the customer", "write him a letter", "the raw numbers" and "how did you compute
that?" repeat the turn before; what asks something of its own is left to the network. "2 + 2?" is no question about a
model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from askwhy.agent.calls import REASONS
from askwhy.agent.embedded.checking import check_of_question
from askwhy.agent.embedded.english import listed, pattern
from askwhy.agent.parser.engine import lost
from askwhy.agent.plan import Decline, Form, Outcome, Plan, Step
from askwhy.tools.registry import find_tool
from askwhy.tools.schema import Schema

_WHO = r"(?:the|a|an|my|our|your|some|any)"
_LAY = (
    r"(?:customers?|clients?|consumers?|lay ?(?:man|men|person|people)|patients?|applicants?|end users?|child|kid|"
    r"non-?(?:experts?|specialists?|technical (?:person|people|reader|audience|user)s?)|beginners?|outsiders?)"
)
_LAYMAN = (
    r"(?:people without (?:a )?technical (?:background|knowledge)|(?:someone|somebody|people) (?:who knows? nothing|"
    r"with(?:out| no)[\w\s]{0,20}(?:knowledge|background|training)))"
)
_SKILLED = (
    r"(?:experts?|specialists?|data scientists?|statisticians?|(?:ml|machine learning) (?:engineer|expert|person)s?|"
    r"engineers?|researchers?|(?:model )?(?:auditor|validator|developer)s?|technical (?:reader|audience|person)s?)"
)
_TELL = r"(?:explain|say|tell|describe|put|phrase|word|rephrase|reword|write|summari[sz]e|read|show|give)"
_TOLD = (
    r"(?:explain|say|tell|describe|put|phrase|rephrase|reword|write)(?: \w+){{0,2}} to (?:the|a|an|our|my) {}\b"
    r"(?! ?(?:number |no\.? |id |#)?\d)"
)
_NO_ID = (
    r"(?!\s+(?:number |no\.? |id |#)?[\w-]*\d)(?!\s+of (?:\d+ )?\w+\b(?=\s+(?:with|who|and|or|years?)\b))"
    r"(?!\s+(?:with|without|who|whose|which|that|having|older|younger|aged|over|under|above|below|between|earning|living"
    r"|paying|asking|on|in|at|from)\b)"
)
_SET_OFF, _LAST = r"(?=\s*[,:;])", r"(?=\s*(?:[,.:;!?)]|$))"
"""Where a word for many people ends: "for customers, why 12?"; not "what matters for customers?"."""
_PATTERNS: dict[tuple[str, str], str] = {
    ("length", "sentence"): (
        r"(?:in|with|using|as) (?:just |only )?(?:one|a single|1|a) (?:short |single |plain |simple )?sentences?"
        r"|(?:a )?one[- ]sentence(?: (?:answer|summary|explanation|version))?|in one line|as a one-?liner"
    ),
    ("length", "short"): (
        r"briefly|in (?:short|brief|a nutshell|a few words)|(?:keep|make) it (?:short|brief)|be brief|concisely"
        r"|(?:a |the )?(?:short|brief|shorter|concise) (?:answer|version|explanation|summary)"
        r"(?: of(?= (?:that|this|it)))?"
        r"|^(?:a (?:bit|little) )?short(?:er)?(?= please|[.!?]*$)|make (?:it|that) (?:a (?:bit|little) )?shorter"
        r"|tl;? ?dr"
    ),
    ("length", "full"): (
        r"in (?:full|complete|great(?:er)?|more|every) detail|(?<!paid )in full(?=[.?!]*$)|in detail|"
        r"with (?:all|every|full|more) (?:the )?details?|"
        r"(?:a |the )?(?:full|detailed|complete|long(?:er)?) (?:answer|version|explanation)|at length"
        r"|exhaustively"
    ),
    ("audience", "customer"): (
        rf"(?:as )?(?:(?<=[\w?.!,:;] )(?:to|for)|^for) (?:{_WHO} {_LAY}\b{_NO_ID}|{_LAY}\b{_SET_OFF}|{_LAYMAN}\b)"
        rf"|\bto {_LAY}\b{_LAST}"
        r"|in (?:(?:very )?(?:plain|simple|everyday|ordinary|lay|layman's|laymen's|layperson's) "
        r"(?:words?|english|language|terms)|lay(?:man)?'?s terms)"
        r"|without (?:any |the )?(?:technical )?(?:jargon|terms|technical language)|non-?technically|eli5"
        r"|like i'?m (?:five|5)|as if i (?:were|was) (?:five|5|a child)"
    ),
    ("audience", "expert"): (
        rf"(?:as )?(?:to|for) (?:{_WHO} {_SKILLED}\b{_NO_ID}|{_SKILLED}\b{_SET_OFF})|\bto {_SKILLED}\b{_LAST}"
        r"|in technical (?:detail|terms|language|words)|technically"
        r"|(?:with |give |show )?(?:me )?(?:the |all |more )*technical details?"
    ),
    ("audience", "colleague"): rf"(?:to|for) (?:{_WHO} )?(?:colleagues?|co-?workers?|team(?:mates?)?)\b",
}
_NOTICE = (
    r"(?:(?:adverse[- ]action|rejection|refusal|decline|denial|decision|formal|short) )?"
    r"(?:letter|notice of adverse action|adverse[- ]action notice)"
)
_WRITE = r"\b(?:write|draft|compose|prepare|send|make)\b"
_LETTER = re.compile(
    rf"(?:(?:(?:can|could|would) you |please )*(?:{_WRITE}|\b{_TELL}) (?:me |him |her |them |us |it |that |this )?"
    rf"(?:as |in )?(?:(?:a|an|the) )?{_NOTICE}|\b(?:as|in) (?:an? )?{_NOTICE}|^(?:(?:a|an|the) )?{_NOTICE})"
    r"(?: form)?\b",
    re.I,
)
_INTRODUCED = re.compile(rf"(.[?.!,;:]) *(?:and )?(?:please )?{_TELL} (?:it|that|this)(?: to me)?[.?!]?$", re.I)
_NUMBER = r"[\s(]*-?\d[\d.,]*[\s)]*"
_SIGN = r"(?:[+*x\u00d7\u00f7^]|plus|minus|times|(?:divided|multiplied) by)"
_WHAT_IS = r"(?:(?:what|how much) (?:is|are|makes?)|what's|calculate|compute|work out)"
_SUM = re.compile(
    rf"(?:{_NUMBER}(?:{_SIGN}{_NUMBER})+|{_WHAT_IS}{_NUMBER}(?:(?:{_SIGN}|[/-]){_NUMBER})+)(?:=|equals?)?[\s?.!]*"
)
_WORD = re.compile(r"[^\W_]")
_SET_APART = re.compile(r"[:\n\"“«]")


def fixed_outcome(
    question: str, schema: Schema, names: frozenset[str], steps: Sequence[Step], row: str | None
) -> Outcome | None:
    """The outcome of a question that is one of these, after the steps of the turn before; None for any other.

    row: the one under discussion, which words to check may be about.
    """
    if not _WORD.search(question):
        return lost(names)
    if _SUM.fullmatch(question.lower()):
        return Decline(reason=REASONS["not_about_the_model"])
    check = check_of_question(question, schema)  # before any word of the text to check is cut out as manner
    if check is not None and (_SET_APART.search(question) or not asked_manner(check.text).only):
        return check.model_copy(update={"row": check.row or row})
    asked = asked_manner(question)
    if asked.only and steps:
        return Plan(steps=asked.put_on(steps))
    form = asked_form(question)
    if form is None:
        return None
    if not steps:
        return lost(names).model_copy(update={"question": "There is no answer yet. What would you like to know?"})
    return Plan(steps=tuple(one.model_copy(update={"form": form}) for one in steps))


def in_manner(outcome: Outcome, question: str, entity: str = "") -> Outcome:
    """The outcome, to be answered as the question says where it says so in one of the usual phrases.

    entity: what a row is, as "guest"; what is told to one is told to a customer.
    """
    given: dict[str, Any] = dict(asked_manner(question).given)
    if "audience" not in given and entity and re.search(_TOLD.format(re.escape(entity)), question, re.IGNORECASE):
        given["audience"] = "customer"
    if not isinstance(outcome, Plan) or len(outcome.steps) != 1 or not given:
        return outcome  # of several steps, one may be for the customer and another for the expert
    (step,) = outcome.steps
    if find_tool(step.tool).needs == "nothing":
        return outcome
    if step.tool == "letter_reasons" and not re.search(_WRITE, question, re.IGNORECASE):
        given.pop("form", None)  # what a letter may say is no letter
    form = "words" if step.form == "method" else step.form  # how it was computed is asked for in other words
    return outcome.model_copy(update={"steps": (step.model_copy(update={"form": form, **given}),)})


@dataclass(frozen=True)
class Asked:
    """How an answer is wanted, and the rest of the question."""

    given: tuple[tuple[str, str], ...]
    rest: str

    @property
    def only(self) -> bool:
        """Whether nothing is asked but the last answer in another manner."""
        return bool(self.given) and _says_only(self.rest, listed("pointing") | listed("retelling"))

    def put_on(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """The steps, to be answered like this."""
        update: dict[str, Any] = dict(self.given)
        if "expert" in update.values() or "letter" in update.values():
            update.setdefault("length", None)  # what an expert wants to see, or a letter, is no one sentence
        # An answer in one sentence is no list of numbers and no letter, unless a form was asked for.
        return tuple(one.model_copy(update={"form": "words", **update}) for one in steps)


def asked_manner(question: str) -> Asked:
    """What the question says of the answer it wants; `given` is empty where it says nothing."""
    rest = question.replace("\u2019", "'")
    given: dict[str, str] = {}
    letter = _LETTER.search(rest)
    if letter is not None and not re.search(r"['\"“]", rest):
        given["form"] = "letter"
        rest = f"{rest[: letter.start()]} {rest[letter.end() :]}"
    for (field, value), phrases in _COMPILED.items():
        if field in given:
            continue
        left, found = phrases.subn(" ", rest)
        if found:
            given[field], rest = value, left
    return Asked(tuple(given.items()), _tidy(rest) if given else question)


_COMPILED = {
    key: re.compile(rf",? ?(?<![\w-])(?:{phrases})(?![\w-])", re.IGNORECASE) for key, phrases in _PATTERNS.items()
}


def asked_form(question: str) -> Form | None:
    """The form in which the last answer is wanted again, where nothing else is asked."""
    ways: tuple[tuple[str, Form], ...] = (
        ("as_numbers", "numbers"),
        ("in_numbers", "numbers"),
        ("how_computed", "method"),
    )
    for name, form in ways:
        rest, found = pattern(name).subn(" ", question)
        if found:
            return form if _says_only(rest, listed("pointing")) else None
    return None


def _says_only(rest: str, words: frozenset[str]) -> bool:
    return all(word in words for word in re.findall(r"[^\W_]+(?:'\w+)?", rest.lower()))


def _tidy(rest: str) -> str:
    """The rest without the punctuation and the words that introduced what was cut out."""
    rest = " ".join(rest.split())
    rest = re.sub(r"\s+([,.?!;:])", r"\1", rest).strip(" ,;:-")
    rest = re.sub(r"[,;:]+(?=[.?!]|$)", "", rest)
    return _INTRODUCED.sub(lambda match: match[1].strip(" ,;:"), rest)
