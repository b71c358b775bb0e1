"""Ingest and backtest of one config in a process of its own, as a user would run them, for the benchmarks.

    python -m benchmarks.pipeline run JOB.json       writes a Parquet file of forecasts per model, and summary.json
    python -m benchmarks.pipeline windows JOB.json   writes windows.parquet for benchmarks/constants
    python -m benchmarks.pipeline frame JOB.json     writes frame.parquet and spec.json for accuracy/rivals.py

JOB.json holds `config` (a file), `set` (keys that replace its own) and `out` (a folder).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from forecasting.config import Config, load
from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff

ROWS = cs.by_name("unique_id", "ds", "cutoff", "yhat", "q50", require_all=False) | cs.matches(r"^(lo|hi)-\d+$")

MOST_ROWS = 150_000
"""About so many rows of all models and windows are kept: they are replayed hundreds of times."""


def run(config: Config, out: Path) -> None:
    """Run both steps; forecasts of single series on the reported windows go to <model>.parquet."""
    from forecasting.steps import run_step
    from forecasting.steps.forecasting.stored_rows import backtest_rows
    from forecasting.steps.session import open_session
    from forecasting.steps.train.champion import choose_champion
    from forecasting.steps.train.job import find_job

    summary: dict[str, Any] = {}
    started = time.perf_counter()
    run_step("ingest", config)
    summary["ingest"] = round(time.perf_counter() - started, 1)
    started = time.perf_counter()
    facts = run_step("backtest", config).facts
    summary["backtest"] = round(time.perf_counter() - started, 1)
    job = find_job(open_session(config), None)
    summary["champion"] = choose_champion(job)[0]
    summary["models"] = [s["model"] for s in facts["scores"] if s["grain"] == "series"]
    summary |= {key: facts[key] for key in ("cutoffs", "calibration", "seconds")} | {"failures": len(facts["failures"])}
    rows = backtest_rows(job.session.store, facts["recipe"], job.reported).filter(grain="series")
    for model in summary["models"]:
        rows.filter(model=model).select(ROWS).collect().write_parquet(out / f"{model}.parquet")
    (out / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def windows(config: Config, out: Path) -> None:
    """The rows of all models in all windows, older ones included, of a sample of single series, with the segment that a
    series belonged to at the time, and on how many windows bounds rest.
    """
    from forecasting.steps.forecasting.stored_rows import rows_so_far
    from forecasting.steps.forecasting.training import classify_series
    from forecasting.steps.session import open_session
    from forecasting.steps.train.job import find_job

    job = find_job(open_session(config), None)
    panel, store, h = job.session.panel, job.session.store, job.config.h
    stored = rows_so_far(store, job.recipe, job.cutoffs, job.models()).filter(pl.col("grain") == "series")
    counts = stored.group_by("unique_id").len().sort("unique_id").collect()
    sample = counts["unique_id"].gather_every(max(1, round(counts["len"].sum() / MOST_ROWS)))
    rows = stored.filter(pl.col("unique_id").is_in(sample.implode())).collect()
    segments = [classify_series(Cut(panel, at, h)).with_columns(cutoff=pl.lit(at)) for at in job.cutoffs]
    placed = rows.join(pl.concat(segments), on=["unique_id", "cutoff"], how="left", maintain_order="left")
    kept = placed.drop("bucket", "recipe").with_columns(calibration=pl.lit(job.config.calibration))
    kept.write_parquet(out / "windows.parquet")


def frame(config: Config, out: Path) -> None:
    """What the panel holds up to the last day with sales, words as numbers, and what else a modeller would know."""
    from forecasting.steps.session import open_session

    panel = open_session(config).panel
    end = resolve_cutoff(panel, None)
    rows = pl.concat(pl.collect_all([panel.scan(b).filter(pl.col("ds") <= end) for b in panel.buckets]))
    roles = config.columns
    ahead, static = ([c for c in names if c in rows.columns] for names in (roles.known_ahead, roles.static))
    words = [c for c in (*ahead, *static) if rows.schema[c] == pl.String]
    coded = [(pl.col(c).rank("dense") - 1).fill_null(-1).cast(pl.Int32) for c in words]
    rows.select("unique_id", "ds", "y", *ahead, *static).with_columns(coded).write_parquet(out / "frame.parquet")
    cutoffs = json.loads((out / "summary.json").read_text(encoding="utf-8"))["cutoffs"]
    spec = {
        "data": config.name,
        "freq": config.freq,
        "h": config.h,
        "level": list(config.level),
        "ahead": ahead,
        "static": static,
        "cutoffs": cutoffs,
    }
    (out / "spec.json").write_text(json.dumps(spec), encoding="utf-8")


def main(what: str, file: str) -> None:
    """Run the command with the job of that file."""
    job = json.loads(Path(file).read_text(encoding="utf-8"))
    does: dict[str, Callable[[Config, Path], None]] = {"run": run, "windows": windows, "frame": frame}
    does[what](load(Path(job["config"]), job["set"]), Path(job["out"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
