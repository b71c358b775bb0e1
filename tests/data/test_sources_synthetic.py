"""The made-up chain: the same every time, odd in the promised ways, and its effects can be found again."""

from datetime import date, timedelta

import holidays
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import load as load_config
from forecasting.data import sources
from forecasting.errors import UserError


@pytest.fixture(scope="module")
def make(configs):
    def make(**options):
        return load_config(configs / "demo.yaml", {f"source.options.{k}": v for k, v in options.items()})

    return make


@pytest.fixture(scope="module")
def demo(make):
    return sources.load(make())


@pytest.fixture(scope="module")
def observed(demo):
    return demo.long.drop_nulls("y")


def test_same_seed_same_data(demo, make):
    assert_frame_equal(sources.load(make()).long, demo.long)
    other = sources.load(make(seed=8)).long
    assert other["y"].sum() != demo.long["y"].sum()


def test_a_longer_run_repeats_the_shorter(demo, make):
    shorter = sources.load(make(days=700)).long.drop_nulls("y").drop("line")
    again = demo.long.drop("line").join(shorter.select("unique_id", "ds"), on=["unique_id", "ds"], how="semi")
    assert_frame_equal(again, shorter)


def test_shape_and_future_days(demo):
    long = demo.long
    assert long["unique_id"].n_unique() == 5 * 20
    assert demo.lines == long.height
    last = date(2024, 1, 1) + timedelta(days=729)
    ahead = long.filter(pl.col("ds") > last)
    assert ahead["ds"].n_unique() == 28
    assert ahead["y"].null_count() == ahead["stock"].null_count() == ahead.height
    assert ahead.select(pl.col("price", "promo", "open").null_count()).row(0) == (0, 0, 0)
    assert long.filter(pl.col("ds") <= last)["y"].null_count() == 0
    assert not long.select("unique_id", "ds").is_duplicated().any()


def test_closed_and_out_of_stock_sell_nothing(observed):
    closed = observed.filter(pl.col("open") == 0)
    out = observed.filter((pl.col("stock") == 0) & (pl.col("open") == 1))
    assert closed["y"].sum() == out["y"].sum() == 0
    assert 0.005 < out.height / observed.height < 0.05
    germany = holidays.country_holidays("DE", years=[2024, 2025])
    rest = observed.filter(pl.col("store") == "S2").select("ds", "open").unique()
    for ds, open_ in rest.iter_rows():
        assert open_ == int(ds.weekday() != 6 and ds not in germany)
    assert observed.filter(pl.col("store") == "S1")["open"].min() == 1


def test_new_discontinued_and_rare_items(demo, observed):
    life = demo.long.group_by("item").agg(first=pl.col("ds").min(), last=pl.col("ds").max())
    assert life.filter(pl.col("first") > date(2024, 1, 1)).height == 2
    assert life.filter(pl.col("last") < date(2025, 12, 30)).height == 1
    zeros = observed.filter(pl.col("open") == 1).group_by("unique_id").agg(zero=(pl.col("y") == 0).mean())
    assert zeros.filter(pl.col("zero") > 0.5).height >= 10


def truth(loaded, effect):
    return dict(loaded.true_effects.filter(pl.col("effect") == effect).select("unique_id", "value").iter_rows())


def test_promotion_uplift_can_be_recovered(demo, observed):
    """Per item, log of mean sales with and without promotion, weekday by weekday of each store."""
    sold = observed.filter((pl.col("open") == 1) & (pl.col("stock") > 0))
    weekday = pl.col("ds").dt.weekday().alias("weekday")
    means = sold.group_by("unique_id", weekday, "promo").agg(pl.col("y").mean(), n=pl.len())
    pairs = means.filter(pl.col("promo") == 1).join(means.filter(pl.col("promo") == 0), on=["unique_id", "weekday"])
    found = (
        pairs.filter(pl.col("y_right") > 3)
        .group_by("unique_id")
        .agg(((pl.col("y").log() - pl.col("y_right").log()) * pl.col("n")).sum() / pl.col("n").sum())
    )
    true = truth(demo, "promo_log_uplift")
    error = np.array([value - true[unique_id] for unique_id, value in found.drop_nulls().iter_rows()])
    assert len(error) > 50
    assert abs(error.mean()) < 0.05
    assert np.abs(error).mean() < 0.15


