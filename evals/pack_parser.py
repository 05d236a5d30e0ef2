"""Pack a trained network as it ships: `python -m askwhy.evals.pack_parser FOLDER [NETWORK]`, or `--judge` alone.

FOLDER: that of `train_parser`. NETWORK: where it goes, by default where askwhy looks for it. How sure a reading is, is
fitted on the training domains that were left out, and on questions that were written after the weights (`NEWER`,
evals/questions/later): move the latter into the bank's files before a new training, as it leaves `later` out. `--judge`
fits it anew for the weights that ship, and changes nothing else.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from askwhy.agent.parser.batch import Read
from askwhy.agent.parser.engine import unjudged
from askwhy.agent.parser.judge import NONE, SIGNS, UNFITTED, signs
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.tidy import tidied
from askwhy.agent.parser.trained import FOLDER, Trained, load, note_judge, pack
from askwhy.agent.parser.units import in_units
from askwhy.evals.bank import QUESTIONS, later_domains, read_domain
from askwhy.evals.train_parser import DEVELOPMENT, NEWER, Example, after, examples_of, start
from askwhy.evals.typed import same

Case = tuple[list[tuple[float, ...]], list[float]]
"""The signs of a question's readings, and 1 for those that are right; the last is 1 where none is."""

_EACH = 200
_AFTER = 0.6
_PENALTY = 0.001


def fitted(model: Trained, seed: int = 0) -> dict[str, float]:
    """The weights of `askwhy.agent.parser.judge`, by maximum likelihood with a small penalty."""
    best = weights_of(_cases(model, random.Random(seed)))
    return {name: round(float(one), 4) for name, one in zip((*SIGNS, NONE), best, strict=True)}


def weights_of(cases: Sequence[Case]) -> Any:
    """The most likely weights of some questions."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    most = max(len(several) for several, _ in cases)
    table = np.zeros((len(cases), most + 1, len(SIGNS) + 1))
    right = np.zeros(table.shape[:2], dtype=bool)
    there = np.zeros_like(right)
    for i, (several, good) in enumerate(cases):
        table[i, : len(several), :-1] = several
        table[i, len(several), -1] = 1.0
        right[i, : len(good)] = np.array(good) > 0
        there[i, : len(good)] = True
    penalty = np.array([0.0, *(_PENALTY for _ in SIGNS[1:]), 0.0])

    def loss(weights: Any) -> tuple[float, Any]:
        scores = np.where(there, table @ weights, -1e9)
        every, good = log_softmax(scores, axis=1), np.where(right, scores, -1e9)
        share = np.exp(log_softmax(good, axis=1)) - np.exp(every)
        likely = np.logaddexp.reduce(np.where(right, every, -1e9), axis=1)
        slope = -np.einsum("nk,nks->s", share, table) / len(cases) + 2 * penalty * weights
        return float(-likely.mean() + penalty @ weights**2), slope

    start = [UNFITTED.get(name, 0.0) for name in (*SIGNS, NONE)]
    return minimize(loss, start, jac=True, method="L-BFGS-B").x


def _cases(model: Trained, rng: random.Random) -> list[Case]:
    """Questions that the network was not trained on; half of those that stand alone are asked after another one."""
    found = []
    for one in _unseen(rng):
        page = Page.of(tidied(one.asked.question, one.schema), one.schema, one.earlier)
        read = Read.of(page, model.pieces, one.said)
        several = unjudged(model, read)
        if several:
            right = [float(same(in_units(reading, page).outcome, one.asked.golds)) for reading in several]
            found.append(([signs(reading, read) for reading in several], [*right, float(not any(right))]))
    return found


def _unseen(rng: random.Random) -> Iterator[Example]:
    for name in (*DEVELOPMENT, *NEWER):
        examples = examples_of(read_domain(QUESTIONS / f"{name}.toml"))
        yield from (one for one in examples if one.earlier)
        alone = [one for one in examples if not one.earlier]
        for drawn in rng.sample(alone, min(_EACH, len(alone))):
            yield after(drawn, rng.choice(examples), rng) if rng.random() < _AFTER else drawn
    for domain in later_domains():
        yield from examples_of(domain)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    from safetensors.torch import load_file

    from askwhy.tools.subjects.minilm import encoder_files

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("network", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--judge", action="store_true", help="fit only the judge of the weights that ship")
    given = parser.parse_args(arguments)
    if given.judge:
        note_judge(FOLDER, fitted(load(FOLDER)))
        return
    if given.folder is None:
        parser.error("FOLDER is missing")
    network, _ = start()
    network.load_state_dict(load_file(given.folder / "network.safetensors"))
    _, tokenizer = encoder_files()
    state = json.loads((given.folder / "state.json").read_text())
    notes = {"encoder": "all-MiniLM-L6-v2, fine-tuned", "steps": state["steps"]}
    pack(network, tokenizer, given.network, notes)
    notes["judge"] = fitted(load(given.network))
    pack(network, tokenizer, given.network, notes)
    size = sum(path.stat().st_size for path in given.network.iterdir())
    print(json.dumps(notes | {"megabytes": round(size / 1e6, 1)}))


if __name__ == "__main__":
    main()
