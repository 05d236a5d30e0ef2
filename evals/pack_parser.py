"""Pack a trained network as it ships: `python -m askwhy.evals.pack_parser FOLDER [NETWORK]`.

FOLDER: that of `train_parser`. NETWORK: where it goes, by default where askwhy looks for it. How sure a reading is, is
fitted on the training domains that were left out.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

from askwhy.agent.parser.engine import readings
from askwhy.agent.parser.trained import FOLDER, Trained, load, pack
from askwhy.evals.bank import QUESTIONS, read_domain
from askwhy.evals.train_parser import DEVELOPMENT, examples_of, start
from askwhy.evals.typed import same

_EACH = 120


def calibrated(model: Trained, seed: int = 0) -> dict[str, float]:
    """The logistic curve from the network's probability to the share that is right, by maximum likelihood."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    rng = random.Random(seed)
    odds: list[float] = []
    right: list[bool] = []
    for name in DEVELOPMENT:
        examples = examples_of(read_domain(QUESTIONS / f"{name}.toml"))
        for one in rng.sample(examples, min(_EACH, len(examples))):
            found = readings(model, one.asked.question, one.schema, None, one.earlier, one.said)
            if found:
                probability = min(max(found[0].probability, 1e-6), 1 - 1e-6)
                odds.append(float(np.log(probability / (1 - probability))))
                right.append(same(found[0].outcome, one.asked.golds))
    fitted = LogisticRegression(C=1e6).fit(np.array(odds)[:, None], right)
    return {"slope": round(float(fitted.coef_[0, 0]), 4), "offset": round(float(fitted.intercept_[0]), 4)}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    from safetensors.torch import load_file

    from askwhy.tools.subjects.minilm import encoder_files

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("network", type=Path, nargs="?", default=FOLDER)
    given = parser.parse_args(arguments)
    network, _ = start()
    network.load_state_dict(load_file(given.folder / "network.safetensors"))
    _, tokenizer = encoder_files()
    state = json.loads((given.folder / "state.json").read_text())
    notes = {"encoder": "all-MiniLM-L6-v2, fine-tuned", "steps": state["steps"]}
    pack(network, tokenizer, given.network, notes)
    notes["calibration"] = calibrated(load(given.network))
    pack(network, tokenizer, given.network, notes)
    size = sum(path.stat().st_size for path in given.network.iterdir())
    print(json.dumps(notes | {"megabytes": round(size / 1e6, 1)}))


if __name__ == "__main__":
    main()
