"""The series of a scenario: a SeriesFilter chooses them. `find_series` returns their ids, `select_series` their panel.

Both read the rows of the panel, and nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from forecasting.data.buckets import collect_each
from forecasting.data.panel import Panel, part_of_panel
from forecasting.errors import UserError
from forecasting.planning.scenario import both_conditions, condition, sql_text
from forecasting.services.store import Store
from forecasting.steps.serving.served import Served, buckets_of


@dataclass(frozen=True)
class SeriesFilter:
    """The series of a scenario: those of which any row meets the SQL condition `where`, or the one `unique_id`.

    Without either: all series.
    """

    where: str | None = None
    unique_id: str | None = None

    @property
    def condition(self) -> str | None:
        """The filter as one SQL condition; None for all series."""
        one = None if self.unique_id is None else f"unique_id = {sql_text(self.unique_id)}"
        return both_conditions(self.where, one)


ALL = SeriesFilter()
"""No filter."""


def select_series(panel: Panel, store: Store, series: SeriesFilter) -> Panel:
    """The panel of the chosen series, in one bucket 0; the priors of their groups stay those of all series.

    Raises UserError when there is no such series.
    """
    chosen = condition(series.where).any().over("unique_id")
    buckets = panel.buckets
    if series.unique_id is not None:
        chosen = chosen & (pl.col("unique_id") == series.unique_id)
        found = store.scan("series").filter(pl.col("unique_id") == series.unique_id).select("bucket").collect()
        buckets = tuple(found["bucket"])
    parts = [panel.scan(bucket).filter(chosen) for bucket in buckets]
    rows = pl.concat(collect_each(parts)) if parts else pl.DataFrame()
    if rows.is_empty():
        raise no_such_series(panel.config.name, series)
    return part_of_panel(panel, rows)


def no_such_series(job: str, series: SeriesFilter) -> UserError:
    """The error that no series of a job is chosen by this filter."""
    if series.unique_id is not None:
        return UserError(f"{job}: there is no series {series.unique_id}")
    return UserError(f"where {series.where!r}: no series meets this condition")


def find_series(served: Served, series: SeriesFilter, new: pl.DataFrame | None = None) -> pl.Series:
    """The ids of the chosen series of which there are rows, sorted; raises UserError when there is none.

    `new` are planned rows of series that are not there yet: where the filter is met by one of these, there may be none.
    """
    is_met = new is not None and not new.filter(condition(series.condition)).is_empty()
    ids = served.series["unique_id"].sort()
    if series.unique_id is not None:
        ids = ids.filter(ids == series.unique_id)
        if ids.is_empty() and not is_met:
            raise no_such_series(served.config.name, series)
    if series.where is not None and ids.len():
        ids = ids.filter(ids.is_in(_that_meet(served, series.where, buckets_of(served, ids)).implode()))
        if ids.is_empty() and not is_met:
            raise no_such_series(served.config.name, replace(series, unique_id=None))
    return ids


def _that_meet(served: Served, where: str, buckets: list[int]) -> pl.Series:
    """The series in buckets of which any row meets the condition."""
    met = condition(where)
    columns = list(dict.fromkeys(("unique_id", *met.meta.root_names())))
    rows = [served.job.panel.scan(bucket).select(columns).filter(met) for bucket in buckets]
    return pl.concat(collect_each([r.select("unique_id").unique() for r in rows]))["unique_id"]
