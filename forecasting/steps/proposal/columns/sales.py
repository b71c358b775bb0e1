"""Which column holds the sales: `find_sales` takes profiles by name and returns a SalesChoice.

A column is chosen by its name among those that hold numbers and are nothing else (prices, codes, years).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.vocabulary import UNFIT, is_code, meaning_of, sales_rank, words_of

NEVER = ("price", "cost", "stock", "promo", "moment", "place", "derived", "open")
"""Meanings of columns that hold no sales, unless they are called nothing but sales."""
FEW = 31
"""Whole numbers up to this, in a column whose name says nothing of sales, may number days or places."""
SEVERAL = 0.5
"""Lines are those of receipts where days are fewer than this share of them."""
GUESTS = ("customers", "visitors", "guests", "footfall", "passengers", "visits")


@dataclass(frozen=True)
class SalesChoice:
    """The column of sales, "" where there is none, and others that could be meant; in doubt nothing tells which.

    `lines` tells that every line is one that was sold, and the column only numbers receipts.
    """

    column: str
    others: tuple[str, ...] = ()
    in_doubt: bool = False
    lines: bool = False


def find_sales(profiles: Mapping[str, Profile], taken: tuple[str, ...]) -> SalesChoice:
    """The column of sales, which is none of those `taken`."""
    numbers = [p for p in profiles.values() if p.kind in ("number", "flag") and p.name not in taken]
    ranked = sorted((rank, place) for place, p in enumerate(numbers) if (rank := _rank(p)) < UNFIT)
    if ranked:
        names = [numbers[place].name for _, place in ranked]
        return SalesChoice(names[0], tuple(names[1:]))
    plain = [p for p in numbers if p.kind == "number" and meaning_of(p.name) is None]
    plain = plain or [p for p in numbers if words_of(p.name) in GUESTS]
    plain = plain or [p for p in numbers if len(profiles) == len(taken) + 1]
    if not plain:
        return SalesChoice("")
    few = plain[0].whole and bool(plain[0].values.drop_nulls().is_between(0, FEW).all())
    return SalesChoice(plain[0].name, tuple(p.name for p in plain[1:]), in_doubt=len(plain) > 1 or few)


def count_lines(days: pl.Series, profiles: Mapping[str, Profile]) -> SalesChoice | None:
    """The choice for lines of receipts without a quantity, which have a number of the receipt; None where they do not
    look so.
    """
    receipts = [p.name for p in profiles.values() if meaning_of(p.name) == "receipt" and p.kind in ("number", "text")]
    several = days.drop_nulls().n_unique() < SEVERAL * days.count()
    return SalesChoice(receipts[0], lines=True) if receipts and several else None


def _rank(found: Profile) -> int:
    """How well a column of numbers fits sales: by its name, unless that says that it is something else."""
    rank, meaning = sales_rank(found.name), meaning_of(found.name)
    if rank == 0:
        return rank
    if meaning in NEVER or found.kind == "flag":
        return UNFIT
    if rank > 1 and (is_code(found.name) or (meaning == "receipt" and "orders" not in words_of(found.name))):
        return UNFIT
    return rank
