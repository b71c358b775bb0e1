"""The step train: `train` fits the recipe at a cutoff, registers the bundle, and decides whether it becomes champion.

It takes a Session and a cutoff that was backtested, and returns an Outcome with version, model and reason. A bundle is
fitted models + quantile table in one folder; `summarize` makes Sections of the facts.
"""

from __future__ import annotations

from datetime import date
from functools import cache, partial
from typing import Any

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.data.panel import count_observed
from forecasting.services.console import track
from forecasting.services.store.unfinished import Progress, forget_work, unfinished_work
from forecasting.steps import identity, run_log
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.calibration import learn_quantiles
from forecasting.steps.forecasting.origin import memberships, origin_of
from forecasting.steps.forecasting.stored_rows import backtest_rows
from forecasting.steps.forecasting.training import train_models
from forecasting.steps.lifecycle.golden import golden_forecasts
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.reports.known_ahead import trained_counts
from forecasting.steps.session import Session
from forecasting.steps.train.champion import choose_champion, decide, set_alias
from forecasting.steps.train.job import Job, find_job


def train(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Fit every model of the recipe at `cutoff` (default: the last observed day) and register the bundle.

    Nothing is registered without backtest scores: raises UserError when there are none for this data, recipe and code.
    """
    job = find_job(session, cutoff)
    key = job.scored["key"]
    before = None if force else run_log.last_facts(session.store, "train", key)
    if before:
        return Outcome("train", before, reused=True)
    if force:
        forget_work(session.store, "train")
    with unfinished_work(session.store, "train", f"{key} {identity.code_of(identity.ALL_CODE)}") as progress:
        return _train(job, progress)


def _train(job: Job, progress: Progress) -> Outcome:
    """Fit the models that `progress` does not hold, register the bundle and decide about it."""
    session, config, key = job.session, job.config, job.scored["key"]
    origin = origin_of(Cut(session.panel, job.cutoff, config.h))
    past = backtest_rows(session.store, job.scored["recipe"], job.cutoffs)
    recipe = models.build(config, count_observed(session.panel))
    trained = train_models(track(recipe, "train: fits"), origin, past, progress)
    champion, verdict = choose_champion(job)
    facts: dict[str, Any] = {"recipe": job.scored["recipe"], "data_version": identity.data_version(session.store)}
    facts |= {"code": identity.code_of(), "cutoff": str(job.cutoff), "known_ahead": trained_counts(session.panel)}
    facts |= {"chosen": job.scored["chosen"]} if "chosen" in job.scored else {}
    quantiles = learn_quantiles(past, trained.fitted, cache(partial(memberships, origin)), job.cutoff, config)
    golden = golden_forecasts(trained, quantiles, origin.cut, session.store)
    bundle = Bundle(trained, quantiles, champion, facts, config, golden)
    version = bundles.register(session, bundle, job.scored["run_id"], key)
    decision = decide(job, bundle, origin, verdict)
    set_alias(session, version, decision)
    facts |= {"key": key, "version": version, "champion": champion, "promoted": decision.promote}
    facts |= {"reason": decision.reason, "gain": [decision.gain, decision.lo, decision.hi]}
    return Outcome("train", facts | {"seconds": trained.seconds, "failures": trained.failures()[:100]})


def summarize(facts: Facts) -> list[Section]:
    """The summary of a training: the version, why it was promoted or not, and the model that forecasts."""
    lines = (f"version {facts['version']}: {facts['reason']}", f"forecasts come from {facts['champion']}")
    return [Section("Model", lines)]
