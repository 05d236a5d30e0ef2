"""The guard of conftest.py: tests reach this machine and no other."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org"])
def test_other_machines_are_refused(host: str) -> None:
    with socket.socket() as client, pytest.raises(RuntimeError, match="must not use the network"):
        client.connect((host, 80))


def test_this_machine_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
