"""Integrated gradients over the words of a text, for networks: captum's, summed from token vectors to words.

Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks". The path runs from the text with padding in
place of every token (special tokens stay) to the text itself.
"""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np

from askwhy.tools.attribution import Attribution, unit_of
from askwhy.tools.engines.text_attribution import output_words
from askwhy.tools.engines.text_game import TextGame
from askwhy.tools.engines.text_network import Batch, TextNetwork
from askwhy.tools.engines.text_units import UnitKind
from askwhy.tools.errors import MissingExtra, ToolError
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import additivity
from askwhy.tools.schema import ClassLabel

STEPS = (32, 64, 128, 256)
"""Points on the path; the next number is tried where the values do not add up."""

PASSES_PER_STEP = 3
"""What a point costs, in forward passes: a backward pass takes about twice as long."""

_INNER_BATCH = 16
_DIGITS = 6


def attribute_text_by_gradients(game: TextGame, label: ClassLabel | None, unit: UnitKind) -> Attribution:
    """Integrated gradients of the terms; what they miss of the prediction is measured (completeness, C2).

    Raises ToolError where the model gives no gradients.
    """
    network = game.view.subject.predictor.network
    if network is None:
        raise ToolError("This model gives no gradients, only predictions; ask for SHAP or LIME instead.")
    path = _Path(network, game)
    output, spread = game.output(), 1.0
    for steps in STEPS:
        tokens = path.tokens(steps)
        if label is None:
            spread = float(np.abs(tokens).sum())
        check = additivity(output, path.base, tokens, spread, exact=False)
        if check.passed:
            break
    return Attribution(
        values=path.terms(tokens),
        error=None,
        base=path.base,
        output=output,
        unit=unit_of(game.view, "probability"),
        method=f"integrated gradients: {steps} steps from padding, summed over the tokens of each {unit}",
        estimand=f"integrated gradients of {output_words(game, label)} along the way from padding to the text",
        quality=(check,),
        name="integrated gradients",
        spent=PASSES_PER_STEP * sum(one for one in STEPS if one <= steps),
    )


class _Path:
    """The way from padding to one text."""

    def __init__(self, network: TextNetwork, game: TextGame) -> None:
        import torch

        self.network, self.game = network, game
        self.read = network.tokens(game.split.text)
        (batch,) = network.batches([game.split.text])
        self.ids = batch.inputs["input_ids"]
        self.rest = {name: tensor for name, tensor in batch.inputs.items() if name != "input_ids"}
        special = torch.tensor([[token.special for token in self.read]])
        if special.shape != self.ids.shape:
            raise ToolError("The tokens of this text cannot be told apart; ask for SHAP or LIME instead.")
        self.padding = torch.where(special, self.ids, torch.full_like(self.ids, network.pad_id))
        with network.evaluating(), torch.no_grad():
            self.base = round(float(self.forward(self.padding)[0]), _DIGITS)

    def forward(self, ids: Any) -> Any:
        """The output explained (n,) for token ids (n, tokens)."""
        rest = {name: tensor.expand(len(ids), -1) for name, tensor in self.rest.items()}
        outputs = self.network.probabilities(self.network.logits(Batch((), {"input_ids": ids, **rest})))
        found = outputs[:, self.game.column]
        return found if self.game.foil is None else found - outputs[:, self.game.foil]

    def tokens(self, steps: int) -> Outputs:
        """What every token adds (tokens,)."""
        try:
            from captum.attr import LayerIntegratedGradients
        except ImportError:
            raise MissingExtra("captum", "gradients") from None
        with self.network.evaluating():
            method = LayerIntegratedGradients(self.forward, self.network.embedding_layer)
            found = method.attribute(self.ids, baselines=self.padding, n_steps=steps, internal_batch_size=_INNER_BATCH)
        if found.ndim != 3 or found.shape[:2] != self.ids.shape:
            raise ToolError("The network does not keep its words apart; ask for SHAP or LIME instead.")
        return np.round(np.asarray(found.detach().double().sum(dim=2).numpy()[0], dtype=float), _DIGITS)

    def terms(self, tokens: Outputs) -> Outputs:
        """What every term adds: the sum over its tokens. A token belongs to the word that its last character is in."""
        units = self.game.split.units
        starts = [unit.left for unit in units]
        owner = {place: position for position, term in enumerate(self.game.terms) for place in term.places}
        values = np.zeros(self.game.count)
        for token, value in zip(self.read, tokens, strict=True):
            if not token.special:
                place = max(0, bisect.bisect_right(starts, token.end - 1) - 1)
                values[owner[place]] += value
        return values
