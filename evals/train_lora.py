"""Train an adapter: `python -m askwhy.evals.train_lora plan|rephrase FOLDER [--steps N] [--minutes N] [--lessons]`.

LoRA (Hu et al. 2022, https://arxiv.org/abs/2106.09685) on the upper layers of SmolLM2-135M-Instruct, from lessons of
our own: the question bank (never its sealed part) or the template's answers in other words. Lessons are written into
FOLDER once (`--lessons` stops there), checkpoints every few minutes, each kept as FOLDER/STEPS; it goes on from the
last one. Seeded: the same steps on the same machine give the same weights. Needs peft and the extra `local`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from askwhy.agent.local.weights import load_weights
from askwhy.evals.lora_packs import Encoded, Lesson, Pack, alike, encoded, loss_of, pack
from askwhy.evals.lora_plan import Accepts, kept, known, plan_lessons
from askwhy.tools.errors import ToolError

TASKS = ("plan", "rephrase")
LAYERS = 15
"""Upper layers that are adapted; the others are read forwards only, which halves the work."""

_RANK, _RATE, _WARM = 16, 1e-3, 10
_TOKENS, _LONGEST = 900, 500
_EACH = 24
_DEV_PACKS = 8


@dataclass(frozen=True)
class Lessons:
    """Groups of lessons that begin alike: to learn from, and others (other schemas or subjects) to see how it goes."""

    train: tuple[tuple[Encoded, ...], ...]
    dev: tuple[tuple[Encoded, ...], ...]


def adapted(model: Any, layers: int = LAYERS) -> Any:
    """The model with a fresh adapter, all else frozen. Raises ToolError where peft is missing."""
    check_peft()
    from peft import LoraConfig, get_peft_model

    count = int(model.config.num_hidden_layers)
    upper = list(range(max(0, count - layers), count))
    linear = (name for name, one in model.named_modules() if isinstance(one, torch.nn.Linear) and ".layers." in name)
    names = sorted({name.rsplit(".", 1)[-1] for name in linear})
    options = LoraConfig(
        r=_RANK, lora_alpha=2 * _RANK, target_modules=names, layers_to_transform=upper, task_type="CAUSAL_LM"
    )
    return get_peft_model(model, options)


def check_peft() -> None:
    """Raises ToolError where peft, which only these commands need, is not installed."""
    if importlib.util.find_spec("peft") is None:
        raise ToolError("Adapters need the package peft, which is in no extra of askwhy. Install it: pip install peft")


def drawn(groups: Sequence[Sequence[Encoded]], rng: random.Random) -> Pack:
    """Lessons of one group, as many as fit."""
    group = rng.choice(groups)
    found: list[Encoded] = []
    size = 0
    for one in rng.sample(group, len(group)):
        size += len(one.prompt) + len(one.target) - (alike(one.prompt, found[0].prompt) if found else 0)
        if found and size > _TOKENS:
            break
        found.append(one)
    return pack(found)


def train(folder: Path, model: Any, lessons: Lessons, steps: int, minutes: float, seed: int = 0) -> int:
    """Train until the steps or the time are up; the steps that are done then, earlier runs included."""
    torch.manual_seed(seed)
    model = adapted(model)
    weights = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=_RATE, weight_decay=0.0)
    done = _resumed(folder, model, optimizer)
    started = saved = time.monotonic()
    told, losses = 0, []
    while done < steps and time.monotonic() - started < 60 * minutes:
        given = drawn(lessons.train, random.Random(f"{seed} {done}"))
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, (done + 1) / _WARM) * max(0.1, 1 - done / steps)
        loss: Any = loss_of(model, given)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        done, told = done + 1, told + given.tokens.shape[1]
        losses.append(float(loss.detach()))
        if done % 10 == 0:
            speed = told / (time.monotonic() - started)
            print(
                f"step {done}: loss {sum(losses[-10:]) / len(losses[-10:]):.3f}, {speed:.0f} tokens a second",
                flush=True,
            )
        if time.monotonic() - saved > 240:
            _save(folder, model, optimizer, done, lessons)
            saved = time.monotonic()
    _save(folder, model, optimizer, done, lessons)
    return done


def dev_loss(model: Any, lessons: Lessons) -> float:
    """The mean loss on packs of lessons that are not learnt from, always the same ones."""
    rng = random.Random(0)
    with torch.no_grad():
        found = [float(loss_of(model, drawn(lessons.dev, rng))) for _ in range(_DEV_PACKS)]
    return sum(found) / len(found)


def _resumed(folder: Path, model: Any, optimizer: torch.optim.Optimizer) -> int:
    """Put the last checkpoint's state in place; its steps."""
    state = folder / "state.pt"
    if not state.is_file():
        return 0
    found = torch.load(state, weights_only=True)
    model.load_state_dict(found["weights"], strict=False)
    optimizer.load_state_dict(found["optimizer"])
    return int(found["steps"])


