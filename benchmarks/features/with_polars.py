"""The features by Polars, file after file, in a pool of processes, as the steps of a job work.

python -m benchmarks.features.with_polars SALES OUT
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks.features.definitions import LAGS, NAMES, PRICE_WINDOW, SERIES, SHIFT, WINDOWS
from forecasting.services.engine.local import LocalEngine


def features() -> list[pl.Expr]:
    """For rows sorted by series and date."""
    units, price = pl.col("units").cast(pl.Float32), pl.col("price").cast(pl.Float32)
    past = units.shift(SHIFT)
    made = [units.shift(n).over(SERIES).alias(f"lag_{n}") for n in LAGS]
    for n in WINDOWS:
        made.append(past.rolling_mean(n, min_samples=1).over(SERIES).alias(f"mean_{n}"))
        made.append(past.rolling_std(n, min_samples=2).over(SERIES).alias(f"std_{n}"))
        made.append(past.rolling_max(n, min_samples=1).over(SERIES).alias(f"max_{n}"))
    made.append((price / price.rolling_mean(PRICE_WINDOW, min_samples=1).over(SERIES)).alias("price_to_mean"))
    return [*made, pl.col("date").dt.weekday().alias("weekday"), pl.col("date").dt.month().alias("month")]


def of_file(out: Path, file: Path) -> int:
    """Make the features of the series of a file, and return the number of rows."""
    rows = pl.read_parquet(file, columns=[*SERIES, "date", "units", "price"]).sort(*SERIES, "date")
    made = rows.with_columns(features()).select(*SERIES, "date", *NAMES)
    made.write_parquet(out / file.name)
    return made.height


def main() -> None:
    """Make the features of all files."""
    sales, out = map(Path, sys.argv[1:3])
    out.mkdir(parents=True)
    print(sum(LocalEngine(2).map(partial(of_file, out), sorted(sales.glob("*.parquet")))))


if __name__ == "__main__":
    main()
