"""Errors that speak to the person who asked.

    ToolError            tell the user what to do; the agent turns it into an answer
      UnknownName        a feature, class, category or row that does not exist; carries the nearest names
      MissingExtra       an optional package is needed; names the command that installs it
      ModelFault         the user's model raised, hung, or returned something unusable

Anything else that is raised is a bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ToolError(Exception):
    """Something the user can put right; the message says how."""

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross a process border; subclasses have constructors of their own.
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[ToolError], args: tuple[object, ...], state: dict[str, object]) -> ToolError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


def nearest(name: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The known names most like `name`, best first; case is ignored."""
    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    found = difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.5)
    return tuple(by_lower[match] for match in found)


class UnknownName(ToolError):
    """A name that is not in the data; `options` are the nearest that are."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = list(known)
        self.what, self.name = what, name
        self.options = nearest(name, names) or tuple(names[:3])
        hint = f" The nearest: {', '.join(self.options)}." if self.options else ""
        super().__init__(f"There is no {what} “{name}”.{hint}")


class MissingExtra(ToolError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"This needs the package {package}. Install it with: pip install 'askwhy[{extra}]'")


class ModelFault(ToolError):
    """The model itself failed; the message names what it did."""
