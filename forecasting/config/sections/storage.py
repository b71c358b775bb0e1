"""Sections about where results are kept: StoreConfig (the Delta tables) and Tracking (runs and bundles in MLflow).

Declarations only. A bundle is one folder with the fitted models and the quantile table of a training.
"""

from __future__ import annotations

from pydantic import Field

from forecasting.config.declarations import Section
from forecasting.config.value_types import Buckets, StrictInt


class StoreConfig(Section):
    """Where the tables are kept."""

    root: str = Field(
        default="data/lake", description="Folder or s3://... below which each job has a folder of its name."
    )
    buckets: Buckets = Field(
        default="auto", description="Number of buckets of series, fixed by the first load; auto: by the number of rows."
    )
    retention: StrictInt = Field(
        default=30,
        ge=0,
        description="Days for which old versions of the tables stay readable; `maintain` removes older ones, and keeps "
        "at least those of one day.",
    )


class Tracking(Section):
    """Where runs and bundles are registered."""

    uri: str = Field(default="sqlite:///data/mlflow.db", description="Address of the MLflow database or server.")
    artifacts: str = Field(default="data/mlartifacts", description="Folder of MLflow's files.")
