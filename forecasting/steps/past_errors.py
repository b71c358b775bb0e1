"""Past errors of a champion, from which sums and differences are drawn: `past_errors` returns its backtest rows.

It takes a Store, a Bundle and the `memberships` of series. Nothing is written.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.data.windows import backtest_cutoffs
from forecasting.evaluation import intervals
from forecasting.features.groups import group_columns
from forecasting.services.store import Store
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.ensembles import replay
from forecasting.steps.forecasting.stored_rows import backtest_rows
from forecasting.steps.session import Session


def past_errors(store: Store, bundle: Bundle, members: pl.DataFrame) -> pl.DataFrame:
    """The champion's backtest rows of the newest windows: each is one shock that may come again; `members`
    [unique_id, columns of group_columns] are the aggregates of each series.
    """
    trained, champion = date.fromisoformat(bundle.facts["cutoff"]), bundle.trained.fitted[bundle.champion]
    reported, older = backtest_cutoffs(bundle.config, trained)
    rows = backtest_rows(store, bundle.facts["recipe"], [*older, *reported])
    mine = rows.filter(pl.col("model") == bundle.champion).collect()
    newest = intervals.newest_windows(mine, trained, bundle.config.calibration)
    return replay(newest, rows, champion, lambda: members)


def memberships(session: Session) -> pl.DataFrame:
    """[unique_id, columns of group_columns]: the aggregates that each series belongs to."""
    groups = group_columns(session.config.levels_of_aggregation)
    return session.store.scan("series").select("unique_id", **groups).collect()
