"""Audit reports: complete, self-contained, never misread whatever names hold; and exit codes for pipelines."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from audit_reports import HOSTILE, LONG, SCRIPT, audit_of, hostile_subject, planted, report_of, told
from markdown_it import MarkdownIt
from markdown_it.token import Token
from toy_subjects import binary, text
from typer.testing import CliRunner, Result

from askwhy.agent.answer import Failure
from askwhy.agent.investigate.allowance import Allowance
from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.session import Session
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import MarkedText, Piece
from askwhy.ui.audit import Limits, again, exit_code, write_audit
from askwhy.ui.audit_content import Audit, blocks_of, outcome_words
from askwhy.ui.audit_findings import excerpt
from askwhy.ui.audit_html import page
from askwhy.ui.audit_markdown import markdown
from askwhy.ui.cli import app

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """A page as its tags, ids, addresses and words; fails where tags are not closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(source)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "title"):
            self.words += f"{data}\0"

    def every(self, attribute: str) -> list[str]:
        return [value or "" for _, attrs in self.tags for name, value in attrs.items() if name == attribute]


@pytest.fixture(scope="module")
def leak() -> Iterator[None]:
    with planted():
        yield


@pytest.fixture(scope="module")
def hostile(leak: None) -> Audit:
    """Names that are markup, a flaw, a figure, a text with marks, words that were left out, a title over two lines."""
    subject = hostile_subject()
    titles = {"describe_model": f"What is {SCRIPT}?", "score": "1. How often\n# is it right?", "calibration": "- c",
              "importance": "What does it use?", "planted_leak": "Leaks?"}  # fmt: skip
    steps = [told(subject, name, title) for name, title in titles.items()]
    marked = MarkedText(what=SCRIPT, unit="points", pieces=(Piece(text=f"{SCRIPT}\n| a", value=0.5), Piece(text="b")))
    evidence = steps[0].evidence.model_copy(update={"marked": marked})
    withheld = Failure(check="V1", message=f"{SCRIPT} is wrong", start=0, end=3)
    steps[0] = steps[0].model_copy(update={"evidence": evidence, "failures": (withheld,)})
    return audit_of(subject, report_of(tuple(steps)))


@pytest.fixture(scope="module")
def clean() -> Audit:
    subject = binary()
    steps = tuple(told(subject, name, f"About {name}") for name in ("describe_model", "score", "importance"))
    return audit_of(subject, report_of(steps))


def facts(audit: Audit) -> set[str]:
    """Every fact as the appendix names it."""
    return {f"{n}.{fact.id}" for n, one in enumerate(audit.report.told, 1) for fact in one.evidence.facts}


def test_the_page_runs_and_loads_nothing(hostile: Audit) -> None:
    source = page(blocks_of(hostile))
    shown = Page(source)
    tags = {tag for tag, _ in shown.tags}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "input", "base", "a:", "b"}
    assert not [name for _, attrs in shown.tags for name in attrs if name.startswith("on")]
    assert all(address.startswith("#") for address in shown.every("href"))
    assert not shown.every("src") and "url(" not in source and "@import" not in source
    policy = next(attrs["content"] for _, attrs in shown.tags if "http-equiv" in attrs)
    assert policy is not None and policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert "\u202e" not in source


def test_links_lead_somewhere_and_ids_are_unique(hostile: Audit) -> None:
    shown = Page(page(blocks_of(hostile)))
    ids = shown.every("id")
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in shown.every("href")} <= set(ids)


def test_names_are_shown_as_they_are(hostile: Audit) -> None:
    shown = Page(page(blocks_of(hostile)))
    assert SCRIPT in shown.words and SCRIPT not in page(blocks_of(hostile))
    assert f"\0{LONG[:599]}…\0" in shown.words


def test_every_fact_is_in_both_appendices_and_in_the_file(hostile: Audit) -> None:
    shown = Page(page(blocks_of(hostile)))
    assert facts(hostile) <= set(re.findall(r"\d+\.f\d+", shown.words))
    assert facts(hostile) <= set(re.findall(r"(\d+\.f\d+)", markdown(blocks_of(hostile))))
    assert Report.model_validate(json.loads(hostile.evidence_file)["report"]).told == hostile.report.told


