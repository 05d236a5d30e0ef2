"""What can be asked."""

from __future__ import annotations

from askwhy.tools.evidence import Evidence, Fact, Table
from askwhy.tools.registry import tool, tools
from askwhy.tools.view import View


@tool(
    needs="nothing",
    asks=(
        "what can you do?",
        "what can I ask?",
        "help",
        "who are you?",
        "what are you capable of?",
        "how does this work, what kinds of questions do you understand?",
        "what is askwhy?",
        "give me some example questions",
    ),
    says=(
        "I am askwhy: I answer questions about this model by running it, and check every sentence before you see it.",
        "There are {abilities} kinds of questions, from what the model predicts and why to where it goes wrong; "
        "the table lists them.",
    ),
)
def abilities(view: View) -> Evidence:
    """What kinds of questions can be asked about this model."""
    known = tools(view.schema)
    rows = tuple((name, _first_sentence(one.description)) for name, one in known.items())
    return Evidence(
        facts=(Fact(relation="abilities", value=len(known), unit="count"),),
        method="list of the registered tools",
        table=Table(columns=("kind", "what it answers"), rows=rows),
    )


def _first_sentence(description: str) -> str:
    return " ".join(description.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")
