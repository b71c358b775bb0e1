"""The parts of cells that may be numbers: `dissect` takes different cells, and returns them with kind, digits and unit.

`number_value` is the expression for the number of such a row, given the decimal sign. It knows signs before and behind,
brackets, currencies, percent, and thousands by points, commas, spaces and apostrophes.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.sources.readers.numbers.words import CURRENCY, NO, NOTHING, SAME_CURRENCY, YES

NO_NUMBER, WORD, WHOLE, POINT, COMMA = "nothing", "word", "whole", "point", "comma"
POINT_OR_THOUSANDS, COMMA_OR_THOUSANDS, OTHER = "point or thousands", "comma or thousands", "other"
"""Kinds of cells: no value; yes or no; digits alone; a decimal point or comma for certain; 1.234 and 1,234, which can
mean both; no number."""
AMBIGUOUS = (POINT_OR_THOUSANDS, COMMA_OR_THOUSANDS)
ZERO = r"^[0.,]+$"
"""The digits of a number that is 0 in every unit."""
MINUS = "-"
DASHES, SPACES, APOSTROPHES = r"[−‒–—―﹣－]", r"[\s\u00a0\u2000-\u200b\u202f\u205f]+", r"[’‘´`ʼ′]"
NUMBER = (
    rf"^(?P<first>[-+(])? ?(?P<before>{CURRENCY}|%)? ?(?P<second>[-+(])? ?"
    r"(?P<digits>\d[\d.,' ]*|[.,]\d+)(?P<power>[eE][-+]?\d+)?(?P<dash>-{1,2})? ?"
    rf"(?P<close>\))? ?(?P<after>{CURRENCY}|%)? ?(?P<last>[-)])?$"
)
SPACED = r"^\d{1,3}(?:[ ']\d{3})+(?:[.,]\d*)?$"
_GROUPS = r"(?:[1-9]\d{{0,2}}(?:{0}\d{{3}}){1}|[1-9]\d?(?:{0}\d{{2}})+{0}\d{{3}})"
"""Digits in groups of three, and the Indian way, where two digits stand between all but the last."""


def _grouped(sign: str, at_least: str = "+") -> str:
    return _GROUPS.format(sign, at_least)


def dissect(cells: pl.Series) -> pl.DataFrame:
    """[cell, kind, digits, negative, unit, thousands] of different cells; nulls are of the kind `nothing`.

    `digits` holds digits, points, commas and an exponent alone; `unit` is % or a currency as written, empty without
    one; `thousands` is the sign that certainly stands between thousands.
    """
    text = pl.col("cell").fill_null("").str.replace_all(SPACES, " ").str.strip_chars()
    text = text.str.replace_all(DASHES, MINUS).str.replace_all(APOSTROPHES, "'")
    frame = pl.DataFrame({"cell": cells}, schema={"cell": pl.String}).with_columns(text.alias("text"))
    frame = frame.with_columns(pl.col("text").str.extract_groups(NUMBER).struct.unnest())
    frame = frame.with_columns(_digits(), _negative(), pl.coalesce("before", "after", pl.lit("")).alias("unit"))
    frame = frame.with_columns(_kind(), _thousands())
    return frame.select("cell", "text", "kind", "digits", "negative", "unit", "thousands")


def _digits() -> pl.Expr:
    """Digits and signs without spaces and apostrophes; null where these stand elsewhere than between thousands."""
    raw = pl.col("digits").str.strip_chars()
    whole = pl.when(raw.str.contains(r"[.,]$")).then(raw + "0").otherwise(raw)  # `147,-` is 147,0
    spaced = pl.when(whole.str.contains(SPACED)).then(whole.str.replace_all("[ ']", ""))
    joined = pl.when(whole.str.contains("[ ']")).then(spaced).otherwise(whole)
    return pl.concat_str(joined, pl.col("power").fill_null("")).alias("digits")


def _negative() -> pl.Expr:
    """Whether the number is below 0; null where signs and brackets do not fit together."""
    first, second, last = (pl.col(c).fill_null("") for c in ("first", "second", "last"))
    price = pl.col("digits").str.contains(r"[.,] *$")
    dash = pl.when(price).then(pl.lit("")).otherwise(pl.col("dash").fill_null(""))
    signs = pl.concat_str(first, second, dash, pl.col("close").fill_null(""), last)
    return pl.when(signs.is_in(["", "+"])).then(False).when(signs.is_in([MINUS, "()"])).then(True).alias("negative")


_SIGNS = ((r"\.", ",", POINT, POINT_OR_THOUSANDS), (",", r"\.", COMMA, COMMA_OR_THOUSANDS))
"""A sign, the other one, and the kinds of cells in which it is, and may be, the decimal sign."""


def _kind() -> pl.Expr:
    digits, text = pl.col("digits"), pl.col("text").str.to_lowercase()
    both_units = pl.col("before").is_not_null() & pl.col("after").is_not_null()
    spaced = pl.col("text").str.contains(r"\d[ ']\d")
    kind = (
        pl.when(text.is_in(NOTHING))
        .then(pl.lit(NO_NUMBER))
        .when(text.is_in([*YES, *NO]))
        .then(pl.lit(WORD))
        .when(digits.is_null() | pl.col("negative").is_null() | both_units)
        .then(pl.lit(OTHER))
        .when(digits.str.contains(r"^\d+(?:[eE].*)?$"))
        .then(pl.lit(WHOLE))
    )
    for sign, other, decimal, ambiguous in _SIGNS:
        either = digits.str.contains(rf"^[1-9]\d{{0,2}}{sign}\d{{3}}$") & ~spaced
        kind = kind.when(either).then(pl.lit(ambiguous))
        certain = rf"^(?:\d*{sign}\d*(?:[eE].*)?|{_grouped(other)}{sign}\d*|{_grouped(other, '{2,}')})$"
        kind = kind.when(digits.str.contains(certain)).then(pl.lit(decimal))
    return kind.otherwise(pl.lit(OTHER)).alias("kind")


def _thousands() -> pl.Expr:
    """The sign that stands between thousands, empty where none does for certain."""
    digits = pl.col("digits")
    spaced = pl.col("text").str.extract(r"\d([ '])\d")
    both = digits.str.extract(r"([.,]).*[.,]")
    return pl.coalesce(spaced, both, pl.lit("")).alias("thousands")


def number_value(decimal: str) -> pl.Expr:
    """The number of a dissected cell (Float64) where `decimal` is the decimal sign (a point
    if it is empty), null where it is no such number."""
    point, comma = (r"\.", ",") if decimal != "," else (",", r"\.")
    digits = pl.col("digits")
    fits = digits.str.contains(rf"^(?:\d*|{_grouped(comma)})(?:{point}\d*)?(?:[eE].*)?$")
    plain = digits.str.replace_all(comma, "").str.replace(point, ".")
    size = pl.when(fits & (pl.col("kind") != OTHER)).then(plain).cast(pl.Float64, strict=False)
    signed = pl.when("negative").then(-size).otherwise(size)
    return pl.when(pl.col("unit") == "%").then(signed / 100).otherwise(signed)


def currency_code() -> pl.Expr:
    """`unit` with one writing for each currency: € and EUR are the same."""
    return pl.col("unit").str.to_uppercase().replace(SAME_CURRENCY)


def same_currency(unit: str) -> str:
    """The code of a unit as it is written."""
    return SAME_CURRENCY.get(unit.upper(), unit.upper())
