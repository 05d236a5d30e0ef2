"""The process that tool calls run in: `python -m askwhy.tools.worker FD`.

It imports the heavy libraries once, then forks a child for every call. The caller passes one end of a socket pair
over the control socket FD; the child answers on it and ends. So a call that hangs or eats memory is killed without
harm to anything else, and a call starts in milliseconds. No model code ever runs in the parent of the children:
a library that started threads there would be unsafe to fork.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import signal
import socket
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PRELOAD = (
    "numpy", "pandas", "scipy.stats", "sklearn.ensemble", "sklearn.pipeline", "sklearn.compose", "sklearn.linear_model",
    "sklearn.feature_extraction.text", "sklearn.preprocessing", "sklearn.metrics", "cloudpickle",
)  # fmt: skip


PRELOAD_TEXTS = ("torch", "transformers.modeling_utils", "transformers.models.bert.modeling_bert")
"""What networks need beside: seconds, so only imported with the first call that asks one."""

CALL, TEXT_CALL = b"c", b"t"


def main() -> None:
    """Serve calls until the caller closes the control socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who then closes the socket
    _preload(PRELOAD)
    from askwhy.tools.registry import tools

    tools()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if message == TEXT_CALL:
            _preload(PRELOAD_TEXTS)
        if os.fork() == 0:
            control.close()
            _child(Connection(descriptors[0]))
        os.close(descriptors[0])


def _preload(names: tuple[str, ...]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):  # a call that needs it says so
            importlib.import_module(name)


def _child(connection: Connection) -> None:
    """Answer one call and end; the caller knows the process group, so that the model's own children die too."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    try:
        connection.send(os.getpid())
        connection.send(_answer(connection.recv_bytes()))
    except (BrokenPipeError, EOFError, ConnectionResetError):
        pass  # the caller has gone
    finally:
        os._exit(0)


def _answer(request: bytes) -> tuple[str, Any]:
    import cloudpickle

    from askwhy.tools.call import perform
    from askwhy.tools.errors import ToolError

    try:
        path, seconds, memory, spool, known, call = cloudpickle.loads(request)
        sys.path[:] = path
        _limit(seconds, memory)
        with contextlib.redirect_stdout(sys.stderr):
            subject = cloudpickle.loads(Path(spool).read_bytes()).with_known(known)
            return "result", perform(subject, call)
    except ToolError as error:
        return "refused", error
    except MemoryError:
        return "refused", ToolError("The model needed more memory than it is allowed. Ask about fewer rows.")
    except BaseException:
        return "bug", traceback.format_exc()


def _limit(seconds: float, memory: int) -> None:
    """Cap address space beyond what is mapped now, and CPU seconds as a second line behind the caller's clock."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    ceiling = pages * resource.getpagesize() + memory
    with contextlib.suppress(ValueError, OSError):  # a lower limit of the system stays in force
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
        cpu = int(seconds * (os.cpu_count() or 1)) + 5
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))


if __name__ == "__main__":
    main()
