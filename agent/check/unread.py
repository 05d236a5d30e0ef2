"""Why a sentence could not be tested, in words for whoever asked."""

from __future__ import annotations

import re

from askwhy.agent.check.marks import Marked

_WORLD = re.compile(
    r"\b(?:caus(?:e|es|ed|ing)|leads? to|led to|results? in|resulted in|because|due to|owing to|"
    r"makes? (?:people|them|him|her)|responsible for|consequence of|in real life|"
    r"in the real world|brings? about|prevents?|cures?)\b"
)
_CONCLUDES = re.compile(
    r"\b(?:therefore|thus|hence|consequently|accordingly|so|because|since|as a result|that is why)\b"
)
_MODEL = re.compile(
    r"\b(?:model|prediction|predict\w*|probability|chance|output|algorithm|system|decision|K\d+|R\d+)\b"
)
_OPINION = re.compile(
    r"\b(?:should|ought|fair|unfair|good|bad|better|worse|best|worst|believe|think|feel|hope|recommend|advise|suggest|"
    r"reasonable|acceptable|trust\w*|reliable|important|excellent|poor|great|nice|impressive|must|please|opinion|likely|"
    r"probably|perhaps|maybe|might|may|could|appears?|seems?|biased|ethical|responsible)\b"
)
_ASKS = re.compile(r"^(?:please|contact|call|write|let|note|ignore|forget|visit|feel free|do not hesitate|send|see)\b")
_ABOUT = re.compile(r"\b[FCKTOERNQ]\d+\b|\bmodel\b")


def why_unread(marked: Marked) -> str:
    """The reason, as far as it shows."""
    text = marked.text
    if _WORLD.search(text) and not _MODEL.search(text):
        return (
            "It is a claim about causes in the world; only what the model does and what the data holds can be tested."
        )
    if not _ABOUT.search(text) and not _ASKS.search(text):
        return "It says nothing about this model or its data that can be tested."
    if _ASKS.search(text):
        return "It asks for something and states nothing that can be tested."
    if _CONCLUDES.search(text):
        return "It draws a conclusion; whether one thing follows from the other is not tested."
    if _OPINION.search(text):
        return "It is an opinion or too vague to be tested."
    return "Not every word of it could be read as a claim that can be tested."
