"""How large new series are and how far that may be off: told from all their groups, and honest about it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.config import Config
from forecasting.data import launch_curves
from forecasting.data.aggregates import group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.features import groups
from forecasting.models import cold_start, naive
from forecasting.models.cold_start import intervals, series_level

START, N, H = date(2024, 1, 1), 84, 7
CUTOFF = START + timedelta(N - 1)
STORES, ITEMS = 16, 12


def names(stores=STORES, items=ITEMS):
    return [(f"s{s:02}", f"i{i:02}") for s in range(stores) for i in range(items)]


def chain(spread, seed=1, of=None):
    """Daily sales of items in stores, later days included: store times item times week, and what is the series' own."""
    rng, t = np.random.default_rng(seed), np.arange(N + H)
    store, item = (dict(enumerate(rng.lognormal(0, 0.8, 99))) for _ in range(2))
    days, parts = [START + timedelta(int(d)) for d in t], []
    for s, i in of or names():
        level = 20 * store[int(s[1:])] * item[int(i[1:])] * rng.lognormal(0, spread)
        y = level * (1 + 0.3 * np.sin(2 * np.pi * t / 7)) * rng.gamma(10, 0.1, len(t))
        parts.append(pl.DataFrame({"unique_id": f"{s}/{i}", "ds": days, "y": y, "store": s, "item": i, "price": 1.0}))
    return pl.concat(parts)


def cut_of(rows, new=(), seen=0, at=CUTOFF, levels=((), ("store",), ("item",))) -> Cut:
    """The cut of a panel in which the series `new` are announced, or have been seen for so many days."""
    columns = {"static": ["store", "item"], "known_ahead": ["price"]}
    given = {"name": "new", "source": {"kind": "table"}, "freq": "1d", "h": H, "columns": columns, "models": ["ladder"]}
    config = Config.model_validate(given)
    kept = rows.filter(~pl.col("unique_id").is_in(list(new)) | (pl.col("ds") > CUTOFF - timedelta(seen)))
    planned = kept.with_columns(y=pl.when(pl.col("ds") <= CUTOFF).then("y"))
    whole = fill_gaps(flag_observations(planned, config), config, CUTOFF)
    return Cut(Panel(config, InMemory(whole), (0,), InMemory(group_sums(whole, config, levels))), at, H)


def told(cut, ids):
    return cold_start.similar_series_forecasts(cut, cut.frame(0), pl.DataFrame({"unique_id": list(ids)}))


def wape(said, rows, yhat="yhat"):
    both = said.join(rows.select("unique_id", "ds", "y"), on=["unique_id", "ds"])
    return (both[yhat] - both["y"]).abs().sum() / both["y"].sum()


def covered(said, rows, level):
    both = said.join(rows.select("unique_id", "ds", "y"), on=["unique_id", "ds"])
    return both["y"].is_between(both[f"lo-{level}"], both[f"hi-{level}"]).mean()


SOME = tuple(f"{s}/{i}" for s, i in names()[5::9])
"""Every ninth series: each in a store and of an item that others have."""


def test_store_and_item_tell_more_than_the_narrowest_group(monkeypatch):
    rows = chain(spread=0.1)
    both = wape(told(cut_of(rows, SOME), SOME), rows)
    monkeypatch.setattr(series_level, "MIN_SERIES", 10**6)
    alone = told(cut_of(rows, SOME), SOME)
    assert both < 0.4 < wape(alone, rows)
    assert alone.select(pl.col("hi-95").null_count()).item() == alone.height, "nobody knows how far that may be off"


def test_a_new_item_is_told_by_what_else_is_known_of_it():
    """Of an item that nobody has sold only the store is known: no other rows speak for it, and the bounds are wider."""
    rows = chain(spread=0.1)
    item = tuple(f"s{s:02}/i03" for s in range(STORES))
    of_item, of_some = told(cut_of(rows, item), item), told(cut_of(rows, SOME), SOME)
    assert set(of_item["source"].str.extract(r"\((.*)=")) == {"store"}
    wide = [said.select((pl.col("hi-80") / pl.col("lo-80")).median()).item() for said in (of_item, of_some)]
    assert wide[0] > 2 * wide[1]


