"""The house rules that a number can hold: short files, short functions, everything annotated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MAX_FILE = 400
MAX_FUNCTION = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    lines = _span(function)
    return lines - _span(function.body[0]) if ast.get_docstring(function, clean=False) is not None else lines


def _span(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def unannotated(function: Function) -> list[str]:
    """The arguments without a type, and `return` where that lacks one."""
    args = function.args
    named = [*args.posonlyargs, *args.args]
    if named and named[0].arg in ("self", "cls"):
        named = named[1:]
    every = [*named, *args.kwonlyargs, *filter(None, [args.vararg, args.kwarg])]
    missing = [arg.arg for arg in every if arg.annotation is None]
    return missing if function.returns else [*missing, "return"]


def offences(source: str, typed: bool) -> list[str]:
    """What one file does against the rules."""
    lines = source.count("\n") + (not source.endswith("\n"))
    found = [f"has {lines} lines"] if lines > MAX_FILE else []
    for function in functions(ast.parse(source)):
        if length(function) > MAX_FUNCTION:
            found.append(f"{function.name} has {length(function)} lines")
        if typed and (missing := unannotated(function)):
            found.append(f"{function.name} does not annotate {', '.join(missing)}")
    return found


def test_the_house_rules_hold(root: Path, source_folders: tuple[str, ...]) -> None:
    found = []
    for folder in (*source_folders, "tests"):
        for path in sorted((root / folder).rglob("*.py")):
            rules = offences(path.read_text(encoding="utf-8"), typed=folder != "tests")
            found += [f"{path.relative_to(root)}: {offence}" for offence in rules]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "offence"),
    [
        ("x = 1\n" * 401, "has 401 lines"),
        ("def f() -> None:\n" + "    x = 1\n" * 50, "f has 51 lines"),
        ("def f(a, *b: int, c: int = 0, **d) -> None: ...", "f does not annotate a, d"),
        ("class A:\n    def f(self, a: int): ...", "f does not annotate return"),
    ],
)
def test_an_offence_is_named(source: str, offence: str) -> None:
    assert offences(source, typed=True) == [offence]


def test_a_docstring_is_not_counted() -> None:
    body = "    x = 1\n" * 49
    assert offences(f'def f() -> None:\n    """One.\n\n    Two.\n    """\n{body}', typed=True) == []
