"""The step train: `train` fits the recipe at a cutoff, registers the bundle, and decides whether it becomes champion.

It takes a Session and a cutoff that was backtested, and returns an Outcome with version, model and reason. A bundle is
fitted models + quantile table in one folder; `summarize` makes Sections of the facts.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from forecasting.data.cut import Cut
from forecasting.services.store.unfinished import Progress, forget_work, unfinished_work
from forecasting.steps import identity, run_log
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.origin import kept_origin
from forecasting.steps.forecasting.stored_rows import backtest_rows
from forecasting.steps.monitoring.retraining import RETRAINED, reason_for_training
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.reports.known_ahead import trained_counts
from forecasting.steps.session import Session
from forecasting.steps.train.champion import choose_champion, decide, set_alias
from forecasting.steps.train.fit import Lesson, fit_bundle
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
    session, key = job.session, job.scored["key"]
    origin = kept_origin(Cut(session.panel, job.cutoff, job.config.h), progress, peers_after=date.min)
    past = backtest_rows(session.store, job.scored["recipe"], job.cutoffs)
    champion, verdict = choose_champion(job)
    facts: dict[str, Any] = {"recipe": job.scored["recipe"], "data_version": identity.data_version(session.store)}
    facts |= {"code": identity.code_of(), "environment": identity.environment(), "cutoff": str(job.cutoff)}
    facts |= {"known_ahead": trained_counts(session.panel)}
    facts |= {"chosen": job.scored["chosen"]} if "chosen" in job.scored else {}
    bundle = fit_bundle(Lesson(origin, past, session.store), champion, facts, progress)
    trained = bundle.trained
    version = bundles.register(session, bundle, job.scored["run_id"], key)
    if reason := reason_for_training(session):
        session.registry.tag_version(version, RETRAINED, reason)
        facts["retrained_for"] = reason
    _store_levers(session, bundle, version, job.cutoff)
    decision = decide(job, bundle, origin, verdict)
    set_alias(session, version, decision)
    facts |= {"key": key, "version": version, "champion": champion, "promoted": decision.promote}
    facts |= {"reason": decision.reason, "gain": [decision.gain, decision.lo, decision.hi]}
    facts |= {"seconds": trained.seconds, "foreseen_megabytes": trained.megabytes}
    return Outcome("train", facts | {"failures": trained.failures()[:100]})


def _store_levers(session: Session, bundle: Bundle, version: int, cutoff: date) -> None:
    """Put the levers of the bundle into the table `levers`, under its version."""
    if bundle.levers is not None:
        numbered = bundle.levers.with_columns(version=pl.lit(version, pl.Int64), cutoff=pl.lit(cutoff))
        session.store.replace("levers", numbered, version=version)


def summarize(facts: Facts) -> list[Section]:
    """The summary of a training: the version, why it was promoted or not, and the model that forecasts."""
    lines = [f"version {facts['version']}: {facts['reason']}", f"forecasts come from {facts['champion']}"]
    lines += [f"trained out of turn, {facts['retrained_for']}"] if facts.get("retrained_for") else []
    return [Section("Model", tuple(lines))]
