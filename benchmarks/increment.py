"""How long one new day takes on top of a long history: `make bench ARGS=--increment`.

Made-up daily sales of many series are loaded once; then a file with one more day of each is ingested, each time in a
process of its own. Reported are the seconds of the step, those of the whole process with its imports, the peak memory,
and which files of the panel were rewritten (none should be).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import polars as pl

START = date(2019, 1, 1)
CONFIG = """
name: increment
source: {{kind: table, path: {path}, columns: {{unique_id: [store, item], ds: ds, y: y}}}}
freq: 1d
h: 28
columns: {{known_ahead: [price, promo], price: price, promo: promo}}
levels_of_aggregation: [[], [store]]
store: {{root: {folder}/lake}}
"""


def measured(series: int, days: int, news: int) -> None:
    """Print what the first load and `news` loads of one more day take."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "sales.parquet"
        sold(series, 0, days).write_parquet(file)
        print(f"{series * days:,} rows, load average {os.getloadavg()[0]:.1f}")
        measure("first load", folder, file)
        for day in range(days, days + news):
            sold(series, day, day + 1).write_parquet(folder / f"{day}.parquet")
            before = files(folder)
            measure(f"day {day}", folder, folder / f"{day}.parquet")
            after = files(folder)
            lost = "none" if before <= after else f"{len(before - after)} of {len(before)}"
            print(f"  files of the panel rewritten: {lost}, new: {len(after - before)}", flush=True)


def sold(series: int, first: int, end: int) -> pl.DataFrame:
    """Rows of the days first..end - 1 of every series."""
    ids = pl.DataFrame({"k": range(series)}, schema={"k": pl.Int32})
    days = pl.DataFrame({"t": range(first, end)}, schema={"t": pl.Int32})
    rows = ids.join(days, how="cross").with_columns(_n=(pl.col("k") * 7919 + pl.col("t") * 104729) % 1009)
    return rows.select(
        store=pl.format("S{}", pl.col("k") % 50),
        item=pl.format("I{}", pl.col("k") // 50),
        ds=pl.lit(START) + pl.duration(days="t"),
        y=(pl.col("_n") % 17).cast(pl.Float64),
        price=1 + (pl.col("_n") % 5) / 10,
        promo=(pl.col("_n") % 11 == 0).cast(pl.Int8),
    )


def measure(what: str, folder: Path, source: Path) -> None:
    """Ingest a file in a process of its own and print what it took."""
    config = folder / "job.yaml"
    config.write_text(CONFIG.format(path=source, folder=folder), encoding="utf-8")
    place = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "benchmarks.increment", str(config)]
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": place}
    )
    whole = time.perf_counter() - started
    result = json.loads(done.stdout.splitlines()[-1])
    print(f"{what}: {result['seconds']:.1f} s, with imports {whole:.1f} s, peak {result['mb']:,} MB", end="")
    print(
        f", {result['written']:,} rows written of {result['keys']:,}; load average {os.getloadavg()[0]:.1f}", flush=True
    )


def files(folder: Path) -> set[str]:
    """The files that hold the panel, with their times of writing."""
    return {f"{f} {f.stat().st_mtime_ns}" for f in (folder / "lake" / "increment" / "panel").rglob("*.parquet")}


def one(config: str) -> dict[str, float]:
    """Ingest in this process."""
    from forecasting.config import load
    from forecasting.steps import run_step

    job = load(config)
    started = time.perf_counter()
    facts = run_step("ingest", job).facts
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": seconds, "mb": peak, "written": facts["rows_written"], "keys": facts["keys"]}


if __name__ == "__main__":
    print(json.dumps(one(sys.argv[1])))
