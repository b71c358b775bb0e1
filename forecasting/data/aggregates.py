"""Sums of series: `group_sums` makes rows of the table `groups`, `aggregate_cut` a cut whose series are aggregates.

`group_sums` takes rows of the panel and returns [group, ds, y_sum, y_count, price]; where they come in parts,
these are `add_mean_price` of the sums of what `partial_group_sums` returns of each. `aggregate_cut` takes a Cut (what
was known on a cutoff, future rows included) and returns another, in memory, in one bucket. None writes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import Outliers
from forecasting.data import launch_curves
from forecasting.data.closures.closures import CLOSED
from forecasting.data.closures.ended import ENDED
from forecasting.data.cut import COMING_PEER_MEANS, PEER_MEANS, Cut, peer_sums
from forecasting.data.known_ahead import fill_unknown
from forecasting.data.panel import KEY, InMemory, Panel, is_shut
from forecasting.features import peers
from forecasting.features.group_sums import GroupTable, TableTotals, Total, sum_groups, tabulate
from forecasting.features.groups import Level

Tables = dict[Level, GroupTable]
"""Sums of the groups of each level."""


def group_sums(rows: pl.DataFrame, config: Config, levels: Iterable[Level]) -> pl.DataFrame:
    """Sum and count of the observed y, and the mean price, by group and ds: rows of the table `groups`."""
    return add_mean_price(partial_group_sums(rows, config, levels))


def partial_group_sums(rows: pl.DataFrame, config: Config, levels: Iterable[Level]) -> pl.DataFrame:
    """[group, ds, y_sum, y_count, price_sum, price_count]: what can be added up with the sums of other rows."""
    price = pl.col(config.columns.price) if config.columns.price else pl.lit(None, pl.Float64)
    sums = {"y_sum": pl.col("y"), "y_count": pl.lit(1), "price_sum": price.cast(pl.Float64)}
    sums |= {"price_count": price.is_not_null()}
    observed = rows.filter(pl.col("y").is_not_null())
    return pl.concat([sum_groups(observed, level, sums) for level in levels])


def add_mean_price(sums: pl.DataFrame) -> pl.DataFrame:
    """[group, ds, y_sum, y_count, price] of sums of `partial_group_sums`: the mean price of the rows that have one."""
    mean = pl.when(pl.col("price_count") > 0).then(pl.col("price_sum") / pl.col("price_count"))
    return sums.select("group", "ds", "y_sum", "y_count", price=mean)


def aggregate_cut(cut: Cut, levels: Iterable[Level], peers_after: date | None = None) -> Cut:
    """The same cut with one series per group of `levels`: y summed, numeric known-ahead columns averaged if a model is
    fitted on aggregates.

    Future rows come from the future rows of the cut, with its edits, so a scenario reaches the aggregates; one in which
    no series of the group can sell anything is shut, too. An unknown value counts with the usual one of its series: a
    mean of those that happen to be known would be that of others. The cut then holds the means of peers of the days
    `peers_after` (default: its cutoff): a model that is trained needs those of all days, from date.min.
    """
    summed, coming = _walk(cut, tuple(levels), cut.cutoff if peers_after is None else peers_after)
    means = [c for c in cut.config.columns.known_ahead if c in summed.columns]
    rows = summed.select(
        *KEY,
        pl.when(pl.col("_n") > 0).then("y").alias("y"),
        *(pl.when(pl.col(f"{c}_n") > 0).then(pl.col(c) / pl.col(f"{c}_n")).alias(c) for c in means),
    ).with_columns(y_raw=pl.col("y"), flag=pl.lit("observed"))
    config = _without_statics(cut.config, means)
    flag = pl.when(pl.col("_ended") == pl.col("rows")).then(pl.lit(ENDED)).otherwise(pl.lit(CLOSED))
    shut = coming.filter(pl.col("_shut") == pl.col("rows")).select(*KEY, flag=flag)
    panel = Panel(
        config,
        InMemory(rows.sort(KEY)),
        (0,),
        InMemory(cut.groups.clear()),
        cut.panel.engine,
        cut.panel.events,
        shut=InMemory(shut),
    )
    return Cut(panel, cut.cutoff, cut.h)


def _walk(cut: Cut, levels: tuple[Level, ...], peers_after: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sums and counts behind `aggregate_cut`, by KEY, of all days and of coming ones, bucket after bucket.

    Frames of a cut are dear, so the walk also makes what models will need of all buckets, and keeps it with the cut:
    the means of peers, and launches.
    """
    whole = cut.panel.part_of is None
    begun = launch_curves.launch_days(cut) if whole else None
    totals = TableTotals[Level](), TableTotals[Level]()
    of_peers, launches = Total(("group", "ds")), []
    for tables, of_bucket, begun_there in cut.panel.engine.map(
        partial(_walk_bucket, cut, levels, begun, peers_after), cut.panel.buckets
    ):
        for total, parts in zip(totals, tables, strict=True):
            for level, part in parts.items():
                total.add(level, part)
        of_peers.add(of_bucket)
        launches.append(begun_there)
    if whole:
        _keep_peer_means(cut, peers.mean_by_group([of_peers.sums()]), peers_after)
    if begun is not None:
        launch_curves.keep_launches(cut, launches)
    every, coming = (pl.concat(total.frames().values()).rename({"group": "unique_id"}) for total in totals)
    return every, coming