def test_a_known_series_is_told_without_itself():
    """Were its own sales among what its groups sell, the powers would be those of a series that knows its answer."""
    cut = cut_of(chain(spread=0.5))
    around, mine = series_level.observed_series(cut), pl.col("unique_id") == "s03/i03"
    more = around.with_columns(_sold=pl.when(mine).then(pl.col("_sold") * 100).otherwise("_sold"))
    for level in (("store",), ("item",)):
        before, after = (
            series_level._group_sums_without_row(rows, rows.filter(mine), level) for rows in (around, more)
        )
        assert_frame_equal(before, after)
        assert before["_n"].item() == {"store": ITEMS, "item": STORES}[level[0]] - 1


def test_a_hidden_series_does_not_tell_its_own_size():
    cut = cut_of(chain(spread=0.5))
    around, mine = series_level.observed_series(cut), pl.col("unique_id") == "s03/i03"
    more = around.with_columns(_sold=pl.when(mine).then(pl.col("_sold") * 100).otherwise("_sold"))
    honest, other = (intervals._hidden(rows, (("store",), ("item",))) for rows in (around, more))
    assert honest.height == STORES * ITEMS
    assert honest.filter(mine)["_multiple"].item() == other.filter(mine)["_multiple"].item()
    moved = honest.join(other, on="unique_id").filter(pl.col("_multiple") != pl.col("_multiple_right"))
    assert moved.height > STORES, "others hear of it"


@pytest.mark.parametrize("spread", [0.2, 1.0])
@pytest.mark.parametrize("seen", [0, 4])
def test_bounds_hold_what_they_promise(spread, seen, monkeypatch):
    """Over six chains, whatever store and item leave open; a series that has begun is surer."""
    monkeypatch.setattr(launch_curves, "fit_launch_curves", _no_ramp if seen else launch_curves.fit_launch_curves)
    held = {80: [], 95: []}
    for seed in range(6):
        rows = chain(spread, seed)
        said = told(cut_of(rows, SOME, seen), SOME)
        for level, shares in held.items():
            shares.append(covered(said, rows, level))
    assert np.mean(held[80]) == pytest.approx(0.80, abs=0.05)
    assert np.mean(held[95]) == pytest.approx(0.95, abs=0.03)


def _no_ramp(cut):
    """Launches are known, and they begin as they go on."""
    ages = pl.DataFrame(
        {"group": "total", "age": range(launch_curves.ramp_periods(cut.config)), "factor": 1.0, "size": 10}
    )
    return ages.select(pl.col(c).cast(kind) for c, kind in launch_curves.SCHEMA.items())


def test_what_has_been_sold_makes_bounds_narrower(monkeypatch):
    monkeypatch.setattr(launch_curves, "fit_launch_curves", _no_ramp)
    monkeypatch.setattr(launch_curves, "early_sales_ratios", lambda cut: pl.Series("share", [1.0]))
    rows = chain(spread=1.0)
    wide = [
        told(cut_of(rows, SOME, seen), SOME).select((pl.col("hi-80") / pl.col("lo-80")).median()).item()
        for seen in (0, 4)
    ]
    assert wide[1] < 0.5 * wide[0]


def test_a_look_back_does_not_know_what_came_later():
    """Sales after the cutoff spoilt, neither sizes nor bounds move."""
    rows, at = chain(spread=0.5), CUTOFF - timedelta(H)
    spoilt = rows.with_columns(y=pl.when(pl.col("ds") > at).then(1e6).otherwise("y"))
    planned = [_announced(cut_of(r, SOME, at=at), SOME) for r in (rows, spoilt)]
    honest, other = (told(cut, SOME) for cut in planned)
    assert honest.height == len(SOME) * H
    assert honest["hi-95"].null_count() == 0
    assert_frame_equal(honest, other)


def _announced(cut, new):
    """The same cut, its new series announced from the first day after it."""
    first = pl.DataFrame({"ds": [cut.cutoff + timedelta(d) for d in range(1, H + 1)]})
    rows = cut.panel.scan(0).collect()
    mine = rows.filter(pl.col("unique_id").is_in(list(new)))
    ahead = mine.drop("ds").unique("unique_id").join(first, how="cross")
    ahead = ahead.with_columns(
        pl.lit(None, pl.Float64).alias("y"), y_raw=pl.lit(None, pl.Float64), flag=pl.lit("ahead")
    )
    whole = pl.concat([rows.join(mine, on="unique_id", how="anti"), ahead.select(rows.columns)]).sort("unique_id", "ds")
    return replace(cut, panel=replace(cut.panel, scan=InMemory(whole)))