def test_a_page_can_be_found_through_without_sight(hostile: Audit) -> None:
    shown = Page(page(blocks_of(hostile)))
    levels = [int(tag[1]) for tag, _ in shown.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    names = [tag for tag, _ in shown.tags]
    assert names.count("table") == names.count("caption") > 5
    assert [attrs["aria-label"] for tag, attrs in shown.tags if tag == "svg"]
    assert next(attrs for tag, attrs in shown.tags if tag == "html")["lang"] == "en"


def tokens(source: str) -> Iterator[Token]:
    """Every token of a Markdown file, those inside lines too."""
    for token in MarkdownIt("commonmark").enable("table").parse(source):
        yield token
        yield from token.children or ()


def test_markdown_finds_nothing_to_interpret_in_names(hostile: Audit) -> None:
    found = list(tokens(markdown(blocks_of(hostile))))
    raw = [token.content.strip() for token in found if token.type in ("html_block", "html_inline")]
    assert raw and all(re.fullmatch(r"</?details>|<details>\n<summary>[^<>]*</summary>", one) for one in raw)
    assert not [token for token in found if token.type == "link_open"]
    images = [token.attrs["src"] for token in found if token.type == "image"]
    assert images and all(re.fullmatch(r"figure-\d\d-[a-z_-]+\.svg", str(one)) for one in images)
    assert [token.tag for token in found if token.type == "heading_open"].count("h1") == 1
    assert not [token for token in found if token.type in ("ordered_list_open", "hr", "fence", "code_block")]
    assert "http://" not in markdown(blocks_of(hostile)) and "www.evil" not in markdown(blocks_of(hostile))


def test_markdown_tables_are_whole(hostile: Audit) -> None:
    """A row with too many cells would lose some of them, one with too few would gain empty ones: both are counted."""
    source = markdown(blocks_of(hostile))
    rows = [line for line in source.split("\n") if line.startswith("| ")]
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in rows]
    tables = [number for number, line in enumerate(rows) if re.fullmatch(r"(\| -+:? )+\|", line)]
    assert len(tables) == sum(token.type == "table_open" for token in tokens(source)) > 10
    for start, end in zip(tables, [*(number - 1 for number in tables[1:]), len(rows)], strict=True):
        assert set(widths[start - 1 : end]) == {widths[start]}
    assert sum(token.type == "tr_open" for token in tokens(source)) == len(rows) - len(tables)


def test_both_files_say_the_same_sentences(clean: Audit) -> None:
    shown = Page(page(blocks_of(clean))).words
    plain = html.unescape(re.sub(r"\\(.)", r"\1", markdown(blocks_of(clean))))
    for one in clean.report.told:
        assert one.text and one.text in shown and one.text in plain


def test_the_summary_is_made_of_verified_sentences(hostile: Audit) -> None:
    assert outcome_words(hostile) == "1 flaw found in 5 checks."
    (finding,) = hostile.findings
    assert (finding.kind, finding.step, finding.where) == ("leak", 5, hostile.subject.schema.features[0].label)
    assert finding.sure == "standard error 0.013"
    words = excerpt(hostile.report.told[4], hostile.subject.schema)
    assert words and words in hostile.report.told[4].text
    first, _, _ = markdown(blocks_of(hostile)).partition("What was audited")
    assert "**Leak**. The column" in first and "75%" in first


def test_an_excerpt_keeps_the_sentence_of_the_flaw_and_what_must_be_told(clean: Audit) -> None:
    """Of three sentences the second rests on the flaw; where it does not pass alone, all of them are kept."""
    score = clean.report.told[1]
    flaw = score.evidence.one("accuracy" if score.evidence.all("accuracy") else score.evidence.facts[0].relation)
    marked = flaw.model_copy(update={"relation": "flaw", "id": "f99"})
    evidence = score.evidence.model_copy(update={"facts": (*score.evidence.facts, marked)})
    one = score.model_copy(update={"evidence": evidence})
    words = excerpt(one, clean.subject.schema)
    assert words and all(part in one.text for part in re.split(r"(?<=\.) ", words))
    lying = one.model_copy(update={"text": "The accuracy is 1%. It is so.", "claims": ()})
    assert excerpt(lying, clean.subject.schema) == lying.text


def test_nothing_found_is_never_called_fine(clean: Audit) -> None:
    source = markdown(blocks_of(clean))
    assert outcome_words(clean) == "No check for flaws was run; 3 checks in all."
    assert "no proof that the model is sound" in source
    assert all(f"About {one}" in source.replace("\\", "") for one in ("describe_model", "score", "importance"))
    assert not re.search(
        r"model is (fine|safe|sound|fair)\b(?!\.? This)", source.replace("that the model is sound", "")
    )


