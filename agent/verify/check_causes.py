"""V8: no claim about causes in the world: only the model's output is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator

from askwhy.agent.answer import Failure
from askwhy.agent.verify.clauses import NEGATION
from askwhy.agent.verify.reading import Reading

_CAUSAL = re.compile(
    r"\b(?:caus(?:es|ed|ing)|causes? of|(?:lead|leads|led|leading) to|results? in|resulted in|(?:is|are|was|"
    r"were) responsible for|"
    r"due to|thanks to|owing to|brings? about|brought about|(?:is|are|was|were) to blame|as a consequence of|"
    r"in (?:the )?real (?:life|world))\b", re.I
)  # fmt: skip


def check_causes(reading: Reading) -> Iterator[Failure]:
    """Failures of causal wording."""
    for start, end in reading.sentences:
        for match in _CAUSAL.finditer(reading.blanked, start, end):
            if NEGATION.search(reading.blanked, max(start, match.start() - 40), match.start()):
                continue
            message = f"“{match.group()}” is a claim about the world: say what it does to the model's output instead."
            yield Failure(check="V8", message=message, start=match.start(), end=match.end())