def _save(folder: Path, model: Any, optimizer: torch.optim.Optimizer, done: int, lessons: Lessons) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    learnt = {name: one.detach() for name, one in model.named_parameters() if one.requires_grad}
    torch.save({"weights": learnt, "optimizer": optimizer.state_dict(), "steps": done}, folder / "state.part")
    (folder / "state.part").replace(folder / "state.pt")
    model.save_pretrained(folder / str(done))
    line = {"steps": done, "dev_loss": round(dev_loss(model, lessons), 4)}
    with (folder / "curve.jsonl").open("a", encoding="utf-8") as curve:
        curve.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


def lessons_of(task: str, folder: Path, tokenizer: Any, seed: int) -> Lessons:
    """The lessons of a task: those written into the folder, or made and written there."""
    groups = {}
    for part in ("train", "dev"):
        path = folder / f"{part}.jsonl"
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            made = _plans(part, seed, accepting(tokenizer)) if task == "plan" else _rephrasings(part, seed)
            path.write_text("".join(f"{kept(one)}\n" for one in made), encoding="utf-8")
        found: dict[str, list[Encoded]] = {}
        lines = path.read_text(encoding="utf-8").splitlines()
        for lesson, one in ((one, encoded(one, tokenizer)) for one in map(known, lines)):
            if len(one.prompt) + len(one.target) <= (_LONGEST if task == "plan" else _TOKENS):
                found.setdefault(lesson.group, []).append(one)
        groups[part] = tuple(map(tuple, found.values()))
    return Lessons(groups["train"], groups["dev"])


def _plans(part: str, seed: int, accepts: Accepts) -> Iterator[Lesson]:
    from askwhy.evals.bank import QUESTIONS, read_domain
    from askwhy.evals.train_parser import DEVELOPMENT

    for path in sorted(QUESTIONS.glob("*.toml")):
        if (path.stem in DEVELOPMENT) == (part == "dev"):
            yield from plan_lessons(read_domain(path), _EACH, random.Random(f"{seed} {path.stem}"), accepts)


def _rephrasings(part: str, seed: int) -> Iterator[Lesson]:
    from askwhy.evals.lora_rephrase import DEVELOPMENT, LEARNT, rephrase_lessons, short_cases
    from askwhy.evals.words_answers import answers_of

    for name in LEARNT if part == "train" else DEVELOPMENT:
        yield from rephrase_lessons(name, short_cases(answers_of(name)), random.Random(f"{seed} {name}"))


def accepting(tokenizer: Any) -> Accepts:
    """What tells whether a text is a sentence of a grammar, token by token as a model would write it."""
    import llguidance.hf

    words = llguidance.hf.from_tokenizer(tokenizer)
    compiled: dict[str, Any] = {}

    def accepts(grammar: str, text: str) -> bool:
        if grammar not in compiled:
            compiled.clear()
            compiled[grammar] = llguidance.LLMatcher(words, grammar)
        matcher = compiled[grammar].deep_copy()
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())

    return accepts


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lessons", action="store_true", help="write the lessons and stop")
    given = parser.parse_args()
    model, tokenizer = load_weights("smollm2")
    lessons = lessons_of(given.task, given.folder, tokenizer, given.seed)
    print(f"{sum(map(len, lessons.train))} lessons, {sum(map(len, lessons.dev))} aside", flush=True)
    if not given.lessons:
        train(given.folder, model, lessons, given.steps, given.minutes, given.seed)


if __name__ == "__main__":
    main()
