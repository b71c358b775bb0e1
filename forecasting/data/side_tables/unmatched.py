"""What a further table and the sales do not know of each other: counted, told with an example, and limited."""

from __future__ import annotations

from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.side_tables.matching import LookupTable
from forecasting.data.sources.long_frame import as_names


def count_unmatched(side: LookupTable, long: pl.DataFrame, matched: pl.Series) -> dict[str, Any]:
    """`unmatched` rows of the sales, the first as `example`, and how many different keys (days, where the table has no
    other key) of them the table does not hold at all (`unmatched_keys`); and `unused_keys` of the table, which no row
    of the sales has. Rows that could not be read count nowhere.
    """
    rows = long.select("ds", *side.spec.on, matched, readable=pl.col("fault").is_null()).filter("readable")
    keys, known = _keys(rows, side), _known(rows, side)
    missed = rows.filter(~pl.col("_matched"))
    return {
        "unmatched": missed.height,
        "unmatched_keys": keys.join(known, on=known.columns, how="anti").height,
        "example": _said(missed, side) if missed.height else None,
        "unused_keys": known.join(keys, on=known.columns, how="anti").height,
    }


def _known(rows: pl.DataFrame, side: LookupTable) -> pl.DataFrame:
    """The different keys of the table; of one with dates alone, its days within those of the sales."""
    if side.spec.on:
        return side.keys.drop("_key")
    if side.spec.start:
        return rows.filter("_matched").select("ds").unique()
    return side.frame.select("ds").unique().filter(pl.col("ds").is_between(rows["ds"].min(), rows["ds"].max()))


def _keys(rows: pl.DataFrame, side: LookupTable) -> pl.DataFrame:
    """The different keys of the sales: as the table writes them."""
    if not side.spec.on:
        return rows.select("ds").unique()
    unlike = rows.select(list(side.spec.on)).unique()
    return unlike.select(as_names(unlike[c]) for c in side.spec.on).unique()


def _said(rows: pl.DataFrame, side: LookupTable) -> str:
    """The keys of the first of the rows."""
    keys = [*side.spec.on, *(["ds"] if side.spec.dated else [])]
    return ", ".join(f"{key}={rows[key][0]}" for key in keys)


def check_unmatched_share(side: LookupTable, found: dict[str, Any], long: pl.DataFrame, config: Config) -> None:
    """Raise UserError when the table, which says nothing of what is missing, misses more rows than limits.unmatched."""
    rows = long.filter(pl.col("fault").is_null()).height
    if not side.spec.missing and found["unmatched"] > config.limits.unmatched * rows:
        raise config.fault(
            "limits.unmatched",
            f"the table {side.name} says nothing of {found['unmatched']} of {rows} rows "
            f"({found['unmatched'] / rows:.1%}), first of {found['example']}, and at most "
            f"{config.limits.unmatched:.1%} may lack: complete the table, say under tables.{side.name}.missing what a "
            "row without a match gets, or raise the limit",
        )


def check_common_keys(side: LookupTable, found: dict[str, Any], config: Config) -> None:
    """Raise UserError when the table, which says nothing of what is missing, has no key in common with the sales: then
    the keys are written in different ways.
    """
    if side.spec.missing or not side.spec.on or not found["unmatched"] or found["unused_keys"] < side.keys.height:
        return
    held = ", ".join(f"{c}={side.keys[c][0]}" for c in side.spec.on) if side.keys.height else "nothing"
    raise config.fault(
        f"tables.{side.name}.on",
        f"the table and the sales have no key in common: the sales hold {found['example']}, the table {held}: "
        "name the columns that mean the same, or write the keys alike",
    )
