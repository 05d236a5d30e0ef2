"""Tools: one decorated function each; its signature is the schema.

    @tool(asks=("how many {entities} are there?",), says=("There are {count} {entities}.",))
    def count(view: View) -> Evidence:
        '''Number of rows.'''
        return Evidence(facts=(Fact(relation="count", value=len(view.rows), unit="count"),))

The parameters after `view` are the arguments that a language model may give: plain types, `Literal`s, `FeatureName`,
`ClassName` and tuples of these. The step's scope (rows, instance, changes) is applied before the tool is called.

`asks` are example questions with slots: {row} {feature} {feature2} {number} {category} {class} {entity} {entities}
{subset} {text} {word} {k}; an `Ask` also fixes arguments. `says` are sentence patterns, see `askwhy.agent.verbalize`;
`askwhy.tools.says` marks those for one kind of reader.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope, arguments_of
from askwhy.tools.view import View

FeatureName = Annotated[str, "feature"]
"""An argument that names a feature; labels and aliases are accepted, tools get the column's name."""

ClassName = Annotated[str, "class"]
"""An argument that names a class; labels and aliases are accepted, tools get the class's name."""

NameKind = Literal["feature", "class"]
Needs = Literal["nothing", "any", "rows", "instance", "changes"]
"""nothing: the scope does not matter and is dropped; any: a selection, be it empty; rows: at least one row."""
Says = tuple[str | tuple[str, ...], ...]
Section = Literal[
    "What the model is", "How well it does", "What it relies on", "Leaks and shortcuts", "Groups", "Labels", "Stability"
]
"""The sections of an audit, in their order."""

_PACKAGES = ("askwhy.tools.table", "askwhy.tools.text")


@dataclass(frozen=True)
class Ask:
    """An example question, with the arguments it means."""

    text: str
    arguments: tuple[tuple[str, Any], ...] = ()


def ask(text: str, **arguments: Any) -> Ask:
    """An example question that fixes some arguments."""
    return Ask(text, tuple(sorted(arguments.items())))


