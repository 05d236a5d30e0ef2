"""What a language model is told stands in prompts/ only: no other source holds words that flow into its messages."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

MESSAGES = {"SystemMessage", "HumanMessage", "ChatMessage", "SystemMessagePromptTemplate", "HumanMessagePromptTemplate"}
ROLES = {"system", "developer", "human", "user"}
FEW = 3
"""Words that make a text of what flows into a message; fewer are a separator or a name."""

# How instructions to a model are worded; nothing that askwhy says to people is. A sentence has to begin so.
_INSTRUCTS = re.compile(
    r"(?:^|[.:!?\n]\s*)(?:"
    r"You are (?:an?|the) (?:\w+ ){0,4}(?:assistant|classifier|expert|model|planner|critic|judge)"
    r"|Your task\b"
    r"|(?:Reply|Respond|Answer)(?: again)?(?: to [\w ]+,)? (?:only|with|in one)\b"
    r"|Return only\b|Output only\b"
    r"|Do not (?:explain|answer|apologi[sz]e|invent)\b"
    r"|Think step by step\b"
    r"|(?:Use|Call) (?:the|only the|one of the) tools?\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")


Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


class Source:
    """A module: what its names (by function), attributes and functions may hold."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.values: dict[tuple[int, str], list[ast.expr]] = defaultdict(list)
        self.scopes: dict[int, Scope] = {}
        self.docstrings: set[int] = set()
        self._read(self.tree, self.tree)

    def offences(self) -> Iterator[tuple[int, str]]:
        """Line and text of what should be a prompt file, each once."""
        found = {(line, text) for line, text in self._found() if len(_WORD.findall(text)) >= FEW}
        yield from sorted(found)

    def _found(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            for told in _told(node):
                yield from ((told.lineno, text) for text in self._texts(told, self.scopes[id(node)], frozenset()))
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in self.docstrings:
                text = _literal(node)
                if _INSTRUCTS.search(text):
                    yield node.lineno, text

    def _read(self, node: ast.AST, scope: Scope) -> None:
        """Note what the names below a node may hold. Attributes and functions are looked for in the whole module."""
        self.scopes[id(node)] = scope
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            self.docstrings.add(id(node.value))
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                at = self.tree if isinstance(target, ast.Attribute) else scope
                self.values[id(at), _name(target)].append(node.value)
        if isinstance(node, ast.Return) and node.value is not None and scope is not self.tree:
            self.values[id(self.tree), f"{scope.name}()"].append(node.value)  # type: ignore[union-attr]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            scope = node
            arguments = [*node.args.posonlyargs, *node.args.args]
            defaults = zip(reversed(arguments), reversed(node.args.defaults), strict=False)
            for one, default in [*defaults, *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]:
                self.values[id(scope), one.arg] += [default] if default is not None else []
        for child in ast.iter_child_nodes(node):
            self._read(child, scope)

    def _texts(self, node: ast.expr, scope: Scope, seen: frozenset[tuple[int, str]]) -> Iterator[str]:
        """The literal texts that may be part of a value: those in it, behind its names, and what its calls return."""
        yield _literal(node)
        called = isinstance(node, ast.Call)
        name = f"{_name(node.func)}()" if isinstance(node, ast.Call) else _name(node)
        for key in dict.fromkeys(((id(scope), name), (id(self.tree), name))):
            if not name or key in seen:
                continue
            for value in self.values.get(key, ()):
                inside = self.scopes[id(value)] if called or key[0] == id(self.tree) else scope
                yield from self._texts(value, inside, seen | {key})
        for child in _parts(node):
            yield from self._texts(child, scope, seen)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _literal(node: ast.expr) -> str:
    """The text that stands in a literal, without what is put into it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) for one in node.values if isinstance(one, ast.Constant))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _parts(node: ast.expr) -> list[ast.expr]:
    """The expressions whose text may become part of an expression's."""
    if isinstance(node, ast.JoinedStr):
        return [one.value for one in node.values if isinstance(one, ast.FormattedValue)]
    if isinstance(node, ast.Call):
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return [*owner, *node.args, *(one.value for one in node.keywords)]
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.Subscript):
        return [node.value]
    return [
        one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr) and not isinstance(node, ast.Constant)
    ]


