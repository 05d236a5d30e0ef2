"""`transformers serve` on loopback with SmolLM2: a real server and a real model, which calls no tools."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from askwhy.agent.local.smollm import smollm

PACKAGES = ("gguf", "accelerate", "uvicorn", "fastapi", "transformers", "torch", "langchain_openai")
START_SECONDS = 240
_RUN = "from transformers.cli.transformers import main; main()"


def missing() -> list[str]:
    """The packages that the server needs and that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def write_model(folder: Path) -> None:
    """SmolLM2 as a folder that can be served, and that the server may write to."""
    shutil.copytree(smollm(), folder, dirs_exist_ok=True)


@contextmanager
def transformers_server(folder: Path) -> Iterator[str]:
    """The name of the served model, as `named_model` takes it, for as long as the block runs."""
    port = _free_port()
    command = [sys.executable, "-c", _RUN, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    log = folder / "server.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, env=environment, stdout=written, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, log)
        yield f"openai-compatible@http://127.0.0.1:{port}/v1#{folder}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers. Raises RuntimeError with the end of its log where it does not."""
    ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
