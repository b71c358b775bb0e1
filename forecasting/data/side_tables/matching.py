"""What a further table says of rows: by key, by key and day, by key and range of days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from forecasting.config.sections import SideTable
from forecasting.data.sources.long_frame import as_names

FOR_EVER = date(9999, 12, 30)
"""The end of a range that has none; a day may still be added to it."""
ROW = "_row"


@dataclass(frozen=True)
class LookupTable:
    """A further table that keeps its contract, ready to be joined.

    `frame` holds its columns, and of days ds, of ranges ds and _end (none overlap); `keys` the values of `on` (String)
    with a number, _key, which `frame` bears in their place. `until` is the last day of which it says anything, None
    when there is none.
    """

    name: str
    spec: SideTable
    keys: pl.DataFrame
    frame: pl.DataFrame
    until: date | None

    @property
    def columns(self) -> list[str]:
        return list(self.spec.columns)

    def said(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The table's columns and `_matched` for each row (the columns of `on`, and ds), in the order of the rows."""
        asked = rows.select(*(as_names(rows[c]) for c in self.spec.on), *(["ds"] if self.spec.dated else []))
        asked = _numbered(asked, self.keys)
        if self.spec.start:
            return _by_range(asked, self.frame, self.columns)
        told = self.frame.with_columns(pl.lit(value=True).alias("_matched"))
        found = asked.join(told, on=["_key", *self._day], how="left", maintain_order="left")
        return found.select(*self.columns, pl.col("_matched").fill_null(value=False))

    @property
    def _day(self) -> list[str]:
        return ["ds"] if self.spec.dated else []


def build_lookup(name: str, spec: SideTable, good: pl.DataFrame) -> LookupTable:
    """The table of good rows: the columns of `on` (String), ds and _end where the config names them, its columns."""
    keys = good.select(list(spec.on)).unique(maintain_order=True) if spec.on else pl.DataFrame()
    keys = keys.with_row_index("_key") if spec.on else keys
    frame = _numbered(good, keys)
    if not spec.start:
        dates = ["ds"] if spec.ds else []
        return LookupTable(name, spec, keys, frame.select("_key", *dates, *spec.columns), _last(good["ds"]))
    if "_end" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.Date).alias("_end"))
    frame = _apart(frame.select("_key", "ds", "_end", *spec.columns))
    return LookupTable(name, spec, keys, frame, _last(frame["_end"]))


def _last(days: pl.Series) -> date | None:
    last = days.max()
    return last if isinstance(last, date) and last < FOR_EVER else None


def _numbered(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """With _key, null where the table does not know the key. One number is quicker to join by than several texts."""
    if not keys.width:
        return rows.with_columns(pl.lit(0, pl.UInt32).alias("_key"))
    return rows.join(keys, on=[c for c in keys.columns if c != "_key"], how="left", maintain_order="left")


def _by_range(asked: pl.DataFrame, spans: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    rows = asked.with_row_index(ROW).select(ROW, "_key", "ds").drop_nulls().sort("ds")
    # within a key it is sorted, which is all that is needed, and what Polars cannot check
    found = rows.join_asof(
        spans.rename({"ds": "_start"}).sort("_start"),
        left_on="ds",
        right_on="_start",
        by="_key",
        strategy="backward",
        check_sortedness=False,
    )
    found = found.filter((pl.col("ds") <= pl.col("_end")).fill_null(value=False))
    found = found.select(ROW, *columns, pl.lit(value=True).alias("_matched"))
    every = asked.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias(ROW))
    joined = every.join(found, on=ROW, how="left", maintain_order="left")
    return joined.select(*columns, pl.col("_matched").fill_null(value=False))


def _apart(frame: pl.DataFrame) -> pl.DataFrame:
    """The ranges cut into such as do not overlap: of those that cover a day the one that began last says, and of these
    the one that ends first. A range without an end lasts until the next such one, and is put aside by others meanwhile.
    """
    columns = frame.columns
    frame = frame.with_columns(_open=pl.col("_end").is_null())
    lasting = frame.filter("_open").sort("_key", "ds")
    following = pl.col("ds").shift(-1).over("_key") - timedelta(days=1)
    lasting = lasting.with_columns(_end=following.fill_null(FOR_EVER))
    frame = pl.concat([frame.filter(~pl.col("_open")), lasting]).sort("_key", "ds", "_end")
    before = pl.col("_end").cum_max().shift().over("_key")
    overlap = frame.filter((pl.col("ds") <= before).fill_null(value=False)).select("_key").unique()
    several = frame.join(overlap, on="_key", how="semi")
    single = frame.join(overlap, on="_key", how="anti")
    whole = pl.concat([single, _cut(several).select(frame.columns)]) if several.height else single
    return whole.select(columns)


def _cut(frame: pl.DataFrame) -> pl.DataFrame:
    """Overlapping ranges cut at each day on which one of their key begins or has ended."""
    ends = frame.select("_key", ds=pl.col("_end") + timedelta(days=1))
    cuts = pl.concat([frame.select("_key", "ds"), ends]).unique().sort("_key", "ds")
    cuts = cuts.with_columns(
        pl.int_range(pl.len()).over("_key").alias("_cut"), _next=pl.col("ds").shift(-1).over("_key")
    )
    first = cuts.select("_key", "ds", _from="_cut")
    after = cuts.select("_key", "_cut", pl.col("ds").dt.offset_by("-1d").alias("_end")).rename({"_cut": "_to"})
    ranges = frame.join(first, on=["_key", "ds"], how="left").join(after, on=["_key", "_end"], how="left")
    pieces = ranges.with_columns(pl.int_ranges("_from", "_to").alias("_cut")).explode("_cut")
    order = ["_key", "_cut", "ds", "_open", "_end"]
    pieces = pieces.sort(order, descending=[False, False, False, True, True]).unique(
        order[:2], keep="last", maintain_order=True
    )
    pieces = pieces.drop("ds", "_end").join(cuts, on=["_key", "_cut"], how="left")
    return pieces.with_columns(_end=pl.col("_next") - timedelta(days=1))
