"""The signature of a bundle (fitted models and quantile table): its input and output columns, in MLflow's format too.

`render_mlmodel` takes an artifact path, the id of a run and a Signature (two Polars schemas) and returns the text of an
MLmodel file, without writing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

MLFLOW_TYPES: dict[object, str] = {
    pl.String: "string",
    pl.Float64: "double",
    pl.Float32: "float",
    pl.Int64: "long",
    pl.Boolean: "boolean",
    pl.Date: "datetime",
    pl.Datetime: "datetime",
}


@dataclass(frozen=True)
class Signature:
    """Columns that a bundle takes and columns that it returns, with their types."""

    inputs: pl.Schema
    outputs: pl.Schema


def mlflow_types(schema: pl.Schema) -> dict[str, str]:
    """MLflow's type name of each column; integers other than Int64 are "integer"."""
    return {name: MLFLOW_TYPES.get(dtype.base_type(), "integer") for name, dtype in schema.items()}


def render_mlmodel(path: str, run_id: str, signature: Signature) -> str:
    """The text of an MLmodel file (YAML): artifact path, run and signature of a model."""
    from mlflow.models import Model, ModelSignature

    described = ModelSignature(
        inputs=_mlflow_schema(mlflow_types(signature.inputs)), outputs=_mlflow_schema(mlflow_types(signature.outputs))
    )
    return str(Model(artifact_path=path, run_id=run_id, signature=described).to_yaml())


def _mlflow_schema(types: Mapping[str, str]) -> Any:
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(kind, name) for name, kind in types.items()])
