"""How large new series are and how far that may be off: told from all their groups, and honest about it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.config import Config
from forecasting.data import launches
from forecasting.data.aggregate import sums
from forecasting.data.observed import fill_gaps, observe
from forecasting.data.panel import Cut, InMemory, Panel
from forecasting.models import cold
from forecasting.models.cold import errors, size

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
    whole = fill_gaps(observe(planned, config), config, CUTOFF)
    return Cut(Panel(config, InMemory(whole), (0,), sums(whole, config, levels)), at, H)


def told(cut, ids):
    return cold.like(cut, cut.frame(0), pl.DataFrame({"unique_id": list(ids)}))


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
    monkeypatch.setattr(size, "FEWEST", 10**6)
    alone = told(cut_of(rows, SOME), SOME)
    assert both < 0.4 < wape(alone, rows)
    assert alone.select(pl.col("hi-95").null_count()).item() == alone.height, "nobody knows how far that may be off"


def test_a_new_item_is_told_by_what_else_is_known_of_it():
    """Of an item that nobody has sold only the store is known: no other rows speak for it, and the bounds are wider."""
    rows = chain(spread=0.1)
    item = tuple(f"s{s:02}/i03" for s in range(STORES))
    of_item, of_some = told(cut_of(rows, item), item), told(cut_of(rows, SOME), SOME)
    assert set(of_item["source"].str.extract("like (.*)=")) == {"store"}
    wide = [said.select((pl.col("hi-80") / pl.col("lo-80")).median()).item() for said in (of_item, of_some)]
    assert wide[0] > 2 * wide[1]


def test_a_known_series_is_told_without_itself():
    """Were its own sales among what its groups sell, the powers would be those of a series that knows its answer."""
    cut = cut_of(chain(spread=0.5))
    around, mine = size.known(cut), pl.col("unique_id") == "s03/i03"
    more = around.with_columns(sold=pl.when(mine).then(pl.col("sold") * 100).otherwise("sold"))
    for level in (("store",), ("item",)):
        before, after = (size._others(rows, rows.filter(mine), level) for rows in (around, more))
        assert_frame_equal(before, after)
        assert before["n"].item() == {"store": ITEMS, "item": STORES}[level[0]] - 1


def test_a_hidden_series_does_not_tell_its_own_size():
    cut = cut_of(chain(spread=0.5))
    around, mine = size.known(cut), pl.col("unique_id") == "s03/i03"
    more = around.with_columns(sold=pl.when(mine).then(pl.col("sold") * 100).otherwise("sold"))
    honest, other = (errors._hidden(cut, rows, (("store",), ("item",))) for rows in (around, more))
    assert honest.height == STORES * ITEMS
    assert honest.filter(mine)["multiple"].item() == other.filter(mine)["multiple"].item()
    moved = honest.join(other, on="unique_id").filter(pl.col("multiple") != pl.col("multiple_right"))
    assert moved.height > STORES, "others hear of it"


@pytest.mark.parametrize("spread", [0.2, 1.0])
@pytest.mark.parametrize("seen", [0, 4])
def test_bounds_hold_what_they_promise(spread, seen, monkeypatch):
    """Over six chains, whatever store and item leave open; a series that has begun is surer."""
    monkeypatch.setattr(launches, "curves", _no_ramp if seen else launches.curves)
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
    ages = pl.DataFrame({"group": "total", "age": range(launches.ramp_of(cut.config)), "factor": 1.0, "size": 10})
    return ages.select(pl.col(c).cast(kind) for c, kind in launches.CURVES.items())


def test_what_has_been_sold_makes_bounds_narrower(monkeypatch):
    monkeypatch.setattr(launches, "curves", _no_ramp)
    monkeypatch.setattr(launches, "against_curve", lambda cut: pl.Series("share", [1.0]))
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
    some = replace(cut, panel=replace(cut.panel, scan=alone, whole=cut.panel))
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
        return ratios.select(errors._quantiles([level], pl.col("unique_id").n_unique())).row(0)


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
    series = pl.col("unique_id").n_unique()
    assert days.select(errors._quantiles([95], series)).row(0)[1:] == (None, None)
    assert days.select(errors._quantiles([80], series)).row(0)[1:] == (0.0, 359.0)


def test_bounds_go_with_a_forecast_that_was_held_back():
    cut = cut_of(chain(spread=0.5), SOME)
    said = told(cut, SOME)
    rows = said.select("unique_id", "ds", "source", yhat=pl.col("yhat") / 2)
    other = rows.head(1).with_columns(unique_id=pl.lit("s00/i00"), source=pl.lit("Naive"))
    made = cold.bounded(cut, cut.frame(0), pl.concat([rows, other]))
    assert_frame_equal(made.head(-1).select("q50", "lo-95", "hi-95"), said.select(pl.col("q50", "lo-95", "hi-95") / 2))
    assert made.tail(1).select("q50", "lo-80", "hi-80").row(0) == (None, None, None)
