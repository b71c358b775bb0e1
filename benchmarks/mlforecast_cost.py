"""mlforecast with LightGBM on the windows of a benchmark: what a fair, plain use of it costs.

    PYTHON mlforecast_cost.py FOLDER        PYTHON being one that has mlforecast, polars and lightgbm

Reads frame.parquet and spec.json of benchmarks.pipeline, writes mlforecast.parquet (unique_id, ds, cutoff, yhat). Lags,
rolling means, the calendar and all columns known ahead; 400 trees of 31 leaves, 900 of 127 where there are many rows.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

LAGS = {"1d": [1, 2, 3, 7, 14, 21, 28, 35, 42, 364], "1w": [1, 2, 3, 4, 8, 13, 26, 52], "1mo": [1, 2, 3, 4, 5, 6, 12]}
ROLLING = {"1d": [7, 28, 91], "1w": [4, 13, 26], "1mo": [3, 6, 12]}
DATES = {"1d": ["weekday", "day", "month", "week"], "1w": ["week", "month"], "1mo": ["month", "year"]}
MANY = 1_000_000
TWEEDIE = {"objective": "tweedie", "tweedie_variance_power": 1.1, "learning_rate": 0.05, "verbosity": -1}


def filled(rows: pl.DataFrame, spec: dict[str, Any]) -> pl.DataFrame:
    """Every series without gaps up to the last day: y 0 where nothing is told, drivers as they were before."""
    end = rows["ds"].max()
    ends = rows.select("unique_id").unique().with_columns(ds=pl.lit(end))
    whole = pl.concat([rows, ends.join(rows, on=["unique_id", "ds"], how="anti")], how="diagonal")
    whole = whole.sort("unique_id", "ds").upsample("ds", every=spec["freq"], group_by="unique_id", maintain_order=True)
    drivers = [*spec["ahead"], *spec["static"]]
    known = pl.col("unique_id").forward_fill()
    told = [pl.col(c).forward_fill().backward_fill().over("unique_id").fill_null(0) for c in drivers]
    return whole.with_columns(known, pl.col("y").fill_null(0)).with_columns(told)


def forecast(rows: pl.DataFrame, spec: dict[str, Any]) -> pl.DataFrame:
    """Fit and predict at every cutoff."""
    import lightgbm as lgb
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean

    freq, found = spec["freq"], []
    size = {"n_estimators": 900, "num_leaves": 127} if rows.height > MANY else {"n_estimators": 400, "num_leaves": 31}
    for cutoff in map(date.fromisoformat, spec["cutoffs"]):
        known, coming = rows.filter(pl.col("ds") <= cutoff), rows.filter(pl.col("ds") > cutoff)
        shortest = known.group_by("unique_id").len()["len"].max()
        lags = [lag for lag in LAGS[freq] if lag < shortest]
        rolling = {1: [RollingMean(n, min_samples=1) for n in ROLLING[freq]]}
        model = MLForecast(
            lgb.LGBMRegressor(**size, **TWEEDIE), freq, lags, lag_transforms=rolling, date_features=DATES[freq]
        )
        model.fit(
            known, id_col="unique_id", time_col="ds", target_col="y", static_features=spec["static"], dropna=False
        )
        coming = coming.join(known.select("unique_id").unique(), on="unique_id", how="semi")
        future = coming.select("unique_id", "ds", *spec["ahead"]) if spec["ahead"] else None
        said = model.predict(spec["h"], X_df=future).rename({"LGBMRegressor": "yhat"})
        found.append(said.with_columns(cutoff=pl.lit(cutoff)))
    return pl.concat(found)


def main(folder: Path) -> None:
    """Read, fit, predict, write."""
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    rows = filled(pl.read_parquet(folder / "frame.parquet"), spec)
    forecast(rows, spec).write_parquet(folder / "mlforecast.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
