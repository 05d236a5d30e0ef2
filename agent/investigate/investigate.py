"""An investigation: a language model or a recipe chooses the steps, tools find, templates tell, the verifier reads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from askwhy.agent.bounds import Abandoned, heeding
from askwhy.agent.investigate.allowance import Allowance
from askwhy.agent.investigate.chains import Chain
from askwhy.agent.investigate.clauses import clauses_of
from askwhy.agent.investigate.graph import run_graph
from askwhy.agent.investigate.notebook import Notebook
from askwhy.agent.investigate.recipes import RECIPES, recipe_for, row_in
from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.investigate.script import Hops, RecipeChat, heard
from askwhy.agent.investigate.telling import reported
from askwhy.agent.plan import Step
from askwhy.prompts import load
from askwhy.tools.errors import ToolError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from askwhy.agent.session import Session

_FAILED = "The language model did not finish the investigation, so the rest follows fixed steps."
_NO_USE = "The language model chose no steps, so these are fixed ones."
_TOO_FEW = "The language model looked into less than was asked, so fixed steps come first, then its own."
_LEFT_OUT = "The language model left out something that was surely asked, so fixed steps come first, then its own."
_FEWEST_OF_RECIPE = 2
_log = logging.getLogger(__name__)


def investigate(
    session: Session,
    question: str,
    *,
    recipe: str | None = None,
    allowance: Allowance | None = None,
    on_step: Callable[[Told], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """Look into a question in as many steps as it needs, within an allowance. Never raises for what a model does.

    recipe: the name of a fixed list of steps (`RECIPES`), None for the language model's choice; without a language
    model the recipe that fits the question, or its clauses one after the other. on_step hears of each step as it is
    found. Raises ToolError for a recipe that does not exist.
    """
    if recipe is not None and recipe not in RECIPES:
        raise ToolError(f"There is no recipe “{recipe}”; there are: {', '.join(RECIPES)}.")
    allowed = allowance or Allowance()
    notebook = Notebook(
        subject=session.subject, runner=session.runner, allowance=allowed, on_step=on_step or (lambda told: None),
        cancelled=cancelled, deadline=time.monotonic() + allowed.seconds, tab=session.meter.tab(),
    )  # fmt: skip
    work = _Work(session, question, notebook)
    if recipe is None and session.online:
        work.ask_model(session.model)
    if work.needs_steps:
        work.follow(recipe)
    session.subject = notebook.subject
    return reported(session, question, notebook, work.recipe, work.engine)


@dataclass
class _Work:
    """Who chooses the steps: the language model first, fixed ones where it is none, fails or finds nothing."""

    session: Session
    question: str
    notebook: Notebook
    recipe: str = ""
    engine: str = ""
    needs_steps: bool = True
    own_last: bool = False

    def ask_model(self, model: BaseChatModel) -> None:
        """Let the language model choose; `needs_steps` says whether anything is left to do."""
        from askwhy.agent.listing import variables
        from askwhy.agent.llm import engine_name

        prompt, notebook = load("investigate"), self.notebook
        allowed = notebook.allowance
        system = prompt.render(
            **variables(notebook.subject.schema),
            model_calls=str(allowed.model_calls),
            tool_calls=str(allowed.tool_calls),
        )
        self.engine = engine_name(model)
        failed = False
        try:
            with heeding(notebook.cancelled):
                run_graph(model, system, self.question, notebook)
        except Abandoned:
            notebook.stopped = notebook.over()
        except Exception as error:  # each provider's package has its own errors
            _log.warning("%s failed with %s in an investigation", self.engine, type(error).__name__)
            failed = True
            notebook.stopped = notebook.stopped or notebook.over()
        if notebook.stopped in ("cancelled", "time") or len(notebook.told) >= notebook.allowance.tool_calls:
            self.needs_steps = False
            return
        few = len(notebook.told) < self._fewest()
        self.needs_steps = failed or few or self._left_out()
        if self.needs_steps:
            self.own_last = bool(notebook.told) and not failed
            own = _TOO_FEW if few else _LEFT_OUT
            notebook.notes.append(_FAILED if failed else own if self.own_last else _NO_USE)
            notebook.stopped = None

    def _fewest(self) -> int:
        """The fewest steps that can answer the question: one for each of its clauses."""
        named = recipe_for(self.question, by_name=True) is not None
        return max(len(clauses_of(self.question)), _FEWEST_OF_RECIPE if named else 1)

    def _left_out(self) -> bool:
        """Whether the clauses of the question, as the embedded engine reads them without a doubt, are about something
        that no step of the language model was about."""
        notebook, chain = self.notebook, Chain(self.question, self.notebook.subject)
        if recipe_for(self.question, by_name=True) is not None:
            return False
        apart = notebook.apart()
        chat = RecipeChat(subject_schema=notebook.subject.schema, hops=chain, name="recipe")
        try:
            run_graph(chat, "", self.question, apart, metered=False)
        except Exception:  # the language model's own steps are there
            _log.exception("a question could not be followed clause by clause")
            return False
        if chain.notes() or chat.skipped or apart.stopped is not None:
            return False
        return not {_subject_of(one.step) for one in apart.told} <= {_subject_of(one.step) for one in notebook.told}

    def follow(self, recipe: str | None) -> None:
        """The steps of a recipe, or of the question's clauses."""
        notebook, schema = self.notebook, self.notebook.subject.schema
        self.engine = f"{self.engine} -> recipe" if self.engine else "recipe"
        notebook.order, notebook.finished, notebook.failed = (), False, False
        notebook.counted = notebook.repairs = 0
        notebook.tool_calls = len(notebook.told)  # calls that failed or said the same again have cost nothing
        try:
            hops = self._hops(recipe)
        except ToolError as error:
            notebook.notes.append(str(error))
            return
        chat = RecipeChat(subject_schema=schema, hops=hops, name="recipe")
        try:
            # Where the budget ended it, the script has not heard what its last calls came to.
            chat.heard.update(heard(run_graph(chat, "", self.question, notebook, metered=False)))
        except Exception:  # a bug of ours must not cost the reader what was found
            _log.exception("a recipe could not be followed to its end")
            notebook.notes.append("The steps could not be followed to the end.")
        notebook.order = self._order(hops, chat)
        notebook.notes += [f"Left out: {name} ({reason})." for name, reason in chat.skipped.items()]
        if isinstance(hops, Chain):
            notebook.notes += hops.notes()

    def _order(self, hops: Hops, chat: RecipeChat) -> tuple[int, ...]:
        """The steps in the order of the recipe: after what a language model had run before, unless that was too little
        to go by, and before what came last and was not heard of."""
        named = [chat.heard[hop.name].step for hop in hops(chat.heard) if hop.name in chat.heard]
        named = [number for number in named if number]
        rest = [number for number in range(1, len(self.notebook.told) + 1) if number not in named]
        first = [] if self.own_last else [number for number in rest if number < max(named, default=0)]
        return (*first, *named, *(number for number in rest if number not in first))

    def _hops(self, recipe: str | None) -> Hops:
        subject = self.notebook.subject
        chain = Chain(self.question, subject)
        named = recipe or recipe_for(self.question, by_name=True)
        row = row_in(self.question, subject)
        if named is None and not (chain.several or chain.picks):
            named = recipe_for(self.question)
            if named == "prepare a decline" and row is None:
                named = None  # "how many are declined" asks for no letter
        if named is None:
            return chain
        self.recipe = named
        return RECIPES[named](subject, row)


def _subject_of(step: Step) -> tuple[str, str | None, bool]:
    """What a step looks into: its tool, its row, and whether it is about some rows only, whichever these are."""
    return step.tool, step.scope.row, bool(step.scope.where)
