"""A concept as a direction in a network's layer, and whether the output grows along it (TCAV).

Kim et al. 2018, with two changes: the test is of the mean derivative along the direction, because the share of texts
with a positive one is 0 or 1 for any direction where the layers above are linear; and the null is that of directions
that separate random halves of the same texts, so that the p-value is exact for exchangeable texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.tools.engines.text_concept_bets import halves, separation
from askwhy.tools.engines.truth import Array
from askwhy.tools.subject import Mask

RANDOM_DIRECTIONS = 40
"""With them the smallest p-value is 1 / 41."""

_TINY = 1e-12


@dataclass(frozen=True)
class Tcav:
    """positive: share of texts whose output grows along the concept's direction. mean: the derivative along it as a
    share of the gradient's length, averaged. p: two-sided, against random directions. auc, known: how well the
    direction tells texts it was not fitted to apart, and whether that is better than chance."""

    layer: int
    positive: float
    mean: float
    p: float
    beyond: int
    auc: float
    known: bool


def tcav(network: Any, texts: Sequence[str], marks: Mask, layer: int, column: int, rng: np.random.Generator) -> Tcav:
    """Test a concept, given by which texts have it, in a layer (counted from 1) for one output column."""
    name = network.layers[layer - 1]
    inner = np.asarray(network.activations(texts, name))
    slopes = gradients(network, texts, name, column)
    auc, p_known = _recognised(inner, marks, rng)
    along = _along(slopes, _direction(inner, marks))
    random = [float(_along(slopes, _direction(inner, rng.permutation(marks))).mean()) for _ in range(RANDOM_DIRECTIONS)]
    mean = float(along.mean())
    as_far = int(np.sum(np.abs(random) >= abs(mean)))
    return Tcav(
        layer=layer,
        positive=float((along > 0).mean()),
        mean=mean,
        p=(1 + as_far) / (1 + RANDOM_DIRECTIONS),
        beyond=RANDOM_DIRECTIONS - as_far,
        auc=auc,
        known=p_known <= 0.05,
    )


def _direction(inner: Array, marks: Mask) -> Array:
    """The unit normal (width,) of a regularised linear rule that tells the marked texts apart."""
    from sklearn.linear_model import LogisticRegression

    scale = np.maximum(inner.std(axis=0), _TINY)
    fitted = LogisticRegression(C=0.01, class_weight="balanced", max_iter=300)
    normal = np.asarray(fitted.fit((inner - inner.mean(axis=0)) / scale, marks).coef_[0]) / scale
    return np.asarray(normal / max(float(np.linalg.norm(normal)), _TINY))


def _recognised(inner: Array, marks: Mask, rng: np.random.Generator) -> tuple[float, float]:
    """Held-out AUC of the direction, fitted to half of either side, and its p-value against chance."""
    fitted = halves(marks, rng) == 1
    scores = (inner[~fitted] @ _direction(inner[fitted], marks[fitted])).round(9)
    return separation(scores, marks[~fitted])


def _along(gradients: Array, direction: Array) -> Array:
    """Derivatives (n,) along a unit direction, as shares of the mean length of the gradients."""
    length = float(np.linalg.norm(gradients, axis=1).mean())
    return np.asarray((gradients @ direction / max(length, _TINY)).round(9))


def gradients(network: Any, texts: Sequence[str], name: str, column: int) -> Array:
    """Gradients (n, width) of the log-odds of a class, or of the number, by what the layer gives all of a text's
    tokens alike."""
    import torch

    found: Array = np.empty(0)
    with network.evaluating(), torch.enable_grad(), _tracked(network.layer(name)) as seen:
        for batch in network.batches(texts):
            seen.clear()
            output = network.probabilities(network.logits(batch))[:, column]
            if network.labels:
                output = torch.logit(output, eps=_TINY)
            grown = torch.autograd.grad(output.sum(), seen[-1])[0]
            if grown.ndim == 3:
                grown = (grown * batch.mask[:, :, None].to(grown.dtype)).sum(dim=1)
            rows = grown.reshape(len(batch.positions), -1).double().numpy()
            if not len(found):
                found = np.empty((len(texts), rows.shape[1]))
            found[list(batch.positions)] = rows
    return found


class _tracked:
    """A list that gets the layer's output as a leaf that gradients are taken by, also where weights are frozen."""

    def __init__(self, layer: Any) -> None:
        self._layer, self._seen = layer, []  # type: ignore[var-annotated]

    def __enter__(self) -> list[Any]:
        self._hook = self._layer.register_forward_hook(self._note)
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def _note(self, module: Any, given: Any, output: Any) -> Any:
        first = output[0] if isinstance(output, (tuple, list)) else getattr(output, "last_hidden_state", output)
        leaf = first.detach().requires_grad_(True)
        self._seen.append(leaf)
        if isinstance(output, (tuple, list)):
            return type(output)((leaf, *output[1:]))
        if first is not output:
            output.last_hidden_state = leaf
            return output
        return leaf
