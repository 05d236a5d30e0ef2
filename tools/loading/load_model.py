"""Model files. What can run code when it is loaded needs the user's word for it (`--trust`).

Order of trust: ONNX, xgboost's and lightgbm's own formats, skops with the types below; pickle and joblib never without
`--trust`. Even the trusted parsers are native code, so a file is first loaded in a process of its own: a file that
crashes it, hangs or eats memory is refused by name and harms nothing here.
"""

from __future__ import annotations

import importlib
import os
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from askwhy.tools.errors import ToolError
from askwhy.tools.loading.text_models import HUB_NAME, brief, read_hub, read_transformers

MAX_BYTES = 2 * 1024**3
"""A model file, and a skops archive unpacked."""

_SUFFIXES = frozenset({".skops", ".onnx", ".json", ".ubj", ".txt", ".pkl", ".pickle", ".joblib", ".bin", ".pt"})
_MAX_MEMBERS = 200_000
_SECONDS = 120
_MEMORY = 8 * 1024**3
_REFUSED = 3
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")

# What skops does not trust by itself and a fitted model of these libraries holds. Each was read: its construction
# fills in numbers and runs no code of the file. Functions are such as scikit-learn applies to columns.
TRUSTED = frozenset(
    {
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "numpy.dtype",
        "numpy.mean",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
    }
)


def load_model(source: str | Path, *, trust: bool = False, rehearse: bool = True) -> Any:
    """The model in a file, a folder of transformers, on the hub (OWNER/NAME) or at `module:object`.

    Raises ToolError for what is not allowed or cannot be read.

    trust: pickle, joblib and module:object may run any code; False refuses them. rehearse: load in a child first.
    """
    path = Path(source)
    if path.is_dir():
        return read_transformers(path)
    if _on_the_hub(path):
        return read_hub(str(source))
    if not path.exists() and _REFERENCE.fullmatch(str(source)):
        return _referenced(str(source), trust)
    read = _reader(path)
    if read in (_read_pickle, _read_joblib):
        if not trust:
            raise ToolError(
                f"{path.name} is a pickle, and loading one can run any code. If you trust who made it, say so with "
                "--trust; better, save the model with skops (skops.io.dump) or as ONNX."
            )
    elif rehearse:
        _rehearse(path)
    return read(path)


def _on_the_hub(path: Path) -> bool:
    """Whether this can only be a name on the hub: with a folder of the owner's name here, it is a missing file."""
    return bool(HUB_NAME.fullmatch(str(path)) and path.suffix.lower() not in _SUFFIXES and not path.parent.exists())


def _reader(path: Path) -> Callable[[Path], Any]:
    from askwhy.tools.loading.boosters import read_lightgbm, read_xgboost
    from askwhy.tools.loading.onnx_model import read_onnx

    readers: dict[str, Callable[[Path], Any]] = {
        ".skops": read_skops, ".onnx": read_onnx, ".json": read_xgboost, ".ubj": read_xgboost, ".txt": read_lightgbm,
        ".pkl": _read_pickle, ".pickle": _read_pickle, ".joblib": _read_joblib,
    }  # fmt: skip
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise ToolError(f"There is no model file {path}.") from error
    if path.suffix.lower() not in readers:
        raise ToolError(f"{path.name} is no known kind of model file; known are {', '.join(readers)}.")
    if size > MAX_BYTES:
        raise ToolError(f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} are read.")
    if not size:
        raise ToolError(f"{path.name} is empty.")
    return readers[path.suffix.lower()]


def read_skops(path: Path) -> Any:
    """A skops archive of trusted types only. Raises ToolError naming the types that are not, before any is built."""
    _check_archive(path)
    import skops.io

    try:
        untrusted = sorted(set(skops.io.get_untrusted_types(file=path)) - TRUSTED)
    except Exception as error:  # a crafted archive fails in ways that skops does not foresee
        raise ToolError(f"{path.name} is not a readable skops file: {brief(error)}") from error
    if untrusted:
        shown = ", ".join(untrusted[:5]) + (" ..." if len(untrusted) > 5 else "")
        raise ToolError(f"{path.name} holds types that are not allowed in a model file: {shown}.")
    try:
        return skops.io.load(path, trusted=sorted(TRUSTED))
    except Exception as error:  # as above
        raise ToolError(f"{path.name} could not be loaded: {brief(error)}") from error


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ToolError(f"{path.name} is not a readable skops file: {brief(error)}") from error
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_BYTES or len(members) > _MAX_MEMBERS:
        raise ToolError(f"{path.name} unpacks to {unpacked:,} bytes in {len(members):,} parts, more than is read.")


def _read_pickle(path: Path) -> Any:
    import pickle

    return _trusted_load(path, lambda: pickle.loads(path.read_bytes()))


def _read_joblib(path: Path) -> Any:
    import joblib

    return _trusted_load(path, lambda: joblib.load(path))


def _trusted_load(path: Path, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except Exception as error:  # unpickling may raise anything
        raise ToolError(f"{path.name} could not be loaded: {brief(error)}") from error


def _referenced(reference: str, trust: bool) -> Any:
    if not trust:
        raise ToolError(f"{reference} would run Python code of yours; say so with --trust.")
    module_name, _, attribute = reference.partition(":")
    here = os.getcwd()
    if here not in sys.path:  # as `python -m` does
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # the user's module may raise anything
        raise ToolError(f"{reference} could not be loaded: {brief(error)}") from error
    return found


def _rehearse(path: Path) -> None:
    command = [sys.executable, "-P", "-m", "askwhy.tools.loading.load_model", str(path.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{path.name} was not loaded within {_SECONDS} seconds.") from error
    if done.returncode == _REFUSED:
        raise ToolError(done.stdout.strip())
    if done.returncode:
        raise ToolError(f"{path.name} crashed the process that loaded it, so it is refused (exit {done.returncode}).")


def main() -> int:
    """Load one file, as a rehearsal: 0 if it loads, 3 with the reason on standard output if it is refused."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    path = Path(sys.argv[1])
    try:
        _reader(path)(path)
    except ToolError as error:
        print(error)
        return _REFUSED
    except MemoryError:
        print(f"{path.name} needs more than {_MEMORY:,} bytes of memory to load.")
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
