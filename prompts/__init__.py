"""Prompt texts as files: NAME.vVERSION.md with front matter (id, version, variables), hashed by content.

A file of the same name in the folder that ASKWHY_PROMPTS names replaces the packaged ones.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

OVERRIDES = "ASKWHY_PROMPTS"
"""Environment variable: a folder with the user's own prompt files."""

_FILE = re.compile(r"(?P<id>[a-z][a-z0-9_]*)\.v(?P<version>\d+)\.md")
_PARTS = re.compile(r"---\n(?P<head>.*?)\n---\n(?P<body>.*)", re.DOTALL)
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


class PromptError(ValueError):
    """A prompt file that cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Prompt:
    """One prompt text; `hash` is the SHA-256 of the whole file before any variable is filled in."""

    id: str
    version: int
    variables: tuple[str, ...]
    text: str
    hash: str

    def render(self, **values: str) -> str:
        """The text with `{{variable}}` replaced, once: a value that looks like a variable stays as it is."""
        if set(values) != set(self.variables):
            raise PromptError(f"prompt {self.id} takes {sorted(self.variables)}, not {sorted(values)}")
        return _VARIABLE.sub(lambda found: values[found[1]], self.text)

    def option(self, key: str, **values: str) -> str:
        """One of the texts of a prompt whose lines are choices (`key: text`), its variables filled in."""
        for line in self.text.splitlines():
            name, colon, text = line.partition(":")
            if colon and name.strip() == key:
                chosen = replace(self, text=text.strip(), variables=tuple(dict.fromkeys(_VARIABLE.findall(text))))
                return chosen.render(**values)
        raise PromptError(f"prompt {self.id} has no line that begins with {key!r}")


_PINNED: ContextVar[Mapping[str, Prompt]] = ContextVar("pinned", default={})  # noqa: B039  # never changed in place


@contextmanager
def pinned(prompt: Prompt) -> Iterator[None]:
    """Within the block, `load` of this prompt's id gives this prompt: to try one version beside another."""
    token = _PINNED.set({**_PINNED.get(), prompt.id: prompt})
    try:
        yield
    finally:
        _PINNED.reset(token)


def read(path: Path) -> Prompt:
    """The prompt in a file of any folder. Raises PromptError for one that cannot be used."""
    try:
        return _parsed(path)
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path} cannot be read: {error}") from None


def load(name: str, version: int | None = None) -> Prompt:
    """A prompt by its id: the user's own if there is one, else the packaged; the newest unless a version is given."""
    if version is None and name in _PINNED.get():
        return _PINNED.get()[name]
    own = os.environ.get(OVERRIDES)
    folders: list[Traversable] = [*([Path(own)] if own else []), resources.files(__name__)]
    for folder in folders:
        if found := _versions(folder, name, version):
            return _parsed(found[max(found)])
    raise PromptError(f"there is no prompt {name!r}" + (f" of version {version}" if version else ""))


def _versions(folder: Traversable, name: str, version: int | None) -> dict[int, Traversable]:
    if not folder.is_dir():
        raise PromptError(f"{OVERRIDES} names {str(folder)!r}, which is not a folder")
    matches = ((_FILE.fullmatch(file.name), file) for file in folder.iterdir())
    found = {int(match["version"]): file for match, file in matches if match and match["id"] == name}
    return {number: file for number, file in found.items() if version in (None, number)}


def _parsed(file: Traversable) -> Prompt:
    content = file.read_text(encoding="utf-8").replace("\r\n", "\n")
    parts = _PARTS.fullmatch(content)
    named = _FILE.fullmatch(file.name)
    if parts is None or named is None:
        raise PromptError(f"{file.name} needs front matter between two lines of ---")
    head = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in parts["head"].splitlines())
    }
    if head.get("id") != named["id"] or head.get("version") != named["version"]:
        raise PromptError(f"{file.name}: id and version in the front matter must be those of the file's name")
    variables = tuple(filter(None, (name.strip() for name in head.get("variables", "").split(","))))
    if set(_VARIABLE.findall(parts["body"])) != set(variables):
        raise PromptError(f"{file.name}: the text must use exactly the variables it declares: {', '.join(variables)}")
    text = parts["body"].strip()
    return Prompt(named["id"], int(named["version"]), variables, text, hashlib.sha256(content.encode()).hexdigest())
