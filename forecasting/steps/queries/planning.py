"""What is planned for a series: `read_plan` returns [ds, known-ahead columns] of the coming periods, with Edits.

It takes a Session and a unique_id; `read_planned_promotions` returns [ds, promo]. No forecast, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.planning.column_names import edit_over_panel
from forecasting.planning.scenario import check_edits
from forecasting.steps.queries.history import on_promotion
from forecasting.steps.queries.status import read_status
from forecasting.steps.scenario import SeriesFilter, select_series
from forecasting.steps.session import Session


def read_plan(session: Session, unique_id: str, edits: Iterable[Edit] = ()) -> pl.DataFrame:
    """[ds, every known-ahead column] with `edits`: one row per coming period; without columns for an unknown series.

    Raises UserError for an edit that its column cannot take.
    """
    config, cutoff = session.config, read_status(session).cutoff
    if cutoff is None:
        return pl.DataFrame()
    over_panel = (edit_over_panel(edit, config) for edit in edits)
    checked = check_edits(over_panel, config, session.panel.schema)
    of_columns = tuple(edit for edit in checked if edit.column in session.panel.schema)  # others close, or add holidays
    try:
        selected = select_series(session.panel, session.store, SeriesFilter(unique_id=unique_id))
    except UserError:
        return pl.DataFrame()
    frame = Cut(selected, cutoff, config.h, of_columns).frame(0)
    known_ahead = [c for c in config.columns.known_ahead if c in frame.columns]
    return frame.filter(pl.col("ds") > cutoff).select("ds", *known_ahead)


def read_planned_promotions(session: Session, unique_id: str) -> pl.DataFrame:
    """[ds, promo]: 1.0 for coming periods with a planned promotion, 0.0 for others, null where nothing is planned."""
    plan = read_plan(session, unique_id)
    if session.config.columns.promo not in plan.columns:
        return pl.DataFrame(schema={"ds": pl.Date, "promo": pl.Float64})
    return plan.select("ds", promo=on_promotion(session.config))
