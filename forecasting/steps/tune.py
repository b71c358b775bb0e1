"""Tune: search the options of LightGBM on windows before the reported ones, and write the best as a config to review.

Nothing is trained, registered or promoted: the config that is written takes the way of every other recipe.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from forecasting import models
from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.windows import resolve_cutoff
from forecasting.errors import Option, UserError
from forecasting.models.lightgbm import LightGBM
from forecasting.services import hyperparameter_search, log
from forecasting.services.store import Store
from forecasting.services.tracking.tracked_run import Dataset, TrackedRun, tags_digest
from forecasting.steps import identity
from forecasting.steps.backtest.windows import backtest_windows
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.session import Session
from forecasting.steps.tuning import space, written
from forecasting.steps.tuning.options import TuneOptions
from forecasting.steps.tuning.summary import summarize_search
from forecasting.steps.tuning.trials import Ground
from forecasting.steps.tuning.windows import ROWS, cutoffs, seen

STORAGE = "DEMANDCAST_TUNE_STORAGE"
"""The environment variable for a place that nobody should read on a command line."""


def tune(
    session: Session, cutoff: date | None = None, *, force: bool = False, options: TuneOptions | None = None
) -> Outcome:
    """Search as if `cutoff` were the last day with data; the best options of LightGBM go into a new config file.

    Trials of the same data, code and recipe are continued, however an earlier search ended; `force` discards them.
    Raises UserError when the recipe has no LightGBM or the history no window before the reported ones.
    """
    options, started = options or TuneOptions(), time.monotonic()
    config, store = session.config, session.store
    number = _entry(config)
    out = written.place(config, options.out)
    end = resolve_cutoff(session.panel, cutoff)
    ground = _ground(config, session.panel, end, options, number)
    now = space.today(_model(config, number).options)
    search = hyperparameter_search.Search(
        _name(ground, store), space.around(now), now, len(ground.cutoffs), ground.error
    )
    kept = options.storage or os.environ.get(STORAGE) or _folder(store)
    if force:
        hyperparameter_search.delete_trials(search.name, kept)
    with log.step("tune", trials=options.trials, windows=len(ground.cutoffs)):
        trials = hyperparameter_search.run_search(search, kept, options.trials, started + options.timeout)
    facts: dict[str, Any] = {"key": search.name, "cutoff": str(end), "cutoffs": [str(c) for c in ground.cutoffs]}
    facts |= {
        "asked": options.trials,
        "metric": options.metric,
        "file": config.file,
        "out": str(out),
        "data_version": identity.data_version(store),
    }
    facts |= _found(ground, trials, now)
    config_text = written.text(config, number, facts["changes"], _header(facts))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(config_text, encoding="utf-8")
    facts["run_id"] = _logged(session, facts, trials)
    return Outcome("tune", facts)


def _entry(config: Config) -> int:
    """The place of the first LightGBM in the recipe."""
    places = [i for i, spec in enumerate(config.models) if spec.family == "lightgbm" and spec.on == "series"]
    if not places:
        raise config.fault("models", "there is nothing to tune: add `lightgbm: {}`")
    return places[0]


def _model(config: Config, number: int) -> LightGBM:
    (model,) = models.build_entry(config.models[number], config)
    if not isinstance(model, LightGBM):
        raise UserError(f"{config.name}: {model.name} is not a plain LightGBM and cannot be tuned")
    return model


def _ground(config: Config, panel: Panel, end: date, options: TuneOptions, number: int) -> Ground:
    """What may be seen: nothing after the first reported cutoff, and the windows that are over by then."""
    reported, _ = backtest_windows(config, panel, end)
    held = seen(panel, reported[0])
    first = held.scan(0).select(pl.col("ds").min()).collect().item()
    oldest = config.frequency.shift(first, max(4, config.h) - 1)
    at = cutoffs(config, reported[0], oldest, options.windows)
    return Ground(config, config.models[number], held, at, options.metric)


def _name(ground: Ground, store: Store) -> str:
    """Identity of a search: data, code, everything in the recipe that bears on it, windows, metric and space."""
    facts = {
        "data": identity.data_key(store),
        "code": identity.code_of(),
        "recipe": identity.hashed(ground.config, Config.keys_that_change("tuning")),
    }
    facts |= {"spec": ground.spec.model_dump_json(), "windows": str(ground.cutoffs), "metric": ground.metric}
    return f"{ground.config.name}-{tags_digest(facts | {'space': str(space.SPACE), 'rows': str(ROWS)})[:16]}"


def _folder(store: Store) -> str:
    if "://" in store.root:
        raise UserError(
            f"trials cannot be kept in the object store {store.root}",
            where=Option("storage"),
            mend=f"name a folder or a PostgreSQL address, or set the environment variable {STORAGE}",
        )
    return f"{store.root}/tuning"


def _found(ground: Ground, trials: pl.DataFrame, now: dict[str, Any]) -> dict[str, Any]:
    """The best trial beside today's, what it changes, and the interval of its gain."""
    whole = trials.filter(pl.col("state") == "complete").sort("value", "number")
    today, best = whole.filter("today").row(0, named=True), whole.row(0, named=True)
    params = {name: best[name] for name in now}
    changes = {} if best["today"] else {name: v for name, v in params.items() if v != now[name]}
    told: dict[str, Any] = {"trials": trials.height, "complete": whole.height, "pruned": trials.height - whole.height}
    told |= {"before": today["value"], "after": best["value"], "best": best["number"], "today": now, "changes": changes}
    return told | _certainty(ground, params, now, changes)


