"""Rows of a table that are no sales: notes, headers and sums. `drop_undated` takes a part of the rows, without dates.

`drop_total_series` takes all rows. A sum has no date and is called total, or is a series of that name whose values are
the sums of the others. What is dropped is counted, and sums are compared with the rows that they are about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.data.buckets import Portions
from forecasting.remarks import Remark

FOOTER = 10
"""The most lines that a footer may have."""
TOTAL = (
    r"(?i)^\W*((grand|sub)[ -]?)?(totals?|sum|summe|gesamt(summe)?|zwischensumme|totaal|totale|tot|somme|suma|razem|"
    r"итого|celkem|toplam|yhteensä|合計|总计|總計)\b"
)
"""What a sum is called, at the beginning of a cell."""
NAME = rf"{TOTAL}[:.]?$"
SAME = 0.0005
"""The largest difference between a sum and what it is about, as a share: numbers are rounded."""
AGREES = 0.95
"""The least share of its days on which a series called total is the sum of the others."""

SHOWN = 5
"""So many series that are called total are named, and the others counted."""


@dataclass(frozen=True)
class DatedRows:
    """A part of the rows that may be sales, the number of dropped ones by rule (repeated_header, footer, total_row),
    dropped sums [file, line, y], and the total of y of each file [file, y].
    """

    long: pl.DataFrame
    dropped: dict[str, int]
    sums: pl.DataFrame
    totals: pl.DataFrame


@dataclass(frozen=True)
class ClosedRows:
    """The rows without series that are sums of others, how many of their rows were dropped, and remarks on them."""

    rows: Portions
    dropped: int = 0
    remarks: tuple[Remark, ...] = ()


def drop_undated(long: pl.DataFrame, ids: int) -> DatedRows:
    """Drop footers and sums without a date from a long frame with the column `_blank` (Boolean: a row without a number
    of sales).

    `ids` is the number of columns that make up unique_id. The frame comes back without `_blank`.
    """
    rows, headers = _without_headers(long)
    rows, footer = _without_footer(rows)
    rows, sums = _without_undated_sums(rows, ids)
    totals = rows.group_by("file", maintain_order=True).agg(pl.col("y").sum())
    return DatedRows(rows, {"repeated_header": headers, "footer": footer, "total_row": sums.height}, sums, totals)


def undated_remarks(parts: Sequence[DatedRows]) -> list[Remark]:
    """A remark on the sums of each file, the last of which is compared with all rows of the file."""
    sums, totals = pl.concat(part.sums for part in parts), pl.concat(part.totals for part in parts)
    return [
        _compared(of_file, float(totals.filter(pl.col("file") == of_file["file"][0])["y"].sum()))
        for of_file in sums.partition_by("file", maintain_order=True)
    ]


def drop_total_series(rows: Portions, ids: int) -> ClosedRows:
    """Drop series that are called total and are the sum of the others, of those with the same other names."""
    names = rows.each(lambda part: part.select(pl.col("unique_id").unique())).whole().drop_nulls()
    if not ids or not names["unique_id"].str.split("/").list.eval(pl.element().str.contains(NAME)).list.any().any():
        return ClosedRows(rows)
    found = [_sums_of_siblings(rows, names, position, ids) for position in range(ids)]
    compared = pl.concat(found).group_by("unique_id").agg(pl.col("days").max(), pl.col("same").max())
    dropped = compared.filter(pl.col("same") >= AGREES * pl.col("days"))
    kept = compared.join(dropped, on="unique_id", how="anti").sort("unique_id")
    remarks = (*_of_sums(dropped.sort("unique_id")), *_of_others(kept))
    if dropped.is_empty():
        return ClosedRows(rows, 0, remarks)
    others = rows.each(lambda part: part.join(dropped.lazy(), on="unique_id", how="anti", maintain_order="left"))
    return ClosedRows(others, rows.height - others.height, remarks)


def _without_headers(long: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Without lines that repeat the header, as where files were put one behind the other, and how many they were."""
    name, cell = (pl.col("fault_value").str.extract(r"^(.+)=(.+)$", group).str.strip_chars() for group in (1, 2))
    is_header = pl.col("ds").is_null() & pl.col("y").is_null() & (name == cell).fill_null(value=False)
    rows = long.filter(~is_header)
    return rows, long.height - rows.height


