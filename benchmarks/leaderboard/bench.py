"""The benchmark of `make bench-leaderboard`: backtest the task, score it by the published package, report.

The config of the data set is backtested on the windows of the task, as a user would, in a process of its own. Writes
its part of docs/ACCURACY.md; forecasts stay in --out, and --resume scores them again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import report
from benchmarks.leaderboard import document, scores, task
from benchmarks.leaderboard.document import Run
from benchmarks.processes import BESIDE, ROOT, Cost, identity, measured, overrides, places, stop

SINGLE = 3
"""So many of the best other models are listed for information."""
CONFIG = ROOT / "configs" / f"{task.CONFIG}.yaml"


def main(given: list[str] | None = None) -> None:
    """Run, print, write docs/ACCURACY.md where the whole task is run as it is."""
    args = _arguments(given)
    figures, folder = args.scorer.parent / "LEADERBOARD.md", args.data / task.CONFIG
    for what, path in (("scorer", args.scorer), ("published figures", figures), ("data", folder)):
        if not path.exists():
            stop(f"the {what} of the benchmark should be at {path}: give --scorer and --data")
    if not args.fev_python.exists():
        stop(f"{args.fev_python} should be a Python that has fev: scripts/fev.sh makes it, or give --fev-python")
    published = scores.read(figures)
    args.out.mkdir(parents=True, exist_ok=True)
    chapter = document.text(scored(backtested(args), args), published)
    print(chapter)
    doc = args.doc or (None if args.set or args.windows != task.WINDOWS else report.FILE)
    if doc:
        report.put(doc, "bench-leaderboard", chapter)


def backtested(args: argparse.Namespace) -> dict[str, Any]:
    """The summary of benchmarks.pipeline, and `cost`; with --resume that of the same code and config before."""
    kept, job = args.out / "result.json", task.keys(args.windows) | overrides(args.set)
    key = identity(CONFIG, job)
    if args.resume and kept.exists():
        before: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if before["key"] == key:
            return before
    print(f"{task.NAME}: {args.windows} windows of {task.H} days ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-leaderboard-") as lake:
        keys = places(Path(lake)) | {"source.path": str(args.data / task.CONFIG)} | job
        job = {"config": str(CONFIG), "set": keys, "out": str(args.out)}
        (args.out / "job.json").write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.pipeline", "run", str(args.out / "job.json")]
        cost = measured(command, Path(lake))
    summary = json.loads((args.out / "summary.json").read_text(encoding="utf-8"))
    summary |= {"key": key, "cost": asdict(cost), "when": f"{datetime.now(UTC):%Y-%m-%d}"}
    kept.write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return summary


def scored(summary: dict[str, Any], args: argparse.Namespace) -> Run:
    """The scores of the model that would serve, of the best others, and of the task's own seasonal naive."""
    values = task.panel(args.data / task.CONFIG)
    days = task.cutoffs(values, args.windows)
    others = [m for m in summary["models"] if m not in (summary["champion"], "SeasonalNaive")][:SINGLE]
    columns = ("unique_id", "ds", "cutoff", *task.QUANTILES)
    dates = pl.col("ds", "cutoff").cast(pl.Date)
    models = dict.fromkeys([summary["champion"], *others, "SeasonalNaive"])
    rows = {m: pl.read_parquet(args.out / f"{m}.parquet").with_columns(dates).select(columns) for m in models}
    if found := set(rows[summary["champion"]]["cutoff"].unique()) ^ set(days):
        raise SystemExit(f"the backtest has other windows than the task: {', '.join(map(str, sorted(found)))}")
    files = args.out / "backtests.parquet", args.out / "panel.parquet"
    # the check is of the whole task, also in a trial
    rows[task.NAIVE] = task.naive(values, task.cutoffs(values, task.WINDOWS))
    named = [f.select(*columns, model=pl.lit(m)) for m, f in rows.items()]
    pl.concat(named, how="vertical_relaxed").write_parquet(files[0])
    values.write_parquet(files[1])
    return Run(
        summary["champion"],
        scores.scored(args.fev_python, args.scorer, files, task.SEASON),
        task.not_forecast(rows[summary["champion"]], values, days),
        Cost(**summary["cost"]),
        (len(days), len(summary["calibration"])),
        scores.version(args.fev_python),
        summary["when"],
    )


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.leaderboard", description=__doc__)
    place = {"type": lambda text: Path(text).absolute()}
    whole = f"fewer than {task.WINDOWS}: a trial; docs/ACCURACY.md stays as it is"
    parser.add_argument("--windows", type=int, default=task.WINDOWS, help=whole)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the config: a trial")
    parser.add_argument("--data", default=BESIDE / "data", **place, help="the folder that holds rossmann/")
    scorer = BESIDE / "benchmarks" / "leaderboard.py"
    parser.add_argument("--scorer", default=scorer, **place, help="the scorer; LEADERBOARD.md lies beside it")
    python = ROOT / ".venv" / "fev" / "bin" / "python"
    parser.add_argument("--fev-python", default=python, **place, help="an interpreter that has fev and polars")
    parser.add_argument("--out", default=ROOT / "data" / "bench-leaderboard", **place, help="where forecasts go")
    parser.add_argument("--doc", **place, help="the file to write (default: docs/ACCURACY.md, see --windows and --set)")
    parser.add_argument("--resume", action="store_true", help="forecasts of the same code and config in --out are kept")
    return parser.parse_args(given)
