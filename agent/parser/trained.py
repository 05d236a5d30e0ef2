"""The trained network as it ships: loaded once, checked by its hash, with the catalogue and schemas it has read.

Weights are half floats, word embeddings bytes with a scale for each; what the network makes of the catalogue's texts is
kept beside them, so that only a tool registered since is read anew.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from askwhy.agent.parser.batch import Pieces
from askwhy.agent.parser.catalogue import Catalogue
from askwhy.agent.parser.judge import UNFITTED
from askwhy.agent.parser.network import Network, Shelf
from askwhy.tools.errors import ToolError
from askwhy.tools.registry import tools

FOLDER = Path(__file__).parent / "weights"
WEIGHTS, TOKENIZER, CARD = "parser.safetensors", "tokenizer.json", "card.json"
_WORDS, _SCALE, _READ = "encoder.words.weight", "encoder.words.scale", "read"
_MOST_KEPT = 20_000
_UNSEEN = 5.0
"""Added to the scores of tools that no training has seen: they lose to those it has, however well they fit (Chao et al.
2016, calibrated stacking)."""
_MOST_SHELVES = 16


class Trained:
    """The network with its tokenizer and what it has read so far."""

    def __init__(self, network: Network, pieces: Pieces, card: dict[str, Any], read: dict[str, Tensor]) -> None:
        self.network, self.pieces, self.card = network.eval(), pieces, card
        self.judge: dict[str, float] = card.get("judge", UNFITTED)
        self._read = read
        self._items: dict[str, Tensor] = {}
        self._shelves: dict[tuple[object, ...], tuple[Catalogue, Shelf]] = {}

    def shelf(self, rivals: Sequence[str] = ()) -> tuple[Catalogue, Shelf]:
        """The catalogue of all registered tools, and its vectors. rivals: models that can be compared with."""
        made = tools()
        key = (*made.values(), *rivals)
        if key not in self._shelves:
            if len(self._shelves) >= _MOST_SHELVES:
                self._shelves.clear()
            catalogue = Catalogue.of(made.values(), rivals)
            favour = self._favour(catalogue, len(made))
            asks = self.sentences([text for _, text in catalogue.asks])
            owner = torch.tensor([tool for tool, _ in catalogue.asks])
            self._shelves[key] = catalogue, Shelf.of(self.sentences(catalogue.texts), asks, owner, favour)
        return self._shelves[key]

    def _favour(self, catalogue: Catalogue, count: int) -> Tensor:
        """What is added to the scores of tools, (count,)."""
        read = set(self.card.get("read", ()))
        known = {tool for tool, text in catalogue.asks if _key(text) in read}
        return torch.tensor([0.0 if tool in known or not read else _UNSEEN for tool in range(count)])

    def items(self, texts: Sequence[str]) -> Tensor:
        """Vectors of the texts of schema items, (texts, encoder's width); each is read once."""
        if len(self._items) > _MOST_KEPT:
            self._items = {}
        fresh = sorted({text for text in texts if text not in self._items}, key=len)
        with torch.no_grad():
            for start in range(0, len(fresh), 32):
                some = fresh[start : start + 32]
                self._items |= dict(zip(some, self.network.encoder.means(*self.pieces.texts(some)), strict=True))
        return torch.stack([self._items[text] for text in texts])

    def forget(self) -> None:
        """Read everything anew from now on, as the network has changed."""
        self._read, self._items, self._shelves = {}, {}, {}

    def sentences(self, texts: Sequence[str]) -> Tensor:
        """A vector of length one for each text, (texts, encoder's width); each is read once."""
        fresh = [text for text in dict.fromkeys(texts) if _key(text) not in self._read]
        if fresh:
            with torch.no_grad():
                vectors = self.network.sentences(*self.pieces.texts(fresh))
            self._read |= {_key(text): vector for text, vector in zip(fresh, vectors, strict=True)}
        return torch.stack([self._read[_key(text)] for text in texts])


@functools.lru_cache(maxsize=1)
def trained() -> Trained:
    """The model that ships with askwhy. Raises ToolError where its files are missing or damaged."""
    return load(FOLDER)


def load(folder: Path) -> Trained:
    """A packed model. Raises ToolError where a file is missing or is not the one that the card names."""
    from safetensors.torch import load as tensors_of
    from tokenizers import Tokenizer

    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        digests, texts = {name: card["sha256"][name] for name in (WEIGHTS, TOKENIZER)}, list(card["read"])
        weights, tokenizer = (folder / WEIGHTS).read_bytes(), (folder / TOKENIZER).read_bytes()
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ToolError(f"The embedded model cannot be read ({error}). Install askwhy again.") from error
    for name, content in ((WEIGHTS, weights), (TOKENIZER, tokenizer)):
        if hashlib.sha256(content).hexdigest() != digests[name]:
            raise ToolError(f"The embedded model's file {name} is damaged. Install askwhy again.")
    state = {name: one.float() for name, one in tensors_of(weights).items()}
    state[_WORDS] *= state.pop(_SCALE)[:, None]
    read = dict(zip(texts, state.pop(_READ), strict=True))
    with torch.device("meta"):  # no time is spent on drawing weights that are replaced
        network = Network()
    network.load_state_dict(state, assign=True)
    return Trained(network, Pieces(Tokenizer.from_str(tokenizer.decode())), card, read)


def pack(network: Network, tokenizer: bytes, folder: Path, notes: dict[str, Any]) -> None:
    """Write a trained network as it ships; `notes` go into its card."""
    from safetensors.torch import save
    from tokenizers import Tokenizer

    made = Trained(network, Pieces(Tokenizer.from_str(tokenizer.decode())), {}, {})
    made.shelf()
    state = {name: one.detach().half().contiguous() for name, one in network.state_dict().items()}
    words = network.encoder.words.weight.detach()
    scale = words.abs().amax(1) / 127
    state[_WORDS] = (words / scale[:, None]).round().to(torch.int8)
    state[_SCALE] = scale
    state[_READ] = torch.stack(list(made._read.values())).half()
    weights = save(state)
    digests = {WEIGHTS: hashlib.sha256(weights).hexdigest(), TOKENIZER: hashlib.sha256(tokenizer).hexdigest()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(weights)
    (folder / TOKENIZER).write_bytes(tokenizer)
    card = notes | {"sha256": digests, "read": list(made._read)}
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def note_judge(folder: Path, weights: dict[str, float]) -> None:
    """Put the judge's weights into the card of a packed network."""
    path = folder / CARD
    card = json.loads(path.read_text(encoding="utf-8")) | {"judge": weights}
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
