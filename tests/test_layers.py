"""The folder decides what may be imported, inside functions and under TYPE_CHECKING too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MAY_IMPORT = {
    "askwhy": {"agent", "evals", "prompts", "tools", "ui"},
    "ui": {"agent", "evals", "tools"},
    "evals": {"agent", "prompts", "tools"},
    "agent": {"prompts", "tools"},
    "prompts": set(),
    "tools": set(),
}
# A tool computes: dialogue, pages and language models belong to other layers.
BANNED_LIBRARIES = {
    "prompts": {"fastapi", "gradio", "langchain", "langchain_core", "langgraph", "typer"},
    "tools": {"fastapi", "gradio", "langchain", "langchain_core", "langgraph", "typer"},
}


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a module of `package` imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            stem = ".".join([*above, *filter(None, [node.module])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            yield from ((node.lineno, arg.value) for arg in node.args[:1] if _is_text(arg))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def layer(name: str) -> str | None:
    """Our folder that a dotted name belongs to, None for a library."""
    head, *rest = name.split(".")
    if head == "askwhy":
        return rest[0] if rest and rest[0] in MAY_IMPORT else "askwhy"
    return head if head in MAY_IMPORT else None


def offences(source: str, path: Path) -> list[str]:
    """The forbidden imports of one file, `path` being relative to the repository."""
    folder = path.parts[0]
    package = ".".join(path.parent.parts if folder == "askwhy" else ("askwhy", *path.parent.parts))
    found = []
    for line, name in imported(ast.parse(source), package):
        target = layer(name)
        ours = target is not None and target != folder and target not in MAY_IMPORT[folder]
        if ours or name.split(".")[0] in BANNED_LIBRARIES.get(folder, ()):
            found.append(f"{path}:{line} imports {name}")
    return found


def test_every_import_is_allowed(root: Path) -> None:
    files = [path.relative_to(root) for folder in MAY_IMPORT for path in sorted((root / folder).rglob("*.py"))]
    found = [offence for path in files for offence in offences((root / path).read_text(encoding="utf-8"), path)]
    assert not found, "\n".join(found)


def test_the_table_names_every_folder(source_folders: tuple[str, ...]) -> None:
    assert set(MAY_IMPORT) == set(source_folders)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tools/x.py", "from askwhy.agent.session import Session"),
        ("tools/x.py", "def f():\n    import askwhy.ui.cli"),
        ("tools/x.py", "from askwhy import agent"),
        ("tools/x.py", "from askwhy import Session"),
        ("tools/x.py", "from agent import session"),
        ("tools/table/x.py", "from ...agent import session"),
        ("tools/x.py", "import importlib\nimportlib.import_module('askwhy.agent')"),
        ("tools/x.py", "if TYPE_CHECKING:\n    from askwhy.agent import plan"),
        ("tools/x.py", "from langchain_core.tools import tool"),
        ("agent/x.py", "import askwhy.evals"),
        ("evals/x.py", "from askwhy.ui import cli"),
        ("ui/x.py", "from askwhy.prompts import load"),
    ],
)
def test_a_forbidden_import_is_caught(path: str, source: str) -> None:
    assert len(offences(source, Path(path))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tools/table/x.py", "from askwhy.tools.subject import Subject"),
        ("tools/table/x.py", "from ..subject import Subject"),
        ("agent/x.py", "from askwhy import prompts, tools"),
        ("agent/x.py", "from langchain_core.messages import AIMessage"),
        ("ui/x.py", "import numpy, askwhy.evals.run"),
        ("askwhy/x.py", "from askwhy.ui.cli import main"),
    ],
)
def test_an_allowed_import_passes(path: str, source: str) -> None:
    assert offences(source, Path(path)) == []
