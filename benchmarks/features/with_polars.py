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
    """Of a series whose days are in order."""
    units, price = pl.col("units").cast(pl.Float32), pl.col("price").cast(pl.Float32)
    past = units.shift(SHIFT)
    made = [units.shift(n).alias(f"lag_{n}") for n in LAGS]
    for n in WINDOWS:
        made.append(past.rolling_mean(n, min_samples=1).alias(f"mean_{n}"))
        made.append(past.rolling_std(n, min_samples=2).alias(f"std_{n}"))
        made.append(past.rolling_max(n, min_samples=1).alias(f"max_{n}"))
    made.append((price / price.rolling_mean(PRICE_WINDOW, min_samples=1)).alias("price_to_mean"))
    return [*made, pl.col("date").dt.weekday().alias("weekday"), pl.col("date").dt.month().alias("month")]


def of_file(out: Path, file: Path) -> int:
    """Make the features of the series of a file, and return the number of rows.

    Dates are sorted and series gathered: to sort names of stores and items takes longer than all features.
    """
    rows = pl.read_parquet(file, columns=[*SERIES, "date", "units", "price"]).sort("date", maintain_order=True)
    series = rows.group_by(SERIES, maintain_order=True).agg("date", *features())
    made = series.explode(pl.exclude(SERIES)).select(*SERIES, "date", *NAMES)
    made.write_parquet(out / file.name, compression="snappy")  # as the other engines do
    return made.height


def main() -> None:
    """Make the features of all files."""
    sales, out = map(Path, sys.argv[1:3])
    out.mkdir(parents=True)
    print(sum(LocalEngine(2).map(partial(of_file, out), sorted(sales.glob("*.parquet")))))


if __name__ == "__main__":
    main()