@dataclass(frozen=True)
class Tool:
    """A registered tool. `needs` is what its scope must hold; `code` is the hash of its source file.

    drafts: whether it tries texts that a language model wrote (`View.drafts`), where one is configured.
    audit: the section of an audit to which it belongs, run on all rows without arguments. A fault of the model or of
    its data that it is sure of is a fact of relation "flaw", whose value names the kind ("leak", "shortcut", ...).
    """

    name: str
    description: str
    function: Callable[..., Evidence]
    arguments: type[BaseModel]
    asks: tuple[Ask, ...]
    says: Says
    needs: Needs
    fits: Callable[[Schema], bool]
    code: str
    named: tuple[tuple[str, NameKind], ...]
    drafts: bool = False
    audit: Section | None = None

    def __reduce__(self) -> tuple[object, ...]:
        # Our own tools travel to the worker by name, those registered elsewhere whole.
        if self.function.__module__.startswith("askwhy."):
            return find_tool, (self.name,)
        return Tool, tuple(getattr(self, field.name) for field in dataclasses.fields(self))

    def checked(self, schema: Schema, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments, validated, with names resolved to the data's own. Raises ToolError."""
        try:
            valid = self.arguments.model_validate(arguments)
        except ValidationError as error:
            raise ToolError(f"{self.name}: {_first_problem(error)}") from None
        kinds = dict(self.named)
        given = {name: getattr(valid, name) for name in type(valid).model_fields}
        return {name: _resolved(schema, kinds.get(name), value) for name, value in given.items()}

    def __call__(self, view: View, **arguments: Any) -> Evidence:
        """Run on a view; the evidence says what was run. Raises ToolError for what the user can put right."""
        if self.needs == "instance" and not view.scope.has_instance:
            raise ToolError(f"Say which {view.schema.entity} you mean, by its id.")
        if self.needs == "changes" and not view.scope.changes:
            raise ToolError("Say what should be changed, and to what.")
        if self.needs not in ("nothing", "any") and not len(view.rows):
            raise ToolError(f"No {view.schema.entities} match, so there is nothing to compute.")
        given = self.checked(view.schema, arguments)
        found = self.function(view, **given)
        return _completed(found, self, view, given)


_TOOLS: dict[str, Tool] = {}


def tool(
    *,
    asks: tuple[str | Ask, ...],
    says: Says,
    needs: Needs = "rows",
    fits: Callable[[Schema], bool] = lambda schema: True,
    drafts: bool = False,
    audit: Section | None = None,
) -> Callable[[Callable[..., Evidence]], Tool]:
    """Register a function as a tool under its own name; see the module's docstring."""

    def register(function: Callable[..., Evidence]) -> Tool:
        name = function.__name__.strip("_")
        if not function.__module__.startswith("askwhy."):
            _load()  # so that a clash with one of ours is found here and not when ours are loaded
        made = Tool(
            name=name,
            description=inspect.cleandoc(function.__doc__ or ""),
            function=function,
            arguments=_arguments(name, function),
            asks=tuple(one if isinstance(one, Ask) else Ask(one) for one in asks),
            says=says,
            needs=needs,
            fits=fits,
            code=_code_hash(function),
            named=_named(function),
            drafts=drafts,
            audit=audit,
        )
        known = _TOOLS.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ValueError(f"two tools are named {name!r}: in {known.function.__module__} and {function.__module__}")
        _TOOLS[name] = made
        return made

    return register


def tools(schema: Schema | None = None) -> dict[str, Tool]:
    """Every registered tool by name, or those that fit a schema."""
    _load()
    ordered = {name: _TOOLS[name] for name in sorted(_TOOLS)}
    return {name: one for name, one in ordered.items() if schema is None or one.fits(schema)}


def find_tool(name: str) -> Tool:
    """The tool of this name; ToolError if there is none."""
    _load()
    if name not in _TOOLS:
        raise ToolError(f"There is no tool {name!r}; there are: {', '.join(tools())}.")
    return _TOOLS[name]


def unregister(name: str) -> None:
    """Forget a tool (for tests and notebooks that register their own)."""
    _TOOLS.pop(name, None)


@functools.cache
def _load() -> None:
    for package in _PACKAGES:
        module = importlib.import_module(package)
        for found in pkgutil.iter_modules(module.__path__):
            importlib.import_module(f"{package}.{found.name}")


def _arguments(name: str, function: Callable[..., Evidence]) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return create_model(name, __config__=ConfigDict(extra="forbid", frozen=True), **fields)


def _code_hash(function: Callable[..., Evidence]) -> str:
    """Hash of the tool's source; for ours, of everything below tools/, since a tool stands on shared engines."""
    try:
        source = inspect.getsource(inspect.getmodule(function) or function)
    except (OSError, TypeError):
        source = function.__code__.co_code.hex()
    shared = _package_hash() if function.__module__.startswith("askwhy.") else ""
    return hashlib.sha256((shared + source).encode()).hexdigest()[:16]


@functools.cache
def _package_hash() -> str:
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _named(function: Callable[..., Evidence]) -> tuple[tuple[str, NameKind], ...]:
    hints = get_type_hints(function, include_extras=True)
    return tuple((name, kind) for name, hint in hints.items() if name != "return" and (kind := names_kind(hint)))


def names_kind(annotation: Any) -> NameKind | None:
    """Whether an argument's type names features or classes, however deep (`tuple[FeatureName, ...] | None`)."""
    if get_origin(annotation) is Annotated:
        for mark in annotation.__metadata__:
            if mark == "feature":
                return "feature"
            if mark == "class":
                return "class"
    return next((kind for part in get_args(annotation) if (kind := names_kind(part))), None)


def _resolved(schema: Schema, kind: NameKind | None, value: Any) -> Any:
    if kind is None or value is None:
        return value
    if isinstance(value, tuple):
        return tuple(dict.fromkeys(_resolved(schema, kind, one) for one in value))
    return schema.feature(value).name if kind == "feature" else schema.class_label(value).name


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else str(problem["msg"])


def _completed(found: Evidence, made: Tool, view: View, arguments: dict[str, Any]) -> Evidence:
    facts = tuple(
        fact if fact.id else fact.model_copy(update={"id": f"f{number}"}) for number, fact in enumerate(found.facts, 1)
    )
    update = {
        "facts": facts,
        "caveats": tuple(dict.fromkeys((*found.caveats, *view.caveats))),
        "tool": made.name,
        "arguments": arguments_of(arguments),
        "scope": Scope() if made.needs == "nothing" else view.scope,
        "seed": view.seed,
        "subject": view.subject.id,
        "code": made.code,
    }
    return found.model_copy(update=update)
