"""mlforecast with LightGBM on the windows of a benchmark: what the settings of the best peers cost.

    PYTHON mlforecast_cost.py FOLDER [WINDOWS]      PYTHON being one that has mlforecast, polars and lightgbm

Reads frame.parquet and spec.json of benchmarks.pipeline, writes mlforecast.parquet (unique_id, ds, cutoff, yhat). The
settings are the best that others found by hand, as far as PEERS.md gives them for a data set; the rest is a plain use.
With WINDOWS it makes conformal intervals from so many calibration windows before each cutoff as well (one more fit and
so many more forecasts), and writes mlforecast-intervals.parquet with bounds, too.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

LAGS = {"1d": [1, 2, 3, 7, 14, 21, 28, 35, 42, 364], "1w": [1, 2, 3, 4, 8, 13, 26, 52], "1mo": [1, 2, 3, 4, 5, 6, 12]}
ROLLING = {"1d": [7, 28, 91], "1w": [4, 13, 26, 52], "1mo": [3, 6, 12]}
DATES = {"1d": ["weekday", "day", "month", "week"], "1w": ["week", "month"], "1mo": ["month", "year"]}
SEASONS = {"1d": 7, "1w": 52, "1mo": 12}


@dataclass(frozen=True)
class Setting:
    """Trees, leaves and objective; `log`: of log(1 + y); `scaled`: each series standardised; `direct`: no lag is below
    the horizon, so that no forecast feeds on another one.
    """

    objective: str = "tweedie"
    power: float = 1.1
    trees: int = 400
    leaves: int = 31
    log: bool = False
    scaled: bool = False
    direct: bool = False

    @property
    def params(self) -> dict[str, Any]:
        """What LGBMRegressor takes."""
        size = {"n_estimators": self.trees, "num_leaves": self.leaves}
        return size | {"objective": self.objective, "tweedie_variance_power": self.power, "learning_rate": 0.05}


SETTINGS = {
    "rossmann": Setting("l1", trees=900, leaves=127, log=True, direct=True),
    "breakfast_frat": Setting("l2", log=True, leaves=63),
    "m5": Setting(power=1.1, leaves=63),
    "m5_store_dept": Setting("l2", scaled=True),
    "dominicks_oj": Setting(direct=True, leaves=31),
    "carparts": Setting(power=1.2, trees=200, direct=True),
}


def filled(rows: pl.DataFrame, spec: dict[str, Any]) -> pl.DataFrame:
    """Every series without gaps up to the last day: y 0 where there is no row, drivers as they were before."""
    end = rows["ds"].max()
    ends = rows.select("unique_id").unique().with_columns(ds=pl.lit(end))
    whole = pl.concat([rows, ends.join(rows, on=["unique_id", "ds"], how="anti")], how="diagonal")
    whole = whole.sort("unique_id", "ds").upsample("ds", every=spec["freq"], group_by="unique_id", maintain_order=True)
    drivers = [*spec["ahead"], *spec["static"]]
    known = pl.col("unique_id").forward_fill()
    filled = [pl.col(c).forward_fill().backward_fill().over("unique_id").fill_null(0) for c in drivers]
    return whole.with_columns(known, pl.col("y").fill_null(0)).with_columns(filled)


def forecaster(spec: dict[str, Any], setting: Setting, longest: int) -> Any:
    """The MLForecast of a setting; no lag is longer than the longest history."""
    import numpy as np
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean, SeasonalRollingMean
    from mlforecast.target_transforms import GlobalSklearnTransformer, LocalStandardScaler
    from sklearn.preprocessing import FunctionTransformer

    freq, season = spec["freq"], SEASONS[spec["freq"]]
    least = spec["h"] if setting.direct else 1
    candidates = {*LAGS[freq], *range(least, least + 4), *(season * i for i in range(1, 12 if season == 7 else 3))}
    lags = sorted(lag for lag in candidates if least <= lag < longest)
    rolling = [RollingMean(n, min_samples=1) for n in ROLLING[freq]]
    if season == 7:
        rolling += [SeasonalRollingMean(7, n, min_samples=1) for n in (4, 8)]
    logs = GlobalSklearnTransformer(FunctionTransformer(np.log1p, np.expm1))
    transforms = [*([logs] if setting.log else []), *([LocalStandardScaler()] if setting.scaled else [])]
    model = LGBMRegressor(**setting.params, verbosity=-1)
    return MLForecast(
        model, freq, lags, lag_transforms={least: rolling}, date_features=DATES[freq], target_transforms=transforms
    )


def lengthened(rows: pl.DataFrame, spec: dict[str, Any], least: int) -> pl.DataFrame:
    """Every series with at least so many periods, those before its first with y 0: mlforecast calibrates none of them
    where one is shorter than the windows.
    """
    first = rows.group_by("unique_id", maintain_order=True).agg(pl.len(), pl.all().exclude("unique_id", "len").first())
    short = first.filter(pl.col("len") < least)
    older = pl.int_ranges(1, pl.lit(least + 1) - pl.col("len"))
    count, unit = int(spec["freq"][0]), pl.lit(spec["freq"][1:])
    back = pl.col("ds").dt.offset_by(pl.format("-{}{}", pl.col("_back") * count, unit))
    added = short.with_columns(_back=older).explode("_back").with_columns(back, y=pl.lit(0, rows.schema["y"]))
    return pl.concat([rows, added.select(rows.columns)]).sort("unique_id", "ds")


def forecast(rows: pl.DataFrame, spec: dict[str, Any], windows: int = 0) -> pl.DataFrame:
    """Fit and predict at every cutoff; with bounds where they are to be made from so many calibration windows."""
    from mlforecast.utils import PredictionIntervals

    intervals = PredictionIntervals(n_windows=windows, h=spec["h"]) if windows else None
    setting, found = SETTINGS.get(spec["data"], Setting()), []
    for cutoff in map(date.fromisoformat, spec["cutoffs"]):
        known, coming = rows.filter(pl.col("ds") <= cutoff), rows.filter(pl.col("ds") > cutoff)
        known = lengthened(known, spec, windows * spec["h"] + 1) if windows else known
        used = forecaster(spec, setting, known.group_by("unique_id").len()["len"].max())
        columns = {"id_col": "unique_id", "time_col": "ds", "target_col": "y", "static_features": spec["static"]}
        used.fit(known, **columns, dropna=False, prediction_intervals=intervals)
        coming = coming.join(known.select("unique_id").unique(), on="unique_id", how="semi")
        future = coming.select("unique_id", "ds", *spec["ahead"]) if spec["ahead"] else None
        forecasts = used.predict(spec["h"], X_df=future, level=spec["level"] if windows else None)
        called = {c: c.replace("LGBMRegressor-", "") for c in forecasts.columns} | {"LGBMRegressor": "yhat"}
        found.append(forecasts.rename(called).with_columns(cutoff=pl.lit(cutoff)))
    return pl.concat(found)


def main(folder: Path, windows: int = 0) -> None:
    """Read, fit, predict, write."""
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    rows = filled(pl.read_parquet(folder / "frame.parquet"), spec)
    name = "mlforecast-intervals" if windows else "mlforecast"
    forecast(rows, spec, windows).write_parquet(folder / f"{name}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
