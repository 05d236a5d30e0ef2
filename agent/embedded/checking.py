"""Whether a question wants somebody's words checked: "is this true: ...", "check this letter about row 12: ..."."""

from __future__ import annotations

import re

from askwhy.agent.embedded.reading import read
from askwhy.agent.plan import Check
from askwhy.tools.schema import Schema

_WHAT = (
    r"(?:letter|text|report|draft|statement|claim|sentence|answer|e-?mail|explanation|paragraph|summary|message|note|"
    r"wording|write-?up|reply|word)s?"
)
_ABOUT = r"(?:(?: (?:about|on|for|regarding|concerning|to|of|from|by) [^:\n]{1,60}?))?"
_LEAD = re.compile(
    rf"(?:(?:please|can you|could you|would you|now|ok|okay|and) ,?)*"
    r"(?:(?:is|are|was|were) (?:this|that|it|the following|these|those|everything|all of this|what follows)"
    rf"(?: {_WHAT})?{_ABOUT}"
    r" (?:all )?(?:true|correct|right|accurate|false|wrong)(?: or (?:false|wrong|not|incorrect))?"
    rf"{_ABOUT}"
    rf"|(?:check|fact-?check|fact check|verify|double-?check|proof-?read|examine)(?: (?:whether|if))?"
    rf"(?: (?:this|that|these|the following|following|the|my|our|a|his|her|their))?(?: [\w'’-]+)?(?: {_WHAT})?{_ABOUT}"
    r"(?: (?:is|are) (?:true|correct|right|accurate))?"
    rf"|(?:true or false|right or wrong){_ABOUT}|what is wrong (?:with|in) this {_WHAT}{_ABOUT})",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s*(?P<lead>[^:\n“\"«]{3,120}?)\s*\??\s*(?P<mark>[:\n“\"«‘']|\?\s)(?P<rest>.+)", re.DOTALL)
_CLOSING = {"“": "”", '"': '"', "«": "»", "‘": "’", "'": "'"}
_FEWEST = 3
"""Words that a text to check has at least."""


def check_of_question(question: str, schema: Schema) -> Check | None:
    """The words to check and the row that they are about; None where a question asks for something else."""
    match = _PARTS.fullmatch(question.strip())
    if match is None or not _LEAD.fullmatch(" ".join(match["lead"].split())):
        return None
    text = _unquoted(f"{match['mark']}{match['rest']}".strip())
    if len(text.split()) < _FEWEST:
        return None
    rows = read(match["lead"], schema).rows
    return Check(text=text, row=rows[0] if len(rows) == 1 else None)


def _unquoted(text: str) -> str:
    """The text without what announces it and without the quotation marks around all of it."""
    text = text.lstrip(":?\n ").strip()
    closing = _CLOSING.get(text[:1])
    if closing is not None and text.rstrip(" ?.").endswith(closing) and text.count(closing) <= 2:
        text = text.rstrip(" ?.")[1:-1]
    return text.strip()
