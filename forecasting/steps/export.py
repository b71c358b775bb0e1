"""Tables out of the store into one file: Parquet, CSV, or Excel with a sheet that says what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from forecasting.config import Config
from forecasting.data import quality
from forecasting.data.schemas import EXPORTS
from forecasting.errors import Option, UserError
from forecasting.evaluation.segments import planning_classes
from forecasting.services.store import Store
from forecasting.services.store.vintages import scan_published
from forecasting.steps import queries
from forecasting.steps.forecasting.sums import sums
from forecasting.steps.session import open_session, open_store

SHEET_ROWS = 1_048_575
"""Rows of an Excel sheet below its header."""
Writer = Callable[[pl.DataFrame, Path, pl.DataFrame], None]
FORMULA = r"^[=+\-@\t\r]"
"""What makes a spreadsheet take a text for a formula."""


def export(config: Config, table: str, out: Path, cutoff: date | None = None, over: Sequence[int] = ()) -> int:
    """Write a table to `out` (.parquet, .csv or .xlsx by its ending); returns the rows written.

    forecasts and sums (over so many periods as `over` says) are those of the newest published vintage, or of `cutoff`.
    Raises UserError for an unknown table or ending, for a table without rows, for `over` without sums, and when the
    rows do not fit on a sheet.
    """
    if table not in EXPORTS:
        raise UserError(f"export {table}: there is no such table to export; choose one of {', '.join(EXPORTS)}")
    if over and table != "sums":
        raise UserError(
            f"belongs to the export of sums: {table} holds single periods, so leave it out", where=Option("over")
        )
    _format(out)
    rows = sums(open_session(config), over, cutoff) if table == "sums" else read(config, table, cutoff)
    if rows.is_empty():
        raise _no_rows(table, cutoff)
    write_file(config, table, rows, out)
    return rows.height


def write_file(config: Config, table: str, rows: pl.DataFrame, out: Path) -> None:
    """Write the rows in the format of the ending; raises UserError for another one and where no file can be."""
    write = _format(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(rows, out, header(config, table, rows))
    except OSError as error:
        raise UserError(
            f"cannot be written ({error.strerror or error})", where=Option("out", out), mend="choose another place"
        ) from None


def _format(out: Path) -> Writer:
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise UserError(f"the ending says the format; use one of {', '.join(WRITERS)}", where=Option("out", out))
    return write


def read(config: Config, table: str, cutoff: date | None = None) -> pl.DataFrame:
    """The rows of a table as they are exported; backtests and scores of `cutoff` only when it is given."""
    if table == "forecasts":
        return _forecasts(config, cutoff)
    store = open_store(config)
    if table == "series":
        return _series(config, store)
    exported = EXPORTS[table]
    rows = store.scan(table, cutoff=cutoff) if cutoff and exported.cutoff == "filter" else store.scan(table)
    return rows.sort(exported.sort).collect()


def _series(config: Config, store: Store) -> pl.DataFrame:
    """What is known of every series, and what follows from it on the newest day of the panel."""
    series = store.scan("series").collect().sort("unique_id")
    newest = series["last"].max()
    if not isinstance(newest, date):
        return series
    told = quality.add_verdicts(series, config, newest)
    return told.join(planning_classes(told), on="unique_id", maintain_order="left")


def _forecasts(config: Config, cutoff: date | None) -> pl.DataFrame:
    found = queries.list_vintages(open_session(config)).filter(pl.col("kind") == "published")
    newest = (found.filter(pl.col("cutoff") == cutoff) if cutoff else found).head(1)
    if newest.is_empty():
        return pl.DataFrame()
    at, version, _ = newest.row(0)
    rows = scan_published(open_store(config), "forecasts", cutoff=at).filter(pl.col("version") == version)
    return rows.sort(EXPORTS["forecasts"].sort).collect()


def _no_rows(table: str, cutoff: date | None) -> UserError:
    at, where = f" at {cutoff}" if cutoff else "", f"export {table}"
    if table == "quarantine":
        return UserError("no row is in quarantine, so there is nothing to write", where=where)
    return UserError(
        f"the store holds none{at}", where=where, mend="choose another cutoff" if cutoff else "", needs="predict"
    )


def header(config: Config, table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """[key, value]: what the file holds, of which job, from when and in which units."""
    cutoffs = rows["cutoff"].drop_nulls().unique().sort() if "cutoff" in rows.columns else pl.Series([], dtype=pl.Date)
    models = rows["model"].unique().sort() if "model" in rows.columns else pl.Series([], dtype=pl.String)
    facts = {
        "job": config.name,
        "table": table,
        "rows": f"{rows.height:,}",
        "cutoffs": ", ".join(map(str, cutoffs)),
        "models": ", ".join(models),
        "frequency": EXPORTS[table].row.format(config.frequency.unit),
        "units": "y, yhat, q50, lo-* and hi-* are in units of the source's target per period",
        "yhat, q50": "conditional mean (sum this one) and median",
        "lo-80, hi-80": "bounds of the central 80 % interval, other levels likewise; they do not add up over rows",
        "written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
    return pl.DataFrame({"key": list(facts), "value": list(facts.values())})


def guarded(rows: pl.DataFrame) -> pl.DataFrame:
    """Texts that a spreadsheet would run as a formula get an apostrophe in front; numbers stay as they are."""
    text = pl.col(pl.String)
    return rows.with_columns(pl.when(text.str.contains(FORMULA)).then("'" + text).otherwise(text).name.keep())


def csv(rows: pl.DataFrame) -> str:
    """The rows as guarded CSV text."""
    return guarded(rows).write_csv()


def _parquet(rows: pl.DataFrame, out: Path, _: pl.DataFrame) -> None:
    rows.write_parquet(out)


def _csv(rows: pl.DataFrame, out: Path, _: pl.DataFrame) -> None:
    guarded(rows).write_csv(out)


def _xlsx(rows: pl.DataFrame, out: Path, head: pl.DataFrame) -> None:
    if rows.height > SHEET_ROWS:
        what = f"{rows.height:,} rows do not fit on a sheet of {SHEET_ROWS:,}"
        raise UserError(what, where=Option("out", out), mend="use .parquet or .csv")
    from xlsxwriter import Workbook

    # texts are written as texts, whatever they begin with
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd"}
    with Workbook(out, {**plain, "remove_timezone": True}) as book:
        head.write_excel(book, "about", autofit=True)
        rows.write_excel(book, "data", autofit=rows.height < 10_000, freeze_panes=(1, 0))


WRITERS: dict[str, Writer] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".xlsx": _xlsx,
}
