"""Letters to the person a prediction is about: the output, confirmed reasons, next steps, what it is and is not.

The facts come from the tool `letter_reasons`, which tries every reason on the model; the sentences are its own. Here
are the step that fetches them and the frame of the letter.
"""

from __future__ import annotations

from askwhy.agent.plan import Step
from askwhy.tools.errors import ToolError
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Argument

TOOL = "letter_reasons"
"""The tool that finds what a letter may say."""

ABOUT_ONE = ("explain", "predict", "contrast", "likelihood", "counterfactual", "explain_decision", TOOL)
"""Steps about one row that a letter can stand for."""

OPENERS = ("confirmed_effect", "confirmed_effect_output", "withheld", "none_confirmed", "goal", "unreached")
"""Relations that begin a new paragraph where a sentence says them first."""

CLOSING = (
    "This letter is about the model's output for the values it was given, and about nothing else.",
    "Every sentence of it was checked on the model.",
)


def letter_step(step: Step, schema: Schema) -> Step:
    """The step that finds what a letter about the same row may say. ToolError where no letter can be written."""
    if schema.modality == "text":
        raise ToolError("Letters can be written where the model reads a table; ask for the reasons in plain words.")
    if step.tool not in ABOUT_ONE:
        raise ToolError(f"A letter gives the reasons for one prediction: ask for a letter to one {schema.entity}.")
    if not step.scope.has_instance:
        raise ToolError(f"Say which {schema.entity} the letter goes to, by its id.")
    k, keep = step.argument("k"), step.argument("keep")
    given = [Argument(name="k", value=min(k, 4))] if isinstance(k, int) else []
    given += [Argument(name="keep", value=keep)] if isinstance(keep, tuple) and keep else []
    return step.model_copy(update={"tool": TOOL, "arguments": tuple(given)})