def _without_footer(long: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Without the lines below the last date of a file that hold no number, and how many they were."""
    undated = long.filter(pl.col("ds").is_null() & pl.col("_blank"))
    rows = long.drop("_blank")
    if not undated.height:
        return rows, 0
    last_dates = long.filter(pl.col("ds").is_not_null()).group_by("file").agg(last=pl.col("line").max())
    ends = long.group_by("file").agg(end=pl.col("line").max())
    undated = undated.join(last_dates, on="file").join(ends, on="file")
    footer = undated.filter((pl.col("line") > pl.col("last")) & (pl.col("line") > pl.col("end") - FOOTER))
    return (rows.join(footer, on=["file", "line"], how="anti"), footer.height) if footer.height else (rows, 0)


def _without_undated_sums(long: pl.DataFrame, ids: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Without rows that have a number and no date and are called total, by id or date; and these [file, line, y]."""
    undated = long.filter(pl.col("ds").is_null() & pl.col("y").is_not_null())
    called = [pl.col("fault_value").str.replace("^[^=]*=", "")]
    called += [pl.col("unique_id").str.split("/").list.eval(pl.element().str.contains(TOTAL)).list.any()] if ids else []
    conditions = [called[0].str.contains(TOTAL), *called[1:]]
    sums = undated.filter(pl.any_horizontal(c.fill_null(value=False) for c in conditions)).select("file", "line", "y")
    return (long.join(sums, on=["file", "line"], how="anti", maintain_order="left") if sums.height else long), sums


def _compared(sums: pl.DataFrame, total: float) -> Remark:
    """A remark on the sums of one file, the last of which is compared with the total of all rows of the file."""
    file, line, stated = sums.row(-1)
    several = f" (and {sums.height - 1:,} more)" if sums.height > 1 else ""
    message = f"{file}, line {line}: is a total of {stated:,.10g}{several} and is left out"
    if abs(stated - total) <= SAME * abs(total):
        return Remark("totals", f"{message}; the rows above add up to that", "none")
    return Remark("totals", f"{message}; the rows above add up to {total:,.10g}: look for what is missing or twice")


def _of_sums(dropped: pl.DataFrame) -> Iterator[Remark]:
    """Remarks on the series [unique_id, days, same] that are left out as sums: the first ones, and how many more."""
    for name, days, same in dropped.head(SHOWN).iter_rows():
        message = f"the series {name!r} is the sum of others on {same} of {days} days and is left out"
        yield Remark("totals", message, "none")
    if dropped.height > SHOWN:
        more, last = dropped.height - SHOWN, dropped["unique_id"][-1]
        yield Remark(
            "totals", f"{more:,} more series are sums of others and are left out (the last is {last!r})", "none"
        )


def _of_others(kept: pl.DataFrame) -> Iterator[Remark]:
    """Remarks on the series [unique_id, days, same] that are called totals and are none."""
    for name, days, same in kept.head(SHOWN).iter_rows():
        yield Remark(
            "totals",
            f"the series {name!r} is called a total, and is the sum of the other series on {same} of {days} days only: "
            "take its rows out of the file if they are a sum, since they would be counted twice",
        )
    if kept.height > SHOWN:
        more, last = kept.height - SHOWN, kept["unique_id"][-1]
        yield Remark("totals", f"{more:,} more series are called totals and are no sums (the last is {last!r})")


def _sums_of_siblings(rows: Portions, names: pl.DataFrame, position: int, ids: int) -> pl.DataFrame:
    """[unique_id, days, same] of series with the name total at a position: its days, and those on which it is the sum
    of the series that have the other names in common.
    """
    parts = names.with_columns(parts=pl.col("unique_id").str.split("/")).filter(pl.col("parts").list.len() == ids)
    others = [i for i in range(ids) if i != position]
    parts = parts.with_columns(
        total=pl.col("parts").list.get(position).str.contains(NAME),
        family=pl.concat_str([pl.col("parts").list.get(i) for i in others], separator="/") if others else pl.lit(""),
    ).drop("parts")
    some = parts.join(parts.filter("total").select("family").unique(), on="family").lazy()
    joined = rows.each(lambda part: part.select("unique_id", "ds", "y").join(some, on="unique_id"))
    of_days = joined.each(lambda part: part.filter(~pl.col("total")).group_by("family", "ds").agg(pl.col("y").sum()))
    sums = of_days.whole().group_by("family", "ds").agg(stated=pl.col("y").sum())
    totals = joined.each(lambda part: part.filter(pl.col("total") & pl.col("y").is_not_null())).whole()
    same = (pl.col("y") - pl.col("stated")).abs() <= SAME * pl.col("stated").abs()
    return totals.join(sums, on=["family", "ds"]).group_by("unique_id").agg(days=pl.len(), same=same.sum())
