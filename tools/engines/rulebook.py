"""A file of rules that a model must keep, for checking in someone's own tests.

    [[rule]]
    name = "income never hurts"
    feature = "monthly_income"
    direction = "never_falls"        # or "never_rises"
    class = "approved"               # whose probability; needed only where there are several classes

    [[rule]]
    name = "no minors"
    where = [{feature = "age", op = "lt", value = 18}]
    never = "approved"

`where` limits a rule to some rows: all of its conditions must hold.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subject import Subject
from askwhy.tools.value import Value
from askwhy.tools.view import make_view

MAX_BYTES = 1_000_000


class Rule(Value):
    """One rule: a `direction` for a `feature`, or a class that is `never` predicted where the conditions hold."""

    name: str = Field(min_length=1)
    feature: str | None = None
    direction: Literal["never_falls", "never_rises"] | None = None
    cls: str | None = None
    never: str | None = None
    where: tuple[Condition, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Rule:
        monotone = self.feature is not None and self.direction is not None
        if monotone == (self.never is not None) or (self.feature is None) != (self.direction is None):
            raise ValueError("a rule has either a feature with a direction, or a class that is never predicted")
        if self.never is not None and self.cls is not None:
            raise ValueError("a rule with `never` names its class there")
        return self


class Outcome(Value):
    """What became of a rule: whether it was kept, and the evidence."""

    rule: Rule
    kept: bool
    evidence: Evidence

    def count(self, relation: str) -> int:
        """A count of the evidence, 0 where it has none."""
        return sum(int(fact.number()) for fact in self.evidence.all(relation)[:1])


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a TOML file. Raises ToolError with what is wrong and where."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ToolError(f"{path.name} is larger than {MAX_BYTES:,} bytes, which is too much for a file of rules.")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ToolError(f"The rules in {path.name} cannot be read: {error.strerror or error}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ToolError(f"{path.name} is not valid TOML: {error}.") from None
    listed = content.get("rule")
    if not isinstance(listed, list) or not listed or set(content) != {"rule"}:
        raise ToolError(f"{path.name} should hold rules, each under [[rule]], and nothing else.")
    rules = tuple(_rule(one, number, path.name) for number, one in enumerate(listed, 1))
    names = [one.name for one in rules]
    if len(set(names)) < len(names):
        raise ToolError(f"{path.name}: every rule needs a name of its own.")
    return rules


def _rule(content: Any, number: int, file: str) -> Rule:
    if isinstance(content, dict) and "class" in content:
        content = {"cls" if key == "class" else key: value for key, value in content.items()}
    try:
        return Rule.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ToolError(f"{file}, rule {number}{f', {where}' if where else ''}: {first['msg']}.") from None


def check_rule(subject: Subject, rule: Rule, evaluate: Evaluator, seed: int) -> Outcome:
    """Check one rule on the data and by search. Raises ToolError for names that the subject does not have."""
    view = make_view(subject, Scope(where=Where.of(*rule.where)), evaluate, seed)
    if rule.never is not None:
        evidence = _run("forbidden", view, never=rule.never)
    else:
        evidence = _run("policy", view, feature=rule.feature, direction=rule.direction, cls=rule.cls)
    broken = evidence.all("breaking") or evidence.all("found_broken")
    return Outcome(rule=rule, kept=not broken, evidence=evidence)


def _run(name: str, view: Any, **arguments: Any) -> Evidence:
    tool = find_tool(name)
    if not tool.fits(view.schema):
        raise ToolError("This model predicts no classes, so a rule cannot forbid one.")
    return tool(view, **arguments)