def test_one_series_asked_for_alone_hears_the_same():
    cut = cut_of(chain(spread=0.5), SOME)
    alone = InMemory(cut.panel.scan(0).filter(pl.col("unique_id") == SOME[3]).collect())
    some = replace(cut, panel=replace(cut.panel, scan=alone, part_of=cut.panel))
    assert_frame_equal(told(some, SOME[3:4]), told(cut, SOME).filter(unique_id=SOME[3]))


def test_every_model_says_the_same_of_a_new_series_and_says_so():
    rows = chain(spread=0.5)
    cut = cut_of(rows, SOME)
    recipe = [
        "ladder",
        {"lightgbm": {"trees": 5}},
        {"stats": "AutoETS"},
        {"ensemble": {"members": ["Naive", "AutoETS"]}},
    ]
    config = Config.model_validate(cut.config.model_dump() | {"models": recipe})
    some = InMemory(cut.panel.scan(0).filter(pl.col("unique_id").str.starts_with("s00")).collect())
    few = replace(cut, panel=replace(cut.panel, config=config, scan=some))
    mine = [name for name in SOME if name.startswith("s00")]
    expected = told(few, mine).select("unique_id", "ds", "yhat", "source")
    for model in models.build(config):
        said = model.fit(few).predict(few, 0).filter(pl.col("unique_id").is_in(mine))
        assert_frame_equal(said.select(expected.columns), expected, check_row_order=False)


@dataclass(frozen=True)
class By:
    """One error for each of some series."""

    series: int

    def quantiles(self, level):
        ratios = pl.DataFrame({"unique_id": [str(i) for i in range(self.series)], "ratio": range(1, self.series + 1)})
        return ratios.select(intervals._quantiles([level])).row(0)


def test_the_bounds_are_the_ranks_of_split_conformal_prediction():
    """By hand: of 9 errors the first and the ninth hold 80 % of what comes (each leaves one in ten outside)."""
    assert By(9).quantiles(80) == (5.0, 1, 9)
    assert By(8).quantiles(80) == (4.5, None, None)
    assert By(39).quantiles(95) == (20.0, 1, 39)
    assert By(19).quantiles(80) == (10.0, 2, 18)


def test_errors_of_a_series_count_once():
    """Nine series with forty days each know no more of series than nine series with one."""
    days = pl.DataFrame(
        {"unique_id": [str(i) for i in range(9) for _ in range(40)], "ratio": [1.0 * i for i in range(360)]}
    )
    assert days.select(intervals._quantiles([95])).row(0)[1:] == (None, None)
    assert days.select(intervals._quantiles([80])).row(0)[1:] == (0.0, 359.0)


def test_bounds_go_with_a_forecast_that_was_held_back():
    cut = cut_of(chain(spread=0.5), SOME)
    said = told(cut, SOME)
    rows = said.select("unique_id", "ds", "source", "cold_start", yhat=pl.col("yhat") / 2)
    other = rows.head(1).with_columns(unique_id=pl.lit("s00/i00"), cold_start=pl.lit(value=False))
    made = cold_start.add_bounds(cut, cut.frame(0), pl.concat([rows, other]))
    assert_frame_equal(made.head(-1).select("q50", "lo-95", "hi-95"), said.select(pl.col("q50", "lo-95", "hi-95") / 2))
    assert made.tail(1).select("q50", "lo-80", "hi-80").row(0) == (None, None, None)


NAMES = (
    "sold",
    "due",
    "n",
    "multiple",
    "group",
    "age",
    "size",
    "total",
    "group_multiple",
    "factor",
    "since",
    "y_count",
)


def named(cut, name):
    """What the ladder says of the new series where the items stand in a column of this name."""
    columns = cut.config.columns.model_copy(update={"static": ("store", name)})
    config = cut.config.model_copy(update={"columns": columns})
    rows = InMemory(cut.panel.scan(0).collect().rename({"item": name}))
    groups = cut.groups.with_columns(pl.col("group").str.replace("item=", f"{name}="))
    mine = replace(cut, panel=replace(cut.panel, config=config, scan=rows, groups=InMemory(groups)))
    return naive.ladder_forecasts(mine, 0).filter(pl.col("unique_id").is_in(SOME)).drop("source")


