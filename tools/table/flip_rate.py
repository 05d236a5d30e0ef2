"""Whether the decision would be different if only one attribute were: every other value tried, directly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from askwhy.tools.engines.grid import grid, sweep
from askwhy.tools.engines.groups import good_class
from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.truth import SMALL_N, Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Table, Unit
from askwhy.tools.predictor import Outputs
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.scope import Scalar
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import plain
from askwhy.tools.table.statistic import shown
from askwhy.tools.view import View
