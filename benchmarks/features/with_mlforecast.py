"""The features by mlforecast, which needs all rows in memory; without that of the price, as it transforms the target.

python with_mlforecast.py SALES OUT      (a Python that has mlforecast; nothing else of this repository is used)
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Read, make the features, write."""
    import polars as pl
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMax, RollingMean, RollingStd

    sales, out = map(Path, sys.argv[1:3])
    rows = pl.read_parquet(sales / "*.parquet", columns=["store", "item", "date", "units"])
    named = rows.select(
        unique_id=pl.concat_str("store", "item", separator="/"), ds="date", y=pl.col("units").cast(pl.Float32)
    ).drop_nulls("y")
    kinds = {"mean": (RollingMean, 1), "std": (RollingStd, 2), "max": (RollingMax, 1)}
    transforms = [kind(n, min_samples=least) for n in (7, 28) for kind, least in kinds.values()]
    features = MLForecast(
        models=[], freq="1d", lags=[7, 14, 28], lag_transforms={7: transforms}, date_features=["weekday", "month"]
    )
    made = features.preprocess(named, static_features=[], dropna=False)
    renamed = {"ds": "date"} | {f"lag{n}": f"lag_{n}" for n in (7, 14, 28)}
    for what, (_, least) in kinds.items():
        renamed |= {f"rolling_{what}_lag7_window_size{n}_min_samples{least}": f"{what}_{n}" for n in (7, 28)}
    out.mkdir(parents=True)
    made.rename(renamed).write_parquet(out / "features.parquet")


if __name__ == "__main__":
    main()
