"""The same twelve features of made-up sales by several engines: `make bench-features`.

Each engine reads the same Parquet files and writes its features, in a process of its own, one after the other. Reported
are seconds on the clock and of all processors, rows per second and the peak memory. Engines other than Polars run in
the Python that --peers names (with duckdb, pyspark and mlforecast; PySpark needs Java, Debian's default-jre-headless).
What they made is compared with what Polars made: an engine that makes other numbers is left out.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks import report
from benchmarks.features.definitions import NAMES
from benchmarks.processes import Cost, measured, stop
from benchmarks.speed import FILE, TITLE
from flows.sample import sales_of, write

HERE = Path(__file__).parent
STORES, DAYS = 50, 730
ENGINES = {"DuckDB": "with_duckdb.py", "PySpark": "with_spark.py", "mlforecast": "with_mlforecast.py"}
PART = "bench-features"
LINE = "| {:>11} | {:<10} | {:>8} | {:>8} | {:>11} | {:>8} | {:>6} |"
HEAD = ("rows", "engine", "seconds", "cpu s", "rows/s", "peak MB", "ratio")
ALIKE = 1e-4
"""Relative difference of sums up to which numbers are the same: engines add in single or double precision."""


def main() -> None:
    """Print a table, one row per size and engine, and with --write put it into docs/PERFORMANCE.md."""
    args = _arguments()
    print(LINE.format(*HEAD))
    rows: list[tuple[str, ...]] = []
    for millions in args.millions:
        with tempfile.TemporaryDirectory(dir=args.folder) as name:
            rows += _compare(Path(name), millions, args.peers)
    if args.write:
        report.put(FILE, PART, _document(rows, args.millions), TITLE)


def _compare(folder: Path, millions: float, peers: str | None) -> Iterator[tuple[str, ...]]:
    """The rows of one size, printed as they come."""
    items = max(1, round(millions * 1e6 / (STORES * DAYS)))
    write(folder, "parquet", stores=STORES, items=items, days=DAYS, seed=7)
    sales = sales_of(folder, "parquet")
    found = pl.scan_parquet(sales / "*.parquet")
    rows = found.select(pl.len()).collect().item()
    last = found.filter(pl.col("units").is_not_null()).select(pl.col("date").max()).collect(engine="streaming").item()
    ours = folder / "Polars"
    mine = measured([sys.executable, "-m", "benchmarks.features.with_polars", str(sales), str(ours)], folder)
    yield _table_row(rows, "Polars", mine, mine)
    sums = _sums(ours, last)
    for engine, script in ENGINES.items() if peers else ():
        out = folder / engine
        cost = measured([str(peers), str(HERE / script), str(sales), str(out)], folder)
        _require_alike(engine, sums, _sums(out, last))
        yield _table_row(rows, engine, cost, mine)
        shutil.rmtree(out) if out.is_dir() else out.unlink()


def _table_row(rows: int, engine: str, cost: Cost, mine: Cost) -> tuple[str, ...]:
    cpu = "-" if engine == "PySpark" else f"{cost.cpu:.1f}"  # its machine is no child that is waited for
    speed, ratio = f"{rows / cost.wall:,.0f}", f"{cost.wall / mine.wall:.1f}"
    row = (f"{rows:,}", engine, f"{cost.wall:.1f}", cpu, speed, f"{cost.mb:,.0f}", ratio)
    print(LINE.format(*row), flush=True)
    return row


def _document(rows: list[tuple[str, ...]], millions: list[float]) -> str:
    sizes = " ".join(f"{m:g}" for m in millions)
    return f"""## Features by several engines

Measured on {time.strftime("%Y-%m-%d")}: {report.machine()}.

    make bench-features ARGS="--millions {sizes} --peers PYTHON --write"

{" ".join((__doc__ or "").split(chr(10) * 2)[1].split())} The last column is the time over that of Polars.

{report.table(HEAD, rows)}
"""


def _sums(out: Path, last: date) -> dict[str, float]:
    """The sum of each feature over the rows that all engines have: those of days with sales."""
    files = out if out.is_file() else out / "*.parquet"
    rows = pl.scan_parquet(files)
    present = [c for c in NAMES if c in rows.collect_schema()]
    known = rows.filter(pl.col("date") <= last).select(pl.col(present).cast(pl.Float64).fill_nan(None).sum())
    return known.collect(engine="streaming").row(0, named=True)


def _require_alike(engine: str, ours: dict[str, float], theirs: dict[str, float]) -> None:
    for name, value in theirs.items():
        if abs(value - ours[name]) > ALIKE * abs(ours[name]):
            stop(f"{engine} makes another {name}: its sum is {value:,.1f}, that of Polars {ours[name]:,.1f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 10], help="rows, in millions (1 10)")
    parser.add_argument("--peers", help="a Python with duckdb, pyspark and mlforecast")
    parser.add_argument("--folder", help="where the made-up sales are written for as long as it takes")
    parser.add_argument("--write", action="store_true", help="write the table into docs/PERFORMANCE.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
