"""A chat server on loopback that speaks the OpenAI protocol and does every wrong thing that a provider does."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Handler = BaseHTTPRequestHandler


@dataclass
class Running:
    """A running server. requests: what it was sent; stop: set when the test is over, for handlers that wait."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        """What `askwhy.agent.llm.named_model` takes."""
        return f"openai-compatible@{self.url}/v1#scripted"


Answering = Callable[[Handler, dict[str, Any], Running], None]


@contextmanager
def serving(answer: Answering) -> Iterator[Running]:
    """A server on a free port for as long as the block runs."""

    class Scripted(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            running.requests.append(asked)
            try:
                answer(self, asked, running)
            except OSError:
                self.close_connection = True  # the client has gone

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    running = Running(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler: Handler, code: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
    """A whole reply."""
    handler.send_response(code)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def completion(*messages: dict[str, Any], **more: Any) -> bytes:
    """The body of a reply with these messages as its choices."""
    choices = [
        {"index": at, "finish_reason": "tool_calls" if one.get("tool_calls") else "stop", "message": one}
        for at, one in enumerate(messages)
    ]
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
    made = {"id": "1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": choices}
    return json.dumps(made | {"usage": usage} | more).encode()


def text(said: str) -> dict[str, Any]:
    """A message that is text."""
    return {"role": "assistant", "content": said}


def calls(*made: tuple[str, Any]) -> dict[str, Any]:
    """A message that calls tools; arguments that are a string are sent as they are."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": f"c{at}",
                "type": "function",
                "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
            }
            for at, (name, args) in enumerate(made)
        ],
    }


def stream(message: dict[str, Any]) -> bytes:
    """A message as server-sent events, in three pieces and the end."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if message.get("tool_calls"):
        for at, one in enumerate(message["tool_calls"]):
            function = one["function"]
            deltas.append({"tool_calls": [{**one, "index": at, "function": {**function, "arguments": ""}}]})
            deltas.append({"tool_calls": [{"index": at, "function": {"arguments": function["arguments"]}}]})
    else:
        said = message["content"]
        deltas += [{"content": said[: len(said) // 2]}, {"content": said[len(said) // 2 :]}]
    events = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    events.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    lines = [
        json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [one]})
        for one in events
    ]
    return "".join(f"data: {one}\n\n" for one in [*lines, "[DONE]"]).encode()


def say(handler: Handler, asked: dict[str, Any], message: dict[str, Any]) -> None:
    """Send a message the way it was asked for."""
    if asked.get("stream"):
        send(handler, 200, stream(message), "text/event-stream")
    else:
        send(handler, 200, completion(message))


def is_trial(asked: dict[str, Any]) -> bool:
    """Whether a request is one of the trials of what a model can do."""
    return any(one["function"]["name"] == "note" for one in asked.get("tools", ())) or "response_format" in asked


def passes(handler: Handler, asked: dict[str, Any]) -> bool:
    """Answer a trial as a model does that calls tools; whether it was one."""
    if is_trial(asked):
        say(handler, asked, calls(("note", {"word": "blue"})))
    return is_trial(asked)


def saying(message: dict[str, Any]) -> Answering:
    """Answers everything with one message."""
    return lambda handler, asked, running: say(handler, asked, message)


def raw(code: int, body: bytes, **headers: str) -> Answering:
    """Answers everything with these bytes."""
    return lambda handler, asked, running: send(handler, code, body, **headers)


def hang(handler: Handler, asked: dict[str, Any], running: Running) -> None:
    """Nothing at all."""
    running.stop.wait(30)


def drip(handler: Handler, asked: dict[str, Any], running: Running) -> None:
    """A byte now and then, always before the client's time for a read is over."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(600):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        if running.stop.wait(0.05):
            return


def drip_headers(handler: Handler, asked: dict[str, Any], running: Running) -> None:
    """Headers that never end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(600):
        handler.wfile.write(b"X-%d: 1\r\n" % number)
        handler.wfile.flush()
        if running.stop.wait(0.05):
            return


def half(handler: Handler, asked: dict[str, Any], running: Running) -> None:
    """The first half of a reply, then the connection is closed."""
    body = stream(text("half of it")) if asked.get("stream") else completion(text("half of it"))
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream" if asked.get("stream") else "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def reset(handler: Handler, asked: dict[str, Any], running: Running) -> None:
    """The connection is reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
