"""Contracts: which raw rows may enter, what happens to those that may not, and what every table must hold.

Good rows go on; a row that breaks a rule goes to the quarantine as it came, and the run with it when too many do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.config import Config
from forecasting.data.contracts import limits
from forecasting.data.sources import TAGS, RawData
from forecasting.frequency import Frequency
from forecasting.io.table import Table

if TYPE_CHECKING:
    import pandera.polars as pa

RULES = ("missing_key", "implausible_date", "off_grid", "non_finite", "below_y_min", "fraction", "negative_price")
"""Rules of a row on its own, in the order in which one is blamed; `in_the_future`, `conflicting_duplicate` and the
faults of reading (date_format, several_in_period, number, cells, id) stand beside them."""

QUARANTINE_SCHEMA = {"file": pl.String, "line": pl.Int64, "row": pl.String, "rule": pl.String, "value": pl.String}


@dataclass(frozen=True)
class CheckedLoad:
    """One load after its contracts.

    `good` holds unique_id, ds, y and the drivers, unique by unique_id and ds; `quarantine` file, line, row (as it
    came), rule, value; `duplicates` counts dropped repeats of equal rows. `account`: lines = aggregated + quarantined
    + duplicates + the sum of dropped, of the source; of each further table the like, and what matched nothing, under
    `tables`. The quarantine holds the rows of the tables, too, and `good` those of days that only tables tell of
    (y null; `rows_from_tables` of them).
    """

    good: pl.DataFrame
    quarantine: pl.DataFrame
    duplicates: int
    account: Mapping[str, Any]


def check_load(loaded: RawData, config: Config, today: date | None = None, known: date | None = None) -> CheckedLoad:
    """Part good rows from bad ones; raises UserError when too many are bad, or the dates are implausible or old.

    `known` is the newest day of which sales are known already: weeks must begin on its weekday. Of a landing folder
    good rows keep their `file`, and are unique within it.
    """
    long, today = loaded.long, today or date.today()
    keys = ["unique_id", "ds", *(["file"] if config.source.reads == "new_files" else [])]
    limits.check_dates(long, config)
    limits.check_frequency(long, config)
    bad = unreadable_rows(long)
    sound = drop_bad_rows(long, bad)
    bad = pl.concat([bad, rule_violations(sound, raw_schema(sound, config, known), RULES)])
    bad = pl.concat([bad, _in_the_future(drop_bad_rows(sound, bad), today)])
    value = pl.format("{} on {}: y={}", "unique_id", "ds", pl.col("y").cast(pl.String).fill_null("nothing"))
    single, conflicts, repeats = split_duplicates(drop_bad_rows(sound, bad), keys, value)
    bad = pl.concat([bad, conflicts])
    limits.check_quarantined_share(loaded.long.height + loaded.merged_lines - loaded.generated_rows, bad, config)
    good = single.drop(c for c in TAGS if c not in keys)
    limits.check_newest_sales(good, config, today, known)
    account = _account(loaded, good.height, bad.height, repeats)
    quarantine = quarantine_rows(loaded.original_rows, bad)
    from forecasting.data.side_tables import JoinedData  # tables are held to contracts, too
    from forecasting.data.side_tables.extra_rows import extra_rows

    if not isinstance(loaded, JoinedData):
        return CheckedLoad(good, quarantine, repeats, account)

    if known is None:  # a later load may be of few series, and none of a table's
        loaded.tables.in_common(config)
    told = extra_rows(loaded.tables, good, config, known)
    account |= {"tables": dict(loaded.tables.account), "rows_from_tables": told.height}
    return CheckedLoad(pl.concat([good, told]), pl.concat([quarantine, loaded.tables.quarantine]), repeats, account)


def unreadable_rows(long: pl.DataFrame) -> pl.DataFrame:
    """Rows that could not be read."""
    return long.filter(pl.col("fault").is_not_null()).select("file", "line", "ds", rule="fault", value="fault_value")


def drop_bad_rows(long: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    """Without the bad cells; file, line and ds tell them apart (a line of a wide file has many)."""
    return long.join(bad, on=["file", "line", "ds"], how="anti", nulls_equal=True) if bad.height else long


def rule_violations(long: pl.DataFrame, schema: pa.DataFrameSchema, rules: Sequence[str]) -> pl.DataFrame:
    """file, line, ds, rule, value of each row that breaks the schema: the first of the rules."""
    import pandera.errors

    try:
        schema.validate(long, lazy=True)
    except pandera.errors.SchemaErrors as e:
        cases = e.failure_cases
    else:
        return long.clear().select("file", "line", "ds", rule=pl.lit(""), value=pl.lit(""))
    order = {rule: k for k, rule in enumerate(rules)}
    rule = pl.when(pl.col("check") == "not_nullable").then(pl.lit("missing_key")).otherwise("check")
    found = cases.select(pl.col("index").cast(pl.Int64), rule.alias("rule"), value=_value(long.schema))
    found = found.sort(pl.col("rule").replace_strict(order), maintain_order=True).unique("index", keep="first")
    rows = long.select("file", "line", "ds").select(pl.all().gather(found["index"]))
    return rows.with_columns(found["rule"], found["value"])


def _value(schema: pl.Schema) -> pl.Expr:
    return pl.format("{}={}", pl.col("column"), pl.col("failure_case").cast(pl.String).fill_null("nothing"))


def _in_the_future(long: pl.DataFrame, today: date) -> pl.DataFrame:
    """What cannot have been sold yet: a number on a day after today. Without a number it is a plan."""
    value = pl.format("ds={} y={}", "ds", "y")
    early = long.filter(pl.col("ds") > today, pl.col("y").is_not_null())
    return early.select("file", "line", "ds", rule=pl.lit("in_the_future"), value=value)


def raw_schema(long: pl.DataFrame, config: Config, known: date | None = None) -> pa.DataFrameSchema:
    """The Pandera schema of raw rows; the names of its checks are RULES. Weeks must start on the usual weekday."""
    import pandera.polars as pa

    first, last = config.limits.dates
    off = _off_grid(long["ds"].filter(long["ds"].is_between(first, last)), config.frequency, known)
    days = [pa.Check(is_between(first, last), error="implausible_date"), pa.Check.notin(off, error="off_grid")]
    columns = {"unique_id": pa.Column(pl.String), "ds": pa.Column(pl.Date, days)}
    columns["y"] = pa.Column(pl.Float64, _sales_checks(config), nullable=True)
    for money in {config.columns.price, config.columns.cost} - {None}:
        columns[str(money)] = pa.Column(pl.Float64, pa.Check.ge(0, error="negative_price"), nullable=True)
    return pa.DataFrameSchema(columns)


def _sales_checks(config: Config) -> list[pa.Check]:
    """What y must be: finite, and what config.clean wants to see in quarantine rather than mended."""
    import pandera.polars as pa

    clean, checks = config.clean, [pa.Check(is_finite, error="non_finite")]
    if clean.y_min is not None and clean.below == "quarantine":
        checks.append(pa.Check.ge(clean.y_min, error="below_y_min"))
    if clean.fractions == "quarantine":
        checks.append(pa.Check(_whole, error="fraction"))
    return checks


def is_between(first: date, last: date) -> Any:
    """A check that a column lies between two days."""
    return lambda data: data.lazyframe.select(pl.col(data.key).is_between(first, last))


def _off_grid(ds: pl.Series, frequency: Frequency, known: date | None) -> list[date]:
    """The dates that do not stand where `known` does in its period (null: most do): weeks from another weekday on."""
    start, day = pl.lit(date(1970, 1, 1)), pl.col("ds")
    into = (day - frequency.offset(start, frequency.steps(start, day))).alias("into")
    counted = ds.value_counts(name="rows").with_columns(into)
    told = pl.DataFrame({"ds": [known], "rows": [1]}).with_columns(into) if known else counted
    usual = told.group_by("into").agg(pl.col("rows").sum()).sort("rows", "into", descending=True)["into"].head(1)
    return counted.filter(~pl.col("into").is_in(usual.implode()))["ds"].to_list()


def is_finite(data: Any) -> pl.LazyFrame:
    """Whether each number of a column is finite."""
    frame: pl.LazyFrame = data.lazyframe.select(pl.col(data.key).is_finite())
    return frame


def _whole(data: Any) -> pl.LazyFrame:
    frame: pl.LazyFrame = data.lazyframe.select(pl.col(data.key) == pl.col(data.key).round())
    return frame


def split_duplicates(long: pl.DataFrame, keys: list[str], value: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Rows that stand for themselves, those of one key that differ as bad rows with a `value` to tell, and how many
    equal repeats were dropped.
    """
    again = long.select(keys).is_duplicated()
    if not again.any():
        return long, long.clear().select("file", "line", "ds", rule=pl.lit(""), value=pl.lit("")), 0
    content = [c for c in long.columns if c not in TAGS or c in keys]
    repeated = long.filter(again).unique(content, keep="first", maintain_order=True)
    conflict = repeated.select(keys).is_duplicated()
    clash = long.filter(again).join(repeated.filter(conflict).select(keys).unique(), on=keys, how="semi")
    bad = clash.select("file", "line", "ds", rule=pl.lit("conflicting_duplicate"), value=value)
    single = pl.concat([long.filter(~again), repeated.filter(~conflict)])
    return single, bad, long.height - single.height - bad.height