def test_weekdays_and_elasticity_can_be_recovered(demo, observed):
    """Poisson regression on one large store: weekday factors and the price elasticities of its items."""
    import statsmodels.api as sm

    level = truth(demo, "level")
    best = max((u for u in level if u.startswith("S1/")), key=lambda u: level[u])
    one = observed.filter((pl.col("unique_id") == best) & (pl.col("stock") > 0)).to_pandas()
    day = np.arange(len(one))
    angle = 2 * np.pi * one["ds"].dt.dayofyear / 365.25
    weekdays = np.column_stack([one["ds"].dt.weekday == d for d in range(1, 7)]).astype(float)
    x = np.column_stack(
        [np.ones(len(one)), weekdays, one["promo"], np.log(one["price"]), np.cos(angle), np.sin(angle), day]
    )
    fit = sm.GLM(one["y"].to_numpy(), x, family=sm.families.Poisson()).fit()
    week = demo.true_effects.filter(pl.col("unique_id") == "store=S1", pl.col("effect").str.starts_with("weekday"))
    expected = np.log(week["value"].to_numpy()[1:] / week["value"][0])
    assert fit.params[1:7] == pytest.approx(expected, abs=0.15)
    assert fit.params[7] == pytest.approx(truth(demo, "promo_log_uplift")[best], abs=0.1)
    assert fit.params[8] == pytest.approx(truth(demo, "price_elasticity")[best], abs=0.6)


def test_chain_promotions_show_in_the_total(make):
    """All items on promotion on the same days with one uplift: what the total gains is promo_units."""
    loaded = sources.load(make(promos="chain", promo_uplift=0.6, noise=0.0, yearly=0.0))
    assert set(truth(loaded, "promo_log_uplift").values()) == {0.6}
    total = (
        loaded.long.drop_nulls("y").group_by("ds").agg(pl.col("y").sum(), pl.col("promo").mean(), pl.col("open").mean())
    ).filter(pl.col("open") == 1)
    assert set(total["promo"].unique()) == {0.0, 1.0}
    by_day = (
        total.group_by(pl.col("ds").dt.weekday(), "promo")
        .agg(pl.col("y").mean())
        .pivot("promo", index="ds", values="y")
    )
    gains = (by_day["1.0"] / by_day["0.0"]).log()
    assert gains.mean() == pytest.approx(0.6, abs=0.05)
    share = loaded.long["promo"].mean()
    assert 0.2 < share < 0.4
    plain = total.filter(pl.col("promo") == 0)["y"].mean()
    assert truth(loaded, "promo_units")["total"] == pytest.approx(plain * np.expm1(0.6), rel=0.25)


def test_promo_units_add_up(demo):
    units = truth(demo, "promo_units")
    for grain in ("store=", "category="):
        assert sum(v for u, v in units.items() if u.startswith(grain)) == pytest.approx(units["total"])


def test_unknown_options_are_named(make, configs):
    with pytest.raises(UserError, match=r"source\.options\.shops: is not an option; there are stores, items"):
        sources.load(make(shops=3))
    with pytest.raises(UserError, match=r"source\.options\.days: .*greater than or equal to 1"):
        sources.load(make(days=0))
    with pytest.raises(UserError, match="freq: the synthetic source makes days only"):
        sources.load(load_config(configs / "demo.yaml", {"freq": "1w", "future": {}}))
    with pytest.raises(UserError, match=r"calendar\.country: .*XX"):
        sources.load(load_config(configs / "demo.yaml", {"calendar.country": "XX"}))
    with pytest.raises(UserError, match=r"columns\.known_after: the synthetic source has no column 'visits'"):
        sources.load(load_config(configs / "demo.yaml", {"columns.known_after": ["visits"], "columns.stock": None}))


@pytest.mark.parametrize("shape", [{"stores": 1, "items": 1, "days": 3}, {"stores": 2, "items": 30, "days": 40}])
def test_small_and_short(make, shape):
    loaded = sources.load(make(**shape))
    assert loaded.long["unique_id"].n_unique() == shape["stores"] * shape["items"]
    assert loaded.long["y"].drop_nulls().is_finite().all()
    assert loaded.original_rows(loaded.long.head(1))["row"].item().startswith('{"unique_id": "S1/I01"')
