"""A torch network that reads texts, with its tokenizer: outputs, tokens with their places, activations, gradients.

This is the seam for whatever needs more than outputs. `subject.predictor.network` is a `TextNetwork` where the model
is one, else None. Tools still ask for outputs through `view.evaluate`.

Texts are tokenized once, sorted by length and padded to the longest of their batch, so that short texts do not pay for
long ones. A module whose `forward` takes no attention mask only ever sees texts of equal length together: it could not
tell padding from words. The module stays in evaluation mode; nothing here changes its weights.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from askwhy.tools.errors import ModelFault, ToolError
from askwhy.tools.predictor import Outputs

BATCH_TEXTS = 64
"""Texts in one forward pass; more are no faster on a processor."""

FEWEST_TEXTS = 16
"""A forward pass of so many texts is closed as soon as the next text would make it pad more than a tenth."""

_PADDED = 1.1

BATCH_TOKENS = 8192
"""Tokens in one forward pass, padding included: sixteen texts of the usual longest length."""

MOST_THREADS = 4
"""Threads of one forward pass, where the machine has as many; OMP_NUM_THREADS may ask for fewer."""

_DIGITS = 6  # float32 carries no more through a network: what follows depends on the batch a text came in
_UNBOUNDED = 1_000_000  # tokenizers write "no limit" as a huge number


@dataclass(frozen=True)
class Token:
    """A token: it stands for `[start:end]` of the text. Special ones (start, end) stand for nothing."""

    id: int
    text: str
    start: int
    end: int
    special: bool


@dataclass(frozen=True, eq=False)
class Batch:
    """Tensors of some texts. positions: of these texts in the list; inputs: what the module takes, `input_ids` first.

    Each tensor is (texts, longest); `attention_mask` is 1 where a token is and 0 where padding is, also where the
    module itself takes no mask.
    """

    positions: tuple[int, ...]
    inputs: Mapping[str, Any]

    @property
    def mask(self) -> Any:
        """The attention mask (texts, longest)."""
        return self.inputs["attention_mask"]


@dataclass(frozen=True, eq=False)
class TextNetwork:
    """A classifier (or, with one output and no labels, a regression) of texts.

    module: a `torch.nn.Module` that takes `input_ids` (and `attention_mask` and others, where it names them) and
        returns logits (n, classes), or an object with `logits`. One logit with two labels is that of the second.
    tokenizer: a tokenizer of transformers, or a function from a text to its token ids.
    labels: class names in the order of the logits, empty for a regression.
    max_tokens: tokens that are read of a text, special ones included; what follows is cut off.
    pad_id: the id that fills up shorter texts.
    """

    module: Any
    tokenizer: Any
    labels: tuple[Any, ...] = ()
    max_tokens: int = 512
    pad_id: int = 0
    title: str = ""
    source: str | None = field(default=None, repr=False)

    def outputs(self, texts: Sequence[str]) -> Outputs:
        """Probabilities (n, classes), or the predicted number (n, 1). ModelFault for logits that are unusable."""
        import torch

        width = max(1, len(self.labels))
        found = np.empty((len(texts), width))
        with self.evaluating(), torch.no_grad():
            for batch in self.batches(texts):
                found[list(batch.positions)] = self.probabilities(self.logits(batch)).numpy()
        return found if not self.labels else np.round(found, _DIGITS)

    def probabilities(self, logits: Any) -> Any:
        """Probabilities of all classes (n, classes), or numbers (n, 1), as a double tensor; gradients pass through."""
        import torch

        logits = logits.double()
        width = max(1, len(self.labels))
        if logits.ndim == 1:
            logits = logits[:, None]
        if width == 2 and logits.shape[1] == 1:
            second = torch.sigmoid(logits)
            return torch.cat([1 - second, second], dim=1)
        if logits.ndim != 2 or logits.shape[1] != width:
            raise ModelFault(f"The network returned shape {tuple(logits.shape)}; expected (texts, {width}).")
        return torch.softmax(logits, dim=1) if self.labels else logits

    def logits(self, batch: Batch) -> Any:
        """The module's logits for a batch, as a tensor. Wrap in `evaluating()` (and `torch.no_grad()`)."""
        return self.logits_of(self.module(**self._taken(batch.inputs)))

    @staticmethod
    def logits_of(output: Any) -> Any:
        """The logits in what the module returned."""
        found = getattr(output, "logits", output)
        return found[0] if isinstance(found, (tuple, list)) else found

    def embed(self, texts: Sequence[str]) -> Outputs:
        """One vector per text (n, width): the mean over its tokens of what the last layer gives."""
        return self.activations(texts, self.layers[-1])

    def activations(self, texts: Sequence[str], layer: str) -> Outputs:
        """What the layer of this name gives, (n, width): the mean over a text's tokens where it gives one per token."""
        import torch

        parts: list[tuple[tuple[int, ...], Outputs]] = []
        with self.evaluating(), torch.no_grad(), self.watching(layer) as seen:
            for batch in self.batches(texts):
                seen.clear()
                self.logits(batch)
                if not seen:
                    raise ModelFault(f"The layer {layer} was not used.")
                parts.append((batch.positions, np.asarray(self.pooled(seen[-1], batch).double().numpy())))
        if not parts:
            raise ToolError("There are no texts to embed.")
        found = np.empty((len(texts), parts[0][1].shape[1]))
        for positions, vectors in parts:
            found[list(positions)] = vectors
        return found

    @staticmethod
    def pooled(activation: Any, batch: Batch) -> Any:
        """(n, tokens, width) averaged over the tokens that are not padding, (n, width); other shapes made flat."""
        mask = batch.mask
        if activation.ndim == 3 and activation.shape[:2] == mask.shape:
            weights = mask.to(activation.dtype)[:, :, None]
            return (activation * weights).sum(1) / weights.sum(1).clamp(min=1)
        return activation.reshape(len(mask), -1)

    @contextlib.contextmanager
    def watching(self, layer: str) -> Iterator[list[Any]]:
        """A list that gets the layer's output tensor at every forward pass; gradients are kept if they are on."""
        seen: list[Any] = []

        def note(module: Any, given: Any, output: Any) -> None:
            output = getattr(output, "last_hidden_state", output)
            seen.append(output[0] if isinstance(output, (tuple, list)) else output)

        hook = self.layer(layer).register_forward_hook(note)
        try:
            yield seen
        finally:
            hook.remove()

    def layer(self, name: str) -> Any:
        """The submodule of this name."""
        return self.module.get_submodule(name)

    @functools.cached_property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, first to last: the members of the longest list of modules, else the direct children."""
        import torch

        lists = [
            (name, part)
            for name, part in self.module.named_modules()
            if isinstance(part, (torch.nn.ModuleList, torch.nn.Sequential)) and len(part) > 1
        ]
        if lists:
            name, longest = max(lists, key=lambda found: len(found[1]))
            return tuple(f"{name}.{number}".lstrip(".") for number in range(len(longest)))
        return tuple(name for name, _ in self.module.named_children()) or ("",)

    @functools.cached_property
    def embedding_name(self) -> str:
        """The name of the layer that turns token ids into vectors. ToolError if there is none."""
        import torch

        own = getattr(self.module, "get_input_embeddings", lambda: None)()
        for name, part in self.module.named_modules():
            if part is own or (own is None and isinstance(part, (torch.nn.Embedding, torch.nn.EmbeddingBag))):
                return str(name)
        raise ToolError("The network has no embedding layer.")

    @property
    def embedding_layer(self) -> Any:
        """The submodule that turns token ids (n, tokens) into vectors (n, tokens, width)."""
        return self.layer(self.embedding_name)

    def tokens(self, text: str) -> tuple[Token, ...]:
        """The tokens that are read of a text, in order, with their places in it.

        Raises ToolError where the tokenizer does not tell the places.
        """
        if not getattr(self.tokenizer, "is_fast", False):
            raise ToolError("The tokenizer does not tell where its tokens stand in the text.")
        found = self.tokenizer(
            text, truncation=True, max_length=self.max_tokens, return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )  # fmt: skip
        names = self.tokenizer.convert_ids_to_tokens(found["input_ids"])
        places = zip(found["input_ids"], names, found["offset_mapping"], found["special_tokens_mask"], strict=True)
        return tuple(
            Token(int(number), str(name), int(start), int(end), bool(special))
            for number, name, (start, end), special in places
        )

    def length(self, text: str) -> int:
        """How many tokens the whole text has, special ones included, before anything is cut off."""
        return len(self._encoded([text], cut=False)[0]["input_ids"])

    def unread(self, text: str) -> str | None:
        """A sentence that says how much of the text is cut off; None if it is read to its end."""
        if len(text) < self.max_tokens // 2:  # no tokenizer makes more than two tokens of a character and the ends
            return None
        length = self.length(text)
        if length <= self.max_tokens:
            return None
        return (
            f"The model reads the first {self.max_tokens:,} of the {length:,} tokens of this text; "
            "the rest is cut off and cannot matter to it."
        )

    def batches(self, texts: Sequence[str]) -> Iterator[Batch]:
        """The texts in batches of like length, shortest first."""
        encoded = self._encoded(texts, cut=True)
        sizes = [len(one["input_ids"]) for one in encoded]
        order = sorted(range(len(texts)), key=lambda position: (sizes[position], position))
        for positions in self._grouped(order, sizes):
            yield Batch(tuple(positions), self._padded([encoded[position] for position in positions]))

    def batch(self, positions: Sequence[int], texts: Sequence[str]) -> Batch:
        """These texts as one batch, whatever their lengths; `positions` are what the caller knows them by."""
        return Batch(tuple(positions), self._padded(self._encoded(texts, cut=True)))

    def _grouped(self, order: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
        group: list[int] = []
        own = 0
        for position in order:
            size = sizes[position]
            cells = (len(group) + 1) * size
            full = len(group) >= BATCH_TEXTS or cells > BATCH_TOKENS
            wasteful = len(group) >= FEWEST_TEXTS and cells > _PADDED * (own + size)
            if group and (full or wasteful or (not self.masked and sizes[group[0]] != size)):
                yield group
                group, own = [], 0
            group.append(position)
            own += size
        if group:
            yield group

    def _encoded(self, texts: Sequence[str], cut: bool) -> list[dict[str, list[int]]]:
        """Ids (and token types, if the module takes them) of every text; at least one id each."""
        if not hasattr(self.tokenizer, "convert_ids_to_tokens"):
            return [{"input_ids": self._own_ids(text, cut)} for text in texts]
        if not texts:
            return []
        options = {"truncation": True, "max_length": self.max_tokens} if cut else {"truncation": False}
        found = self.tokenizer(list(texts), padding=False, verbose=False, **options)
        names = [name for name in ("input_ids", "token_type_ids") if name in found and self._takes(name)]
        rows = [{name: list(found[name][i]) for name in names} for i in range(len(texts))]
        return [row if row["input_ids"] else {name: [self.pad_id] for name in row} for row in rows]

    def _own_ids(self, text: str, cut: bool) -> list[int]:
        found = self.tokenizer(text)
        ids = [int(one) for one in getattr(found, "ids", found)]
        return (ids[: self.max_tokens] if cut else ids) or [self.pad_id]

    def _padded(self, rows: Sequence[Mapping[str, list[int]]]) -> dict[str, Any]:
        import torch

        longest = max(len(row["input_ids"]) for row in rows)
        tensors = {}
        for name in rows[0]:
            fill = self.pad_id if name == "input_ids" else 0
            cells = [[*row[name], *([fill] * (longest - len(row[name])))] for row in rows]
            tensors[name] = torch.tensor(cells, dtype=torch.long)
        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        tensors["attention_mask"] = (torch.arange(longest)[None, :] < lengths[:, None]).long()
        return tensors

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode and a bounded number of threads, as they were before afterwards."""
        import torch

        threads, training = torch.get_num_threads(), self.module.training
        torch.set_num_threads(min(threads, MOST_THREADS))
        self.module.eval()
        try:
            yield
        finally:
            self.module.train(training)
            torch.set_num_threads(threads)

    @property
    def masked(self) -> bool:
        """Whether the module takes an attention mask."""
        return self._takes("attention_mask")

    @functools.cached_property
    def _parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.module.forward).parameters)

    def _takes(self, name: str) -> bool:
        return name in self._parameters or name == "input_ids"

    def _taken(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs that the module names; the ids go to its first argument, whatever that is called."""
        names = self._parameters
        first = "input_ids" if "input_ids" in names else names[0]
        return {first: inputs["input_ids"]} | {
            name: tensor for name, tensor in inputs.items() if name != "input_ids" and name in names
        }

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What tells this network from others: its class, a hash of its weights, and how much it reads."""
        kind = f"{type(self.module).__module__}.{type(self.module).__qualname__}"
        return {"module": kind, "weights": self.weights_hash, "labels": self.labels, "max_tokens": self.max_tokens}

    @functools.cached_property
    def weights_hash(self) -> str:
        """SHA-256, 64 hex digits, of all weights with their names."""
        import torch

        digest = hashlib.sha256()
        for name, tensor in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            raw = tensor.detach().cpu().contiguous().reshape(-1)
            digest.update(memoryview(raw.view(torch.uint8).numpy()))
        return digest.hexdigest()
