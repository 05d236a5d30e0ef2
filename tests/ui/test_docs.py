"""The README's table and the page of question types follow from the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from askwhy.tools.registry import tools
from askwhy.ui.docs import BEGIN, END, main, rewritten, tool_table


def test_every_tool_has_one_row_of_three_cells() -> None:
    rows = tool_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(tools())
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_only_what_stands_between_the_markers_changes() -> None:
    after = rewritten(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert after == f"before\n{BEGIN}\n{tool_table()}\n{END}\nafter\n"
    assert rewritten(after) == after


@pytest.mark.parametrize("text", ["nothing", f"{BEGIN} only", f"{END} {BEGIN}"])
def test_missing_markers_are_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="markers"):
        rewritten(text)


def test_check_fails_with_a_diff_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\nold row\n{END}\n", encoding="utf-8")
    assert main(["--check", "--file", str(readme)]) == 1
    printed = capsys.readouterr()
    assert "-old row" in printed.out and "+| `count` |" in printed.out
    assert "make docs" in printed.err
    assert "old row" in readme.read_text(encoding="utf-8")
    assert not (tmp_path / "docs").exists()


def test_check_fails_where_only_the_page_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme, page = tmp_path / "README.md", tmp_path / "docs" / "coverage.md"
    readme.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    assert main(["--file", str(readme)]) == 0
    page.write_text(page.read_text(encoding="utf-8").replace("`count`", "`counted`"), encoding="utf-8")
    assert main(["--check", "--file", str(readme)]) == 1
    printed = capsys.readouterr()
    assert "`counted`" in printed.out and "coverage.md is stale" in printed.err


def test_writing_makes_the_check_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    assert main(["--file", str(readme)]) == 0
    assert main(["--check", "--file", str(readme)]) == 0
    assert capsys.readouterr().out == ""
