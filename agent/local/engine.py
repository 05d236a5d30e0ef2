"""Tokens of a causal language model: one reply at a time, under a grammar where there is one, within a time limit.

What was read of a prompt is kept, as keys and values of attention. A prompt is read in blocks of fixed places, and only
whole blocks are used again: every number is then computed in the same way whatever was kept, and the reply is the same.
"""

from __future__ import annotations

import copy
import functools
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from askwhy.agent.local.weights import load_weights

BLOCK = 64
CLOSING = 80
"""Tokens at the end of a reply's budget that are left for closing what is open."""

_CLOSING = re.compile(r'\??"[}\]]*|\?|[}\]]+')
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
_MOST_KEPT = 4
_MOST_GRAMMARS = 16
_LOADING = threading.Lock()  # transformers cannot load two models at the same time


@dataclass
class Kept:
    """Tokens that were read, whole blocks of them, and what attention keeps of them."""

    tokens: list[int]
    cache: Any


@dataclass
class Writing:
    """One reply as it is made. read: tokens of the prompt; reused: how many of them had been read before.

    whole: whether the reply came to its end, which under a grammar means that it is a sentence of the grammar.
    """

    read: int
    reused: int = 0
    tokens: list[int] = field(default_factory=list)
    whole: bool = False


@dataclass(frozen=True)
class Manner:
    """How a reply is drawn. temperature 0: the likeliest token. until: `time.monotonic()` when it has to be done."""

    most: int
    until: float
    temperature: float = 0.0
    seed: int = 0


@functools.cache
def engine(name: str) -> Engine:
    """The engine of the model with this name (see `load_weights`), loaded once in a process."""
    with _LOADING:
        return Engine(*load_weights(name))