def _certainty(ground: Ground, best: dict[str, Any], now: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The gain in WAPE with its interval, and in a sentence whether it is more than noise."""
    compared = ground.compared(best, now) if changes else None
    if compared is None:
        return {"gain": None, "said": "no trial was better than what is set now: leave the config as it is"}
    if compared.lo > 0:
        said = "more than noise on these windows; the best of many trials looks better than it is: backtest it"
    else:
        said = "within noise: the interval of the gain holds 0, so leave the config as it is or try more windows"
    return {"gain": [compared.gain, compared.lo, compared.hi], "units": compared.units, "said": said}


def _header(facts: dict[str, Any]) -> list[str]:
    """What the file that is written says about itself."""
    metric, number = facts["metric"].upper(), len(facts["cutoffs"])
    lines = [
        f"from {facts['file']} on {datetime.now(UTC):%Y-%m-%d}, to be reviewed; only the lightgbm entry is changed.",
        f"{metric} {facts['before']:.4f} before, {facts['after']:.4f} after: the mean of {number} windows"
        f" from {facts['cutoffs'][-1]} on, all before the ones on which scores are reported.",
        f"{facts['trials']} trials, {facts['pruned']} of them broken off; data version {facts['data_version']}.",
    ]
    if facts["gain"]:
        gain, lo, hi = facts["gain"]
        lines.append(f"Gain in WAPE {gain:+.4f}, 95 % interval {lo:+.4f} to {hi:+.4f}, over {facts['units']}.")
    return [*lines, f"{facts['said'].capitalize()}."]


def _logged(session: Session, facts: dict[str, Any], trials: pl.DataFrame) -> str:
    """One MLflow run: the best options, before and after, and all trials as one table."""
    store = session.store
    version = identity.data_version(store)
    tags = {"step": "tune", "search": facts["key"], "trials": str(facts["trials"]), "code": identity.code_of()}
    metrics = {"before": facts["before"], "after": facts["after"], "trials": facts["trials"]}
    with tempfile.TemporaryDirectory() as folder:
        table, file = Path(folder, "trials.parquet"), Path(folder, Path(facts["out"]).name)
        trials.write_parquet(table)
        file.write_text(Path(facts["out"]).read_text(encoding="utf-8"), encoding="utf-8")
        dataset = Dataset(store.scan("panel").head(5).collect(), f"{store.root}/panel", version)
        files = {"trials": table, "best": file}
        run = TrackedRun(facts["today"] | facts["changes"], tags, metrics, dataset, {}, files)
        return session.registry.log_tuning(run, trials)


def summarize(facts: Facts) -> list[Section]:
    """The summary of a search: errors before and after, and the options that change."""
    return summarize_search(facts)
