"""Subjects put together by hand that have another model beside their own, or rules around it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pandas as pd

from askwhy.tools.decision import Decision
from askwhy.tools.predictor import Predictor
from askwhy.tools.subject import Rival, Subject


def with_rival(subject: Subject, **calls: Callable[[pd.DataFrame], Any]) -> Subject:
    """The subject with functions of its columns as other models; underscores of their names become blanks."""
    names = {name.replace("_", " "): call for name, call in calls.items()}
    schema = subject.schema.model_copy(update={"rivals": tuple(names)})
    rivals = tuple(Rival(name, Predictor(call, schema, schema.names)) for name, call in names.items())
    return dataclasses.replace(subject, schema=schema, rivals=rivals, id=f"{subject.id} and {', '.join(names)}")


def with_decision(subject: Subject, decision: Decision) -> Subject:
    """The subject with rules that make a final decision."""
    schema = subject.schema.model_copy(update={"decision": decision})
    return dataclasses.replace(subject, schema=schema, id=f"{subject.id} decided by {decision.content_hash()}")
