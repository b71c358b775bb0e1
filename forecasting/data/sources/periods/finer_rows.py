"""Rows finer than a period (hours of a day, days of a week, months of a year): `sum_finer_rows` adds them up.

It takes raw rows with the MOMENT of each and the config, and returns Summed: one row per series and period, the number
of lines that were merged or dropped, and remarks. Rows are added up only when they are regular, that is when nearly
every series has nearly every hour or day; otherwise they are marked with the fault `several_in_period`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import gcd

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.sources.periods.combinations import Combination, combinations, explain_drivers
from forecasting.data.sources.periods.date_column import DateColumn
from forecasting.data.sources.periods.edges import first_day_of_period
from forecasting.data.sources.periods.unfinished import TIME_OF_DAY, unfinished_periods
from forecasting.frequency import FREQS, Frequency, rhythm
from forecasting.remarks import Remark

DAY, MINUTE = "_moment_day", "_moment_minute"
MOMENT = (DAY, MINUTE)
"""Columns with the day of a row, and with its minute where rows of one day have different ones."""
FINEST = 5
"""Times that are not multiples of so many minutes are those of single sales, and no regular rows."""
REGULAR = 0.5
"""At least this share of all hours (or days, months) between the first and the last row of a series must be there."""
REPEATED = 0.01
"""At most this share of rows may have the moment of another row."""
ROWS, KEY = "_rows", ("unique_id", "ds")
THIN, RARE = 0.75, 0.05
"""Sums of less than this share of the usual number of rows are named where they are rare."""
FITTING = {"day": ("week", "month", "quarter", "year"), "month": ("quarter", "year"), "quarter": ("year",)}
"""Unit of rows -> the units of periods that hold a whole number of them."""


@dataclass(frozen=True)
class Summed:
    """Rows without MOMENT, and what became of their lines: how many were merged, dropped by name, remarks."""

    rows: Portions
    merged: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()


def moments(dates: DateColumn) -> list[pl.Series]:
    """The columns MOMENT of rows with these dates; without times the day alone."""
    days = dates.days.alias(DAY)
    return [days] if dates.minutes is None else [days, dates.minutes.alias(MINUTE)]


def sum_finer_rows(portions: Portions, config: Config) -> Summed:
    """One row per series and period where rows are regular and finer than a period; else the rows as they are.

    Rows of one series and period that cannot be added up are marked with the fault `several_in_period`: equal ones
    would pass for repeats of one row. y is added up; see `combinations` for drivers. An unfinished first or last period
    is left out, as its sum is too low. Rows that are finer are added up in memory.
    """
    if not _is_finer(portions, config.frequency):
        return Summed(portions.each(lambda rows: rows.drop(MOMENT, strict=False)))
    long = portions.whole()
    plain = long.drop(MOMENT, strict=False)
    good = pl.all_horizontal(pl.col("fault").is_null(), pl.col("unique_id", "ds").is_not_null())
    rows, bad = long.filter(good), plain.filter(~good)
    unit = unit_of_rows(rows, config.frequency)
    if unit is None or not _may_be_added(config):
        return Summed(Portions.of(_mark_several(long).drop(MOMENT, strict=False)))
    start = first_day_of_period(pl.col(DAY), config.freq, "monday")
    rows, repeats, repeated = _without_repeats(rows)
    rows, conflicts = _without_conflicts(rows)
    bad = pl.concat([bad, conflicts.select(plain.columns)], how="vertical_relaxed")
    rows = rows.with_columns(ds=start if config.frequency.days > 1 else pl.col("ds"))
    rows, unfinished, remarks = _without_unfinished(rows, unit, config)
    kinds = combinations(rows, config, MOMENT)
    sums = rows.group_by(KEY, maintain_order=True).agg(pl.len().alias(ROWS), *(kind.expr for kind in kinds.values()))
    dropped = {rule: n for rule, n in (("repeat", repeats), ("unfinished_period", unfinished)) if n}
    remarks = [*_notes(rows.height, sums, unit, kinds, config), *repeated, *remarks]
    result = Portions.of(pl.concat([sums.select(plain.columns), bad], how="vertical_relaxed"))
    return Summed(result, rows.height - sums.height, dropped, tuple(remarks))


def _is_finer(rows: Portions, frequency: Frequency) -> bool:
    """Whether a period holds several rows of a series: other days or times of one period, or days where weeks are."""
    both = rows.each(lambda part: part.select(DAY, "ds").unique()).whole().unique()
    if frequency.days > 1 and not frequency.months:
        return rhythm(both[DAY].drop_nulls().unique().sort()) == "1d"
    days, periods = (both[c].drop_nulls().n_unique() for c in (DAY, "ds"))
    keys = rows.each(lambda part: part.select(KEY).drop_nulls("ds"))
    return (MINUTE in rows.schema or days > periods) and any(part.is_duplicated().any() for part in keys)


def _may_be_added(config: Config) -> bool:
    """Whether all rows of a period come in one load, and none takes back another one."""
    return config.source.reads == "everything" and "deleted" not in (config.source.columns or {})


def unit_of_rows(rows: pl.DataFrame, frequency: Frequency) -> str | None:
    """What each row of [unique_id, MOMENT] is about: an hour, a day, a month ..., when rows are regular and fill whole
    periods; else None.
    """
    moment = ["unique_id", *(c for c in MOMENT if c in rows.columns)]
    if not rows.height or rows.select(moment).is_duplicated().sum() > REPEATED * rows.height:
        return None
    if MINUTE in rows.columns:
        times = rows[MINUTE].unique().drop_nulls()
        if gcd(*times.to_list()) % FINEST:
            return None
        slots = rows.select("unique_id", DAY).unique().height * len(times)
        return TIME_OF_DAY if rows.height >= REGULAR * slots else None
    days = rows[DAY].unique().sort()
    finer = FREQS[rhythm(days) or ("1mo" if days.dt.day().n_unique() == 1 else "1d")]
    if frequency.unit not in FITTING.get(finer.unit, ()):
        return None
    spans = rows.group_by("unique_id").agg(first=pl.col(DAY).min(), last=pl.col(DAY).max())
    slots = spans.select((finer.steps(pl.col("first"), pl.col("last")) + 1).sum()).item()
    return finer.unit if rows.height >= REGULAR * slots else None


def _mark_several(long: pl.DataFrame) -> pl.DataFrame:
    """The rows with the fault `several_in_period` where one shares its series and period with another moment."""
    moment = pl.struct(c for c in MOMENT if c in long.columns)
    several = (moment.n_unique().over("unique_id", "ds") > 1) & pl.col("ds").is_not_null() & pl.col("fault").is_null()
    day = pl.col(DAY).cast(pl.String)
    if MINUTE in long.columns:
        clock = (pl.col(MINUTE) // 60, pl.col(MINUTE) % 60)
        day = pl.format("{} {}:{}", day, *(part.cast(pl.String).str.zfill(2) for part in clock))
    return long.with_columns(
        fault=pl.when(several).then(pl.lit("several_in_period")).otherwise("fault"),
        fault_value=pl.when(several).then(pl.format("ds={}", day)).otherwise("fault_value"),
    )


def _without_repeats(rows: pl.DataFrame) -> tuple[pl.DataFrame, int, list[Remark]]:
    """The rows without equal repeats of a row, how many those were, and what to say of them."""
    content = [c for c in rows.columns if c not in ("file", "line")]
    if not rows.select("unique_id", *(c for c in MOMENT if c in rows.columns)).is_duplicated().any():
        return rows, 0, []
    first = pl.struct(content).is_first_distinct()
    repeats = rows.filter(~first)
    what = f"{repeats.height:,} rows repeat an earlier row of their series and time and count once"
    message = f"{what}: sales of {repeats['y'].sum():,.10g} are not counted"
    return rows.filter(first), repeats.height, [Remark("duplicates", message)] if repeats.height else []


def _without_conflicts(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows without those that tell of one moment differently, and these with the fault `conflicting_duplicate`."""
    conflict = rows.select("unique_id", *(c for c in MOMENT if c in rows.columns)).is_duplicated()
    value = pl.format("{} on {}: y={}", "unique_id", DAY, pl.col("y").cast(pl.String).fill_null("nothing"))
    conflicting = rows.filter(conflict).with_columns(fault=pl.lit("conflicting_duplicate"), fault_value=value)
    return rows.filter(~conflict), conflicting