def _keep_peer_means(cut: Cut, means: pl.DataFrame, after: date) -> None:
    """Keep the means of days `after` that one with the cut: those of coming days, and of all if these are all."""
    coming = means.filter(pl.col("ds") > cut.cutoff) if means.width else means
    cut.shared(COMING_PEER_MEANS, lambda: coming)
    if after == date.min:
        cut.shared(PEER_MEANS, lambda: means)


def _walk_bucket(
    cut: Cut, levels: tuple[Level, ...], begun: tuple[date, date] | None, peers_after: date, bucket: int
) -> tuple[tuple[Tables, Tables], pl.DataFrame, list[pl.DataFrame]]:
    """One bucket's share of sums, of the means of peers, and of launches."""
    of_peers = pl.DataFrame() if cut.panel.part_of else peer_sums(cut, peers_after, bucket)
    launches = launch_curves.launches_in(cut, begun, cut.frame(bucket).lazy()) if begun else []
    return _tables(cut, levels, bucket), of_peers, launches


def _tables(cut: Cut, levels: tuple[Level, ...], bucket: int) -> tuple[Tables, Tables]:
    """One bucket's share of the sums and counts behind `aggregate_cut`: of all days, and of coming ones."""
    frame = cut.frame(bucket)
    schema = frame.schema
    means = [c for c in _averaged_drivers(cut.config) if schema[c].is_numeric()]
    frame = fill_unknown(frame, means, cut.config, cut.cutoff)
    sums = {"y": pl.col("y"), "_n": pl.col("y").is_not_null()}
    for c in means:
        sums |= {c: pl.col(c).cast(pl.Float64), f"{c}_n": pl.col(c).is_not_null()}
    shut = {"_shut": is_shut(cut.config), "_ended": pl.col("flag") == ENDED}
    coming = frame.filter(pl.col("ds") > cut.cutoff)
    every = {level: tabulate(frame, level, sums) for level in levels}
    return every, {level: tabulate(coming, level, shut) for level in levels}


def _averaged_drivers(config: Config) -> tuple[str, ...]:
    """The known-ahead columns, averaged for models that are fitted on aggregates; none where there is no such model."""
    return config.columns.known_ahead if any(model.on == "aggregates" for model in config.models) else ()


def _without_statics(config: Config, ahead: list[str]) -> Config:
    """The config as it holds for aggregates: no static columns, only averaged drivers, no key of several columns."""
    roles = {
        role: name if (name := getattr(config.columns, role)) in ahead else None for role in ("price", "promo", "open")
    }
    update = {"known_ahead": tuple(ahead), "known_after": (), "static": (), "stock": None, "cost": None, **roles}
    columns = config.columns.model_copy(update=update)
    source = config.source.model_copy(update={"columns": None})
    # the series below were cleaned: their sums are not judged once more
    clean = config.clean.model_copy(update={"stock_outs": "as_told", "outliers": Outliers(rule="none")})
    return config.model_copy(update={"columns": columns, "source": source, "future": {}, "clean": clean})
