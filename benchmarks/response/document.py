"""docs/RESPONSE.md: how well effects of price and promotion are recovered, as tables."""

from __future__ import annotations

import polars as pl

from benchmarks.report import machine, table

TEXT = """## Chains whose truth is known

Measured on {machine}, in {seconds:.0f} s.

    make bench-response                       all chains
    make bench-response ARGS="--most 1"       one of each kind; nothing is written

Each line is about the series of some chains together: `seen` is how often the lever changed in the history, the error
is the median share by which estimates are off (off a truth of 0: the difference itself), the slope that of estimates on
truths, `covered` the share of 90 % intervals that hold the truth. Beside their median width stands that of one effect
for all series, and `wrong` counts estimates of the wrong sign whose interval does not contain 0.

{effects}

The retailer is the built-in simulator (two years of days, 100 series, prices that move every four weeks at most; five
seeds). Its weak-demand variant (ten seeds) has demand of items that wanders, prices that are cut and promotions that
are set after weak weeks: five changes of a price of eight percent or so tell an elasticity to about .7, and a chain of
20 such items the mean to .2, so that a few seeds say little. The weekly chain (four seeds) has 180 series of three
years, a price every two or three months and five categories of different response.

## One elasticity for all

{alike}

Small retailers (12 items in 3 stores), each with one elasticity for all items and its own seeds: the effect on the
whole, its standard error beside what it differs between chains, and how many 90 % intervals hold the truth: of the
whole, and of series. That items are alike the data have to tell, so intervals of series are wider than that of the
whole.

## Components of explanations

{parts}

The retailer ({explained} seeds): components of the 28 days to come, on the whole and by series and day, beside those of
which the simulator made them, split in the same way. The error is the sum of absolute differences as a share of that of
the true units.

## What promotions take from elsewhere

{spills}

Weekly chains of 48 series and two years: the mean effect in the week after a promotion (log), and while all other
series of the market are in promotion, where it was found.
"""
HEAD = ("chains", "lever", "seen", "series", "error", "slope", "covered", "width", "one effect", "wrong")

COMMON = ("elasticity", "chains", "mean", "standard error", "between chains", "covered", "series covered", "width")
PARTS = ("component", "true units", "error", "correlation")


def text(
    effects: pl.DataFrame, alike: pl.DataFrame, parts: pl.DataFrame, spills: dict[str, pl.DataFrame], seconds: float
) -> str:
    """The whole part: of `judge`, `common`, `components` and `spillovers`."""
    rows = [_effect(row) for row in effects.filter(pl.col("series") > 0).iter_rows(named=True)]
    lines = [[name, *_spill(row)] for name, of in spills.items() for row in of.iter_rows(named=True)]
    head = ("truth", "effect", "chains", "found in", "mean", "standard error", "between chains")
    drawn = {"effects": table(HEAD, rows), "spills": table(head, lines)}
    drawn |= {"alike": table(COMMON, [_common(row) for row in alike.iter_rows(named=True)])}
    drawn |= {
        "parts": table(PARTS, [_part(row) for row in parts.iter_rows(named=True)]),
        "explained": str(parts["chains"][0]),
    }
    return TEXT.format(machine=machine(), seconds=seconds, **drawn)


def _effect(row: dict[str, float | str | None]) -> list[str]:
    shares = [_number(row[name], "{:.0%}") for name in ("error", "covered")]
    slope, width, constant = (_number(row[name], "{:.2f}") for name in ("slope", "width", "constant"))
    count, wrong = (_number(row[name], "{:.0f}") for name in ("series", "wrong"))
    names = [str(row[name]) for name in ("name", "lever", "seen")]
    return [*names, count, shares[0], slope, shares[1], width, constant, wrong]


def _common(row: dict[str, float]) -> list[str]:
    numbers = [_number(row[name], "{:.2f}") for name in ("mean", "error", "spread")]
    shares = [_number(row[name], "{:.0%}") for name in ("covered", "series")]
    return [f"{row['elasticity']:g}", f"{row['chains']:.0f}", *numbers, *shares, _number(row["width"], "{:.2f}")]


def _part(row: dict[str, float | str]) -> list[str]:
    forms = {"units": "{:,.0f}", "off": "{:.0%}", "correlation": "{:.3f}"}
    return [str(row["component"]), *(_number(row[name], form) for name, form in forms.items())]


def _spill(row: dict[str, float | str | None]) -> list[str]:
    numbers = [_number(row[name], "{:.2f}") for name in ("mean", "error", "spread")]
    return [str(row["kind"]), str(row["chains"]), str(row["found"]), *numbers]


def _number(value: float | str | None, form: str) -> str:
    return "" if value is None else form.format(value)
