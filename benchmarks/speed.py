"""How long each step takes and how much memory it needs: `make bench`.

Made-up sales of a chain (`demandcast sample`, Parquet, default noise) go through ingest, backtest with one window,
train and predict; then the sales of one more day of all series come, and are ingested and forecast. Each step runs in
a process of its own. Models are the ladder and LightGBM with up to four million training rows, two million for each
of the two blocks of the horizon. The last column but one divides the seconds by those of a fixed piece of arithmetic
measured just before, which makes runs on different or busy machines comparable; beside it is the load average at the
end of the step: above the number of processors, others have had a part of the machine, and seconds of all processors
and memory are what tells.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import polars as pl
import yaml

from benchmarks import increment, report
from benchmarks.processes import ROOT, Cost, measured, places
from flows.sample import sales_of, write

STORES = 50
DAYS = {1.0: 730, 10.0: 730, 125.0: 1000}
"""Days of history by millions of rows; others have two years."""
MODELS = ["ladder", {"lightgbm": {"rows": 2_000_000}}]
"""The boosters of four weeks are those of two blocks: four million training rows in all."""
HEAD = ("rows", "series", "step", "seconds", "rows/s", "cpu s", "peak MB", "x reference", "load")
LINE = "{:>12} {:>8}  {:<18} {:>8} {:>9} {:>8} {:>8} {:>12} {:>6}"
PART = "bench"
FILE = ROOT / "docs" / "PERFORMANCE.md"
TITLE = "# Time and memory\n"


def main() -> None:
    """Print one table over all sizes, and with --write put it into docs/PERFORMANCE.md."""
    args = _arguments()
    if args.one:
        _run(Path(args.one[0]), args.one[1])
        return
    if args.increment:
        increment.measured(5_000, 2_000, 3)
        return
    print(LINE.format(*HEAD))
    rows = [row for millions in args.millions for row in _job(millions, args.folder)]
    if args.write:
        report.put(FILE, PART, _document(rows, args.millions), TITLE)


def _job(millions: float, folder: str | None) -> list[tuple[str, ...]]:
    """The rows of one size, printed as they come."""
    days = DAYS.get(millions, 730)
    series = STORES * max(1, round(millions * 1e6 / (STORES * days)))
    found = []
    with tempfile.TemporaryDirectory(dir=folder) as name:
        home = Path(name)
        config = _made(home, series, days)
        count = series * days
        for step, job in (*((s, config) for s in ("ingest", "backtest", "train", "predict")), *_next_day(home, config)):
            what = step if job == config else f"{step}, a day more"
            unit = reference()
            cost = measured([sys.executable, "-m", "benchmarks.speed", "--one", str(job), step], home)
            row = _row(count, series, what, cost, unit)
            print(LINE.format(*row), flush=True)
            found.append(row)
    return found


def _row(count: int, series: int, step: str, cost: Cost, unit: float) -> tuple[str, ...]:
    speed = f"{count / cost.wall:,.0f}"
    return (
        *(f"{count:,}", f"{series:,}", step, f"{cost.wall:.1f}", speed, f"{cost.cpu:.1f}", f"{cost.mb:,.0f}"),
        *(f"{cost.wall / unit:.1f}", f"{os.getloadavg()[0]:.1f}"),
    )


def _made(home: Path, series: int, days: int) -> Path:
    """The config of a job over made-up sales in the folder."""
    sample = write(home, "parquet", stores=STORES, items=series // STORES, days=days, seed=7)
    job = yaml.safe_load(sample.read_text(encoding="utf-8"))
    job |= {"name": "bench", "models": MODELS, "backtest": {"windows": 1, "calibration": 1}}
    return _written(home / "bench.yaml", job | _nested(places(home)))


def _next_day(home: Path, config: Path) -> list[tuple[str, Path]]:
    """The steps of one more day, with the config that reads it: a day that was planned, as it sold a week before.

    It is written on demand, after the first load.
    """
    rows = pl.scan_parquet(sales_of(home, "parquet") / "*.parquet")
    last = rows.filter(pl.col("units").is_not_null()).select(pl.col("date").max()).collect(engine="streaming").item()
    sold = ["units", "stock"]
    week_before = rows.filter(date=last - timedelta(6)).select("store", "item", *sold)
    planned = rows.filter(date=last + timedelta(1)).drop(sold)
    (home / "next").mkdir()
    planned.join(week_before, on=["store", "item"]).collect().write_parquet(home / "next" / "day.parquet")
    job = yaml.safe_load(config.read_text(encoding="utf-8"))
    job["source"]["path"] = str(home / "next")
    later = _written(home / "later.yaml", job)
    return [("ingest", later), ("predict", later)]


def _written(path: Path, job: dict[str, object]) -> Path:
    path.write_text(yaml.safe_dump(job, sort_keys=False), encoding="utf-8")
    return path


def _nested(keys: dict[str, str]) -> dict[str, dict[str, str]]:
    """{section: {key: value}} of dotted names."""
    made: dict[str, dict[str, str]] = {}
    for name, value in keys.items():
        section, key = name.split(".")
        made.setdefault(section, {})[key] = value
    return made


def _run(config: Path, step: str) -> None:
    """Run a step in this process."""
    from forecasting.config import load
    from forecasting.steps import run_step

    run_step(step, load(config))


def reference() -> float:
    """Seconds of a fixed piece of work: the machine's speed at this moment."""
    started = time.perf_counter()
    values = pl.Series(range(3_000_000)).cast(pl.Float64)
    for _ in range(10):
        values = ((values * 1.0001).sqrt() + 1).sort(descending=True)
    return time.perf_counter() - started


def _document(rows: list[tuple[str, ...]], millions: list[float]) -> str:
    sizes = " ".join(f"{m:g}" for m in millions)
    return f"""## The main job

Measured on {time.strftime("%Y-%m-%d")}: {report.machine()}.

    make bench ARGS="--millions {sizes} --write"

{" ".join((__doc__ or "").split(chr(10) * 2)[1].split())} Seconds hold the start of the process; memory is the largest
sum of what its processes held at a time.

{report.table(HEAD, rows)}
"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", default=[1.0], help="rows, in millions: 1, 10, 125 (1)")
    parser.add_argument("--increment", action="store_true", help="one new day on top of ten million rows, alone")
    parser.add_argument("--folder", help="where everything is written for as long as it takes")
    parser.add_argument("--write", action="store_true", help="write the table into docs/PERFORMANCE.md")
    parser.add_argument("--one", nargs=2, metavar=("CONFIG", "STEP"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
