"""Writes the documentation that follows from the code: `python -m askwhy.ui.docs [--check]`.

The table of tools in the README, and docs/coverage.md: which tools answer which type of question.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from askwhy.evals.coverage_types import page
from askwhy.tools.registry import Tool, tools
from askwhy.ui.examples import in_words

BEGIN, END = "<!-- tools:begin -->", "<!-- tools:end -->"


def tool_table() -> str:
    """A Markdown table: every registered tool, what it answers, and one question for it."""
    rows = ["| tool | what it answers | for example |", "|---|---|---|"]
    return "\n".join([*rows, *(_row(one) for one in tools().values())])


def rewritten(readme: str) -> str:
    """The README with the table of today's tools between its markers; ValueError where a marker is missing."""
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README needs the markers {BEGIN} and {END}, in this order")
    return f"{head}{BEGIN}\n{tool_table()}\n{END}{tail}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the README's table and the page, or with --check say whether they are up to date.

    Exit code 1 and a diff where one of them is not.
    """
    parser = argparse.ArgumentParser(prog="python -m askwhy.ui.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a file is stale")
    parser.add_argument("--file", type=Path, default=Path("README.md"), help="the README")
    parser.add_argument("--coverage", type=Path, help="the page of question types (docs/coverage.md beside the README)")
    given = parser.parse_args(arguments)
    coverage = given.coverage or given.file.parent / "docs" / "coverage.md"
    wanted = {given.file: rewritten(given.file.read_text(encoding="utf-8")), coverage: page()}
    if given.check:
        return max(_stale(path, after) for path, after in wanted.items())
    for path, after in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(after, encoding="utf-8")
    return 0


def _stale(path: Path, after: str) -> int:
    """1 and a diff where a file differs from what it should be, else 0."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before == after:
        return 0
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), "as it should be", lineterm="")
    print("\n".join(lines))
    print(f"{path} is stale: run `make docs`.", file=sys.stderr)
    return 1


def _row(made: Tool) -> str:
    return f"| `{made.name}` | {_cell(_first_sentence(made.description))} | {_cell(in_words(made))} |"


def _first_sentence(description: str) -> str:
    paragraph = " ".join(description.partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
