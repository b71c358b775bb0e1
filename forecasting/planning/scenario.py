"""Scenarios: edits checked against the columns of a panel, and two forecasts compared; nothing is forecast here.

`parse_changes` takes texts like `price*=0.9` and the first and last day and returns Edits; `check_edits` takes Edits,
the Config and the panel's schema and returns them with typed values, or raises UserError. `compare_forecasts` takes
forecasts without and with the edits and returns [unique_id, ds, baseline, yhat, difference, q50, lo-L, hi-L ...].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.edits import Edit, format_change, format_number, parse_change, parse_number
from forecasting.errors import UserError

CLOSING, HOLIDAY, NEW = "closed", "holiday", "new"
"""Words by which a scenario closes series (`closed=1`; a column of a user has another name in the panel), makes a day a
public holiday (`holiday=Jubilee`) and lists a series that is not there yet (`new='S1/I99 like S1/I13'`), the latter
two where the panel has no column of this name."""
LIKE = " like "
"""Between a new series and the one that it is like."""


def check_edits(edits: Iterable[Edit], config: Config, schema: Mapping[str, pl.DataType]) -> tuple[Edit, ...]:
    """The edits with values of their columns' types, in their order.

    `schema` is that of the panel. Raises UserError for a column that is not known ahead, a value that its column cannot
    hold, a price below 0, or a condition that is none.
    """
    return tuple(_check_edit(edit, config, schema) for edit in edits)


def _check_edit(edit: Edit, config: Config, schema: Mapping[str, pl.DataType]) -> Edit:
    change = format_change(edit)
    known_ahead = [c for c in config.columns.known_ahead if c in schema]
    words = (*words_of(schema), *(() if NEW in schema else (NEW,)))
    if edit.column not in (*known_ahead, *words):
        able = ", ".join([*known_ahead, *words])
        raise UserError(f"change {change!r}: {edit.column} is not known ahead; a scenario may change {able}")
    check_condition(edit.where, schema)
    if edit.column in words:
        return _check_word(edit, change, config)
    if schema[edit.column] == pl.String:
        if edit.op != "=":
            raise UserError(f"change {change!r}: the column holds text, which can only be set with =")
        return replace(edit, value=edit.value if isinstance(edit.value, str) else format_number(edit.value))
    value = parse_number(edit.value) if isinstance(edit.value, str) else edit.value
    if value is None:
        raise UserError(f"change {change!r}: {edit.value} is not a number")
    if edit.column == config.columns.price and edit.op in ("=", "*=") and value < 0:
        raise UserError(f"change {change!r}: a price cannot be below 0")
    return replace(edit, value=value)


def words_of(schema: Mapping[str, pl.DataType]) -> tuple[str, ...]:
    """What a scenario may change of series that are there, beside the known-ahead columns of a panel.

    >>> words_of({"y": pl.Float64()}), words_of({"holiday": pl.Int8()})
    (('closed', 'holiday'), ('closed',))
    """
    return (CLOSING,) if HOLIDAY in schema else (CLOSING, HOLIDAY)


def _check_word(edit: Edit, change: str, config: Config) -> Edit:
    """The edit by one of the words; raises UserError where it says something else than the word can."""
    if edit.column == NEW:
        return _check_new(edit, change)
    return _check_closing(edit, change) if edit.column == CLOSING else _check_holiday(edit, change, config)


def _check_new(edit: Edit, change: str) -> Edit:
    """The edit that lists a new series; raises UserError where it does not name one that it is like, or is tied to a
    condition.
    """
    if edit.op != "=" or LIKE not in str(edit.value).strip():
        raise UserError(
            f"change {change!r}: a new series comes with one that it is like, as in {NEW}='S1/I99{LIKE}S1/I13'"
        )
    if edit.where is not None:
        raise UserError(f"change {change!r}: a new series is named, and not found by a condition: leave out the where")
    return edit


def _check_holiday(edit: Edit, change: str, config: Config) -> Edit:
    """The edit that adds a holiday; raises UserError for another operator, and where no country has holidays."""
    if edit.op != "=":
        raise UserError(f"change {change!r}: a holiday is named, as in {HOLIDAY}=Jubilee")
    if not (config.calendar.country or config.calendar.country_column):
        raise UserError(f"change {change!r}: models know no holidays, as calendar.country names no country")
    return replace(edit, value=str(edit.value) if isinstance(edit.value, str) else format_number(edit.value))


def _check_closing(edit: Edit, change: str) -> Edit:
    """The edit that closes series; raises UserError for any other value."""
    if edit.op != "=" or parse_number(str(edit.value)) != 1:
        raise UserError(
            f"change {change!r}: series can only be closed, by {CLOSING}=1; days on which they are closed anyway are "
            "opened by the column that columns.open names"
        )
    return replace(edit, value=1.0)


def check_condition(where: str | None, schema: Mapping[str, pl.DataType]) -> None:
    """Raise UserError unless `where` is None or an SQL condition over the columns of `schema`."""
    if where is None:
        return
    try:
        # run it: the schema alone is content to compare text with numbers
        kept = pl.DataFrame(schema=schema).select(condition(where)).schema
    except pl.exceptions.PolarsError as e:
        reason = str(e).splitlines()[0]
        raise UserError(f"where {where!r}: {reason}; columns are {', '.join(schema)}") from None
    if list(kept.dtypes()) != [pl.Boolean]:
        raise UserError(f"where {where!r}: must be a condition that is true or false, like store = 'S1'")


def condition(where: str | None) -> pl.Expr:
    """The SQL condition as a boolean expression; None holds for every row.

    >>> pl.DataFrame({"store": ["S1", "S2"]}).filter(condition("store = 'S2'"))["store"].to_list()
    ['S2']
    """
    return pl.lit(value=True) if where is None else pl.sql_expr(where)


def both_conditions(first: str | None, second: str | None) -> str | None:
    """The SQL condition that holds where both do; None is no condition.

    >>> both_conditions("price > 1", None), both_conditions("a = 1 OR b = 1", "c = 1")
    ('price > 1', '(a = 1 OR b = 1) AND (c = 1)')
    """
    if first is None or second is None:
        return second if first is None else first
    return f"({first}) AND ({second})"


def sql_text(value: str) -> str:
    """A text as an SQL literal.

    >>> print(sql_text("Ben's"))
    'Ben''s'
    """
    return "'" + value.replace("'", "''") + "'"


def compare_forecasts(baseline: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, baseline, yhat, difference, lo-L, hi-L ...]: one row per series and period that both hold.

    All are in units of y; `yhat`, the median and the bounds are those of `changed`, difference is yhat less baseline;
    its `source` comes with them.

    >>> plan = pl.DataFrame({"unique_id": ["a"], "ds": [1], "yhat": [10.0]})
    >>> compare_forecasts(plan, plan.with_columns(yhat=12.0)).row(0)
    ('a', 1, 10.0, 12.0, 2.0)
    """
    before = baseline.select("unique_id", "ds", baseline="yhat")
    both = changed.join(before, on=["unique_id", "ds"])
    difference = (pl.col("yhat") - pl.col("baseline")).alias("difference")
    bounds = [c for c in changed.columns if c.startswith(("q50", "lo-", "hi-", "difference-", "response_error"))]
    sources = [c for c in ("source",) if c in changed.columns]
    return both.select("unique_id", "ds", "baseline", "yhat", difference, *bounds, *sources).sort("unique_id", "ds")


def parse_changes(changes: Iterable[str], days: tuple[date, date], where: str | None = None) -> tuple[Edit, ...]:
    """The edits of changes like `price*=0.9`, all on the days first..last where the SQL condition holds.

    Raises UserError for a change that is none.
    """
    try:
        return tuple(parse_change(change, *days, where) for change in changes)
    except ValueError as error:
        raise UserError(str(error)) from None
