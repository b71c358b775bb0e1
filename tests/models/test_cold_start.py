"""Cold start: series that are announced and have never sold are forecast from similar series, and marked so."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.config import Config
from forecasting.data import launch_curves, quality
from forecasting.data.aggregates import group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.models import guards
from forecasting.steps.ingestion.series_statistics import series_statistics

START, N, H = date(2024, 1, 1), 140, 14
CUTOFF = START + timedelta(N - 1)
STORES, ITEMS = {"A": 1.0, "B": 1.5, "C": 0.7, "D": 1.2, "E": 0.9}, {"milk": 60.0, "wine": 8.0, "nuts": 20.0}
NEW = ("E/milk", "D/wine")
"""Listed in their stores from the day after the cutoff."""
LIGHT = {"lightgbm": {"trees": 10, "params": {"min_data_in_leaf": 5}}}


def chain(seed=1):
    """Daily sales by store and item with a weekly season, the future of all of them included."""
    rng = np.random.default_rng(seed)
    t = np.arange(N + H)
    week = 1 + 0.4 * np.sin(2 * np.pi * t / 7)
    parts = []
    for store, size in STORES.items():
        for item, level in ITEMS.items():
            y = size * level * week * rng.gamma(20, 1 / 20, N + H)
            days = [START + timedelta(int(i)) for i in t]
            name = f"{store}/{item}"
            parts.append(
                pl.DataFrame({"unique_id": name, "ds": days, "y": y, "store": store, "item": item, "price": 1.0})
            )
    rows = pl.concat(parts)
    return rows.filter(~pl.col("unique_id").is_in(NEW) | (pl.col("ds") > CUTOFF))


def cut_of(rows, at=CUTOFF, recipe=("ladder", LIGHT)) -> Cut:
    """The cut at `at` of a panel whose sales end on CUTOFF: what comes later is planned."""
    columns = {"static": ["store", "item"], "known_ahead": ["price"]}
    given = {"name": "new", "source": {"kind": "table"}, "freq": "1d", "h": H, "columns": columns}
    config = Config.model_validate(given | {"models": list(recipe)})
    planned = rows.with_columns(y=pl.when(pl.col("ds") <= CUTOFF).then("y"))
    whole = fill_gaps(flag_observations(planned, config), config, CUTOFF)
    levels = ((), ("store",), ("item",))
    return Cut(Panel(config, InMemory(whole), (0,), InMemory(group_sums(whole, config, levels))), at, H)


@pytest.fixture(scope="module")
def rows():
    return chain()


def forecasts(cut, name):
    return {m.name: m for m in models.build(cut.config)}[name].fit(cut).predict(cut, 0)


@pytest.mark.parametrize("name", ["SeasonalNaive", "HistoricAverage", "LightGBM"])
def test_an_announced_series_is_answered_by_its_like(rows, name):
    said = forecasts(cut_of(rows), name)
    new = said.filter(pl.col("unique_id").is_in(NEW))
    assert new.height == len(NEW) * H
    assert dict(new.group_by("unique_id").agg(pl.col("source").unique().first()).iter_rows()) == {
        "E/milk": "similar series (item=milk)",
        "D/wine": "similar series (item=wine)",
    }
    assert new["cold_start"].all()
    assert not said.filter(~pl.col("unique_id").is_in(NEW))["cold_start"].any()


def test_the_forecast_is_the_mean_of_similar_series_in_the_phase_of_the_day(rows):
    first = forecasts(cut_of(rows), "SeasonalNaive").filter(unique_id="E/milk", ds=CUTOFF + timedelta(1))["yhat"].item()
    same = [CUTOFF + timedelta(1 - 7 * k) for k in range(1, 5)]
    others = rows.filter(pl.col("ds").is_in(same), pl.col("item") == "milk", pl.col("unique_id") != "E/milk")
    assert first == pytest.approx(others["y"].mean())


def test_launches_are_met_better_than_by_nothing_and_by_the_mean_of_all(rows):
    said = forecasts(cut_of(rows), "SeasonalMean4").filter(pl.col("unique_id").is_in(NEW))
    both = said.join(rows.select("unique_id", "ds", "y"), on=["unique_id", "ds"])
    mean = rows.filter(pl.col("ds") <= CUTOFF)["y"].mean()
    errors = {
        "like": (both["yhat"] - both["y"]).abs().sum(),
        "zero": both["y"].sum(),
        "mean": (mean - both["y"]).abs().sum(),
    }
    assert errors["like"] < 0.6 * errors["zero"]
    assert errors["like"] < 0.6 * errors["mean"]


def test_a_look_back_does_not_know_what_was_launched_later(rows):
    """On a cutoff before it, a series that has sold since is no announcement: it would leak that it came."""
    sold = rows.with_columns(
        pl.when(pl.col("unique_id").is_in(NEW)).then(pl.col("ds") - timedelta(20)).otherwise("ds").alias("ds")
    )
    before = cut_of(sold, CUTOFF - timedelta(25))
    assert before.frame(0).filter(pl.col("unique_id").is_in(NEW)).is_empty()


def test_without_like_series_nothing_is_known(rows):
    few = rows.filter(pl.col("unique_id").is_in([*NEW, "A/nuts"]))
    said = forecasts(cut_of(few, recipe=("ladder",)), "Naive").filter(pl.col("unique_id").is_in(NEW))
    assert set(said["source"]) == {"no history"}
    assert set(said["yhat"]) == {0.0}


def test_what_is_said_of_a_new_series_is_held_by_its_groups(rows):
    cut = cut_of(rows)
    most = dict(guards.forecast_limits(cut, cut.frame(0)).iter_rows())
    assert most["E/milk"] > 60
    assert most["E/milk"] < 5 * rows["y"].max() + 1e-9


def test_the_list_of_series_tells_an_announced_one_from_one_that_has_ended(rows):
    cut = cut_of(rows)
    told = quality.add_verdicts(series_statistics(cut.panel.scan(0).collect(), cut.config), cut.config, CUTOFF)
    new = told.filter(pl.col("life") == "announced")
    assert sorted(new["unique_id"]) == sorted(NEW)
    assert set(new["verdict"]) == {"announced: forecast from similar series"}
    assert "ended" not in set(told["life"])


RAMP = 28
"""Days after which a series counts as begun."""
LATE = tuple(f"{store}/{item}" for store in "ABCDE" for item in ("soap", "salt"))


def ramp(age):
    """Sales of a new item start at three times their later level and calm down."""
    return 1 + 2 * np.exp(-np.asarray(age) / 8)


@pytest.fixture(scope="module")
def launched():
    """The chain and ten items that came a few days apart, one that is five days old, and two that are announced."""
    rng = np.random.default_rng(2)
    parts = []
    begins = {name: 30 + 3 * i for i, name in enumerate(LATE)}
    begins |= {"A/tea": N - 5, "B/tea": N, "C/tea": N + 3}
    for name, first in begins.items():
        t = np.arange(first, N + H)
        y = (
            STORES[name[0]]
            * 29
            * (1 + 0.4 * np.sin(2 * np.pi * t / 7))
            * ramp(t - first)
            * rng.gamma(40, 1 / 40, len(t))
        )
        days = [START + timedelta(int(i)) for i in t]
        store, item = name.split("/")
        parts.append(pl.DataFrame({"unique_id": name, "ds": days, "y": y, "store": store, "item": item, "price": 1.0}))
    return pl.concat([chain(), *parts])


def told(cut, rows, name="SeasonalMean4"):
    """What is said of the tea, beside what was sold."""
    said = forecasts(cut, name).filter(pl.col("unique_id").str.ends_with("tea"))
    return said.join(rows.select("unique_id", "ds", "y"), on=["unique_id", "ds"])


def wape(said):
    return (said["yhat"] - said["y"]).abs().sum() / said["y"].sum()


def test_new_series_begin_as_others_have_begun(launched, monkeypatch):
    """Against the same without curves: for series that are announced, and for one that sells since five days."""
    cut = cut_of(launched, recipe=("ladder",))
    now = told(cut, launched)
    assert set(now["source"]) == {f"similar series (store={store}) with launch curve" for store in "ABC"}
    monkeypatch.setattr(launch_curves, "MIN_LAUNCHES", 1000)
    before = told(cut_of(launched, recipe=("ladder",)), launched)
    assert set(before["source"]) == {"similar series (store=B)", "similar series (store=C)", "SeasonalMean4", "Naive"}
    for name in ("A/tea", "B/tea"):
        mine = [wape(said.filter(unique_id=name)) for said in (now, before)]
        assert mine[0] < 0.8 * mine[1], name


def test_the_curve_is_what_launches_sold_against_later(launched):
    """By hand: the ramp that the rows were made with, and five launches without any."""
    curve = launch_curves.launch_curves_at(cut_of(launched)).filter(group="total")
    assert curve["age"].to_list() == list(range(RAMP))
    assert curve["size"].unique().to_list() == [len(LATE)]
    later = ramp(range(RAMP, 2 * RAMP)).mean()
    due = (len(LATE) * ramp(range(RAMP)) / later + launch_curves.PRIOR_LAUNCHES) / (
        len(LATE) + launch_curves.PRIOR_LAUNCHES
    )
    assert (curve["factor"] - pl.Series(due)).abs().max() < 0.15
    assert abs((curve["factor"] - pl.Series(due)).mean()) < 0.03


def test_launches_are_known_up_to_the_cutoff_and_not_beyond(launched):
    """Later sales spoilt, the curves stay; a launch counts when twice its first periods are over."""
    at = START + timedelta(30 + 3 * 8 + 2 * RAMP - 1)
    spoilt = launched.with_columns(y=pl.when(pl.col("ds") > at).then(1e6).otherwise("y"))
    honest, other = (launch_curves.launch_curves_at(cut_of(rows, at)) for rows in (launched, spoilt))
    assert_frame_equal(honest, other)
    assert honest.filter(group="total")["size"].unique().to_list() == [9]
    assert launch_curves.launch_curves_at(cut_of(launched, START + timedelta(30 + 3 * 3 + 2 * RAMP + 1))).is_empty(), (
        "four are too few"
    )


def test_without_launches_nothing_changes(rows, launched):
    """Series that were there from the first days on tell nothing of launches, and young ones keep their own rungs."""
    assert launch_curves.launch_curves_at(cut_of(rows)).is_empty()
    young = pl.concat([rows, launched.filter(pl.col("unique_id") == "A/tea")])
    said = forecasts(cut_of(young, recipe=("ladder",)), "SeasonalNaive")
    assert set(said.filter(unique_id="A/tea")["source"]) == {"SeasonalNaive", "Naive"}


def test_one_series_asked_for_alone_hears_the_same(launched):
    cut = cut_of(launched, recipe=("ladder",))
    alone = InMemory(cut.panel.scan(0).filter(pl.col("unique_id") == "B/tea").collect())
    some = replace(cut, panel=replace(cut.panel, scan=alone, part_of=cut.panel))
    whole = forecasts(cut, "Naive").filter(unique_id="B/tea")
    assert_frame_equal(forecasts(some, "Naive"), whole)
