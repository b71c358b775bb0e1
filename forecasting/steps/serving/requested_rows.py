"""The rows that a request asks for, checked: `check_rows` takes texts and returns typed rows, each with its fault.

A row names a series, a day of the horizon and perhaps values of known-ahead columns. A wrong row has `fault`, one
sentence, and `field`, the column that it is about; the others go on. `column_names` refuses a column that is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

import polars as pl

from forecasting.columns import user_name
from forecasting.data.panel import KEY
from forecasting.errors import Option, UserError
from forecasting.steps.serving.served import Served, bucket_of_each

Fault = tuple[str, pl.Expr, pl.Expr]
"""Field, when it is wrong, and why."""


def column_names(served: Served, names: Iterable[str]) -> dict[str, str]:
    """The panel's columns by the `names` that a request gives them; raises UserError for one that it may not give."""
    known = served.job.config.panel_names
    found = {name: known.get(name, name) for name in names}
    allowed = [*KEY, *served.columns]
    for name, column in found.items():
        if column not in allowed:
            raise UserError(
                f"{name} is no column that is known ahead; a row may give {', '.join(map(user_name, allowed))}",
                where=Option(name),
            )
    return found


def check_rows(served: Served, texts: pl.DataFrame) -> pl.DataFrame:
    """[row, unique_id, bucket, ds, known-ahead columns, field, fault]: the rows of `texts`, in their order, typed.

    `texts` [row, unique_id, ds, known-ahead columns, perhaps fault and field] holds texts; an empty one or null leaves
    a value as planned. `field` and `fault` are null in sound rows.
    """
    values = [c for c in served.columns if c in texts.columns]
    given = texts.with_columns(  # step by step: to optimise a plan takes longer than to run it on a few rows
        pl.col(*KEY, *values).str.strip_chars().replace("", None)
    )
    numeric = [c for c in values if served.columns[c] != pl.String]
    ids = texts["unique_id"].str.strip_chars()
    typed = given.with_columns(
        pl.col("ds").str.to_date("%Y-%m-%d", strict=False).alias("_ds"),
        *(pl.col(c).cast(pl.Float64, strict=False).alias(f"_{c}") for c in numeric),
        bucket=bucket_of_each(served, ids),
    )
    faults = _faults(*served.days, tuple(numeric), served.job.config.columns.price)
    earlier = ["fault"] if "fault" in texts.columns else []
    fault = pl.coalesce(*earlier, *(pl.when(wrong).then(why) for _, wrong, why in faults))
    named = pl.coalesce(
        *(["field"] if earlier else []), *(pl.when(wrong).then(pl.lit(name)) for name, wrong, _ in faults)
    )
    checked = typed.with_columns(field=named, fault=fault)
    return checked.select(
        "row",
        "unique_id",
        "bucket",
        pl.col("_ds").alias("ds"),
        *(pl.col(f"_{c}" if c in numeric else c).alias(c) for c in values),
        "field",
        "fault",
    )


@lru_cache(maxsize=16)
def _faults(first: date, last: date, numeric: tuple[str, ...], price: str | None) -> tuple[Fault, ...]:
    """What can be wrong with a row that gives these numeric columns, the first fault first."""
    return tuple(_each_fault(first, last, numeric, price))


def _each_fault(first: date, last: date, numeric: tuple[str, ...], price: str | None) -> Iterator[Fault]:
    there, day = pl.col("bucket").is_not_null(), pl.col("_ds")
    yield "unique_id", pl.col("unique_id").is_null(), pl.lit("a row needs a series")
    yield "unique_id", ~there, pl.format("there is no series {}", pl.col("unique_id"))
    yield "ds", pl.col("ds").is_null(), pl.lit(f"a row needs a day, from {first} to {last}")
    yield "ds", day.is_null(), pl.format("{} is no day like {}", pl.col("ds"), pl.lit(str(first)))
    yield (
        "ds",
        ~day.is_between(first, last),
        pl.format("the forecast covers {} to {}, and not {}", pl.lit(str(first)), pl.lit(str(last)), day),
    )
    for column in numeric:
        name, number = user_name(column), pl.col(f"_{column}")
        wrong = pl.col(column).is_not_null() & (number.is_null() | ~number.is_finite())
        yield name, wrong, pl.format("{} is not a number", pl.col(column))
        if column == price:
            yield name, number < 0, pl.lit("a price cannot be below 0")
