"""The three statistical models of the best peers, their mean and their median: what they cost on one core.

    PYTHON statsforecast_cost.py FOLDER        PYTHON being one that has statsforecast and polars

Reads frame.parquet and spec.json of benchmarks.pipeline, writes Ens3_mean.parquet and Ens3_median.parquet (unique_id,
ds, cutoff, yhat and bounds).
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

SEASONS = {"1d": 7, "1w": 52, "1mo": 12}
LEVEL = [80, 95]
COLUMNS = ["", *(f"-{side}-{level}" for side in ("lo", "hi") for level in LEVEL)]
"""How the columns of a model's forecast go on after its name."""


def forecast(rows: pl.DataFrame, spec: dict[str, Any]) -> pl.DataFrame:
    """Fit and predict at every cutoff: a column for each model and bound."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoCES, AutoETS, DynamicOptimizedTheta

    season, found = SEASONS[spec["freq"]], []
    models = [AutoETS(season), AutoCES(season), DynamicOptimizedTheta(season)]
    for cutoff in map(date.fromisoformat, spec["cutoffs"]):
        known = rows.filter(pl.col("ds") <= cutoff).select("unique_id", "ds", "y")
        forecasts = StatsForecast(models, spec["freq"], n_jobs=1).forecast(spec["h"], known, level=LEVEL)
        found.append(forecasts.with_columns(cutoff=pl.lit(cutoff)))
    return pl.concat(found)


def combined(forecasts: pl.DataFrame, how: str) -> pl.DataFrame:
    """The mean or the median of the three, of every bound as well."""
    names = ("AutoETS", "CES", "DynamicOptimizedTheta")
    lists = {end.strip("-") or "yhat": pl.concat_list([f"{name}{end}" for name in names]) for end in COLUMNS}
    return forecasts.select(
        "unique_id", "ds", "cutoff", **{name: getattr(of.list, how)() for name, of in lists.items()}
    )


def main(folder: Path) -> None:
    """Read, fit, predict, write."""
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    forecasts = forecast(pl.read_parquet(folder / "frame.parquet").drop_nulls("y"), spec)
    for how in ("mean", "median"):
        combined(forecasts, how).write_parquet(folder / f"Ens3_{how}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
