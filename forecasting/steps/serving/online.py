"""Forecasts made on request: `forecast_edited` forecasts series for an EditedPlan, `forecast_plan` answers in any case.

They take a Served, ids of series and the plan, and yield rows like the published ones, with the known-ahead columns
that they are made for, some series after the other. Only the requested series are forecast, by the models of the
vintage; where these fail the ladder stands in. Nothing is written.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from functools import partial
from itertools import zip_longest

import polars as pl

from forecasting.data.cut import COMING_PEER_MEANS, PEER_MEANS, Cut, peer_sums
from forecasting.data.edits import CellEdit
from forecasting.data.panel import KEY, part_of_panel
from forecasting.features import peers
from forecasting.models.naive import TOP
from forecasting.planning.response.answer import response_factors
from forecasting.planning.response.levers import SPILLS, levers_in
from forecasting.planning.scenario import words_of
from forecasting.planning.words import added_holidays, by_holidays, with_holidays, without_words
from forecasting.services.engine import walk
from forecasting.steps.serving.edited import (
    answer_levers,
    every_lever,
    levers_of,
    predict_cut,
    split_edits,
)
from forecasting.steps.serving.plans import EditedPlan, at_usual, in_portions, plan_with_values
from forecasting.steps.serving.served import (
    Served,
    buckets_of,
    found_once,
    panel_rows,
    row_columns,
    rows_of,
)

log = logging.getLogger(__name__)
NOT_LOOKED_AT = " (fallback, the given values are not looked at)"
"""Added to the source where the models failed."""
SERIES_AT_ONCE = 500
"""Series that are forecast together: what they need at once fits well in memory."""


def forecast_plan(served: Served, ids: pl.Series, plan: EditedPlan) -> Iterator[pl.DataFrame]:
    """The rows of `forecast_edited`, at least one per series: without a ds and a forecast for one that has none.

    Where the models fail, the published forecast of the ladder's top rung stands in, and its source says so.
    """
    done = 0
    try:
        for part in forecast_edited(served, ids, plan):
            requested = ids.slice(done, SERIES_AT_ONCE)
            done += requested.len()
            yield part.join(requested.to_frame("unique_id"), on="unique_id", how="full", coalesce=True)
    except Exception:
        log.exception("no forecast on request after %s of %s series: the ladder answers", done, ids.len())
        yield _ladder(served, ids.slice(done), plan)


def _ladder(served: Served, ids: pl.Series, plan: EditedPlan) -> pl.DataFrame:
    """The published rows of the ladder's top rung, beside the values that it does not look at."""
    published = served.published(buckets_of(served, ids), TOP.name)
    rows = published.join(ids.to_frame("unique_id"), on="unique_id", how="right")
    planned = rows.join(plan.edited.select(*KEY, *served.columns), on=KEY, how="left")
    return planned.with_columns(pl.format("{}{}", "source", pl.lit(NOT_LOOKED_AT)).alias("source"))


