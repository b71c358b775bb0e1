"""What a training works on: a session, a cutoff and the backtest that scored the recipe there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.windows import resolve_cutoff
from forecasting.errors import UserError
from forecasting.steps import identity, run_log
from forecasting.steps.session import Session


@dataclass(frozen=True)
class Job:
    """What a training works on: a session, a cutoff, and the facts of the backtest that scored the recipe there."""

    session: Session
    cutoff: date
    scored: dict[str, Any]

    @property
    def config(self) -> Config:
        return self.session.config

    @property
    def cutoffs(self) -> list[date]:
        """The windows of the backtest, those included that only calibrate."""
        return [date.fromisoformat(c) for c in (*self.scored["calibration"], *self.scored["cutoffs"])]

    def rows(self, recipe: str) -> pl.DataFrame:
        """The backtest rows of single series of a recipe on this job's reported windows."""
        at = [date.fromisoformat(c) for c in self.scored["cutoffs"]]
        rows = self.session.store.scan("backtests", cutoff=at)
        return rows.filter(pl.col("recipe") == recipe, pl.col("grain") == "series").collect()


def find_job(session: Session, cutoff: date | None) -> Job:
    """The training at `cutoff` (default: the last observed day); raises UserError without backtest scores there."""
    config = session.config
    at = resolve_cutoff(session.panel, cutoff)
    scored = run_log.last_facts(session.store, "backtest", identity.identity_of(config, session.store, at))
    if scored is None:
        raise UserError(
            f"this recipe has no backtest scores on these data at {at}, and nothing is registered without",
            where=config.name,
            needs="backtest",
        )
    return Job(session, at, scored)
