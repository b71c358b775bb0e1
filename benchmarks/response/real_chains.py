"""The response on data sets that lie beside the repository: `run` takes a name, and returns what the document tells.

Nobody knows the truth there. What is held against the estimates are their signs, sales after prices that changed later,
and sales of promotions that the plan did not know.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter

import polars as pl

from benchmarks import report
from benchmarks.processes import BESIDE, ROOT, places
from benchmarks.response.real_changes import errors, held_out_changes, hold
from benchmarks.response.real_document import Found, text
from benchmarks.response.real_scenario import ask
from forecasting.config import Config, load
from forecasting.data.cut import Cut
from forecasting.data.panel import Panel
from forecasting.planning.response.history import learn_levers
from forecasting.steps import run_step
from forecasting.steps.session import open_session

DATA = BESIDE / "data"
STORES = {"breakfast_frat": 10, "dominicks_oj": 5}
"""Data sets, and of every how manyth store the scenario is asked."""
HELD_OUT = 4
"""The last of so many parts of the periods is held out."""
LEAST = 5
"""Changes from which a price is known to have moved often."""
LARGE = 0.05
"""A change of more than this share is a large one: prices that are revenue over units waver a little all the time."""


def main(file: Path, title: str, stores: int | None) -> None:
    """Run what is there and print it; written to `file` where nothing is missing and `stores` is not given."""
    began, found = perf_counter(), []
    for name, every in STORES.items():
        if not (DATA / name).exists():
            print(f"{name} is left out: its data are not at {DATA / name}")
            continue
        found.append(run(name, stores or 1, max(stores or every, every)))
        with pl.Config(tbl_cols=-1, tbl_width_chars=200):
            print(found[-1].name, found[-1].scenario, flush=True)
    if not found:
        return
    chapter = text(found, STORES, perf_counter() - began)
    print(chapter)
    if stores is None and len(found) == len(STORES):
        report.put(file, "bench-response-real", chapter, title)


def run(name: str, stores: int, asked: int) -> Found:
    """All three parts of one data set: of every so manyth of the `stores`, the scenario of those `asked`."""
    config_file = ROOT / "configs" / f"{name}.yaml"
    rows = some_stores(pl.read_parquet(DATA / name / "sales_weekly.parquet"), stores)
    with tempfile.TemporaryDirectory(prefix="bench-response-") as folder:
        source = Path(folder) / "sales.parquet"
        rows.write_parquet(source)
        config = load(config_file, places(Path(folder)) | {"source.path": str(source)})
        run_step("ingest", config)
        signs, changes = estimates(config, open_session(config).panel)
    print(signs, changes, flush=True)
    config = load(config_file)
    cutoff = config.frequency.shift(rows["ds"].max(), -config.h)
    with tempfile.TemporaryDirectory(prefix="bench-response-") as folder:
        scenario = ask(config_file, some_stores(rows, max(asked // stores, 1)), cutoff, Path(folder))
    return Found(name, signs, changes, scenario)


def some_stores(rows: pl.DataFrame, every: int) -> pl.DataFrame:
    """The rows of every so manyth store, in the order of their names: markets stay whole."""
    kept = rows["store"].unique().sort().gather_every(every)
    return rows.filter(pl.col("store").is_in(kept.implode()))


def estimates(config: Config, panel: Panel) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Signs of the elasticities of the whole history, and errors of those of the earlier one on later changes."""
    rows = pl.concat(pl.collect_all([panel.scan(b) for b in panel.buckets])).filter(pl.col("y").is_not_null())
    days = rows["ds"].unique().sort()
    last, earlier = days[-1], days[len(days) - 1 - len(days) // HELD_OUT]
    signs = signs_of(learn_levers(Cut(panel, last, config.h)), rows, str(config.columns.price))
    table = learn_levers(Cut(panel, earlier, config.h))
    held = hold(held_out_changes(rows, config, earlier), table, config)
    often = table.filter(pl.col("kind") == "price", pl.col("grain") == "series", pl.col("changes") >= LEAST)
    return signs, errors(held, often["unique_id"])


def signs_of(table: pl.DataFrame, rows: pl.DataFrame, price: str) -> pl.DataFrame:
    """[changes, series, units, own, pooled]: of the series whose price changed LEAST times, at all or by more than
    LARGE, how many there are and how many different own estimates, and which share of own and of pooled elasticities is
    below 0. `rows` [unique_id, ds, price] are those of which the table was learned.
    """
    move = pl.col(price).log().diff().abs() > LARGE
    large = rows.filter(pl.col(price) > 0).sort("ds").group_by("unique_id").agg(large=move.sum())
    of = table.filter(grain="series", kind="price").join(large, on="unique_id", how="left")
    told = {
        "series": pl.len(),
        "units": pl.col("own_estimate").n_unique(),
        "own": (pl.col("own_estimate") < 0).mean(),
        "pooled": (pl.col("estimate") < 0).mean(),
    }
    counts = {"any": "changes", f"more than {LARGE:.0%}": "large"}
    return pl.concat(
        of.filter(pl.col(column) >= LEAST).select(changes=pl.lit(name), **told) for name, column in counts.items()
    )
