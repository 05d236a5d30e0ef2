"""Ask a model why: questions in plain language, answers checked against the model.

The public names are imported when first used, so that `import askwhy` and `askwhy --help` stay fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Budget", "Session", "Subject", "__version__", "ask", "chat"]

# Hidden from type checkers, which would otherwise take every misspelt name for a valid one.
if not TYPE_CHECKING:
    _HOMES = {
        "Budget": "askwhy.agent.bill",
        "Session": "askwhy.agent.session",
        "Subject": "askwhy.tools.subject",
        "ask": "askwhy.agent.session",
        "chat": "askwhy.ui.chat",
    }

    def __getattr__(name: str) -> object:
        import importlib
        import importlib.metadata

        if name == "__version__":
            return importlib.metadata.version("askwhy")
        if name not in _HOMES:
            raise AttributeError(f"module 'askwhy' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

else:
    from askwhy.agent.bill import Budget
    from askwhy.agent.session import Session, ask
    from askwhy.tools.subject import Subject
    from askwhy.ui.chat import chat

    __version__: str
