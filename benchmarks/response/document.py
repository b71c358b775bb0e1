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
seeds), with its own elasticities or one for all items (a seed each). Its weak-demand variant (three seeds) has demand
of items that wanders, prices that are cut and promotions that are set after weak weeks. The weekly chain (two seeds)
has 180 series of three years, a price every two or three months and five categories of different response.

## What promotions take from elsewhere

{spills}

Weekly chains of 48 series and two years: the mean effect in the week after a promotion (log), and while all other
series of the market are in promotion, where it was found.
"""
HEAD = ("chains", "lever", "seen", "series", "error", "slope", "covered", "width", "one effect", "wrong")


def text(effects: pl.DataFrame, spills: dict[str, pl.DataFrame], seconds: float) -> str:
    """The whole part."""
    rows = [_effect(row) for row in effects.filter(pl.col("series") > 0).iter_rows(named=True)]
    lines = [[name, *_spill(row)] for name, of in spills.items() for row in of.iter_rows(named=True)]
    head = ("truth", "effect", "chains", "found in", "mean", "standard error", "between chains")
    drawn = {"effects": table(HEAD, rows), "spills": table(head, lines)}
    return TEXT.format(machine=machine(), seconds=seconds, **drawn)


def _effect(row: dict[str, float | str | None]) -> list[str]:
    shares = [_number(row[name], "{:.0%}") for name in ("error", "covered")]
    slope, width, constant = (_number(row[name], "{:.2f}") for name in ("slope", "width", "constant"))
    count, wrong = (_number(row[name], "{:.0f}") for name in ("series", "wrong"))
    names = [str(row[name]) for name in ("name", "lever", "seen")]
    return [*names, count, shares[0], slope, shares[1], width, constant, wrong]


def _spill(row: dict[str, float | str | None]) -> list[str]:
    numbers = [_number(row[name], "{:.2f}") for name in ("mean", "error", "spread")]
    return [str(row["kind"]), str(row["chains"]), str(row["found"]), *numbers]


def _number(value: float | str | None, form: str) -> str:
    return "" if value is None else form.format(value)