def _account(loaded: RawData, good: int, bad: int, repeats: int) -> dict[str, Any]:
    dropped = dict(loaded.dropped)
    used = good + loaded.merged_lines - loaded.generated_rows
    if loaded.lines != used + bad + repeats + sum(dropped.values()):
        raise AssertionError(f"the lines do not add up: {loaded.lines} are not {used} + {bad} + {repeats} + {dropped}")
    return {"lines": loaded.lines, "aggregated": used, "quarantined": bad, "duplicates": repeats, "dropped": dropped}


def quarantine_rows(rows: Callable[[pl.DataFrame], pl.DataFrame], bad: pl.DataFrame) -> pl.DataFrame:
    """The quarantine: one row per file, line and rule; of several bad cells in a line the first is told. `rows` reads
    (file, line) again.
    """
    more = pl.when(pl.len() > 1).then(pl.format("{} and {} more", pl.first("value"), pl.len() - 1))
    value = pl.coalesce(more, pl.first("value")).alias("value")
    single = bad.group_by("file", "line", "rule", maintain_order=True).agg(value)
    if not single.height:
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    came = rows(single.select("file", "line").unique(maintain_order=True))
    return single.join(came, on=["file", "line"], how="left", maintain_order="left").select(list(QUARANTINE_SCHEMA))