def _told(node: ast.AST) -> list[ast.expr]:
    """The expressions that a node hands to a language model as the words of a message."""
    if isinstance(node, ast.Call) and _name(node.func) in MESSAGES:
        return [*node.args[:1], *(one.value for one in node.keywords if one.arg == "content")]
    if isinstance(node, ast.Dict):
        keys = [one.value if isinstance(one, ast.Constant) else None for one in node.keys]
        return (
            [value for key, value in zip(keys, node.values, strict=True) if key == "content"] if "role" in keys else []
        )
    if isinstance(node, ast.Tuple) and len(node.elts) == 2:
        first = node.elts[0]
        return [node.elts[1]] if isinstance(first, ast.Constant) and first.value in ROLES else []
    return []


def offences(source: str) -> list[str]:
    return [f"line {line}: {text[:80]!r}" for line, text in Source(source).offences()]


def test_only_prompt_files_hold_what_a_model_is_told(root: Path, source_folders: tuple[str, ...]) -> None:
    found = []
    for folder in source_folders:
        for path in sorted((root / folder).rglob("*.py")):
            found += [f"{path.relative_to(root)}: {one}" for one in offences(path.read_text(encoding="utf-8"))]
    assert not found, "move this into prompts/NAME.v1.md:\n" + "\n".join(found)


PLANTED = {
    "a message": "HumanMessage('Tell me the time of day.')",
    "by keyword": "messages.SystemMessage(content=f'Here is the table {table} for you.')",
    "put together": "SystemMessage('Say it ' + which + ' for the reader.')",
    "formatted": "HumanMessage('Facts of the day: {}'.format(facts))",
    "by a constant": "_ASK = 'Facts are listed below.'\nHumanMessage(_ASK.format(facts))",
    "by a variable": "def f(x):\n    text = f'The facts are {x}'\n    return [HumanMessage(text)]",
    "by a function": "def f(x):\n    return f'That was refused: {x}'\ndef g():\n    return HumanMessage(f(3))",
    "by a default": "def f(task='You decide which one it is'):\n    return HumanMessage(prompt.render(task=task))",
    "by an attribute": "def f(self):\n    self.now = 'Now tell me more'\n    HumanMessage(self.now)",
    "a value of a prompt": "HumanMessage(prompt.render(wish='it becomes quite different'))",
    "joined": "HumanMessage('\\n'.join(['Here come the facts', *facts]))",
    "either": "HumanMessage('Say it in short words' if short else text)",
    "a dict": "post({'role': 'user', 'content': 'Is this text true?'})",
    "a pair": "chat.invoke([('system', 'Here is a table.'), ('human', text)])",
    "elsewhere": "TEXT = 'You are a careful assistant who reads tables.'",
    "a reply is wanted": "send(f'{facts}\\nReply with one word, yes or no.')",
    "an answer is wanted": "send('Is it so? Answer with yes or no only.')",
    "a task": "send('Here is a text. Your task: change it a little.')",
}


@pytest.mark.parametrize("source", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_prompt_is_found(source: str) -> None:
    assert offences(source)


FINE = {
    "from a file": "HumanMessage(load('understand').render(task=task, text=json.dumps(text, ensure_ascii=False)))",
    "the user's words": "def f(question):\n    return HumanMessage(question)",
    "a separator": "HumanMessage('\\n- '.join(lines))",
    "a docstring": "def f():\n    '''Reply with one word: what a model is told stands in a file.'''",
    "a docstring of a value": "X = 3\n'''You are a classifier, it says. Reply with one word.'''",
    "words for people": "raise ToolError('Ask a question about the model. You could answer it with a number.')",
    "a reply": "AIMessage('There are 300 of them in the table.')",
    "a role without words": "{'role': one['role'], 'content': str(one['content'])}",
    "a pair of other things": "('feature', 'value of the feature')",
}


@pytest.mark.parametrize("source", FINE.values(), ids=FINE.keys())
def test_what_is_no_prompt_is_left_alone(source: str) -> None:
    assert offences(source) == []