def forecast_changed(served: Served, ids: pl.Series, values: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of `forecast_edited` for `values` [unique_id, ds, known-ahead columns], of which null leaves a value as
    planned; they are one plan of coming days.
    """
    return forecast_edited(served, ids, plan_with_values(served, ids, values))


def forecast_edited(served: Served, ids: pl.Series, plan: EditedPlan) -> Iterator[pl.DataFrame]:
    """[columns of a published row, known-ahead columns] of the series `ids`, in their order, SERIES_AT_ONCE at a time.

    One row per series and period of the horizon, in units of y. What differs from the plan is all that is computed: the
    response answers for levers (price, promotion), the models for other columns, of which peers see what is given of
    one series; without any change the rows are the published ones. Where levers are edited the rows have
    difference-lo-L and difference-hi-L, too.
    """
    changes = plan.changes((*served.columns, *words_of(served.job.panel.schema)))
    answered, others = split_edits(served.bundle, changes)
    levers = {edit.column for edit in answered}
    plans = plan.portions(ids, SERIES_AT_ONCE)
    factors = in_portions(_response(served, ids, plan, levers), ids, SERIES_AT_ONCE) if levers else ()
    for portion, forecast, answer in zip_longest(plans, _forecasts(served, ids, others), factors):
        rows = forecast.select(row_columns(served.config))
        if levers:
            rows = answer_levers(rows, answer)
        known = portion.edited.select(*KEY, *served.columns)
        yield rows.join(known, on=KEY, how="left", maintain_order="left")


def _response(served: Served, ids: pl.Series, plan: EditedPlan, columns: Collection[str]) -> pl.DataFrame:
    """[unique_id, ds, factor, error]: the response of the series to what a plan sets in these columns of levers.

    Rows that are not there are as planned. Where the response knows what a promotion does to later periods and to its
    market, these are there, too.
    """
    levers = levers_of(served, ids, columns)
    if not levers["kind"].is_in(SPILLS).any():
        moved = at_usual(served, plan.where_changed(columns), columns)
        return response_factors(moved.planned, moved.edited, levers)
    moved, buckets = at_usual(served, plan, columns), buckets_of(served, ids)
    past = pl.concat([_past(served, bucket) for bucket in buckets])
    return response_factors(moved.planned, moved.edited, levers, rows_of(past, ids))


def _past(served: Served, bucket: int) -> pl.DataFrame:
    """The newest periods of a bucket before the horizon, in which a promotion may have ended that is still felt, with
    all columns of which that is known: whichever series and lever is asked for first.
    """

    def find() -> pl.DataFrame:
        spilling = [lever for lever in levers_in(every_lever(served)) if lever.kind in SPILLS]
        window = max((lever.periods for lever in spilling), default=0)
        columns = [*KEY, *sorted({lever.column for lever in spilling})]
        after = served.job.config.frequency.shift(served.cutoff, -window)
        newest = pl.col("ds").is_between(after, served.cutoff, closed="right")
        return served.job.panel.scan(bucket).filter(newest).select(columns).sort(KEY).collect()

    return found_once(served, f"newest plans {bucket}", find)


def _forecasts(served: Served, ids: pl.Series, edits: tuple[CellEdit, ...]) -> Iterator[pl.DataFrame]:
    """The forecasts of the models with these edits, portion by portion; the published ones where there are none."""
    if not edits:
        rows = rows_of(served.published(buckets_of(served, ids)), ids)
        yield from in_portions(rows, ids, SERIES_AT_ONCE)
        return
    changed = pl.concat([edit.cells["unique_id"] for edit in edits]).unique().sort()
    added = added_holidays(edits, served.job.panel.schema)
    edits = without_words(edits, served.job.panel.schema)
    of_peers = {COMING_PEER_MEANS: _peer_means(served, changed, edits)}
    for part in _portions(ids):
        done: list[pl.DataFrame] = []
        for some, holidays in by_holidays(part, added):
            cut = cut_through(served, some, edits).with_shared_frames(served.shared | of_peers)
            done.append(predict_cut(served.bundle, with_holidays(cut, holidays)))
            of_plan = (PEER_MEANS, COMING_PEER_MEANS)
            served.shared.update({name: frame for name, frame in cut.shared_frames().items() if name not in of_plan})
        yield done[0] if len(done) == 1 else pl.concat(done, how="diagonal").sort(KEY)


def _portions(ids: pl.Series) -> Iterator[pl.Series]:
    return (ids.slice(first, SERIES_AT_ONCE) for first in range(0, ids.len(), SERIES_AT_ONCE))


def cut_through(served: Served, ids: pl.Series, edits: tuple[CellEdit, ...] = ()) -> Cut:
    """The cut through these series, in one bucket 0; rows that were read once are kept."""
    panel, mine = served.job.panel, pl.col("unique_id").is_in(ids.implode())
    rows = pl.concat([panel_rows(served, bucket).filter(mine) for bucket in buckets_of(served, ids)])
    return Cut(part_of_panel(panel, rows), served.cutoff, served.job.config.h, edits)


def _peer_means(served: Served, changed: pl.Series, edits: tuple[CellEdit, ...]) -> pl.DataFrame:
    """The means of peers on coming days where the series `changed` have other values than planned.

    Their planned values are taken out of the sums of all series and the new ones added: no other series is read. Where
    nothing is edited that peers are compared by, the means are those of the plan.
    """
    config, every = served.job.config, _planned_peer_sums(served)
    compared = {config.columns.price, config.columns.promo}
    if not every.width or compared.isdisjoint(edit.column for edit in edits):
        return peers.mean_by_group([every])
    parts = [every]
    for part in _portions(changed):
        planned, new = (
            peer_sums(cut_through(served, part, plan).with_shared_frames(served.shared), served.cutoff, 0)
            for plan in ((), edits)
        )
        parts += [planned.with_columns(-pl.exclude("group", "ds")), new]
    return peers.mean_by_group(parts)


def _planned_peer_sums(served: Served) -> pl.DataFrame:
    """The sums behind the means of peers on coming days, of all series as planned; no columns without any."""

    def find() -> pl.DataFrame:
        panel = served.job.panel
        cut = Cut(panel, served.cutoff, served.job.config.h, cache_bytes=0)
        parts = list(walk(panel.engine, partial(peer_sums, cut, served.cutoff), panel.buckets))
        return pl.concat(parts).group_by("group", "ds").sum() if parts[0].width else parts[0]

    return found_once(served, "peer sums", find)
