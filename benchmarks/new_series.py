"""How far new series are from what is forecast for them, and what their bounds hold, on real sales:

    python -m benchmarks.new_series --data ../shared/data

Every fifth of the series that had sold for long is announced at a cutoff as though it were new, another fifth at each
of the three newest; launches that had not sold by a cutoff are announced on their own first day, at each of the sixteen
newest. Hidden series do not begin as launches do, so for these alone the launch curves are left out. `narrowest` is the
WAPE of the same where a series is taken to be as large as its narrowest group sells, the yardstick.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.config import Config, load
from forecasting.data import launch_curves
from forecasting.data.aggregates import group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, InMemory, Panel
from forecasting.data.windows import resolve_cutoff
from forecasting.features.groups import levels
from forecasting.models import cold_start
from forecasting.models.cold_start import series_level
from forecasting.steps import run_step, session

SETS = ("rossmann", "breakfast_frat", "m5", "m5_store_dept", "dominicks_oj")
CONFIGS = Path(__file__).parent.parent / "configs"
HIDDEN, LAUNCHED = 3, 16
"""Cutoffs at which series are hidden, and at which launches are looked for."""
LONG = 8
"""A series has sold for long when it was there so many horizons before."""
FEWEST = 20
"""Launches that are too few to show anything."""
NEVER = 10**9
HEAD = ("data", "series", "cutoffs", "new", "rows", "narrowest", "WAPE", "bias", "80 %", "95 %")
LINE = "{:<15} {:<9} {:>7} {:>6} {:>6}  {:>9} {:>6} {:>6}  {:>6} {:>6}"


def main() -> None:
    """Print one line for hidden series and, where there are enough, one for launches of every data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=beside, metavar="DIR", help="the folder of the data sets")
    data = parser.parse_args().data
    print(LINE.format(*HEAD))
    for name in SETS:
        with tempfile.TemporaryDirectory() as folder:
            for line in lines(name, panel(name, data / name, Path(folder))):
                print(LINE.format(*line), flush=True)


def panel(name: str, source: Path, folder: Path) -> Panel:
    """The panel of a data set, loaded into a folder."""
    places = {"source.path": str(source), "store.root": str(folder), "tracking.uri": f"sqlite:///{folder}/mlflow.db"}
    config = load(CONFIGS / f"{name}.yaml", places)
    run_step("ingest", config)
    return session.open_session(config).panel


def lines(name: str, whole: Panel) -> Iterator[tuple[Any, ...]]:
    """Lines of the table."""
    config, rows = whole.config, pl.concat(pl.collect_all([whole.scan(b) for b in whole.buckets]))
    first = pl.col("ds").filter(pl.col("y").is_not_null()).min().over("unique_id")
    rows = rows.drop("bucket", strict=False).with_columns(first=first).filter(pl.col("ds") >= pl.col("first"))
    newest = resolve_cutoff(whole, None)
    at = [config.frequency.shift(newest, -config.h * (1 + k)) for k in range(LAUNCHED)]
    with patched(launch_curves, "ENOUGH"):
        hidden = forecasts_at([(c, fifth(config, c, k)) for k, c in enumerate(at[:HIDDEN])], whole, rows)
    launched = forecasts_at([(c, pl.col("first") > c) for c in at], whole, rows)
    for kind, cutoffs, found in (("hidden", HIDDEN, hidden), ("launched", LAUNCHED, launched)):
        if found["unique_id"].n_unique() >= FEWEST:
            yield name, kind, cutoffs, *scored(found)


def fifth(config: Config, cutoff: date, k: int) -> pl.Expr:
    """The k-th fifth of the series that had sold for long at the cutoff."""
    long = pl.col("first") <= config.frequency.shift(cutoff, -LONG * config.h)
    return long & (pl.col("unique_id").hash(seed=7) % 5 == k)


def forecasts_at(cutoffs: list[tuple[date, pl.Expr]], whole: Panel, rows: pl.DataFrame) -> pl.DataFrame:
    """Forecasts of the new series at every cutoff at which some begin and enough others are known."""
    found = [forecast_new(whole, rows, cutoff, new) for cutoff, new in cutoffs if begins(whole, rows, cutoff, new)]
    return pl.concat(found).drop_nulls("hi-95") if found else pl.DataFrame(schema={"unique_id": pl.String})


def scored(rows: pl.DataFrame) -> tuple[Any, ...]:
    """Series, rows, WAPE of the narrowest group, WAPE, bias and coverage of both bounds over all cutoffs."""
    sold, yhat = pl.col("sold"), pl.col("yhat")
    found = rows.select(
        series=pl.col("unique_id").n_unique(),
        rows=pl.len(),
        narrowest=(pl.col("narrowest") - sold).abs().sum() / sold.sum(),
        wape=(yhat - sold).abs().sum() / sold.sum(),
        bias=(yhat - sold).sum() / sold.sum(),
        c80=sold.is_between("lo-80", "hi-80").mean(),
        c95=sold.is_between("lo-95", "hi-95").mean(),
    )
    series, days, *shares = found.row(0)
    return series, days, *(f"{share:.3f}" for share in shares)


def begins(whole: Panel, rows: pl.DataFrame, cutoff: date, new: pl.Expr) -> bool:
    """Whether any of the series `new` sells within the horizon."""
    end = whole.config.frequency.shift(cutoff, whole.config.h)
    return not rows.filter(
        new, pl.col("ds").is_between(cutoff, end, closed="right"), pl.col("y").is_not_null()
    ).is_empty()


def forecast_new(whole: Panel, rows: pl.DataFrame, cutoff: date, new: pl.Expr) -> pl.DataFrame:
    """Forecasts of the series `new` at the cutoff where something was sold, and what their narrowest group sells."""
    config = whole.config
    known = rows.filter(pl.col("ds") <= config.frequency.shift(cutoff, config.h), ~new | (pl.col("ds") > cutoff))
    sold = known.filter(new, pl.col("y").is_not_null()).select(*KEY, sold="y")
    blank = [pl.when(~new).then(c).alias(c) for c in ("y", "y_raw")]
    planned = known.with_columns(*blank, flag=pl.when(new).then(pl.lit("ahead")).otherwise("flag")).drop("first")
    past = group_sums(planned.filter(pl.col("ds") <= cutoff), config, levels(config, planned.schema))
    ids = sold.select("unique_id").unique()
    panel = Panel(config, InMemory(planned.sort(KEY)), (0,), InMemory(past))
    cut, again = (Cut(panel, cutoff, config.h) for _ in range(2))
    own = cold_start.similar_series_forecasts(cut, cut.frame(0), ids)
    with patched(series_level, "MIN_SERIES"):
        alone = cold_start.similar_series_forecasts(again, again.frame(0), ids).select(*KEY, narrowest="yhat")
    return own.join(alone, on=KEY).join(sold, on=KEY).drop("source")


@contextmanager
def patched(module: Any, least: str) -> Iterator[None]:
    """So many of something as there never are must be known meanwhile."""
    before = getattr(module, least)
    setattr(module, least, NEVER)
    try:
        yield
    finally:
        setattr(module, least, before)


if __name__ == "__main__":
    main()