def _without_unfinished(rows: pl.DataFrame, unit: str, config: Config) -> tuple[pl.DataFrame, int, list[Remark]]:
    """The rows without the sales of an unfinished first or last period, how many those were, and what to say of it."""
    sold = rows.filter(pl.col("y").is_not_null())
    times = sold.select(DAY, MINUTE) if MINUTE in sold.columns else None
    periods = unfinished_periods(sold[DAY].unique().sort(), times, unit, config.frequency)
    if not periods:
        return rows, 0, []
    left_out = pl.col("ds").is_in(periods) & pl.col("y").is_not_null()
    out = rows.filter(left_out)
    unit = config.frequency.unit
    partial = " and ".join(f"the {unit} of {day}" for day in periods)
    message = (
        f"the data do not hold all of {partial}: rows with {out['y'].sum():,.10g} in all ({out.height:,} rows) are "
        f"left out until they do, as the sum of a part is too low for a {unit}"
    )
    return rows.filter(~left_out), out.height, [Remark("rhythm", message, "numbers")]


def _notes(lines: int, sums: pl.DataFrame, unit: str, kinds: Mapping[str, Combination], config: Config) -> list[Remark]:
    """That rows were added up, what each driver became, and which sums hold few rows."""
    period = config.frequency.unit
    begins = {TIME_OF_DAY: f" (a day begins at {config.source.day_starts}, source.day_starts)"}.get(unit, "")
    begins += " (weeks begin on Monday)" if period == "week" else ""
    message = (
        f"there is a row per {unit}: {lines:,} rows were added up to {sums.height:,}, one per series and {period}"
        f"{begins}{explain_drivers(kinds)}"
    )
    return [Remark("rhythm", message, "none"), *_thin_sums(sums, unit, period)]


def _thin_sums(sums: pl.DataFrame, unit: str, period: str) -> list[Remark]:
    """A remark on sums of fewer rows than nearly all others, which may be too low."""
    usual = float(sums.select(pl.col(ROWS).median()).item() or 0)
    thin = sums.filter(pl.col(ROWS) < THIN * usual)
    if not 0 < thin.height <= RARE * sums.height:
        return []
    first = thin.sort("ds", "unique_id").row(0, named=True)
    message = (
        f"{thin.height:,} of {sums.height:,} sums hold fewer rows than most, such as {first['unique_id']} in the "
        f"{period} of {first['ds']} ({first[ROWS]} of {usual:.0f} rows, one per {unit}): y is too low where rows are "
        "missing"
    )
    return [Remark("rhythm", message, "numbers")]
