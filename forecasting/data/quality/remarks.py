"""Remarks about single values: `far_out_remark` on sales far from all others, `far_out_remarks` on such drivers.

Both take rows far out [unique_id, ds, y_raw, next_largest] (see cleaning.far_out); `far_out_drivers` finds those of
drivers among the rows of a load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.data.cleaning.far_out import find_far_out
from forecasting.remarks import Remark

EXAMPLES = 3
TREATMENTS = {"drop": "taken as not observed", "cap": "lowered to the next largest", "keep": "kept as they are"}


def far_out_remark(found: pl.DataFrame, config: Config) -> Remark:
    """Series, day and value of the most extreme rows, their number and sum (in units of y), and what is done."""
    outliers = config.clean.outliers
    treatment = TREATMENTS["keep" if outliers.rule == "none" else outliers.treatment]
    total = f"{found['y_raw'].sum():,.10g} in all"
    message = (
        f"{_values(found)} far from all others of the series, {total} ({_examples(found)}): {treatment}; "
        "mend the source where it is a slip; if it was sold, set clean.outliers.action: keep"
    )
    return Remark("outliers", message)


def far_out_drivers(rows: pl.DataFrame, config: Config) -> dict[str, pl.DataFrame]:
    """Numeric known-ahead, known-after, price or cost column -> its values that lie far from all others of their series
    [unique_id, ds, y_raw, next_largest].
    """
    roles = config.columns
    named = dict.fromkeys((*roles.known_ahead, *roles.known_after, roles.price, roles.cost))
    schema = rows.schema
    columns = [c for c in named if c and c in schema and schema[c].is_float()]
    return {column: find_far_out(rows.select("unique_id", "ds", y_raw=column)) for column in columns}


def far_out_remarks(drivers: Mapping[str, pl.DataFrame]) -> Iterator[Remark]:
    """One remark for each driver with values far out.

    They are used as they are: what is rare in a driver can be true, and only y is cleaned.
    """
    for column, found in drivers.items():
        if found.height:
            message = f"{user_name(column)}: {_values(found)} far from all others of the series ({_examples(found)})"
            yield Remark("drivers", f"{message} and counts as it is: mend the source where it is a slip", "forecast")


def _values(found: pl.DataFrame) -> str:
    return "1 value lies" if found.height == 1 else f"{found.height:,} values lie"


def _examples(found: pl.DataFrame) -> str:
    """Series, day and value of the most extreme rows, and how many more there are."""
    worst = found.with_columns(_times=pl.col("y_raw").abs() / pl.col("next_largest"))
    worst = worst.sort("_times", "unique_id", descending=[True, False])
    examples = [
        f"{row['unique_id']} on {row['ds']}: {row['y_raw']:,.10g}, {row['_times']:,.0f} times the next largest"
        for row in worst.head(EXAMPLES).iter_rows(named=True)
    ]
    more = f"; and {worst.height - EXAMPLES:,} more" if worst.height > EXAMPLES else ""
    return "; ".join(examples) + more
