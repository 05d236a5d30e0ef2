"""What every test stands on: no network, no telemetry, and where the source is."""

from __future__ import annotations

import ipaddress
import os
import socket
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Libraries read these when they are imported, which may be while tests are collected.
os.environ.update(ANONYMIZED_TELEMETRY="False", GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1")
os.environ.pop("LANGSMITH_TRACING", None)

# A busy machine is slow, and slow is not wrong: no test asserts a time.
settings.register_profile("askwhy", deadline=None)
settings.load_profile("askwhy")

ROOT = Path(__file__).resolve().parent.parent


class NetworkBlocked(RuntimeError):
    """A test reached for another machine. Not an OSError, so that no library mistakes it for a bad connection."""


def is_local(family: int, address: Any) -> bool:
    """Whether a socket address stays on this machine."""
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = str(address[0])
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    """`connect`, refusing every address that is not local."""

    def local_only(self: socket.socket, address: Any) -> Any:
        if not is_local(self.family, address):
            raise NetworkBlocked(f"tests must not use the network: {address!r}")
        return connect(self, address)

    return local_only


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Session-wide, so that servers and subjects in wider fixtures are held to it too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def package_folders() -> dict[str, str]:
    """Package name -> folder, as pyproject.toml maps them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders: dict[str, str] = settings["tool"]["setuptools"]["package-dir"]
    return folders


@pytest.fixture(scope="session")
def source_folders(package_folders: dict[str, str]) -> tuple[str, ...]:
    """The top-level folders that hold source."""
    return tuple(sorted({folder.split("/")[0] for folder in package_folders.values()}))
