"""What the cells of a column tell about its numbers: `evidence_of` takes a column, and returns counts as Evidence.

A column of plain numbers (digits and one point) is recognised by a cast alone; of others the different cells are
dissected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from forecasting.data.sources.readers.numbers.anatomy import (
    AMBIGUOUS,
    COMMA,
    COMMA_OR_THOUSANDS,
    NO_NUMBER,
    OTHER,
    POINT,
    POINT_OR_THOUSANDS,
    WHOLE,
    WORD,
    ZERO,
    currency_code,
    dissect,
)
from forecasting.data.sources.readers.numbers.words import ALWAYS_NUMBERS

SAMPLE = 1000
"""As many cells with a point are looked at before a column of plain numbers counts as one with decimal points."""


@dataclass(frozen=True)
class Count:
    """How many cells there are of a kind, how many different ones, and one of them."""

    cells: int = 0
    different: int = 0
    example: str = ""


@dataclass(frozen=True)
class Evidence:
    """The cells of a column, counted by kind (see `anatomy`) and by unit (the code of a currency, % or none).

    `thousands` counts the cells by the sign that certainly stands between thousands; `signs` those with another sign of
    less than 0 than a hyphen in front, and `nothing` the texts for no number. `hundreds` and `above` tell whether
    there are numbers of digits alone from 100 to 999, and from 1000 on. `words` are the words for yes and no, in lower
    case.
    """

    kinds: Mapping[str, Count] = field(default_factory=dict)
    units: Mapping[str, Count] = field(default_factory=dict)
    thousands: Mapping[str, Count] = field(default_factory=dict)
    nothing: Mapping[str, Count] = field(default_factory=dict)
    signs: Count = Count()
    hundreds: Count = Count()
    above: Count = Count()
    words: frozenset[str] = frozenset()
    codes: bool = False
    empty: bool = False

    def count(self, *kinds: str) -> int:
        """The number of cells of these kinds."""
        return sum(self.kinds[kind].cells for kind in kinds if kind in self.kinds)

    def different(self, *kinds: str) -> int:
        """The number of different cells of these kinds."""
        return sum(self.kinds[kind].different for kind in kinds if kind in self.kinds)

    @property
    def doubtful_example(self) -> str:
        """A cell like 1.234 or 1,234, of the kind that is more frequent; empty without one."""
        counts = [self.kinds[kind] for kind in AMBIGUOUS if kind in self.kinds]
        return max(counts, key=lambda count: count.cells).example if counts else ""

    def doubtful_thousands(self, decimal: str) -> str:
        """The sign of cells like 1.234 that parts thousands where `decimal` is the decimal sign; empty without one."""
        sign, kind = (".", POINT_OR_THOUSANDS) if decimal == "," else (",", COMMA_OR_THOUSANDS)
        return sign if kind in self.kinds else ""

    def certain_example(self, decimal: str) -> str:
        """A cell in which the sign certainly is a decimal sign; empty without one."""
        kind = COMMA if decimal == "," else POINT
        return self.kinds[kind].example if kind in self.kinds else ""

    @property
    def is_plain(self) -> bool:
        """Whether the numbers have one decimal sign at most, and points between thousands at most."""
        one_sign = not {POINT, COMMA} <= set(self.kinds) and not set(AMBIGUOUS) <= set(self.kinds)
        return one_sign and set(self.units) <= {""} and set(self.thousands) <= {"."} and not self.signs.cells

    @property
    def looks_numeric(self) -> bool:
        """Whether the column holds numbers: all cells, or nine in ten of at least ten different ones.

        Codes with leading zeros (007) are names. One bad cell among many numbers is a fault of its row, not of the
        column.
        """
        good = self.different(WHOLE, POINT, COMMA, *AMBIGUOUS)
        bad = self.different(OTHER)
        if self.words <= ALWAYS_NUMBERS:
            good += self.different(WORD)
        else:
            bad += self.different(WORD)
        return bool(good) and not self.codes and (not bad or (good + bad >= 10 and good >= 9 * bad))


def evidence_of(cells: pl.Series, times: pl.Series | None = None) -> Evidence:
    """The evidence of a text column, in which each cell stands once or so many `times`."""
    times = pl.Series([1], dtype=pl.Int64).new_from_index(0, len(cells)) if times is None else times
    return _plain_evidence(cells, times) or _counted(cells, times)


def _plain_evidence(cells: pl.Series, times: pl.Series) -> Evidence | None:
    """The evidence of a column of plain numbers; None where a cell is none, or all points can be thousands."""
    numbers = cells.cast(pl.Float64, strict=False)
    if numbers.null_count() > cells.null_count() or numbers.is_nan().any():
        return None
    empty, codes = bool(numbers.null_count()), bool(cells.str.contains(r"^0\d").any())
    with_point = numbers != numbers.floor()
    if not with_point.any():
        with_point = cells.str.contains(".", literal=True)
    sample = cells.gather(with_point.arg_true().head(SAMPLE))
    if not len(sample):
        kinds = {WHOLE: Count(int(times.filter(cells.is_not_null()).sum()), 1, "1")} if numbers.count() else {}
        return Evidence(kinds, codes=codes, empty=empty)
    kinds_of_sample = dissect(sample.unique(maintain_order=True)).filter(pl.col("kind") == POINT)
    if kinds_of_sample.is_empty():
        return None
    counts = {POINT: Count(int(times.filter(with_point).sum()), 1, kinds_of_sample["cell"][0])}
    return Evidence(counts, codes=codes, empty=empty)


def _counted(cells: pl.Series, times: pl.Series) -> Evidence:
    counts = pl.DataFrame({"cell": cells, "cells": times}).group_by("cell").agg(pl.col("cells").sum())
    counts = counts.sort("cells", "cell", descending=[True, False])
    rows = dissect(counts["cell"]).with_columns(counts["cells"], code=currency_code())
    numbers = rows.filter(~pl.col("kind").is_in([NO_NUMBER, WORD, OTHER]))
    whole = numbers.filter(pl.col("kind") == WHOLE).with_columns(size=pl.col("digits").cast(pl.Float64, strict=False))
    odd_minus = numbers.filter(pl.col("negative") & ~pl.col("cell").str.contains(r"^\s*-\s?\d"))
    not_zero = numbers.filter(~pl.col("digits").str.contains(ZERO))
    words = rows.filter(pl.col("kind") == WORD)["text"].str.to_lowercase()
    return Evidence(
        _counts(rows.filter(pl.col("kind") != NO_NUMBER), "kind"),
        _counts(not_zero, "code"),
        _counts(numbers.filter(pl.col("thousands") != ""), "thousands"),
        _counts(rows.filter((pl.col("kind") == NO_NUMBER) & (pl.col("text") != "")), "text"),
        _count(odd_minus),
        _count(whole.filter(pl.col("size").is_between(100, 999))),
        _count(whole.filter(pl.col("size") >= 1000, ~pl.col("cell").str.contains(r"\d\D\d"))),
        frozenset(words),
        bool(numbers["cell"].str.contains(r"^\s*0\d").any()),
        bool((rows["text"] == "").any()),
    )


def _counts(rows: pl.DataFrame, by: str) -> dict[str, Count]:
    return {str(name): _count(part) for (name,), part in rows.group_by(by, maintain_order=True)}


def _count(rows: pl.DataFrame) -> Count:
    """The counts of dissected rows [cell, cells, ...], the most frequent first."""
    return Count(int(rows["cells"].sum()), rows.height, rows["cell"][0]) if rows.height else Count()