@pytest.mark.parametrize("name", NAMES)
def test_static_columns_may_bear_any_name(name):
    """Also that of something that is reckoned here; of groups of one size the first by name speaks."""
    cut = cut_of(chain(spread=0.3), SOME)
    assert_frame_equal(named(cut, name), named(cut, "area" if name < "store" else "zone"))


def test_a_series_without_a_static_value_does_not_tell_itself():
    """Half of the items are not known: what such a series sells is told by no item, least of all by its own."""
    cut = cut_of(chain(spread=0.5))
    around = series_level.observed_series(cut).with_columns(item=pl.when(pl.col("store") < "s08").then("item"))
    mine = around.filter(unique_id="s12/i03")
    more = mine.with_columns(pl.col("_sold") * 100)
    inputs = [series_level._inputs(around, rows, [("item",)]) for rows in (mine, more)]
    assert inputs[0].tolist() == inputs[1].tolist() == [[np.log(1.0 + series_level.OFFSET)]]


def test_numbers_are_no_groups_but_where_they_are_asked_for():
    rows = chain(spread=0.3).with_columns(floor=pl.col("store").str.tail(2).cast(pl.Float64))
    cut = cut_of(rows)
    columns = cut.config.columns.model_copy(update={"static": ("store", "item", "floor")})
    plain = cut.config.model_copy(update={"columns": columns})
    asked = plain.model_copy(update={"levels_of_aggregation": (("floor",),)})
    told_by = [set(groups.levels(config, rows.schema)) for config in (plain, asked)]
    assert told_by == [{("store",), ("item",), ()}, {("store",), ("item",), ("floor",), ()}]


def test_without_static_columns_all_series_speak():
    rows = chain(spread=0.3)
    cut = cut_of(rows, SOME)
    config = cut.config.model_copy(update={"columns": cut.config.columns.model_copy(update={"static": ()})})
    said = told(replace(cut, panel=replace(cut.panel, config=config)), SOME)
    assert set(said["source"]) == {"similar series (total)"}
    assert said.group_by("ds").agg(pl.col("yhat").n_unique())["yhat"].to_list() == [1] * H
    assert said["hi-95"].null_count() == 0


def test_less_than_a_season_of_history_is_no_reason_to_say_nothing():
    """Weeks, of which thirty are known and no year: the phases of the year are not told apart."""
    rows = chain(spread=0.2).with_columns(ds=START + (pl.col("ds") - START) * 7)
    start = START + timedelta(7 * (N - 30))
    config = Config.model_validate(
        {"name": "new", "source": {"kind": "table"}, "freq": "1w", "h": H, "models": ["ladder"]}
        | {"columns": {"static": ["store", "item"], "known_ahead": ["price"]}}
    )
    last = START + timedelta(7 * (N - 1))
    known = rows.filter(pl.col("ds") >= start, ~pl.col("unique_id").is_in(SOME) | (pl.col("ds") > last))
    whole = fill_gaps(
        flag_observations(known.with_columns(y=pl.when(pl.col("ds") <= last).then("y")), config), config, last
    )
    cut = Cut(
        Panel(config, InMemory(whole), (0,), InMemory(group_sums(whole, config, [(), ("store",), ("item",)]))), last, H
    )
    said = told(cut, SOME)
    assert said.height == len(SOME) * H
    assert wape(said, rows) < 0.6
    assert 0.6 < covered(said, rows, 80) < 0.95


def test_bands_hold_enough_series_each():
    """By hand: 250 series make two bands of 125; where most are told the same size, one is left."""
    ratios = pl.DataFrame({"unique_id": [f"{i:03}" for i in range(250)], "begun": False, "ratio": 1.0})
    spread, same = ([float(i) for i in range(250)], [1.0] * 20 + [2.0] * 230)
    found = [
        intervals._bands(ratios.with_columns(multiple=pl.Series(m)))["band"].value_counts() for m in (spread, same)
    ]
    assert [dict(sorted(bands.iter_rows())) for bands in found] == [{0: 125, 1: 125}, {0: 250}]


