"""Sample files: `write(folder, kind, stores=, items=, days=, seed=)` simulates a chain and returns the path of
sample.yaml.

It writes sales (a CSV, or Parquet files) and the config that reads them into the folder, which it makes; all four sizes
are needed. A large chain is drawn in parts, of which one is in memory at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from forecasting.config import load
from forecasting.data import sources
from forecasting.errors import UserError

Kind = Literal["csv", "parquet"]
ROWS = 2_000_000
"""About so many rows are drawn at a time."""

SYNTHETIC = """\
name: sample
source:
  kind: synthetic
  options: {{stores: {stores}, items: {items}, first_item: {first_item}, days: {days}, seed: {seed}}}
freq: 1d
h: 28
columns: {{known_ahead: [price, promo, open], known_after: [stock], static: [store, item, category]}}
calendar: {{country: DE}}
"""

JOB = """\
# A job that reads the sales in this folder. To try it:  demandcast run {file}
name: sample
source:
  kind: table
  path: {sales}
  columns: {{unique_id: [store, item], ds: date, y: units}}   # for a file of yours: put its column names here
freq: 1d                # 1d, 1w, 1mo, 1q or 1y
h: 28                   # days to forecast
columns:
  known_ahead: [price, promo, open]    # known for future days: the last 28 days of the sales have them, and no units
  known_after: [stock]                 # known only afterwards
  static: [category]                   # the same on all days of a series
  price: price
  promo: promo
  open: open
  stock: stock
levels_of_aggregation: [[], [store], [category]]    # aggregates that are forecast too: the total, ...
calendar: {{country: DE}}
models:
  - ladder              # naive models, which the others have to beat
  - lightgbm: {{}}
store: {{root: {folder}/lake}}
tracking: {{uri: "sqlite:///{folder}/mlflow.db", artifacts: {folder}/mlartifacts}}
"""


def write(folder: Path, kind: Kind = "csv", **size: int) -> Path:
    """Write sales.csv, or the folder sales of Parquet files, and sample.yaml into the folder; the path of the YAML.

    `size` gives stores, items, days and seed. Raises UserError for impossible sizes and when the folder cannot be
    made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written ({error.strerror}); choose another folder") from None
    file = folder / "sample.yaml"
    sales = sales_of(folder, kind)
    (_write_csv if kind == "csv" else _write_parquet)(sales, _parts(file, size))
    file.write_text(JOB.format(file=file, sales=sales, folder=folder), encoding="utf-8")
    return file


def sales_of(folder: Path, kind: Kind) -> Path:
    """Where `write` puts the sales."""
    return folder / ("sales.csv" if kind == "csv" else "sales")


def _write_csv(path: Path, parts: Iterator[pl.DataFrame]) -> None:
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as out:
        for n, part in enumerate(parts):
            part.write_csv(out, include_header=n == 0)
    unfinished.replace(path)


def _write_parquet(folder: Path, parts: Iterator[pl.DataFrame]) -> None:
    """Replace the folder when all parts are there; raises UserError where it holds anything else than such parts."""
    if folder.exists() and not all(path.match("part-*.parquet") for path in folder.iterdir()):
        raise UserError(f"{folder} holds other files than those of a sample: choose another --out")
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    for n, part in enumerate(parts):
        part.write_parquet(unfinished / f"part-{n:04}.parquet")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _parts(file: Path, size: dict[str, int]) -> Iterator[pl.DataFrame]:
    """The sales of some items after the other, in all stores."""
    at_once = max(1, ROWS // max(1, size["stores"] * size["days"]))
    starts = range(0, size["items"], at_once) or [0]  # no items: the source says that it is impossible
    for first in starts:
        part = size | {"items": min(at_once, size["items"] - first), "first_item": first}
        yield _simulated_sales(file, part)


def _simulated_sales(file: Path, size: dict[str, int]) -> pl.DataFrame:
    """[date, store, item, category, units, price, promo, open, stock] of the simulated chain, day by day."""
    file.write_text(SYNTHETIC.format(**size), encoding="utf-8")
    long = sources.load(load(file)).long
    integers = pl.col("y", "stock").cast(pl.Int64)
    columns = (pl.col("ds").alias("date"), "store", "item", "category", pl.col("y").alias("units"))
    return long.sort("ds", "unique_id").with_columns(integers).select(*columns, "price", "promo", "open", "stock")
