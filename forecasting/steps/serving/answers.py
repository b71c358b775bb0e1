"""Answers for single rows: `answer_rows` takes checked rows of a request and returns them with their forecasts.

A row without values is answered from the published vintage, one with values by a forecast made on request. What
several rows say of coming days holds together, as one plan; a cell that is given twice with other values opens a
further plan. `answer_shared` lets a challenger answer its share: whose turn it is follows from series and day alone, so
that the same question is always answered by the same. Nothing is written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from hashlib import blake2b

import polars as pl

from forecasting.data.panel import KEY
from forecasting.data.schemas import interval_columns
from forecasting.models.naive import LADDER
from forecasting.steps.serving.online import NOT_LOOKED_AT, forecast_plan
from forecasting.steps.serving.plans import plan_with_values, planned_rows
from forecasting.steps.serving.served import Served, buckets_of, rows_of

log = logging.getLogger(__name__)
DRAWS = 2**32


def answer_rows(served: Served, requested: pl.DataFrame) -> pl.DataFrame:
    """The rows of `requested` (see requested_rows) in their order, with yhat, q50, bounds, source, model, fallback,
    price, revenue, changes, and who answered: version, vintage and answered_by (champion or challenger).

    `fallback` tells whether a rung of the ladder stands in for the model. `price` is that of the row, given or planned,
    and revenue = yhat * price; both are null where there is none. `changes` are the given values as JSON. Rows with a
    fault, and those of series that are not forecast, which get one, have no forecast.
    """
    done = list(answer_in_parts(served, requested))
    return pl.concat(done).sort("row")


def answer_in_parts(served: Served, requested: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The same in parts: first the rows that need no new forecast, then those of some series after the other."""
    given = [c for c in served.columns if c in requested.columns]
    changed = pl.any_horizontal(pl.col(given).is_not_null()) if given else pl.lit(value=False)
    sound = pl.col("fault").is_null()
    wrong, planned = requested.filter(~sound), requested.filter(sound & ~changed)
    if wrong.height or requested.is_empty():
        yield shape_answers(served, wrong)
    if planned.height:
        ids = planned["unique_id"].unique()
        plans = planned_rows(served, ids).select(*KEY, *served.columns)
        forecasts = rows_of(served.published(buckets_of(served, ids)), ids).join(plans, on=KEY, how="left")
        yield shape_answers(served, _with_forecasts(planned, forecasts, served))
    rest = requested.filter(sound & changed)
    if rest.height:
        yield from _changed(served, rest, given)


def answer_shared(served: Served, challenger: Served | None, requested: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The parts of `answer_in_parts`; rows that the challenger's share falls on are its own, where it has a forecast.

    Both see the whole request, so that what it says of coming days holds together for either.
    """
    drawn = draw_rows(requested, served.config.serving.challenger_share) if challenger else None
    if challenger is None or drawn is None or not drawn.any():
        yield from answer_in_parts(served, requested)
        return
    theirs = _answers_of(challenger, requested, requested.filter(drawn).select("row"))
    if theirs is not None and theirs.height:
        yield theirs
        if theirs.height == requested.height:
            return
        for part in answer_in_parts(served, requested):
            yield part.join(theirs.select("row"), on="row", how="anti", maintain_order="left")
    else:
        yield from answer_in_parts(served, requested)


def _answers_of(challenger: Served, requested: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame | None:
    """The challenger's forecasts of these rows, without those that it cannot make itself; None where it fails."""
    try:
        answers = pl.concat(list(answer_in_parts(challenger, requested)))
    except Exception:
        log.exception("the challenger, version %s, could not answer: the champion does", challenger.version)
        return None
    own = answers.filter(pl.col("yhat").is_not_null() & ~pl.col("fallback").fill_null(value=False))
    return own.join(rows, on="row", how="semi", maintain_order="left")


def draw_rows(rows: pl.DataFrame, share: float) -> pl.Series:
    """Whether the challenger's share falls on each row, by its series and day."""
    texts = rows.select(pl.format("{} {}", "unique_id", "ds")).to_series()
    draws = (DRAWS if t is None else int.from_bytes(blake2b(t.encode(), digest_size=4).digest()) for t in texts)
    return pl.Series("drawn", list(draws), pl.Int64) < share * DRAWS


def _changed(served: Served, requested: pl.DataFrame, given: list[str]) -> Iterator[pl.DataFrame]:
    """Answers to rows with values, plan by plan."""
    stated = requested.with_columns(
        changes=pl.struct(given).struct.json_encode(), _plan=pl.struct(given).rank("dense").over(KEY)
    )
    for plan in stated.partition_by("_plan", maintain_order=True):
        rows = plan.drop("_plan")
        values, ids = rows.select(*KEY, *given).unique(KEY), rows["unique_id"].unique(maintain_order=True)
        for forecasts in forecast_plan(served, ids, plan_with_values(served, ids, values)):
            mine = rows.join(forecasts.select("unique_id"), on="unique_id", how="semi", maintain_order="left")
            yield shape_answers(served, _with_forecasts(mine, forecasts, served))


def _with_forecasts(requested: pl.DataFrame, forecasts: pl.DataFrame, served: Served) -> pl.DataFrame:
    """The rows with their forecasts; a series that is not forecast gets a fault."""
    bare = requested.drop([c for c in served.columns if c in requested.columns])
    both, none = bare.join(forecasts, on=KEY, how="left"), pl.col("yhat").is_null()
    return both.with_columns(
        fault=pl.when(none).then(pl.format("{} is not forecast: it has ended, or no sale is known", "unique_id")),
        field=pl.when(none).then(pl.lit("unique_id")),
    )


def shape_answers(served: Served, rows: pl.DataFrame) -> pl.DataFrame:
    """Forecast rows with known-ahead columns in the columns of an answer, which are null where `rows` have none."""
    numbers = ["yhat", "q50", *interval_columns(served.config.level)]
    kinds = dict.fromkeys(numbers, pl.Float64) | dict.fromkeys(("source", "interval", "model"), pl.String)
    price = served.job.config.columns.price
    is_priced = price in rows.columns and "yhat" in rows.columns
    cost = pl.col(str(price)).cast(pl.Float64) if is_priced else pl.lit(None, pl.Float64)
    missing = [pl.lit(None, kind).alias(c) for c, kind in kinds.items() if c not in rows.columns]
    whole = rows.with_columns(*missing, price=cost)
    rung = pl.col("source").str.contains(f"^({'|'.join(LADDER)})\\b")
    return whole.select(
        *(["row"] if "row" in rows.columns else []),
        *KEY,
        *kinds,
        fallback=rung & ~pl.col("model").is_in(LADDER) | pl.col("source").str.ends_with(NOT_LOOKED_AT),
        price="price",
        revenue=pl.col("yhat") * pl.col("price"),
        changes=_text("changes", rows),
        version=pl.lit(served.version, pl.Int64),
        vintage=pl.lit(served.identity),
        answered_by=pl.lit(served.role),
        field=_text("field", rows),
        fault=_text("fault", rows),
    )


def _text(column: str, rows: pl.DataFrame) -> pl.Expr:
    return pl.col(column).cast(pl.String) if column in rows.columns else pl.lit(None, pl.String)
