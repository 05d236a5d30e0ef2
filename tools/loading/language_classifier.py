"""A language model as a classifier of texts: it is asked for one class name per text, and nothing else is accepted.

The language model comes as a function from texts to replies; who builds it (agent/text_llm.py) chooses the words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from askwhy.tools.errors import ModelFault, ToolError
from askwhy.tools.predictor import Outputs

MOST_ROWS = 200
"""Distinct texts that one tool call may ask about."""

BUDGET = 2000
"""Replies that one classifier asks for altogether, unless told otherwise."""

MAX_CHARACTERS = 8000
"""Characters that are read of a text."""

_TRIMMED = " \t\r\n\"'`“”‘’.*"


class LanguageClassifier:
    """A language model that names the class of a text; for `Subject.of(classifier, texts, y)`.

    ask: replies to some texts, one each. classes: at least two names that differ in more than case.
    samples: how often each text is asked; its probabilities are the shares of the replies, so 0 and 1 for one sample.
    abstain: what is no class name counts as no preference (equal probabilities) instead of ending the call. That
        keeps an explanation alive whose shortened texts the model declines to judge, and draws it towards zero.
    budget: replies that are asked for altogether. Replies are kept, so that no text is paid for twice.

    It stays in the process that made it (it cannot be pickled): replies are kept there, and keys are.
    """

    reads_texts = True

    def __init__(
        self,
        ask: Callable[[list[str]], list[str]],
        classes: Sequence[str],
        *,
        samples: int = 1,
        abstain: bool = False,
        budget: int = BUDGET,
        most_rows: int = MOST_ROWS,
    ) -> None:
        names = [str(name) for name in classes]
        if len(names) < 2 or len({_folded(name) for name in names}) < len(names) or not all(map(_folded, names)):
            raise ToolError("Give a language model at least two classes with different names.")
        if samples < 1:
            raise ToolError("Each text must be asked at least once.")
        self.classes_ = np.array(names, dtype=object)
        self.most_rows = most_rows
        self.samples, self.abstain, self.budget, self.spent = samples, abstain, budget, 0
        self._ask = ask
        self._names = {_folded(name): position for position, name in enumerate(names)}
        self._known: dict[str, Outputs] = {}

    def predict_proba(self, texts: Sequence[str]) -> Outputs:
        """Shares of the replies (n, classes). ModelFault for a reply that is no class; ToolError past the budget."""
        cut = [str(text)[:MAX_CHARACTERS] for text in texts]
        fresh = [text for text in dict.fromkeys(cut) if text not in self._known]
        if fresh:
            self._learn(fresh)
        return np.stack([self._known[text] for text in cut]) if cut else np.empty((0, len(self.classes_)))

    def unread(self, text: str) -> str | None:
        """A sentence that says how much of a text is cut off; None if it is read to its end."""
        if len(text) <= MAX_CHARACTERS:
            return None
        return (
            f"The language model reads the first {MAX_CHARACTERS:,} of the {len(text):,} characters of this text; "
            "the rest is cut off and cannot matter to it."
        )

    def _learn(self, texts: list[str]) -> None:
        cost = len(texts) * self.samples
        if self.spent + cost > self.budget:
            raise ToolError(
                f"This would ask the language model {cost:,} more times, and {self.spent:,} of the {self.budget:,} "
                "replies it may give are spent. Ask about fewer texts, or allow more with budget=..."
            )
        self.spent += cost
        asked = [text for text in texts for _ in range(self.samples)]
        replies = self._ask(asked)
        if len(replies) != len(asked):
            raise ModelFault(f"The language model gave {len(replies)} replies to {len(asked)} texts.")
        found = [self._vote(str(reply)) for reply in replies]
        for position, text in enumerate(texts):
            votes = found[position * self.samples : (position + 1) * self.samples]
            self._known[text] = np.mean(votes, axis=0)

    def _vote(self, reply: str) -> Outputs:
        position = self._names.get(_folded(reply))
        if position is not None:
            return np.asarray(np.eye(len(self.classes_))[position])
        if self.abstain:
            return np.full(len(self.classes_), 1 / len(self.classes_))
        shown = " ".join(reply.split())[:80]
        raise ModelFault(f"The language model replied “{shown}”, which is none of {', '.join(self.classes_)}.")

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What tells this classifier from others beside its replies."""
        return {"samples": self.samples, "abstain": self.abstain, "prompt": getattr(self._ask, "identity", "")}

    def __reduce__(self) -> Any:
        raise TypeError("a language model stays in the process that asks it")


def _folded(name: str) -> str:
    return " ".join(name.strip(_TRIMMED).casefold().split())
