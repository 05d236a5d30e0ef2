"""Values that travel: frozen, equal by content, JSON both ways, hashed by content."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value. Equal content is an equal value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self) -> str:
        """JSON with sorted keys and no blanks: the same value always gives the same bytes."""
        return canonical(self.model_dump(mode="json"))

    def content_hash(self) -> str:
        """SHA-256 of the canonical JSON, as 64 hex digits."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The value that `canonical` (or any JSON of the same content) describes."""
        return cls.model_validate_json(text)


def canonical(content: Any) -> str:
    """Canonical JSON of plain data; NaN and infinities are refused, as JSON has none."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
