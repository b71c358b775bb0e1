"""Tables for export: `export_table` writes one to a file and returns its number of rows, `read_table` returns its rows.

Both take a Session, a table's name and a cutoff; forecasts are those of one vintage (a published forecast: cutoff +
version), by default the newest. Sums over several periods are made by `export_table` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.columns import user_name
from forecasting.data import quality
from forecasting.data.schemas import EXPORTS
from forecasting.errors import Option, UserError
from forecasting.evaluation.segments import planning_classes
from forecasting.services.store.vintages import scan_published
from forecasting.steps.export.files import write_file
from forecasting.steps.export.formats import writer_for
from forecasting.steps.queries.sums import sums
from forecasting.steps.run_log import scan_scored
from forecasting.steps.session import Session


def export_table(session: Session, table: str, out: Path, cutoff: date | None = None, over: Sequence[int] = ()) -> int:
    """Write a table to `out` (.parquet, .csv or .xlsx by its ending); returns the number of rows written.

    Forecasts and sums are those of the newest published vintage, or of `cutoff`; sums cover the first n periods for
    every n in `over` (default: the horizon). Raises UserError for an unknown table or ending, for a table without rows,
    for `over` without sums, and when the rows do not fit on a sheet.
    """
    if table not in EXPORTS:
        raise UserError(f"export {table}: there is no such table to export; choose one of {', '.join(EXPORTS)}")
    if over and table != "sums":
        raise UserError(
            f"belongs to the export of sums: {table} holds single periods, so leave it out", where=Option("over")
        )
    writer_for(out)  # a wrong ending is refused before anything is read
    rows = sums(session, over, cutoff) if table == "sums" else read_table(session, table, cutoff)
    if rows.is_empty():
        raise _no_rows(table, cutoff)
    write_file(session.config, table, rows, out)
    return rows.height


def read_table(session: Session, table: str, cutoff: date | None = None) -> pl.DataFrame:
    """The rows of a stored table in the columns and the order in which it is exported.

    Forecasts are those of the newest published vintage, or of that of `cutoff`; backtests and scores are filtered by
    `cutoff` when it is given. The table `series` also has its quality verdicts and planning classes. Empty when there
    are no such rows.
    """
    if table == "forecasts":
        return _published_forecasts(session, cutoff)
    if table == "series":
        return _series_with_classes(session)
    export = EXPORTS[table]
    at: dict[str, Any] = {"cutoff": cutoff} if cutoff and export.cutoff == "filter" else {}
    scored = table in ("backtests", "scores")
    rows = scan_scored(session.store, table, **at) if scored else session.store.scan(table, **at)
    return rows.sort(export.sort).collect()


def _series_with_classes(session: Session) -> pl.DataFrame:
    """The table `series` with verdicts and planning classes as of the newest day of the panel, one row per series.

    Columns of a user have the names that the user gave them, where no column of the table is called so.
    """
    series = session.store.scan("series").collect().sort("unique_id")
    newest = series["last"].max()
    if not isinstance(newest, date):
        return series
    series = quality.add_verdicts(series, session.config, newest)
    series = series.join(planning_classes(series), on="unique_id", maintain_order="left")
    return series.rename({c: user_name(c) for c in series.columns if user_name(c) not in series.columns})


def _published_forecasts(session: Session, cutoff: date | None) -> pl.DataFrame:
    """The forecasts of the newest published vintage, or of the newest one of `cutoff`; empty without one."""
    vintages = session.vintages.filter(pl.col("cutoff") == cutoff) if cutoff else session.vintages
    if vintages.is_empty():
        return pl.DataFrame()
    vintage = vintages.row(0, named=True)
    rows = scan_published(session.store, "forecasts", cutoff=vintage["cutoff"])
    return rows.filter(pl.col("version") == vintage["version"]).sort(EXPORTS["forecasts"].sort).collect()


def _no_rows(table: str, cutoff: date | None) -> UserError:
    at, where = f" at {cutoff}" if cutoff else "", f"export {table}"
    nothing = {"quarantine": "no row is in quarantine", "alerts": f"nothing was found to be wrong{at}"}
    if table in nothing:
        return UserError(f"{nothing[table]}, so there is nothing to write", where=where)
    mend, needs = "choose another cutoff" if cutoff else "", "monitor" if table == "realised" else "predict"
    return UserError(f"the store holds none{at}", where=where, mend=mend, needs=needs)
