"""Tune: `tune` searches the options of LightGBM on windows before the reported ones, and writes the best as a config.

It takes a Session, a cutoff and TuneOptions; the Outcome holds the errors before and after. No model is kept or
promoted: the new config is to be reviewed, then backtested and trained like any other.
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
from forecasting.data.cut import Cut
from forecasting.data.panel import Panel
from forecasting.data.windows import resolve_cutoff
from forecasting.errors import Option, UserError
from forecasting.models.lightgbm import LightGBM
from forecasting.services import hyperparameter_search, log
from forecasting.services.store import Store
from forecasting.services.tracking.tracked_run import Dataset, TrackedRun, tags_digest
from forecasting.steps import identity
from forecasting.steps.backtest.windows import backtest_windows
from forecasting.steps.recipes import with_recipe
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.session import Session
from forecasting.steps.tuning import config_writer, space
from forecasting.steps.tuning.options import TuneOptions
from forecasting.steps.tuning.summary import summarize_search
from forecasting.steps.tuning.trials import TuningBacktest
from forecasting.steps.tuning.windows import MAX_ROWS, tuning_cutoffs, tuning_panel

STORAGE = "DEMANDCAST_TUNE_STORAGE"
"""Environment variable for a storage address whose password should not appear on a command line."""


def tune(
    session: Session, cutoff: date | None = None, *, force: bool = False, options: TuneOptions | None = None
) -> Outcome:
    """Search options of LightGBM with the data up to `cutoff`, and write the best ones into a new config file.

    The facts of the outcome hold the errors before and after (in units of the metric), the changes and the gain.
    A search with the same data, code and recipe is continued, however it ended; `force` discards its trials.
    Raises UserError when the recipe has no LightGBM, there is no history for a window before the reported ones, or the
    trials or the new config cannot be stored.
    """
    options, started = options or TuneOptions(), time.monotonic()
    out = config_writer.output_path(session.config, options.out)
    end = resolve_cutoff(session.panel, cutoff)
    session, _ = with_recipe(session, end)
    config, store = session.config, session.store
    number = _lightgbm_entry(config)
    backtest = _tuning_backtest(config, session.panel, end, options, number)
    model, first = _model(config, number), Cut(session.panel, backtest.cutoffs[0], config.h)
    current = space.current_values(model.options, model.available(first))
    search = hyperparameter_search.Search(
        _search_name(backtest, store), space.space_around(current), current, len(backtest.cutoffs), backtest.error
    )
    storage = options.storage or os.environ.get(STORAGE) or _default_storage(store)
    if force:
        hyperparameter_search.delete_trials(search.name, storage)
    with log.step("tune", trials=options.trials, windows=len(backtest.cutoffs)):
        trials = hyperparameter_search.run_search(search, storage, options.trials, started + options.timeout)
    facts: dict[str, Any] = {"key": search.name, "cutoff": str(end), "cutoffs": [str(c) for c in backtest.cutoffs]}
    facts |= {
        "planned": options.trials,
        "metric": options.metric,
        "file": config.file,
        "out": str(out),
        "data_version": identity.data_version(store),
    }
    facts |= _search_facts(backtest, trials, current)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(config_writer.render_config(config, number, facts["changes"], _header(facts)), encoding="utf-8")
    facts["run_id"] = _log_run(session, facts, trials)
    return Outcome("tune", facts)


def _lightgbm_entry(config: Config) -> int:
    """Index of the first LightGBM on series in `models`; raises UserError without one."""
    indexes = [i for i, spec in enumerate(config.models) if spec.family == "lightgbm" and spec.on == "series"]
    if not indexes:
        raise config.fault("models", "there is no LightGBM to tune: list the models, with `lightgbm: {}`")
    return indexes[0]


def _model(config: Config, number: int) -> LightGBM:
    (model,) = models.build_entry(config.models[number], config)
    if not isinstance(model, LightGBM):
        raise UserError(f"{config.name}: {model.name} is not a plain LightGBM and cannot be tuned")
    return model


def _tuning_backtest(config: Config, panel: Panel, end: date, options: TuneOptions, number: int) -> TuningBacktest:
    """The backtest of the trials: no data after the first reported cutoff, windows that end by then."""
    reported, _ = backtest_windows(config, panel, end)
    sample = tuning_panel(panel, reported[0])
    first = sample.scan(0).select(pl.col("ds").min()).collect().item()
    oldest = config.frequency.shift(first, max(4, config.h) - 1)
    cutoffs = tuning_cutoffs(config, reported[0], oldest, options.windows)
    return TuningBacktest(config, config.models[number], sample, cutoffs, options.metric)


def _search_name(backtest: TuningBacktest, store: Store) -> str:
    """Identity of a search: data, code, the keys of the recipe that change tuning, windows, metric and space."""
    facts = {
        "data": identity.data_key(store),
        "code": identity.code_of(),
        "recipe": identity.hashed(backtest.config, Config.keys_that_change("tuning")),
    }
    facts |= {"spec": backtest.spec.model_dump_json(), "windows": str(backtest.cutoffs), "metric": backtest.metric}
    digest = tags_digest(facts | {"space": str(space.SPACE), "rows": str(MAX_ROWS)})
    return f"{backtest.config.name}-{digest[:16]}"


def _default_storage(store: Store) -> str:
    """The folder `tuning` next to the tables; raises UserError in an object store, which cannot append to a journal."""
    if "://" in store.root:
        raise UserError(
            f"trials cannot be stored in the object store {store.root}",
            where=Option("storage"),
            mend=f"name a folder or a PostgreSQL address, or set the environment variable {STORAGE}",
        )
    return f"{store.root}/tuning"


def _search_facts(backtest: TuningBacktest, trials: pl.DataFrame, current: dict[str, Any]) -> dict[str, Any]:
    """Number of trials, error of the best and of the current options, what changes, and the gain with its interval."""
    complete = trials.filter(pl.col("state") == "complete").sort("value", "number")
    today, best = complete.filter("today").row(0, named=True), complete.row(0, named=True)
    params = {name: best[name] for name in current}
    changes = {} if best["today"] else space.find_changes(backtest.spec, params, current)
    return {
        "trials": trials.height,
        "complete": complete.height,
        "pruned": trials.height - complete.height,
        "before": today["value"],
        "after": best["value"],
        "best": best["number"],
        "today": current,
        "changes": changes,
        **_gain_facts(backtest, params, current, changes),
    }


def _gain_facts(
    backtest: TuningBacktest, best: dict[str, Any], current: dict[str, Any], changes: dict[str, Any]
) -> dict[str, Any]:
    """The gain in WAPE with its 95 % interval, and a sentence on whether it is more than noise."""
    comparison = backtest.compare(best, current) if changes else None
    if comparison is None:
        return {"gain": None, "conclusion": "no trial was better than the current options: leave the config as it is"}
    if comparison.lo > 0:
        conclusion = "more than noise on these windows; the best of many trials looks better than it is: backtest it"
    else:
        conclusion = "within noise: the interval of the gain holds 0, so leave the config as it is or try more windows"
    interval = [comparison.gain, comparison.lo, comparison.hi]
    return {"gain": interval, "units": comparison.units, "conclusion": conclusion}


def _header(facts: dict[str, Any]) -> list[str]:
    """Comment at the top of the new config: its origin, errors, windows and trials."""
    metric, number = facts["metric"].upper(), len(facts["cutoffs"])
    lines = [
        f"from {facts['file']} on {datetime.now(UTC):%Y-%m-%d}, to be reviewed; only the lightgbm entry is changed.",
        f"{metric} {facts['before']:.4f} before, {facts['after']:.4f} after: the mean of {number} windows"
        f" from {facts['cutoffs'][-1]} on, all before the ones on which scores are reported.",
        f"{facts['trials']} trials, {facts['pruned']} of them pruned; data version {facts['data_version']}.",
    ]
    if facts["gain"]:
        gain, lo, hi = facts["gain"]
        lines.append(f"Gain in WAPE {gain:+.4f}, 95 % interval {lo:+.4f} to {hi:+.4f}, over {facts['units']}.")
    return [*lines, f"{facts['conclusion'].capitalize()}."]


def _log_run(session: Session, facts: dict[str, Any], trials: pl.DataFrame) -> str:
    """Log the search as an MLflow run (best options, errors before and after, table of trials); returns its id."""
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
    """Summary of a search: errors before and after, and the changed options."""
    return summarize_search(facts)
