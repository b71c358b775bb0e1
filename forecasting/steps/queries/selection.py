"""What is shown on a chart: a Selection is one series, one aggregate of the config, or the sum of several series.

`resolve_selection` takes a Session and names like "group:total" or "series:A/1" and returns it, or None; `find_series`
returns the ids of series that contain a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import AGGREGATE_BUCKET
from forecasting.features.groups import group_label
from forecasting.steps.session import Session


@dataclass(frozen=True)
class Selection:
    """The series or aggregate to show, with the buckets that hold its rows.

    `kind`: series (one series), group (an aggregate) or sum (of the series in `ids`, added up).
    """

    name: str
    kind: Literal["series", "group", "sum"]
    ids: tuple[str, ...] = ()
    buckets: tuple[int, ...] = ()


TOTAL = Selection("total", "group", buckets=(AGGREGATE_BUCKET,))
"""The aggregate of all series."""


def resolve_selection(session: Session, names: Sequence[str]) -> Selection | None:
    """The selection that names like "group:total" or "series:A/1" stand for; None when none of them exists.

    An aggregate is shown by itself; several series are added up.
    """
    aggregates = [n.removeprefix("group:") for n in names if n.startswith("group:")]
    existing = list_aggregates(session) if aggregates else []
    if aggregate := next((name for name in aggregates if name in existing), None):
        return Selection(aggregate, "group", buckets=(AGGREGATE_BUCKET,))
    wanted = [n.removeprefix("series:") for n in names if n.startswith("series:")]
    series = session.store.scan("series").filter(pl.col("unique_id").is_in(wanted))
    found = series.select("unique_id", "bucket").collect()
    if found.is_empty():
        return None
    ids, buckets = tuple(found["unique_id"].sort()), tuple(found["bucket"].unique().sort())
    if len(ids) == 1:
        return Selection(ids[0], "series", ids, buckets)
    return Selection(f"{len(ids)} series", "sum", ids, buckets)


def list_aggregates(session: Session) -> list[str]:
    """Names of the aggregates: "total" first, then names like "store=S1" by depth."""
    names = session.store.scan("groups").select(pl.col("group").unique()).collect()["group"].to_list()
    return sorted(names, key=lambda name: (name != "total", name.count("/"), name))


def count_series(session: Session) -> int:
    """Number of series in the panel."""
    return int(session.store.scan("series").select(pl.len()).collect().item())


def find_series(session: Session, text: str = "", limit: int = 50) -> list[str]:
    """At most `limit` ids of series that contain every word of `text` (in any case), the largest sales first."""
    return _matching(session, text).head(limit).select("unique_id").collect()["unique_id"].to_list()


def read_series_page(session: Session, text: str, limit: int, offset: int) -> tuple[int, pl.DataFrame]:
    """How many series contain every word of `text` (in any case), and `limit` rows of the table `series` from the row
    `offset` on, the largest sales first.
    """
    found = _matching(session, text).collect()
    return found.height, found.slice(offset, limit)


def _matching(session: Session, text: str) -> pl.LazyFrame:
    """The rows of `series` whose ids contain every word of `text`, the largest sales first."""
    series = session.store.scan("series")
    for word in text.lower().split():
        series = series.filter(pl.col("unique_id").str.to_lowercase().str.contains(word, literal=True))
    size = pl.col("mean").fill_null(0) * pl.col("n")
    return series.sort(size, "unique_id", descending=[True, False])


def belongs_to(config: Config, aggregate: str) -> pl.Expr:
    """Whether a row of `series` belongs to an aggregate like "total", "store=S1" or "store=S1/category=food"."""
    statics = config.static_columns
    levels = {*config.levels_of_aggregation, (), *((c,) for c in statics), statics}
    return pl.any_horizontal(group_label(level) == aggregate for level in levels if set(level) <= set(statics))
