"""Remarks about the quality of series: `far_out_remark` says which values lie far from all others, and what is done.

It takes the rows far out [unique_id, ds, y_raw, next_largest] (see cleaning.far_out) and returns a Remark.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.remarks import Remark

EXAMPLES = 3
TREATMENTS = {"drop": "taken as not observed", "cap": "lowered to the next largest", "keep": "kept as they are"}


def far_out_remark(found: pl.DataFrame, config: Config) -> Remark:
    """Series, day and value of the most extreme rows, their number and sum (in units of y), and what is done."""
    worst = found.with_columns(_times=pl.col("y_raw") / pl.col("next_largest"))
    worst = worst.sort("_times", "unique_id", descending=[True, False])
    examples = [
        f"{row['unique_id']} on {row['ds']}: {row['y_raw']:,.10g}, {row['_times']:,.0f} times the next largest"
        for row in worst.head(EXAMPLES).iter_rows(named=True)
    ]
    more = f"; and {worst.height - EXAMPLES:,} more" if worst.height > EXAMPLES else ""
    outliers = config.clean.outliers
    treatment = TREATMENTS["keep" if outliers.rule == "none" else outliers.treatment]
    values = "1 value lies" if worst.height == 1 else f"{worst.height:,} values lie"
    total = f"{worst['y_raw'].sum():,.10g} in all"
    message = (
        f"{values} far from all others of the series, {total} ({'; '.join(examples)}{more}): {treatment}; "
        "mend the source where it is a slip; if it was sold, set clean.outliers.action: keep"
    )
    return Remark("outliers", message)
