"""What the model is and how it came about."""

from __future__ import annotations

from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import tool
from askwhy.tools.view import View


@tool(
    needs="nothing",
    audit="What the model is",
    asks=(
        "what model is this?",
        "which model are you using?",
        "how was the model trained?",
        "tell me about the model",
        "describe the model",
        "what kind of classifier is it?",
        "what does the model predict?",
        "what algorithm is behind this?",
        "how many {entities} was it trained on?",
        "which classes does the model know?",
        "what can the model predict?",
    ),
    says=(
        "The model is {model_name}.",
        "The model is a function of {inputs_unnamed:one one feature/its features} that came without a name.",
        "It predicts {outcome}, one of {classes} classes: [class*: {cls}].",
        "It predicts {quantity}, a number, from {inputs:one one feature/the features}.",
        "It was trained on {trained} {entities} of the data; {held_out:one one was/the other} {held_out} were held "
        "out to test it.",
        "Nothing in the data marks which of the {unmarked} {entities} it was trained on.",
        "[note*: {value}]",
        "It can be compared with [rival*: {value}].",
        "It gives classes only, no probabilities, for {hard:one a row/its rows}.",
    ),
)
def describe_model(view: View) -> Evidence:
    """What the model is: its kind, what it predicts, how many rows it was trained on, notes of its maker."""
    subject, schema = view.subject, view.schema
    inputs = len(schema.features)
    facts = []
    if subject.model_name:
        facts.append(Fact(relation="model_name", value=subject.model_name, unit=""))
    else:
        facts.append(Fact(relation="inputs_unnamed", value=inputs, unit="count"))
    facts.append(Fact(relation="inputs", value=inputs, unit="count"))
    facts += _outcome(view)
    held = int(subject.held_out.sum())
    if held:
        facts.append(Fact(relation="trained", value=len(subject.data) - held, unit="count"))
        facts.append(Fact(relation="held_out", value=held, unit="count"))
    else:
        facts.append(Fact(relation="unmarked", value=len(subject.data), unit="count"))
    facts += [Fact(relation="note", value=note, unit="") for note in subject.notes]
    facts += [Fact(relation="rival", value=one.name, unit="") for one in subject.rivals]
    if subject.predictor.hard:
        facts.append(Fact(relation="hard", value=len(subject.data), unit="count"))
    return Evidence(facts=tuple(facts), method="description of the model")


def _outcome(view: View) -> list[Fact]:
    schema = view.schema
    if view.subject.regression:
        return [Fact(relation="quantity", value=schema.target.label, unit="")]
    return [
        Fact(relation="outcome", value=schema.target.label, unit=""),
        Fact(relation="classes", value=len(schema.classes), unit="count"),
        *(Fact(relation="class", value=label.name, unit="class", cls=label.name) for label in schema.classes),
    ]
