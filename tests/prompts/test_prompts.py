from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from askwhy.prompts import OVERRIDES, PromptError, load, pinned, read


def write(folder: Path, name: str, head: str, body: str) -> Path:
    path = folder / name
    path.write_text(f"---\n{head}\n---\n{body}\n", encoding="utf-8")
    return path


def test_the_packaged_prompt_is_found_and_hashed(root: Path) -> None:
    prompt = load("understand")
    file = root / "prompts" / f"understand.v{prompt.version}.md"
    assert prompt.hash == hashlib.sha256(file.read_bytes()).hexdigest()
    assert set(prompt.variables) == {"task", "entity", "entities", "features", "classes", "target"}


def test_values_are_put_in_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "greet.v1.md", "id: greet\nversion: 1\nvariables: who, what", "{{who}} says {{what}}, {{who}}.")
    monkeypatch.setenv(OVERRIDES, str(tmp_path))
    assert load("greet").render(who="{{what}}", what="hi") == "{{what}} says hi, {{what}}."


def test_the_users_own_prompt_wins_and_has_its_own_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = load("understand")
    head = f"id: understand\nversion: 1\nvariables: {', '.join(packaged.variables)}"
    body = " ".join(f"{{{{{name}}}}}" for name in packaged.variables)
    write(tmp_path, "understand.v1.md", head, body)
    monkeypatch.setenv(OVERRIDES, str(tmp_path))
    assert load("understand").hash != packaged.hash
    assert load("understand").text == body


def test_the_newest_version_is_taken_unless_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in (2, 10):
        write(tmp_path, f"greet.v{version}.md", f"id: greet\nversion: {version}\nvariables:", f"number {version}")
    monkeypatch.setenv(OVERRIDES, str(tmp_path))
    assert load("greet").text == "number 10"
    assert load("greet", 2).text == "number 2"
    with pytest.raises(PromptError, match="version 3"):
        load("greet", 3)


@pytest.mark.parametrize(
    ("head", "body", "problem"),
    [
        ("id: other\nversion: 1\nvariables:", "x", "must be those of the file's name"),
        ("id: greet\nversion: 2\nvariables:", "x", "must be those of the file's name"),
        ("id: greet\nversion: 1\nvariables: who", "nobody", "exactly the variables"),
        ("id: greet\nversion: 1\nvariables:", "{{who}}", "exactly the variables"),
    ],
)
def test_a_bad_file_is_refused(
    head: str, body: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "greet.v1.md", head, body)
    monkeypatch.setenv(OVERRIDES, str(tmp_path))
    with pytest.raises(PromptError, match=problem):
        load("greet")


def test_unknown_prompts_folders_and_variables_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PromptError, match="no prompt"):
        load("nothing")
    with pytest.raises(PromptError, match="takes"):
        load("understand").render(schema="x")
    monkeypatch.setenv(OVERRIDES, str(tmp_path / "absent"))
    with pytest.raises(PromptError, match="not a folder"):
        load("understand")


def test_a_pinned_version_stands_for_all_within_the_block(tmp_path: Path) -> None:
    write(tmp_path, "greet.v7.md", "id: greet\nversion: 7\nvariables:", "seven")
    other = read(tmp_path / "greet.v7.md")
    with pinned(other):
        assert load("greet") is other
        assert load("understand").id == "understand"
        with pytest.raises(PromptError):
            load("greet", 7)  # a number means the folders
    with pytest.raises(PromptError, match="no prompt"):
        load("greet")
    with pytest.raises(PromptError, match="cannot be read"):
        read(tmp_path / "greet.v8.md")


def test_a_line_of_a_prompt_of_choices(tmp_path: Path) -> None:
    head = "id: wish\nversion: 1\nvariables: who"
    prompt = read(write(tmp_path, "wish.v1.md", head, "one: it is so: always\ntwo: it becomes {{who}}"))
    assert prompt.option("one") == "it is so: always"
    assert prompt.option("two", who="{{who}} two: x") == "it becomes {{who}} two: x"
    with pytest.raises(PromptError, match="'three'"):
        prompt.option("three")
    with pytest.raises(PromptError, match="takes"):
        prompt.option("one", who="x")


def test_every_packaged_prompt_can_be_used(root: Path) -> None:
    files = sorted((root / "prompts").glob("*.md"))
    assert len(files) >= 9
    for file in files:
        prompt = read(file)
        assert prompt.text and prompt.hash == load(prompt.id, prompt.version).hash
