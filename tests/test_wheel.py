"""What ships: every file of the source folders is in the wheel, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

NOT_SOURCE = (".*", "__pycache__", "*.egg-info", "*.pyc", "build", "dist")


def copy_clean(root: Path, target: Path) -> None:
    """Copy what git would commit; without git, everything that does not look built."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        shutil.copytree(root, target, ignore=shutil.ignore_patterns(*NOT_SOURCE))
        return
    for name in filter(None, listing.stdout.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, target / name)


@pytest.fixture(scope="module")
def tree(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the repository: a `build` folder of old would ship its leftovers."""
    target = tmp_path_factory.mktemp("clean") / "askwhy"
    copy_clean(root, target)
    return target


def shipped(tree: Path, target: Path) -> set[str]:
    """The files in the wheel built from `tree`, without its metadata."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target)]
    command = [sys.executable, "-m", "pip", "wheel", *options, "."]
    built = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = target.glob("*.whl")
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def source_files(tree: Path, folders: tuple[str, ...], pattern: str) -> list[Path]:
    """The files below the source folders, relative to the tree."""
    found = (path for folder in folders for path in (tree / folder).rglob(pattern))
    return [path.relative_to(tree) for path in found if path.is_file()]


def test_the_wheel_holds_the_tree(tree: Path, source_folders: tuple[str, ...], tmp_path: Path) -> None:
    files = source_files(tree, source_folders, "*")
    expected = {(path if path.parts[0] == "askwhy" else Path("askwhy") / path).as_posix() for path in files}
    in_wheel = shipped(tree, tmp_path)
    assert sorted(expected - in_wheel) == [], "list the package or its kind of file in pyproject.toml"
    assert sorted(in_wheel - expected) == []


def test_every_package_is_listed(tree: Path, package_folders: dict[str, str], source_folders: tuple[str, ...]) -> None:
    holders = {path.parent.as_posix() for path in source_files(tree, source_folders, "*.py")}
    assert holders == set(package_folders.values())
    assert all((tree / folder / "__init__.py").is_file() for folder in holders)


def test_both_lists_agree(root: Path, package_folders: dict[str, str]) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert sorted(settings["tool"]["setuptools"]["packages"]) == sorted(package_folders)
