"""Does a job that is killed again and again end as an undisturbed one, and how much is done twice?

    python -m benchmarks.kills                    20 kills of a job of 100,000 rows
    python -m benchmarks.kills --kills 5 --series 8 --days 300

The job (ingest, backtest, train, predict) runs in a process that kills itself with SIGKILL right before or behind one
of its own writes, which a seed draws; the same command then goes on and is killed again, until it comes to its end. All
tables must then hold what an undisturbed run has written. A unit of work is a bucket that is rebuilt or forecast, or a
model that is fitted; what was begun twice is counted as repeated.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("ingest", "backtest", "train", "predict")
CONFIG = """
name: kills
source: {{kind: synthetic, options: {{stores: {stores}, items: {items}, days: {days}, seed: 3}}}}
freq: 1d
h: 14
columns: {{known_ahead: [price, promo, open], known_after: [stock], static: [store, item, category],
          price: price, promo: promo, open: open, stock: stock}}
levels_of_aggregation: [[], [store]]
calendar: {{country: DE}}
future: {{price: last, promo: 0, open: same_weekday}}
backtest: {{windows: 2, calibration: 2}}
models: [ladder, {{lightgbm: {{trees: 15, params: {{min_data_in_leaf: 10, num_leaves: 15}}}}}}, ensemble]
store: {{root: {folder}/lake, buckets: {buckets}}}
tracking: {{uri: "sqlite:///{folder}/mlflow.db", artifacts: {folder}/mlartifacts}}
"""
OF_THE_RUN = ("published_at", "first_seen", "loaded", "run_at", "load", "data_version", "rows_written")
"""Columns with times and numbers of the run itself."""
POINTERS = {"vintages": ["forecasts_version"], "loads": ["panel", "series", "groups", "events", "meta", "quarantine"]}
"""Columns that hold versions of other tables, of which a killed run leaves more."""


@dataclass(frozen=True)
class Size:
    """How many series, days and buckets the job has."""

    stores: int
    items: int
    days: int
    buckets: int


def make_job(folder: Path, size: Size) -> Path:
    """The config file of the job, which keeps everything in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "kills.yaml"
    text = CONFIG.format(folder=folder, stores=size.stores, items=size.items, days=size.days, buckets=size.buckets)
    file.write_text(text, encoding="utf-8")
    return file


def run(config: Path, stop: int = 0) -> int:
    """Run all steps in a process of its own that ends at its write number `stop` (0: none), before it where the number
    is odd, else behind it; returns how many writes it made, negative when it was killed.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "benchmarks.kills", "--one", str(config), str(stop)]
    done = subprocess.run(
        command, cwd=config.parent, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    if done.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"the job failed:\n{done.stderr[-3000:]}")
    return -stop if done.returncode else int(done.stdout.splitlines()[-1])


def run_killed(config: Path, moments: random.Random, writes: int, kills: int) -> int:
    """Run the job and kill it up to so many times, then to its end; returns how often it was killed."""
    for killed in range(kills):
        if run(config, moments.randint(1, max(2, writes // 3))) > 0:
            return killed
    run(config)
    return kills


def repeated(config: Path) -> Counter[str]:
    """How many units of work were begun more than once, by kind: each time after the first counts."""
    begun = Counter(line.split("\t", 1)[1] for line in _units(config).read_text(encoding="utf-8").splitlines())
    again: Counter[str] = Counter()
    for unit, times in begun.items():
        again[unit.split(" ")[0]] += times - 1
    return again


def contents(config: Path) -> dict[str, pl.DataFrame]:
    """The rows of every table that readers see, without times and numbers of the run."""
    from forecasting.config import load
    from forecasting.data.schemas import EXPORTS
    from forecasting.services.store.vintages import scan_published
    from forecasting.steps.export import read_table
    from forecasting.steps.session import open_session

    session = open_session(load(config))
    frames = {}
    for name, table in session.store.tables.items():
        rows = session.store.scan(name).collect() if name != "forecasts" else scan_published(session.store).collect()
        rows = read_table(session, name) if name in ("backtests", "scores") and name in EXPORTS else rows
        kept = [c for c in rows.columns if c not in (*OF_THE_RUN, *POINTERS.get(name, ()))]
        key = [c for c in table.key if c in kept]
        frames[name] = rows.select(kept).sort(key) if key and name != "runs" else rows.select(kept).head(0)
    return frames


def assert_same(one: Path, other: Path) -> None:
    """Raises AssertionError unless both jobs hold the same rows, bit by bit."""
    mine, theirs = contents(one), contents(other)
    for name, rows in mine.items():
        try:
            assert_frame_equal(rows, theirs[name], check_exact=True)
        except AssertionError as error:
            raise AssertionError(f"table {name}: {error}") from error


def _units(config: Path) -> Path:
    return config.parent / "units.tsv"


class _Writes:
    """Writes that a process has made; it kills itself at number `stop`, before it where that is odd, else behind it."""

    def __init__(self, stop: int) -> None:
        self.made, self.stop = 0, stop

    def counted(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, which counts."""

        @wraps(write)
        def counting(*args: Any, **options: Any) -> Any:
            self.made += 1
            if self.made == self.stop and self.stop % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = write(*args, **options)
            if self.made == self.stop:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return counting


