"""What a provider's HTTP client may do: no redirects, no compression, so many bytes, so much time for a body."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from askwhy.agent.bounds import Bounds

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PLAIN = {"Accept-Encoding": "identity"}
"""A few compressed bytes can hold gigabytes; so replies are asked for as they are."""


def client_options(bounds: Bounds) -> dict[str, Any]:
    """Options of an httpx client that is held to the bounds.

    A redirect would send the question and the names of the data to a host that nobody named: it is an error instead.
    """
    return {
        "timeout": bounds.seconds,
        "follow_redirects": False,
        "headers": PLAIN,
        "event_hooks": {"response": [_limit(bounds)]},
    }


def hold(model: BaseChatModel, bounds: Bounds) -> None:
    """Hold the client of an Anthropic model to the bounds; its constructor takes none."""
    import anthropic

    held: Any = model
    options = client_options(bounds)
    client = anthropic.DefaultHttpxClient(base_url=held._client.base_url, **options)
    # Where the package caches the client that it makes itself.
    held.__dict__["_client"] = held._client.with_options(http_client=client)


def _limit(bounds: Bounds) -> Callable[[Any], None]:
    def limit(response: Any) -> None:
        http = _library(response)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise http.DecodingError("the reply is compressed", request=response.request)
        response.stream = _bounded(response.stream, bounds, http)

    return limit


def _library(response: Any) -> Any:
    """The HTTP library that a response is of: httpx or httpx2, whose classes are not the same."""
    return importlib.import_module(type(response).__module__.split(".")[0])


def _bounded(body: Any, bounds: Bounds, http: Any) -> Any:
    """The body of a response, which ends with an error when it gets too long or takes too long."""

    class Bounded(http.SyncByteStream):  # type: ignore[misc]  # the library is known when it is used
        def __iter__(self) -> Iterator[bytes]:
            size, ends = 0, time.monotonic() + bounds.seconds
            for part in body:
                size += len(part)
                if size > bounds.most_bytes:
                    raise http.ReadError(f"the reply is longer than {bounds.most_bytes} bytes")
                if time.monotonic() > ends:
                    raise http.ReadTimeout(f"the reply takes longer than {bounds.seconds:g} seconds")
                yield part

        def close(self) -> None:
            body.close()

    return Bounded()