def test_large_series_have_bounds_of_their_own(monkeypatch):
    """Small ones sell by chance, large ones hardly: with bands both are held as promised, without neither."""
    names_ = names(40, 20)
    rng, t = np.random.default_rng(3), np.arange(N + H)
    level = {(s, i): 0.3 * 1.15 ** int(s[1:]) for s, i in names_}
    days = [START + timedelta(int(d)) for d in t]
    rows = pl.concat(
        pl.DataFrame(
            {"unique_id": f"{s}/{i}", "ds": days, "y": rng.poisson(level[s, i], len(t)).astype(float)}
            | {"store": s, "item": i, "price": 1.0}
        )
        for s, i in names_
    )
    new = tuple(f"{s}/{i}" for s, i in names_[3::8])
    large = pl.col("unique_id") >= "s30"
    said = told(cut_of(rows, new), new)
    monkeypatch.setattr(intervals, "MAX_BANDS", 1)
    alone = told(cut_of(rows, new), new)
    assert covered(said.filter(large), rows, 80) == pytest.approx(0.80, abs=0.06)
    assert covered(alone.filter(large), rows, 80) > 0.95


def test_many_series_are_sampled_and_say_the_same(monkeypatch):
    """A sample of half the series: other numbers, the same coverage; how long a sampled one was seen is chance, too."""
    new = tuple(f"{s}/{i}" for s, i in names(24, 16)[5::9])
    monkeypatch.setattr(intervals, "MAX_SERIES", 180)
    held = []
    for seed in range(5):
        rows = chain(spread=0.5, seed=seed, of=names(24, 16))
        cut = cut_of(rows, new)
        held.append(covered(told(cut, new), rows, 80))
    assert np.mean(held) == pytest.approx(0.80, abs=0.07)  # 210 series: two standard errors are six points
    taken = intervals._sample(series_level.observed_series(cut))
    assert 90 < taken.height < 180
    assert taken.select(intervals.AGE % 7).to_series().n_unique() == 7


def test_bounds_of_launches_know_how_far_launches_are_from_their_curve(monkeypatch):
    rows = chain(spread=0.3)
    monkeypatch.setattr(launch_curves, "fit_launch_curves", _no_ramp)
    wide = []
    for shares in ([1.0], [0.3, 1.0, 3.0]):
        monkeypatch.setattr(launch_curves, "early_sales_ratios", lambda cut, shares=shares: pl.Series("share", shares))
        said = told(cut_of(rows, SOME), SOME)
        wide.append(said.select((pl.col("hi-80") / pl.col("lo-80")).median()).item())
    assert wide[1] > 2 * wide[0]


def test_what_launches_sold_against_their_curve(monkeypatch):
    """By hand: eight that begin at twice their later level and eight at half of it, and a curve between both."""
    ramp = 14
    monkeypatch.setattr(launch_curves, "ramp_periods", lambda config: ramp)
    old, young = names(6, 5), [(f"s{s:02}", "i99") for s in range(16)]
    rows = chain(spread=0.0, of=old)
    t, days = np.arange(N + H), [START + timedelta(int(d)) for d in range(N + H)]
    for k, (s, i) in enumerate(young):
        start = N - 2 * ramp - 2
        y = np.where(t < start + ramp, 2.0 if k % 2 else 0.5, 1.0) * 50 * (1 + 0.3 * np.sin(2 * np.pi * t / 7))
        part = pl.DataFrame({"unique_id": f"{s}/{i}", "ds": days, "y": y, "store": s, "item": i, "price": 1.0})
        rows = pl.concat([rows, part.filter(pl.col("ds") >= START + timedelta(start))])
    cut = cut_of(rows)
    found = launch_curves.early_sales_ratios(cut).to_list()
    assert len(found) == 16
    low, high = sorted(found)[:8], sorted(found)[8:]
    assert np.mean(high) / np.mean(low) == pytest.approx(4.0, rel=0.1)


def test_what_later_days_take_for_an_outlier_is_not_known_before():
    """A look back reads sales as they came: cleaning that a later day has decided must not change it."""
    rows, at = chain(spread=0.5), CUTOFF - timedelta(H)
    cut = cut_of(rows, SOME, at=at)
    sold = cut.panel.scan(0).collect()
    late = (pl.col("unique_id").str.ends_with("i03")) & (pl.col("ds") > at - timedelta(10)) & (pl.col("ds") <= at)
    marked = sold.with_columns(
        y=pl.when(late).then(pl.col("y") / 10).otherwise("y"),
        flag=pl.when(late).then(pl.lit("outlier")).otherwise("flag"),
    )
    other = replace(cut, panel=replace(cut.panel, scan=InMemory(marked)))
    honest, cleaned = (told(_announced(c, SOME), SOME) for c in (cut, other))
    assert_frame_equal(honest, cleaned)
