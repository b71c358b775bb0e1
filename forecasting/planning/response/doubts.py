"""Where the answer to a scenario rests on little: `doubts_of_response` takes planned and edited rows and `levers`.

It returns a row per series, lever and doubt; `describe_doubts` puts them into sentences, which name the first series
that they hold for. They stop nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from forecasting.columns import user_name
from forecasting.planning.response.answer import moves_of_lever
from forecasting.planning.response.levers import FLAG, NUMBER, PRICE, SPILLS, TEXT, Lever, follows_demand, levers_in

NAMED_SERIES = 3
"""Series that a sentence names."""
DOUBTS = {"unique_id": pl.String, "lever": pl.String, "doubt": pl.String, "range": pl.String}
"""What a row holds: the series, the lever, a doubt of SENTENCES, and of `outside` the range that was seen."""
SENTENCES = {
    "never changed": "{} has never changed for {}: the answer is that of similar series.",
    "unknown": "{}: the data cannot tell what a change does for {}; no effect is assumed.",
    "outside": "{}: outside the range that was seen of {}.",
    "beyond": "{}: beyond what any similar series has had for {}: the effect is followed ever less.",
    "rises with price": "{}: sales rose with the price in the past of {}, which is unusual: see what else happened.",
    "falls with it": "{}: sales fell with it in the past of {}, which is unusual: see what else happened.",
    "unclear": "{}: the 90 % interval of the effect contains 0 for {}: its sign is not known.",
    "follows demand": "{} was moved after weak or strong demand, whose effect is hard to tell from its own: {}.",
}
"""The doubts, with what they say of a lever and its series."""


def no_doubts() -> pl.DataFrame:
    """No row of doubts."""
    return pl.DataFrame(schema=DOUBTS)


def doubts_of_response(planned: pl.DataFrame, edited: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, lever, doubt, range]: one row per series, lever that moves and doubt about it, by lever and doubt."""
    found = [no_doubts()]
    for lever in levers_in(table):
        if lever.column not in planned.columns or lever.kind in SPILLS:
            continue
        rows = moves_of_lever(planned, edited, lever, table)
        moved = rows.filter(~pl.col("before").eq_missing(pl.col("after")) & pl.col("after").is_not_null())
        for doubt, which in _tests(lever, table) if moved.height else ():
            of = moved.filter(which.fill_null(value=False)).unique("unique_id").sort("unique_id")
            found.append(of.select("unique_id", lever=pl.lit(lever.name), doubt=pl.lit(doubt), range=_range(doubt)))
    return pl.concat(found)


def warn_of_response(planned: pl.DataFrame, edited: pl.DataFrame, table: pl.DataFrame) -> list[str]:
    """The sentences of `doubts_of_response`."""
    return describe_doubts(doubts_of_response(planned, edited, table))


def describe_doubts(doubts: pl.DataFrame) -> list[str]:
    """Sentences, one per lever and doubt, that name the first series they hold for.

    >>> row = {"lever": "promo", "doubt": "never changed", "range": None}
    >>> describe_doubts(pl.DataFrame([row | {"unique_id": name} for name in ("S1", "S2", "S3", "S4")]))
    ['promo has never changed for S1, S2, S3 and 1 more: the answer is that of similar series.']
    """
    sentences = []
    for (lever, doubt), of in doubts.group_by("lever", "doubt", maintain_order=True):
        seen = pl.when(pl.col("range").is_not_null()).then(pl.format("{} ({})", "unique_id", "range"))
        names = of.select(pl.coalesce(seen, "unique_id")).to_series()
        more = f" and {len(names) - NAMED_SERIES:,} more" if len(names) > NAMED_SERIES else ""
        sentences.append(SENTENCES[str(doubt)].format(user_name(str(lever)), ", ".join(names[:NAMED_SERIES]) + more))
    return sentences


def doubts_by_series(doubts: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, doubts]: those of each series with any, like "price: outside 2 to 3; promo: unclear".

    >>> row = {"unique_id": "S1", "lever": "price", "doubt": "outside", "range": "2 to 3"}
    >>> doubts_by_series(pl.DataFrame([row])).row(0)
    ('S1', 'price: outside 2 to 3')
    """
    names = {lever: user_name(lever) for lever in doubts["lever"].unique()}
    name = pl.col("lever").replace_strict(names, return_dtype=pl.String)
    seen = pl.when(pl.col("range").is_not_null()).then(pl.format(" {}", "range")).otherwise(pl.lit(""))
    texts = doubts.select("unique_id", text=pl.format("{}: {}{}", name, "doubt", seen))
    return texts.group_by("unique_id", maintain_order=True).agg(doubts=pl.col("text").str.join("; "))


def _tests(lever: Lever, table: pl.DataFrame) -> Iterator[tuple[str, pl.Expr]]:
    """The doubts that there can be about a lever, and in which rows that move it there are."""
    estimate, after = pl.col("estimate"), pl.col("after")
    changed = pl.col("changes").fill_null(0) > 0
    yield "never changed", ~changed
    yield "unknown", estimate.is_null()
    if lever.kind not in (FLAG, TEXT):
        yield "outside", changed & ((after < pl.col("low")) | (after > pl.col("high")))
        yield "beyond", (after < pl.col("reach_low")) | (after > pl.col("reach_high"))
    if lever.kind != NUMBER:
        yield ("rises with price", estimate > 0) if lever.kind == PRICE else ("falls with it", estimate < 0)
    yield "unclear", (pl.col("lo") <= 0) & (pl.col("hi") >= 0)
    if "timing" in table.columns:  # not of a training before timing was judged
        on_the_whole = table.filter(pl.col("grain") == "total", pl.col("lever") == lever.name).filter(follows_demand())
        yield "follows demand", pl.lit(value=True) if on_the_whole.height else follows_demand()


def _range(doubt: str) -> pl.Expr:
    """The range that a series has had, of rows outside of it."""
    ends = [pl.col(c).round_sig_figs(4).cast(pl.String).str.strip_suffix(".0") for c in ("low", "high")]
    return pl.format("{} to {}", *ends) if doubt == "outside" else pl.lit(None, pl.String)
