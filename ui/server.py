"""Serves the chat: no file routes, no analytics, and a policy that keeps the browser from loading anything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr

_WAITING = 64
# Gradio's own scripts are inline and build templates at run time. Nothing is loaded from, or sent to, anywhere else.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
# Gradio labels every message with its HTML source; without the label a screen reader reads the message itself.
_SCRIPT = """() => {
  const unlabel = () => document.querySelectorAll('#aw-chat [data-testid][aria-label]')
    .forEach((message) => message.removeAttribute('aria-label'));
  new MutationObserver(unlabel).observe(document.body,
    { childList: true, subtree: true, attributes: true, attributeFilter: ['aria-label'] });
  unlabel();
}"""
_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


class StayHere:
    """ASGI middleware: every response tells the browser to load nothing from elsewhere."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on, with our headers on its answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class Metrics:
    """ASGI middleware: the counters of this process at /metrics."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer what asks for the counters, pass everything else on."""
        from askwhy.agent.metrics import CONTENT_TYPE, metrics_text

        asked = scope["type"] == "http" and scope["path"] == "/metrics" and scope["method"] == "GET"
        if not asked:
            await self.app(scope, receive, send)
            return
        headers = [(b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": metrics_text().encode()})


def launch(blocks: gr.Blocks, *, host: str, port: int, block: bool = True, metrics: bool = False) -> str:
    """Serve a Blocks app until interrupted (or in the background), and give its local address.

    metrics: whether /metrics holds the counters of this process.
    """
    from starlette.middleware import Middleware

    blocks.queue(max_size=_WAITING)
    _, address, _ = blocks.launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        show_error=False,
        allowed_paths=[],
        footer_links=[],
        run_history=False,  # gradio would keep questions and answers in the browser
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        ssr_mode=False,
        prevent_thread_lock=True,
        max_file_size=1,  # the page takes no files
        theme=theme(),
        js=_SCRIPT,
        css_paths=Path(__file__).with_name("theme.css"),
        app_kwargs={"middleware": [Middleware(StayHere), *([Middleware(Metrics)] if metrics else [])]},
    )
    if block:
        print(f"askwhy is at {address} (Ctrl+C ends it)", flush=True)
        blocks.block_thread()
    return str(address)


def theme() -> Any:
    """Gradio's plainest theme in our colours and the reader's own fonts, so that none is fetched."""
    import gradio as gr

    look = gr.themes.Base(primary_hue="teal", neutral_hue="slate", radius_size="sm", font=_FONT, font_mono=_MONO)
    return look.set(
        body_background_fill="#f3f5f4", body_background_fill_dark="#10181a",
        background_fill_primary="#ffffff", background_fill_primary_dark="#172225",
        background_fill_secondary="#f3f5f4", background_fill_secondary_dark="#10181a",
        body_text_color="#16262a", body_text_color_dark="#e4ebea",
        body_text_color_subdued="#55666a", body_text_color_subdued_dark="#9db0b2",
        button_secondary_background_fill="transparent", button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="#e6f0ef", button_secondary_background_fill_hover_dark="#1d3133",
        button_secondary_border_color="#b9c6c4", button_secondary_border_color_dark="#3d5156",
        button_secondary_text_color="#16262a", button_secondary_text_color_dark="#e4ebea",
        button_border_width="1px", input_border_width="1px",
        input_border_color="#b9c6c4", input_border_color_dark="#3d5156",
        border_color_primary="#d3dcda", border_color_primary_dark="#2c3c40",
        block_border_width="0px", block_background_fill="transparent", block_background_fill_dark="transparent",
        input_background_fill="#ffffff", input_background_fill_dark="#172225",
        button_primary_background_fill="#155e63", button_primary_background_fill_hover="#0f4a4e",
        button_primary_background_fill_dark="#2a8a8a", button_primary_background_fill_hover_dark="#349c9c",
        button_primary_text_color="#ffffff", button_primary_text_color_dark="#06201f",
    )  # fmt: skip
