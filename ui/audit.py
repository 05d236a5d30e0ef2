"""`askwhy audit`: the recipe "audit a model" as a report to file: HTML, Markdown with figures, evidence as JSON."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from askwhy.ui.cells import one_line, printable, safe_name
from askwhy.ui.options import stoppable

if TYPE_CHECKING:  # `askwhy --help` imports none of this
    from rich.console import Console

    from askwhy.agent.investigate.report import Report, Told
    from askwhy.agent.session import Session
    from askwhy.ui.audit_blocks import Block, Picture
    from askwhy.ui.audit_content import Audit

CLEAN, FLAWED, UNUSABLE = 0, 1, 2
"""Exit codes: no flaw was found; flaws were found; it could not be run, or not to the end (and nothing was found)."""

QUESTION, RECIPE = "audit this model", "audit a model"
_FILES = {"html": "audit.html", "markdown": "audit.md", "evidence": "evidence.json"}


@dataclass(frozen=True)
class Limits:
    """The most that an audit may take: every check of the recipe, and one step more for each flaw, fit into 40."""

    steps: int = 40
    seconds: float = 1800.0


def run_audit(
    session: Session, folder: Path | None, command: str, seed: int, limits: Limits, *, as_json: bool = False
) -> int:
    """Investigate, write the files, print what was found and where they are. Returns the exit code.

    folder: where the files go, None for one named after the subject. command: what runs the audit again.
    """
    from rich.console import Console

    from askwhy.tools.errors import ToolError
    from askwhy.ui.audit_content import Audit

    try:
        report = _investigated(session, limits, Console(stderr=True, highlight=False))
        made = Audit(report, session.subject, command, datetime.now().astimezone(), seed)
        folder = folder or Path(f"audit-{safe_name(made.name)}")
        write_audit(made, folder)
    except ToolError as error:
        print(f"askwhy: {printable(str(error))}", file=sys.stderr)
        return UNUSABLE
    except OSError as error:
        print(f"askwhy: the report could not be written: {printable(str(error))}", file=sys.stderr)
        return UNUSABLE
    _show(made, folder, as_json)
    return exit_code(made)


def again(source: Mapping[str, object], llm: str | None, seed: int, limits: Limits) -> str:
    """The command that runs an audit again, given where its subject came from; it never holds a key."""
    words = ["askwhy", "audit"]
    for name, value in source.items():
        flag = {"id_column": "--id"}.get(name, f"--{name.replace('_', '-')}")
        if name == "rivals" and isinstance(value, tuple):
            words += [word for one in value for word in ("--rival", str(one))]
        elif value is True:
            words.append(flag)
        elif value:
            words += [flag, str(value)]
    words += ["--llm", llm] if llm else []
    words += ["--steps", str(limits.steps)] if limits.steps != Limits.steps else []
    words += ["--seconds", f"{limits.seconds:g}"] if limits.seconds != Limits.seconds else []
    return shlex.join([*words, "--seed", str(seed)])


def subject_of(
    given: list[str], model: str | None, data: Path | None, demo: str | None
) -> tuple[str | None, Path | None, str | None]:
    """Model, data and built-in subject, as named by place or by option; typer.BadParameter where that is both."""
    import typer

    if not given:
        return model, data, demo
    if demo is not None or model is not None or len(given) > 2 or (len(given) == 2 and data is not None):
        raise typer.BadParameter("give one built-in subject, or MODEL and DATA, either by place or by option")
    if len(given) == 2:
        return given[0], Path(given[1]), None
    return (given[0], data, None) if data is not None else (None, None, given[0])


def exit_code(audit: Audit) -> int:
    """What a pipeline reads: an audit that found nothing but did not get through its plan is no pass."""
    from askwhy.ui.audit_findings import incomplete

    if audit.findings:
        return FLAWED
    return UNUSABLE if incomplete(audit.report) else CLEAN


def write_audit(audit: Audit, folder: Path) -> tuple[Path, ...]:
    """Write audit.html, audit.md with its figures, and evidence.json; all of them or, where that fails, none."""
    from askwhy.ui.audit_content import blocks_of
    from askwhy.ui.audit_html import page
    from askwhy.ui.audit_markdown import markdown
    from askwhy.ui.svg import svg

    blocks = blocks_of(audit)
    files = {
        _FILES["html"]: page(blocks),
        _FILES["markdown"]: markdown(blocks),
        _FILES["evidence"]: audit.evidence_file,
    }
    files |= {picture.name: svg(picture.figure, alone=True) for picture in _pictures(blocks)}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".audit-") as aside:
        for name, text in files.items():
            (Path(aside) / name).write_text(text, encoding="utf-8", newline="\n")
        for old in folder.glob("figure-??-*.svg"):  # those of an audit before
            old.unlink()
        return tuple(Path(shutil.move(Path(aside) / name, folder / name)) for name in files)


def _pictures(blocks: tuple[Block, ...]) -> Iterator[Picture]:
    from askwhy.ui.audit_blocks import Box, Picture

    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Box):
            yield from _pictures(block.blocks)


def _investigated(session: Session, limits: Limits, console: Console) -> Report:
    """Run the recipe; each step is shown as it ends. What a model prints goes to stderr."""
    from askwhy.agent.investigate.allowance import Allowance

    allowance = Allowance(tool_calls=limits.steps, seconds=limits.seconds)
    with redirect_stdout(sys.stderr), console.status("Auditing the model …") as status, stoppable() as stopped:
        return session.investigate(
            QUESTION, recipe=RECIPE, allowance=allowance, on_step=_shower(console, status.update), cancelled=stopped
        )


def _shower(console: Console, update: Callable[[str], None]) -> Callable[[Told], None]:
    from rich.text import Text

    from askwhy.ui.audit_findings import FLAW, section_of, titled

    shown: list[str] = []

    def show(told: Told) -> None:
        shown.append(told.title)
        flaws = told.evidence.all(FLAW)
        sign, style = ("!", "bold red") if flaws else ("✓", "green")
        section = section_of(told)
        line = Text(f"{sign} ", style=style)
        line.append(f"{section}: " if section else "", style="dim")
        line.append(one_line(titled(told), 120), style="bold" if flaws else "")
        console.print(line)
        update(f"Auditing the model … {len(shown)} done")

    return show


def _show(audit: Audit, folder: Path, as_json: bool) -> None:
    """The findings and the files, as words or as one line of JSON."""
    paths = {kind: str(folder / name) for kind, name in _FILES.items()}
    if as_json:
        findings = [{"kind": one.kind, "where": one.where, "fact": f"{one.step}.{one.fact}"} for one in audit.findings]
        told = {"findings": findings, "checks": len(audit.report.told), "not_run": len(audit.skipped),
                "stopped": audit.report.stopped, "files": paths, "passed": exit_code(audit) == CLEAN}  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return
    _show_words(audit)
    print("\n".join(f"{kind:>9}: {printable(path)}" for kind, path in paths.items()))


def _show_words(audit: Audit) -> None:
    from rich.console import Console
    from rich.text import Text

    from askwhy.ui.audit_content import outcome_words
    from askwhy.ui.audit_findings import excerpt

    console = Console(highlight=False)
    console.print(Text(outcome_words(audit), style="bold red" if audit.findings else "bold"))
    for step in dict.fromkeys(one.step for one in audit.findings):
        kinds = dict.fromkeys(one.kind for one in audit.findings if one.step == step)
        console.print(Text(printable(", ".join(kinds)), style="red"))
        console.print(Text(f"  {printable(excerpt(audit.report.told[step - 1], audit.subject.schema))}"))