def _noted(config: Path, work: Callable[..., Any], unit: Callable[..., str]) -> Callable[..., Any]:
    """The same function, which notes each unit of work when it is begun."""

    @wraps(work)
    def noting(*args: Any, **options: Any) -> Any:
        with _units(config).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\t{unit(*args, **options)}\n")
        return work(*args, **options)

    return noting


def _one(config: Path, stop: int) -> None:
    """Run the steps in this process and note the units of work; SIGKILL at write number `stop`."""
    os.sched_getaffinity = lambda _: {0}  # type: ignore[assignment]  # buckets in this process, so that it knows what it writes
    from forecasting.config import load
    from forecasting.io import files
    from forecasting.io.delta import commits
    from forecasting.models import fit
    from forecasting.steps import run_step
    from forecasting.steps.forecasting import bucket_worker, training
    from forecasting.steps.ingestion import rebuild

    writes, noted = _Writes(stop), partial(_noted, config)
    for name in ("create", "append", "upsert", "overwrite", "delete"):
        setattr(commits, name, writes.counted(getattr(commits, name)))
    files.write = writes.counted(files.write)  # type: ignore[assignment]
    worker = bucket_worker.BucketWorker
    worker.__call__ = noted(  # type: ignore[method-assign]
        worker.__call__, lambda me, bucket: f"bucket {me.destination.table} {dict(me.destination.within)} {bucket}"
    )
    rebuild._merge_bucket = noted(rebuild._merge_bucket, lambda load, panel, _: f"panel {panel['bucket'].first()}")
    step = ""  # models are fitted anew in each step
    training.models.fit = noted(fit, lambda model, cut, *_: f"fit {model.name} {cut.cutoff} {step}")
    for step in STEPS:
        run_step(step, load(config))
    print(writes.made)


def main() -> None:
    """Print how often the job was killed, whether it ended as an undisturbed one, and what was done twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--days", type=int, default=1000)
    parser.add_argument("--buckets", type=int, default=5)
    parser.add_argument("--one", nargs=2, metavar=("CONFIG", "STOP"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        _one(Path(args.one[0]), int(args.one[1]))
        return
    size, moments = Size(4, -(-args.series // 4), args.days, args.buckets), random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = make_job(Path(folder, "undisturbed"), size)
        writes, left, jobs = run(undisturbed), args.kills, 0
        print(f"an undisturbed job makes {writes} writes", flush=True)
        while left:
            jobs += 1
            config = make_job(Path(folder, f"killed-{jobs}"), size)
            kills = run_killed(config, moments, writes, left)
            left -= kills
            assert_same(undisturbed, config)
            again = ", ".join(f"{n} x {kind}" for kind, n in sorted(repeated(config).items()) if n)
            print(f"job {jobs}: killed {kills} times, the same contents; begun twice: {again or 'nothing'}", flush=True)


if __name__ == "__main__":
    main()
