"""How long monitor takes on many served forecasts: `python -m benchmarks.monitoring [ROWS]`, 3 million by default.

Made-up daily sales of a thousand series with eighteen further columns are loaded and forecast, and the forecasts are
put into the table `predictions` over and over. Reported are seconds and memory of the step, and sizes of its reports.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from forecasting.config import load
from forecasting.services.store import Store
from forecasting.steps import run_step
from forecasting.steps.session import open_session

SERIES, DAYS, H = 1_000, 450, 28
LAST = date(2024, 6, 30)
COLUMNS = [f"x{number:02d}" for number in range(18)]
ROWS = 3_000_000


def sold() -> pl.DataFrame:
    """[id, ds, y, x00, x01, ...]: one row per series and day."""
    rng, n = np.random.default_rng(0), SERIES * DAYS
    days = pl.date_range(LAST - timedelta(DAYS - 1), LAST, eager=True)
    level = np.repeat(rng.gamma(3, 10, SERIES), DAYS)
    names = np.repeat([f"s{number:04d}" for number in range(SERIES)], DAYS)
    frame = pl.DataFrame({"id": names, "ds": pl.concat([days] * SERIES), "y": level * rng.gamma(8, 1 / 8, n)})
    return frame.with_columns(pl.Series(name, rng.normal(0, 1, n)) for name in COLUMNS)


def job(folder: Path) -> dict[str, object]:
    """The config of the job."""
    columns = {"unique_id": ["id"], "ds": "ds", "y": "y"}
    return {
        "name": "bench",
        "source": {"path": str(folder / "sales.parquet"), "columns": columns},
        "freq": "1d",
        "h": H,
        "columns": {"known_after": COLUMNS},
        "models": ["ladder"],
        "backtest": {"windows": 2, "calibration": 1},
        "store": {"root": str(folder / "lake")},
        "tracking": {"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": str(folder / "mlartifacts")},
    }


def serve(store: Store, rows: int) -> None:
    """Put the published forecasts of the champion into `predictions`, an hour each time, until there are so many."""
    champion = store.scan("vintages").collect()["champion"][0]
    published = store.scan("forecasts").filter(pl.col("grain") == "series", pl.col("model") == champion).collect()
    schema = store.tables["predictions"].schema
    blank = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in published.columns]
    for hour in range(-(-rows // published.height)):
        part = published.head(min(published.height, rows - hour * published.height)).with_columns(blank)
        at = datetime(2024, 6, 3, tzinfo=UTC) + timedelta(hours=hour)
        key = pl.format("{}-{}", pl.lit(str(hour)), pl.int_range(pl.len()))
        when = {"served_at": pl.lit(at), "day": pl.lit(at.date()), "hour": pl.lit(at.hour), "id": key, "request": key}
        store.append("predictions", part.with_columns(**when).select(pl.col(n).cast(k) for n, k in schema.items()))


def main(rows: int) -> None:
    """Print what the step takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sold().write_parquet(folder / "sales.parquet")
        (folder / "job.yaml").write_text(yaml.safe_dump(job(folder)))
        config = load(folder / "job.yaml")
        run_step("ingest", config)
        for step in ("backtest", "train", "predict"):
            run_step(step, config, LAST - timedelta(H))
        serve(open_session(config).store, rows)
        print(f"{rows:,} served rows, {len(COLUMNS) + 1} columns, load average {os.getloadavg()[0]:.1f}")
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        run_step("monitor", config)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            f"monitor: {time.perf_counter() - started:.1f} s, {cpu:.1f} s of processors, {after.ru_maxrss >> 10:,} MB"
        )
        for file in sorted((folder / "lake/bench/reports").iterdir()):
            print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
