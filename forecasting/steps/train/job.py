"""What a training works on: `find_job` takes a Session and a cutoff, and returns a Job; UserError without a backtest.

A Job holds session, cutoff and the facts of that backtest ({name: JSON value}), and reads its rows of single series by
model: `rows`, `best_rows` and `best_ladder_rows` return rows of the table `backtests`. Nothing is fitted or written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.windows import resolve_cutoff
from forecasting.errors import UserError
from forecasting.evaluation.paired_test import model_wapes
from forecasting.models.naive import LADDER
from forecasting.steps import identity, run_log
from forecasting.steps.forecasting.stored_rows import backtest_rows
from forecasting.steps.recipes import with_chosen
from forecasting.steps.session import Session

JUDGED = ("unique_id", "ds", "cutoff", "model", "y", "yhat", "q50")
"""What models are judged by: of all series, other columns would hold memory for nothing."""


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
    def recipe(self) -> str:
        """Identity of the recipe that is trained."""
        return str(self.scored["recipe"])

    @property
    def reported(self) -> list[date]:
        """The cutoffs on which scores are reported."""
        return [date.fromisoformat(c) for c in self.scored["cutoffs"]]

    @property
    def cutoffs(self) -> list[date]:
        """The windows of the backtest, those included that only calibrate."""
        return [*(date.fromisoformat(c) for c in self.scored["calibration"]), *self.reported]

    def models(self) -> list[str]:
        """The models of the recipe that were backtested on single series, by name."""
        names = self._reported_rows(self.recipe).select(pl.col("model").unique().sort()).collect()
        return [str(name) for name in names["model"]]

    def rows(self, recipe: str, model: str) -> pl.DataFrame:
        """The rows [JUDGED] of single series of a model of a recipe on the reported windows."""
        return self._reported_rows(recipe).filter(pl.col("model") == model).select(JUDGED).collect()

    def best_rows(self, names: Sequence[str]) -> pl.DataFrame:
        """The rows of the model with the lowest WAPE of these, ties by name; one model is read at a time."""
        wapes = pl.concat([model_wapes(self.rows(self.recipe, name)) for name in names])
        return self.rows(self.recipe, str(wapes.sort("wape", "model")["model"][0]))

    def best_ladder_rows(self) -> pl.DataFrame:
        """The rows of the best naive model of the ladder."""
        return self.best_rows([name for name in self.models() if name in LADDER])

    def _reported_rows(self, recipe: str) -> pl.LazyFrame:
        return backtest_rows(self.session.store, recipe, self.reported).filter(pl.col("grain") == "series")


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
    return Job(with_chosen(session, scored), at, scored)