class Engine:
    """A model and its tokenizer; replies are made one after another."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        import llguidance.hf

        self.model, self.tokenizer = model, tokenizer
        width = int(model.get_output_embeddings().weight.shape[0])
        self._ends = _ends(model, tokenizer)
        self._words = llguidance.hf.from_tokenizer(tokenizer, n_vocab=width, eos_token=self._ends)
        self._closers = Closers.of(self._words, tokenizer)
        self._lock = threading.Lock()
        self._kept: list[Kept] = []
        self._matcher = functools.lru_cache(_MOST_GRAMMARS)(self._compiled)

    @property
    def context(self) -> int:
        """Tokens that prompt and reply have together."""
        return int(getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or 2048)

    def prompt(self, said: Sequence[dict[str, str]]) -> list[int]:
        """Messages as tokens, in the model's own template; what they hold of its marks is taken out."""
        marks = [one for one in self.tokenizer.get_added_vocab() if one.strip()]
        plain = [{"role": one["role"], "content": _without(one["content"], marks)} for one in said]
        whole = _templated(self.tokenizer, plain)
        return [int(one) for one in self.tokenizer(whole, add_special_tokens=False)["input_ids"]]

    def text(self, tokens: Sequence[int]) -> str:
        """The words of some tokens."""
        plain = [one for one in tokens if one not in self._ends]
        return str(self.tokenizer.decode(plain, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def write(self, prompt: Sequence[int], grammar: str | None, manner: Manner) -> Iterator[Writing]:
        """The reply as it grows, after each step. Raises TimeoutError when the time is up before it is whole."""
        with self._alone(manner.until):
            matcher = self._matcher(grammar).deep_copy() if grammar else None
            draw = _Draw(manner)
            kept = self._known(prompt)
            writing = Writing(read=len(prompt), reused=len(kept.tokens))
            try:
                logits = self._read(prompt[writing.reused :], kept.cache, manner)
                while len(writing.tokens) < manner.most and not writing.whole:
                    _in_time(manner)
                    new = self._next(logits, matcher, draw, writing.tokens, manner.most - len(writing.tokens))
                    writing.tokens += new
                    writing.whole = matcher.is_stopped() if matcher else new[-1] in self._ends
                    yield writing
                    if not writing.whole:
                        logits = self._feed(new, kept.cache)
            finally:
                self._keep(prompt, kept.cache)

    @contextmanager
    def _alone(self, until: float) -> Iterator[None]:
        left = min(max(0.0, until - time.monotonic()), threading.TIMEOUT_MAX)
        if not self._lock.acquire(timeout=left):
            raise TimeoutError("the language model is busy with another reply")
        try:
            yield
        finally:
            self._lock.release()

    def _compiled(self, grammar: str) -> Any:
        import llguidance

        matcher = llguidance.LLMatcher(self._words, grammar)
        if matcher.is_error():
            raise ValueError(f"the grammar of the tools cannot be used: {matcher.get_error()[:300]}")
        return matcher

    def _next(self, logits: Any, matcher: Any, draw: _Draw, before: list[int], left: int) -> list[int]:
        """The next tokens: all that the grammar forces, else one that is drawn, else one that closes what is open."""
        import numpy as np
        import torch

        if matcher is None:
            return [draw(logits)]
        forced = [int(one) for one in matcher.compute_ff_tokens()]
        if forced:
            taken = forced[:left]
        else:
            bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
            allowed = np.unpackbits(bits, bitorder="little")[: logits.shape[-1]].astype(bool)
            closing = self._closers.best(self.text(before), allowed) if left <= CLOSING else None
            masked = logits.masked_fill(torch.from_numpy(~allowed).to(logits.device), float("-inf"))
            taken = [draw(masked) if closing is None else closing]
        if matcher.try_consume_tokens(taken) != len(taken) or matcher.is_error():
            raise ValueError(f"the grammar refused a token of its own: {matcher.get_error()[:300]}")
        return taken

    def _read(self, tokens: Sequence[int], cache: Any, manner: Manner) -> Any:
        """The logits of the token that follows these, which begin where a block begins."""
        logits = None
        for start in range(0, len(tokens), BLOCK):
            _in_time(manner)
            logits = self._feed(tokens[start : start + BLOCK], cache)
        return logits

    def _feed(self, tokens: Sequence[int], cache: Any) -> Any:
        import torch

        with torch.no_grad():
            given = torch.tensor([list(tokens)], device=self.model.device)
            found = self.model(input_ids=given, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return found.logits[0, -1].float()

    def _known(self, prompt: Sequence[int]) -> Kept:
        """What was kept of the longest beginning of the prompt, taken out or copied; empty where there is none."""
        from transformers import DynamicCache

        best, shared = None, 0
        for one in self._kept:
            blocks = _shared(one.tokens, prompt[:-1]) // BLOCK * BLOCK
            if blocks > shared:
                best, shared = one, blocks
        if best is None:
            return Kept([], DynamicCache(config=self.model.config))
        if 2 * shared >= len(best.tokens):
            self._kept.remove(best)
            cache = best.cache
        else:
            cache = copy.deepcopy(best.cache)
        _shorten(cache, shared)
        return Kept(list(prompt[:shared]), cache)

    def _keep(self, prompt: Sequence[int], cache: Any) -> None:
        if not _can_be_shortened(cache):
            return
        whole = min(len(prompt), int(cache.get_seq_length())) // BLOCK * BLOCK
        _shorten(cache, whole)
        if whole:
            self._kept = [*self._kept, Kept(list(prompt[:whole]), cache)][-_MOST_KEPT:]


class _Draw:
    """The choice of one token from the logits of all."""

    def __init__(self, manner: Manner) -> None:
        import torch

        self._temperature = manner.temperature
        self._random = torch.Generator().manual_seed(manner.seed)

    def __call__(self, logits: Any) -> int:
        import torch

        if self._temperature <= 0:
            return int(logits.argmax())
        chances = torch.softmax(logits.cpu() / self._temperature, dim=-1)
        return int(torch.multinomial(chances, 1, generator=self._random))


def _without(text: str, marks: Sequence[str]) -> str:
    """A text that cannot end a message or begin another one."""
    while found := [one for one in marks if one in text]:
        for one in found:
            text = text.replace(one, " ")
    return text


def _templated(tokenizer: Any, said: list[dict[str, str]]) -> str:
    """The prompt as text. Models without a template get roles and colons; some templates know no system message."""
    options = {"add_generation_prompt": True, "tokenize": False}
    if not tokenizer.chat_template:
        return "\n\n".join([*(f"{one['role']}: {one['content']}" for one in said), "assistant:"])
    try:
        return str(tokenizer.apply_chat_template(said, **options))
    except Exception:  # templates refuse in words of their own
        if said[0]["role"] != "system" or len(said) < 2:
            raise
        first = {"role": "user", "content": f"{said[0]['content']}\n\n{said[1]['content']}"}
        return str(tokenizer.apply_chat_template([first, *said[2:]], **options))


def _in_time(manner: Manner) -> None:
    if time.monotonic() > manner.until:
        raise TimeoutError("the language model was not done in time")


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences begin with in common."""
    pairs = zip(one, other, strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _can_be_shortened(cache: Any) -> bool:
    """Whether every layer keeps all tokens; windows and states that roll on cannot be taken back."""
    from transformers.cache_utils import DynamicLayer

    return all(type(layer) is DynamicLayer for layer in cache.layers)


def _shorten(cache: Any, length: int) -> None:
    surplus = int(cache.get_seq_length()) - length
    if surplus > 0:
        cache.crop(-surplus)


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end a reply."""
    named = getattr(model.generation_config, "eos_token_id", None)
    known = named if isinstance(named, list) else [named]
    found = [one for one in (tokenizer.eos_token_id, *known) if one is not None]
    return list(dict.fromkeys(int(one) for one in found))


@dataclass(frozen=True)
class Closers:
    """Tokens that close what is open, those that close most first: in a string, and outside."""

    inside: tuple[int, ...]
    outside: tuple[int, ...]

    @classmethod
    def of(cls, words: Any, tokenizer: Any) -> Closers:
        """Those of a tokenizer. A string that is a question is closed by its question mark."""
        named = [(words.decode_str([token]), token) for token in tokenizer.get_vocab().values()]
        found = sorted((-len(text), token, text) for text, token in named if _CLOSING.fullmatch(text))
        inside = [(text.startswith("?"), token) for _, token, text in found if text[0] in '"?']
        outside = tuple(token for _, token, text in found if text[0] in "}]")
        return cls(tuple(token for _, token in sorted(inside, key=lambda one: one[0])), outside)

    def best(self, written: str, allowed: Any) -> int | None:
        """The token that closes most after this text, if one that is allowed does."""
        in_string = len(_QUOTE.findall(written)) % 2 == 1
        return next((one for one in (self.inside if in_string else self.outside) if allowed[one]), None)
