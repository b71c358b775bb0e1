"""What a promotion does beyond its own periods and series, as levers: `spillovers_of` returns the candidates.

`with_spillovers` adds to rows of the history, and `planned_spillovers` to those of a plan, whether a promotion of the
series has just ended, and how much the other series of its market are in promotion. Whether sales follow, the estimator
judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import KEY
from forecasting.features.groups import group_label
from forecasting.planning.response.levers import AFTER, PEERS, SPILLS, TEXT, Lever, levers_in

Alternatives = tuple[tuple[Lever, ...], ...]
MARKET, OTHERS = "_market", "_peers"
"""Columns that live while peers are counted."""


def spillovers_of(config: Config, rows: pl.DataFrame, levers: Sequence[Lever]) -> Alternatives:
    """The candidates beyond the own `levers`: the periods after a promotion, of which at most one window counts, and
    the promotions of peers. None where the promotion is not a lever.
    """
    of = [lever for lever in levers if lever.column == config.columns.promo]
    if not of:
        return ()
    column, usual = of[0].column, None
    if of[0].kind == TEXT:
        texts = rows[column].drop_nulls()
        usual = None if texts.len() * 2 < rows.height else texts.mode().sort()[0]
    after = tuple(Lever(column, AFTER, usual, periods) for periods in windows(config))
    return (after, (Lever(column, PEERS, usual),))


def windows(config: Config) -> tuple[int, ...]:
    """Periods after a promotion in which a dip is looked for: of days half a week, one or two, else one or two periods.

    >>> windows(Config(name="a", source={}, freq="1d", h=1)), windows(Config(name="a", source={}, freq="1w", h=1))
    ((4, 7, 14), (1, 2))
    """
    frequency = config.frequency
    week = frequency.season if frequency.days == 1 else 1
    return tuple(sorted({-(-week // 2), week, 2 * week}))


def numbers_of(levers: Sequence[Lever], choices: Alternatives) -> tuple[tuple[int, ...], ...]:
    """The places of the candidates among the levers."""
    return tuple(tuple(map(levers.index, choice)) for choice in choices)


def with_spillovers(rows: pl.DataFrame, levers: Iterable[Lever], market: Sequence[str]) -> pl.DataFrame:
    """The rows [unique_id, ds, promotion, columns of the market], complete and sorted, with a column per lever
    (`Lever.held`): 0 where neither a promotion has just ended nor a peer is in one.

    >>> rows = pl.DataFrame({"unique_id": "a", "ds": range(5), "promo": [0.0, 1.0, 0.0, 0.0, 0.0]})
    >>> lever = Lever("promo", AFTER, periods=2)
    >>> with_spillovers(rows, [lever], ()).get_column(lever.held).to_list()
    [0.0, 0.0, 1.0, 1.0, 0.0]
    """
    there = [lever for lever in levers if lever.kind in SPILLS]
    marked = rows.with_columns(group_label(tuple(market)).alias(MARKET), pl.lit(None, pl.Int64).alias(OTHERS))
    return _held(marked, there).drop(MARKET, OTHERS)


def planned_spillovers(rows: pl.DataFrame, past: pl.DataFrame | None, table: pl.DataFrame) -> pl.DataFrame:
    """Coming rows of a plan with the columns of the spillovers in `table`, the rows of the table `levers`; `past` are
    the rows of as many periods before as a window has (None: without a promotion).

    Of a market all series that may differ from another plan must be among the rows; the others count as unpromoted.
    """
    there = [lever for lever in levers_in(table) if lever.kind in SPILLS and lever.column in rows.columns]
    if not there:
        return rows
    market = table.filter(pl.col("kind") == PEERS).select("unique_id", pl.col("market", "peers").name.prefix("_"))
    columns = [*KEY, *dict.fromkeys(lever.column for lever in there)]
    every = [rows.select(columns)] if past is None else [past.select(columns), rows.select(columns)]
    known = pl.concat(every).unique(KEY, keep="last").sort(KEY).join(market, on="unique_id", how="left")
    held = _held(known.with_columns(pl.col(MARKET).fill_null(pl.col("unique_id"))), there)
    return rows.join(held.select(*KEY, *(lever.held for lever in there)), on=KEY, how="left", maintain_order="left")


def market_of_each(rows: pl.DataFrame, market: Sequence[str]) -> pl.DataFrame:
    """[unique_id, market, peers]: the market of each series, and how many other series it has."""
    of = rows.group_by("unique_id").agg(market=group_label(tuple(market)).last()).sort("unique_id")
    return of.with_columns(peers=pl.len().over("market").cast(pl.Int64) - 1)


def tell_spillovers(table: pl.DataFrame) -> list[str]:
    """What promotions do beyond their own periods and series on the whole, by the table `levers` of one version.

    >>> row = {"grain": "total", "kind": "after", "window": 7, "estimate": -0.2, "lo": -0.3, "hi": -0.1}
    >>> tell_spillovers(pl.DataFrame([row]))
    ['In the 7 periods after a promotion sales are 18 % lower (90 % interval -26 to -10 %).']
    """
    sentences = []
    for row in table.filter(pl.col("grain") == "total", pl.col("kind").is_in(SPILLS)).iter_rows(named=True):
        when = "While all other series of its market are in promotion a series sells"
        if row["kind"] == AFTER:
            when = f"In the {row['window']} periods after a promotion sales are"
        share, low, high = (100 * (exp(row[end]) - 1) for end in ("estimate", "lo", "hi"))
        side = "lower" if share < 0 else "higher"
        side = side if row["kind"] == AFTER else {"lower": "less", "higher": "more"}[side]
        sentences.append(f"{when} {abs(share):.0f} % {side} (90 % interval {low:+.0f} to {high:+.0f} %).")
    return sentences


def _held(rows: pl.DataFrame, levers: Iterable[Lever]) -> pl.DataFrame:
    made = [
        (_after if lever.kind == AFTER else _of_peers)(_strength(rows.schema, lever), lever).alias(lever.held)
        for lever in levers
    ]
    return rows.with_columns(made)


def _strength(schema: Mapping[str, pl.DataType], lever: Lever) -> pl.Expr:
    """How strong the promotion of a row is: its number, or of a text 1 where it is not the usual one; 0 if unknown."""
    column = pl.col(lever.column)
    if schema[lever.column] == pl.String:
        promoted = column.is_not_null() if lever.text is None else column != lever.text
        return promoted.fill_null(value=False).cast(pl.Float64)
    return column.cast(pl.Float64).fill_null(0.0)


def _after(strength: pl.Expr, lever: Lever) -> pl.Expr:
    """The strength of the promotion that ended at most so many periods before a row without one."""
    row = pl.int_range(pl.len()).over("unique_id")
    on, last = strength != 0, pl.when(strength != 0).then(row).forward_fill().over("unique_id")
    ended = pl.when(on).then(strength).forward_fill().over("unique_id")
    return pl.when(~on & (row - last <= lever.periods)).then(ended).otherwise(0.0)


def _of_peers(strength: pl.Expr, _: Lever) -> pl.Expr:
    """The mean strength over the other series of the market in the same period; 0 without any."""
    cell = [MARKET, "ds"]
    others = pl.coalesce(OTHERS, pl.len().over(cell).cast(pl.Int64) - 1)
    return pl.when(others > 0).then((strength.sum().over(cell) - strength) / others).otherwise(0.0)