def test_what_was_not_run_is_listed_with_its_reason(leak: None, clean: Audit) -> None:
    def why(report: Report) -> str:
        audit = audit_of(clean.subject, report)
        return next(one.why for one in audit.skipped if one.tool == "planted_leak")

    assert why(clean.report) == "was left out by the investigation"
    noted = clean.report.model_copy(update={"notes": ("Left out: planted, as [it](x) is hard.",)})
    assert r"- Left out: planted, as \[it\](x) is hard." in markdown(blocks_of(audit_of(clean.subject, noted)))
    stopped = clean.report.model_copy(update={"stopped": "time"})
    assert why(stopped) == "the budget of time ran out before"
    assert "incomplete" in outcome_words(audit_of(clean.subject, stopped))
    assert outcome_words(audit_of(clean.subject, report_of(()))) == "Nothing was audited: no check could be run."


def test_a_tool_that_does_not_fit_is_said_to(clean: Audit) -> None:
    from askwhy.tools.registry import find_tool

    subject = text()
    skipped = {one.tool: one for one in audit_of(subject, report_of(())).skipped}
    for name, one in skipped.items():
        assert one.unfit != find_tool(name).fits(subject.schema)


def test_the_evidence_file_does_not_change_with_the_time(clean: Audit, tmp_path: Path) -> None:
    later = clean.report.answer.model_copy(update={"usage": clean.report.answer.usage.model_copy(update={"hops": ()})})
    again_ = audit_of(clean.subject, clean.report.model_copy(update={"answer": later}))
    assert clean.evidence_file == again_.evidence_file
    write_audit(clean, tmp_path / "out")
    content = (tmp_path / "out" / "evidence.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() in (tmp_path / "out" / "audit.html").read_text(encoding="utf-8")


def test_a_folder_holds_what_the_markdown_shows_and_nothing_of_before(clean: Audit, tmp_path: Path) -> None:
    (tmp_path / "figure-09-old.svg").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    written = {path.name for path in write_audit(clean, tmp_path)}
    assert {path.name for path in tmp_path.iterdir()} == written | {"notes.txt"}
    assert {"audit.html", "audit.md", "evidence.json"} < written
    assert all(name in (tmp_path / "audit.md").read_text(encoding="utf-8") for name in written if "figure" in name)


def test_exit_codes(hostile: Audit, clean: Audit) -> None:
    assert exit_code(hostile) == 1 and exit_code(clean) == 0
    stopped = clean.report.model_copy(update={"stopped": "tool calls"})
    assert exit_code(audit_of(clean.subject, stopped)) == 2
    assert exit_code(audit_of(clean.subject, report_of(()))) == 2
    assert exit_code(audit_of(hostile.subject, hostile.report.model_copy(update={"stopped": "time"}))) == 1


def test_the_command_to_run_it_again() -> None:
    source = {"demo": None, "model": "m odel.skops", "data": Path("d.csv"), "id_column": "id", "trust": True,
              "rivals": ("a=b.skops",)}  # fmt: skip
    assert again(source, "openai:x", 3, Limits()) == (
        "askwhy audit --model 'm odel.skops' --data d.csv --id id --trust --rival a=b.skops --llm openai:x --seed 3"
    )
    assert again({}, None, 0, Limits(9, 60.5)) == "askwhy audit --steps 9 --seconds 60.5 --seed 0"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """The command with an investigation that returns (or raises) what it is given."""

    def run(outcome: Report | Exception, audit: Audit, *arguments: str) -> Result:
        def investigate(
            self: Session,
            question: str,
            *,
            recipe: str,
            allowance: Allowance,
            on_step: Callable[[Told], None],
            cancelled: Callable[[], bool],
        ) -> Report:
            assert not cancelled()
            assert recipe == "audit a model" and allowance.tool_calls == 40
            print("a model prints this")
            if isinstance(outcome, Exception):
                raise outcome
            for one in outcome.told:
                on_step(one)
            return outcome

        monkeypatch.setattr(Session, "investigate", investigate)
        monkeypatch.setattr("askwhy.ui.options._built_in", lambda name: audit.subject)
        return CliRunner().invoke(app, ["audit", "credit", "-o", str(tmp_path / "out"), *arguments])

    return run


def test_the_command_writes_prints_and_exits(command: Callable[..., Result], hostile: Audit, tmp_path: Path) -> None:
    result = command(hostile.report, hostile)
    assert result.exit_code == 1, result.stderr
    assert "1 flaw found in 5 checks." in result.stdout and str(tmp_path / "out") in result.stdout.replace("\n", "")
    assert "Leaks and shortcuts: Leaks?" in result.stderr and "a model prints this" not in result.stdout
    assert "askwhy audit --demo credit --seed 0" in (tmp_path / "out" / "audit.md").read_text(encoding="utf-8")


def test_json_is_one_object(command: Callable[..., Result], hostile: Audit, clean: Audit, tmp_path: Path) -> None:
    told_ = json.loads(command(hostile.report, hostile, "--json").stdout)
    assert told_["passed"] is False and told_["checks"] == 5
    assert [one["fact"] for one in told_["findings"]] == ["5.f2"]
    assert Path(told_["files"]["html"]) == tmp_path / "out" / "audit.html"
    result = command(clean.report, clean, "--json", "--seed", "4")
    assert result.exit_code == 0 and json.loads(result.stdout)["passed"] is True


def test_what_cannot_be_run_has_an_exit_code_of_its_own(
    command: Callable[..., Result], clean: Audit, tmp_path: Path
) -> None:
    refused = command(ToolError("bring \x1b[31mlabels"), clean)
    assert refused.exit_code == 2 and "askwhy: bring" in refused.stderr and "\x1b[31m" not in refused.stderr
    (tmp_path / "out").write_text("a file in the way")
    blocked = command(clean.report, clean)
    assert blocked.exit_code == 2 and "could not be written" in blocked.stderr


def test_a_subject_by_place_or_by_option() -> None:
    for arguments in (["credit", "--demo", "credit"], ["a", "b", "c"], ["a", "b", "--data", "c"], []):
        assert CliRunner().invoke(app, ["audit", *arguments]).exit_code == 2
    assert HOSTILE[0] == SCRIPT


def opening(audit: Audit) -> list[str]:
    """The paragraphs of the summary, as Markdown, up to the sheet of particulars."""
    return markdown(blocks_of(audit)).partition("*What was audited")[0].replace("\\", "").split("\n\n")


def test_the_summary_says_what_was_not_found_and_what_was_only_measured() -> None:
    """A tool that looks for flaws and found none stands under what was not found, with a sentence of its own."""
    subject = binary()
    steps = tuple(told(subject, name, f"about {name}") for name in ("describe_model", "score", "reversal"))
    audit = audit_of(subject, report_of(steps))
    assert not audit.findings and outcome_words(audit) == "No flaw was found by 1 check for flaws; 3 checks in all."
    parts = opening(audit)
    not_found, measured = (parts[parts.index(name) + 1] for name in parts if name.endswith("**:"))
    assert excerpt(steps[2], subject.schema) in not_found and "check 3" in not_found
    assert excerpt(steps[1], subject.schema) in measured and "check 2" in measured
    assert "check 1" not in not_found + measured
    assert parts[-2].startswith("**Not looked at**")


def test_what_was_found_comes_before_what_was_not(hostile: Audit) -> None:
    words = "\n\n".join(opening(hostile))
    assert words.index("**Leak**") < words.index("**Also measured")
    assert "**Looked for" not in words


def test_no_language_model_takes_no_rows(clean: Audit) -> None:
    """Nothing is said of the budgets of a language model that had no part in it."""
    source = markdown(blocks_of(clean))
    assert "| Language model | none |" in source and "Tokens" not in source
    answer = clean.report.answer.model_copy(update={"engine": "openai:x"})
    used = audit_of(clean.subject, clean.report.model_copy(update={"answer": answer}))
    assert "| Tokens |" in markdown(blocks_of(used))


def test_titles_are_questions_and_tables_without_rows_are_left_out(clean: Audit) -> None:
    first = clean.report.told[1]
    assert first.evidence.table is not None
    empty = first.evidence.model_copy(update={"table": first.evidence.table.model_copy(update={"rows": ()})})
    one = first.model_copy(update={"title": "how good is the model", "evidence": empty})
    source = markdown(blocks_of(audit_of(clean.subject, report_of((one,)))))
    assert "### 1. How good is the model?\n" in source and "*Table 1." not in source