def table_schema(table: Table) -> pa.DataFrameSchema:
    """The Pandera schema of a table: its columns and types, keys without nulls, steps from 1, bounds in order."""
    import pandera.polars as pa

    columns = {
        name: pa.Column(kind, nullable=name not in table.key or name in table.optional)
        for name, kind in table.schema.items()
    }
    if table.schema.get("step") == pl.Int32:
        columns["step"] = pa.Column(pl.Int32, pa.Check.ge(1, error="step_below_1"), nullable=True)
    ordered = [pa.Check(_ordered(name), error="bounds_crossed") for name in table.schema if name.startswith("lo-")]
    return pa.DataFrameSchema(columns, checks=ordered, strict=True)


def _ordered(low: str) -> Any:
    high = low.replace("lo-", "hi-")
    return lambda data: data.lazyframe.select((pl.col(low) <= pl.col(high)).fill_null(True))


def validate_table(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame, if it keeps the table's contract (unique keys included); else ValueError: a mistake of the program."""
    import pandera.errors

    try:
        table_schema(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as e:
        raise ValueError(f"table {table.name}: {e.failure_cases.head(5).to_dicts()}") from None
    if frame.select(table.key).is_duplicated().any():
        raise ValueError(f"table {table.name}: the key {', '.join(table.key)} is not unique")
    return frame
