"""Receipt lines: `mark_bad_lines` adds faults, `drop_uncounted_lines` drops and counts, `sum_by_period` adds up.

They take a frame of lines [unique_id, ds, y, ...], the config and Options. `sum_by_period` returns two frames: the
sums, one row per series and period, and the lines of sums below clean.y_min.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.layouts.transactions.options import Options
from forecasting.data.sources.periods.edges import first_day_of_period, is_partial
from forecasting.remarks import Remark

SERIES = ("unique_id", "ds")


def mark_bad_lines(lines: pl.DataFrame, config: Config, options: Options) -> pl.DataFrame:
    """The lines with fault and fault_value where one cannot be counted: no item, day or quantity, or an impossible one.

    A fault from reading the line is kept.
    """
    y, ds = pl.col("y"), pl.col("ds")
    first, last = config.limits.dates
    rules: list[tuple[str, str, pl.Expr]] = [
        ("missing_key", "unique_id", pl.col("unique_id").is_null()),
        ("missing_key", "ds", ds.is_null()),
        ("missing_quantity", "y", y.is_null()),
        ("implausible_date", "ds", ~ds.is_between(first, last)),
        ("non_finite", "y", ~y.is_finite()),
    ]
    rules += [("negative_price", options.price, pl.col(options.price) < 0)] if options.price else []
    fault = pl.coalesce("fault", *(pl.when(bad).then(pl.lit(rule)) for rule, _, bad in rules))
    value = pl.coalesce("fault_value", *(pl.when(bad).then(_column_value(column)) for _, column, bad in rules))
    return lines.with_columns(fault.alias("fault"), value.alias("fault_value"))


def _column_value(column: str) -> pl.Expr:
    return pl.format("{}={}", pl.lit(column), pl.col(column).cast(pl.String).fill_null("nothing"))


@dataclass(frozen=True)
class CountedLines:
    """The lines that count, and the number of dropped ones and their quantity by the name of the reason."""

    lines: pl.DataFrame
    dropped: dict[str, int]
    quantities: dict[str, float]

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What is left out, with its quantity, so that the sums can be reconciled with the file."""
        quantities = self.quantities
        counts = [f"{n:,} lines ({name}) of {quantities[name]:,.10g} in all" for name, n in self.dropped.items()]
        return (Remark("lines", f"left out by source.options: {', '.join(counts)}", "none"),) if counts else ()


def drop_uncounted_lines(lines: pl.DataFrame, config: Config, options: Options) -> CountedLines:
    """The lines that count, cancelled ones as returns, and what is dropped."""
    if options.cancelled and options.cancellations == "subtract":
        lines = lines.with_columns(y=pl.when(_is_cancelled(options)).then(-pl.col("y").abs()).otherwise("y"))
    dropped: dict[str, int] = {}
    quantities: dict[str, float] = {}
    item = config.id_columns[-1] if config.id_columns else "unique_id"
    for name, condition in _reasons_to_drop(options, item).items():
        gone = lines.filter(condition.fill_null(value=False))
        dropped[name], quantities[name] = gone.height, float(gone["y"].sum())
        lines = lines.filter(~condition.fill_null(value=False)) if gone.height else lines
    if options.partial == "drop":
        partial = is_partial(lines["ds"], config.freq, options.week)
        gone, lines = lines.filter(partial), lines.filter(~partial)
        dropped["partial_period"], quantities["partial_period"] = gone.height, float(gone["y"].sum())
    return CountedLines(lines, {name: n for name, n in dropped.items() if n}, quantities)


def _reasons_to_drop(options: Options, item: str) -> dict[str, pl.Expr]:
    """Name -> condition of lines that do not count; a line is dropped for the first that holds. `item` is the column
    of the item code.
    """
    reasons: dict[str, pl.Expr] = {}
    if options.no_goods:
        reasons["no_goods"] = pl.col(item).str.contains(f"^(?:{'|'.join(options.no_goods)})$")
    if options.cancelled and options.cancellations == "drop":
        reasons["cancelled"] = _is_cancelled(options)
    if options.free == "drop":
        reasons["free"] = pl.col(str(options.price)) == 0
    if options.repeats == "drop":
        same = [c for c in (*SERIES, "y", options.invoice, options.price) if c]
        reasons["repeat"] = ~pl.struct(same).is_first_distinct()
    if options.returns == "drop":
        reasons["return"] = pl.col("y") < 0
    if options.min_lines > 1:
        reasons["rare_item"] = pl.len().over("unique_id") < options.min_lines
    return reasons


def _is_cancelled(options: Options) -> pl.Expr:
    return pl.col(str(options.invoice)).cast(pl.String).str.starts_with(str(options.cancelled))


def sum_by_period(lines: pl.DataFrame, config: Config, options: Options) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per series and period with y and the computed drivers; and the lines of sums that clean.y_min forbids.

    A row has the file and line of its first line.
    """
    lines = lines.with_columns(first_day_of_period(pl.col("ds"), config.freq, options.week))
    sums = lines.group_by(SERIES).agg(**_sums(options), file=pl.col("file").first(), line=pl.col("line").first())
    forbidden = sums.filter(_is_forbidden(config))
    sums = sums.join(forbidden, on=SERIES, how="anti").sort(SERIES)
    total = forbidden.select(*SERIES, fault_value=pl.format("y={} in all", "y"))
    bad = lines.drop("fault_value").join(total, on=SERIES, maintain_order="left")
    return sums, bad.with_columns(fault=pl.lit("below_y_min"))


def _is_forbidden(config: Config) -> pl.Expr:
    if config.clean.below != "quarantine" or config.clean.y_min is None:
        return pl.lit(value=False)
    return pl.col("y") < config.clean.y_min


def _sums(options: Options) -> dict[str, pl.Expr]:
    """y and the computed drivers of a group of lines."""
    units, sold = pl.col("y"), pl.col("y").clip(lower_bound=0)
    counted = sold if options.returns == "separate" else units
    sums = {"y": counted.sum(), "returned": (sold - units).sum(), "lines": pl.len().cast(pl.Int64)}
    if options.invoice:
        sums["invoices"] = pl.col(options.invoice).n_unique().cast(pl.Int64)
    if options.price:
        price = pl.col(options.price).cast(pl.Float64)
        priced = pl.when(price.is_not_null()).then(sold).sum()
        sums["revenue"] = (counted * price).sum()
        sums["unit_price"] = pl.when(priced > 0).then((sold * price).sum() / priced)
    return sums


def most_frequent_value(lines: pl.DataFrame, column: str) -> pl.DataFrame:
    """[unique_id, column]: the most frequent value of each series; the smallest of equally frequent ones."""
    counts = lines.drop_nulls(column).group_by("unique_id", column).len().sort("len", column, descending=[True, False])
    return counts.group_by("unique_id", maintain_order=True).agg(pl.col(column).first())
