"""A chat server on loopback that speaks the OpenAI protocol, and a small real language model to write its replies."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from askwhy.agent.local.weights import SMOLLM_NAME, load_weights

Reply = Callable[[list[dict[str, Any]]], str]
"""From the messages of a request to the text of the reply; whatever it raises becomes an HTTP 500."""

MOST_TOKENS = 48
MOST_AT_ONCE = 6
_TOGETHER = 0.3
"""Seconds that a request waits for others."""


class SmallModel:
    """SmolLM2-135M-Instruct, from a pinned wheel: real, quick, and often wrong.

    It sees the last `window` tokens of a prompt, as a server with a small context does. Requests that come in at the
    same time are answered together, which takes hardly longer than one of them.
    """

    def __init__(self, window: int = 288) -> None:
        import torch

        torch.set_num_threads(1)  # several threads that share a core with other work wait for each other
        self._model, self._words = load_weights(SMOLLM_NAME)
        self._words.padding_side = "left"
        self._window = window
        self._waiting: queue.Queue[tuple[list[dict[str, Any]], queue.Queue[str]]] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def __call__(self, messages: list[dict[str, Any]]) -> str:
        """A reply of at most `MOST_TOKENS` tokens, the likeliest at every step."""
        reply: queue.Queue[str] = queue.Queue()
        self._waiting.put((messages, reply))
        return reply.get()

    def _work(self) -> None:
        while True:
            asked = [self._waiting.get()]
            time.sleep(_TOGETHER)
            while not self._waiting.empty() and len(asked) < MOST_AT_ONCE:
                asked.append(self._waiting.get())
            for (_, reply), text in zip(asked, self._written([messages for messages, _ in asked]), strict=True):
                reply.put(text)

    def _written(self, asked: list[list[dict[str, Any]]]) -> list[str]:
        import torch

        said = [[{"role": one["role"], "content": str(one["content"])} for one in messages] for messages in asked]
        whole = [self._words.apply_chat_template(one, add_generation_prompt=True, tokenize=False) for one in said]
        ids = [self._words(one, add_special_tokens=False)["input_ids"][-self._window :] for one in whole]
        padded = self._words.pad({"input_ids": ids}, return_tensors="pt")
        with torch.no_grad():
            made = self._model.generate(
                **padded, max_new_tokens=MOST_TOKENS, do_sample=False, pad_token_id=self._words.eos_token_id
            )
        new = made[:, padded["input_ids"].shape[1] :]
        return [str(one) for one in self._words.batch_decode(new, skip_special_tokens=True)]


@dataclass
class Served:
    """A running server. name: what `askwhy.agent.llm.named_model` takes; requests: how many were answered."""

    name: str
    requests: int = 0


@contextmanager
def served(reply: Reply) -> Iterator[Served]:
    """A server on a free port of loopback for as long as the block runs."""
    counted = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            try:
                code, body = 200, _completion(reply(asked["messages"]))
            except Exception as error:
                code, body = 500, {"error": {"message": type(error).__name__}}
            with counted:
                running.requests += 1
            content = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    running = Served(f"openai-compatible@http://127.0.0.1:{server.server_address[1]}/v1#scripted")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _completion(text: str) -> dict[str, Any]:
    return {
        "id": "1", "object": "chat.completion", "created": int(time.time()), "model": "scripted",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": len(text.split()), "total_tokens": 1 + len(text.split())},
    }  # fmt: skip
