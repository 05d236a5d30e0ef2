"""A headless Chromium, driven over the DevTools protocol."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--remote-debugging-port=0", "about:blank",
)  # fmt: skip


def find_chromium() -> str | None:
    """The path of a Chromium, None if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


class Page:
    """One tab. `requests` are the addresses it asked for, `errors` what its scripts threw."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.requests: list[str] = []
        self.errors: list[str] = []
        for domain in ("Network", "Page", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a DevTools method and give its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(message["params"])[:500])
            if message.get("id") == self._number:
                return message.get("result")

    def js(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        done = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return done["result"].get("value")

    def until(self, expression: str, seconds: float = 60) -> None:
        """Wait for an expression to be true; AssertionError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.js(f"!!({expression})"):
            assert time.monotonic() < deadline, f"never true: {expression}\n{self.js('document.body.innerText')}"
            time.sleep(0.1)

    def go(self, address: str, *, width: int = 1280, height: int = 900) -> None:
        """Open an address in a window of this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Page.navigate", url=address)

    def type(self, selector: str, words: str) -> None:
        """Put words into a field and press Enter."""
        self.js(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=words)
        self.until(f"document.querySelector({json.dumps(selector)}).value === {json.dumps(words)}")
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        self.call("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
        self.call("Input.dispatchKeyEvent", type="keyUp", **key)


@contextlib.contextmanager
def opened(chromium: str) -> Iterator[Page]:
    """A fresh Chromium with one page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [chromium, f"--user-data-dir={folder}", *FLAGS]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_page_address(process, Path(folder)), max_size=None, open_timeout=30) as socket:
                yield Page(socket)
        finally:
            process.kill()
            process.wait()


def _page_address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """The WebSocket address of the first page, once the browser has written which port it listens on."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, IndexError, StopIteration):
            port = (folder / "DevToolsActivePort").read_text(encoding="utf-8").split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as listed:
                pages = json.load(listed)
            return str(next(one for one in pages if one["type"] == "page")["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise RuntimeError("the browser did not start")
