"""Sample files: `write(folder, stores=, items=, days=, seed=)` simulates a chain and returns the path of sample.yaml.

It writes sales.csv and the config that reads it into the folder, which it makes; all four sizes are needed.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from forecasting.config import load
from forecasting.data import sources
from forecasting.errors import UserError

SYNTHETIC = """\
name: sample
source: {{kind: synthetic, options: {{stores: {stores}, items: {items}, days: {days}, seed: {seed}}}}}
freq: 1d
h: 28
columns: {{known_ahead: [price, promo, open], known_after: [stock], static: [store, item, category]}}
calendar: {{country: DE}}
"""

JOB = """\
# A job that reads the CSV in this folder. To try it:  demandcast run {file}
name: sample
source:
  kind: table
  path: {csv}
  columns: {{unique_id: [store, item], ds: date, y: units}}   # for a file of yours: put its column names here
freq: 1d                # 1d, 1w, 1mo, 1q or 1y
h: 28                   # days to forecast
columns:
  known_ahead: [price, promo, open]    # known for future days: the last 28 days of the CSV have them, and no units
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


def write(folder: Path, **size: int) -> Path:
    """Write sales.csv and sample.yaml into the folder and return the path of the YAML.

    `size` gives stores, items, days and seed. Raises UserError for impossible sizes and when the folder cannot be
    made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written ({error.strerror}); choose another folder") from None
    file, csv = folder / "sample.yaml", folder / "sales.csv"
    _simulated_sales(file, size).write_csv(csv)
    file.write_text(JOB.format(file=file, csv=csv, folder=folder), encoding="utf-8")
    return file


def _simulated_sales(file: Path, size: dict[str, int]) -> pl.DataFrame:
    """[date, store, item, category, units, price, promo, open, stock] of the simulated chain, day by day."""
    file.write_text(SYNTHETIC.format(**size), encoding="utf-8")
    long = sources.load(load(file)).long
    integers = pl.col("y", "stock").cast(pl.Int64)
    columns = (pl.col("ds").alias("date"), "store", "item", "category", pl.col("y").alias("units"))
    return long.sort("ds", "unique_id").with_columns(integers).select(*columns, "price", "promo", "open", "stock")
