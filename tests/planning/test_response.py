"""The response model: its parts against independent oracles, estimates against a known truth, answers by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.aggregates import group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.frequency import FREQS
from forecasting.planning.response import history
from forecasting.planning.response.answer import apply_response, response_factors
from forecasting.planning.response.doubts import warn_of_response
from forecasting.planning.response.estimator.calendar import Calendar
from forecasting.planning.response.estimator.pooling import over_variances, pool
from forecasting.planning.response.estimator.regression import Regression, learn_wander
from forecasting.planning.response.estimator.state import Wander, cross_products
from forecasting.planning.response.estimator.units import Groups
from forecasting.planning.response.levers import follows_demand, levers_of
from forecasting.planning.response.table import estimate_levers

DAY = date(2026, 1, 5)


def test_innovations_are_generalised_least_squares() -> None:
    """X' V^-1 X with V written out: autoregression of memory .8 and size .3, and the variance of each observation."""
    rng = np.random.default_rng(1)
    columns, weight = rng.normal(size=(12, 1, 3)), rng.uniform(1, 20, (12, 1))
    weight[4] = 0  # not observed
    seen = weight[:, 0] > 0
    lag = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    covariance = (0.3**2 * 0.8**lag)[np.ix_(seen, seen)] + np.diag(1 / weight[seen, 0])
    by_hand = columns[seen, 0].T @ np.linalg.inv(covariance) @ columns[seen, 0]
    made = cross_products(columns, weight, Wander(0.8, np.array([0.3]), np.zeros(1)))
    assert made[0] == pytest.approx(by_hand, rel=1e-9)


def test_pooling_keeps_what_is_known_and_lends_it_to_the_others() -> None:
    """Two well-known units keep their effects; one without information gets their mean, and the wider error."""
    information = np.array([1e6, 1e6, 0.0]).reshape(3, 1, 1)
    pooled = pool(information, information[..., 0] * np.array([[-1.0], [-2.0], [0.0]]), Groups.of(3, ()))
    assert pooled.effect[:, 0] == pytest.approx([-1, -2, -1.5], abs=1e-3)
    error = np.sqrt(pooled.covariance[:, 0, 0])
    assert error[0] == pytest.approx(1e-3, rel=0.01)
    assert error[2] > 0.3


def test_units_that_differ_by_chance_alone_are_drawn_together() -> None:
    rng = np.random.default_rng(2)
    information = np.full((50, 1, 1), 100.0)
    own = -1.5 + 0.1 * rng.normal(size=(50, 1))
    pooled = pool(information, information[..., 0] * own, Groups.of(50, ()))
    assert pooled.effect.std() < 0.5 * own.std()


def test_intervals_hold_the_effects_of_few_units_whose_spread_is_hardly_known() -> None:
    """Eight units that differ by .4 and are known to .7 each, drawn many times: with the likeliest spread alone errors
    are larger, and intervals hold fewer of the effects.
    """
    rng = np.random.default_rng(3)
    held, off = np.zeros((150, 2)), np.zeros((150, 2))
    information, groups = np.full((8, 1, 1), 1 / 0.7**2), Groups.of(8, ())
    for n in range(len(held)):
        truth = rng.normal(-1.5, 0.4, (8, 1))
        score = information[..., 0] * (truth + rng.normal(0, 0.7, (8, 1)))
        likeliest = pool(information, score, groups)
        for k, found in enumerate((likeliest, over_variances(information, score, groups, likeliest))):
            miss = found.effect - truth
            held[n, k] = (np.abs(miss) < 1.645 * np.sqrt(found.covariance[..., 0])).mean()
            off[n, k] = (miss**2).mean()
    assert 0.87 < held[:, 1].mean() < 0.95
    assert held[:, 0].mean() < held[:, 1].mean()
    assert off[:, 1].mean() < off[:, 0].mean()


def chain(elasticity: np.ndarray, uplift: float = 0.5, weeks: int = 130) -> pl.DataFrame:
    """Weekly sales of items in three stores: one price per item, promotions of single stores, a common season."""
    rng = np.random.default_rng(3)
    items = len(elasticity)
    price = np.exp(np.repeat(rng.choice([-0.2, -0.1, 0, 0.1], (weeks // 10, items)), 10, axis=0))
    rows = []
    for store in range(3):
        promo = rng.random((weeks, items)) < 0.12
        season = 0.3 * np.cos(2 * np.pi * np.arange(weeks) / 52)[:, None]
        mean = np.exp(3 + 0.2 * store + season + elasticity * np.log(price) + uplift * promo)
        sold = rng.poisson(mean)
        for item in range(items):
            part = {
                "y": sold[:, item].astype(float),
                "price": 4 * price[:, item],
                "promo": promo[:, item].astype(float),
            }
            days = [DAY + timedelta(weeks=int(w)) for w in range(weeks)]
            name = pl.lit(f"S{store}/I{item:02}").alias("unique_id")
            rows.append(pl.DataFrame({"ds": days} | part).with_columns(name, item=pl.lit(f"I{item:02}")))
    return pl.concat(rows)


def job(**other: object) -> Config:
    columns = {"known_ahead": ["price", "promo", "type"], "static": ["item"], "price": "price", "promo": "promo"}
    base = {"name": "job", "source": {"path": "sales.csv"}, "freq": "1w", "h": 8, "columns": columns}
    return Config.model_validate(base | other)


def test_of_a_long_panel_every_so_many_series_are_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen series of 130 weeks in three buckets, and room for 600 rows: two years of every third, by name."""
    rows = chain(np.full(5, -1.5)).with_columns(y_raw=pl.col("y"), flag=pl.lit("observed"), type=pl.lit("A"))
    ids, config = rows["unique_id"].unique().sort(), job()
    parts = [rows.filter(pl.col("unique_id").is_in(ids[i::3].implode())) for i in (2, 0, 1)]
    groups = InMemory(group_sums(rows, config, [()]))
    panel = Panel(config, lambda bucket: parts[bucket].lazy(), (0, 1, 2), groups)
    monkeypatch.setattr(history, "MOST_ROWS", 600)
    learned = history.learn_levers(Cut(panel, rows["ds"].max(), 8))
    newest = rows.filter(pl.col("unique_id").is_in(ids[2::3].implode())).sort("ds").group_by("unique_id").tail(104)
    assert learned.equals(estimate_levers(config, newest.drop("y_raw", "flag")))
    assert learned.filter(grain="series")["unique_id"].unique().sort().equals(ids[2::3])


def test_the_estimate_recovers_what_sales_were_made_of() -> None:
    truth = np.linspace(-2.6, -0.6, 12)
    table = estimate_levers(job(), chain(truth))
    series = table.filter(grain="series").sort("unique_id", "lever")
    price, promo = (series.filter(lever=name) for name in ("price", "promo"))
    known = np.array([truth[int(name[-2:])] for name in price["unique_id"]])
    assert np.median(np.abs(price["estimate"].to_numpy() - known) / -known) < 0.1
    assert np.polyfit(known, price["estimate"].to_numpy(), 1)[0] == pytest.approx(1, abs=0.2)
    low, high = price["lo"].to_numpy(), price["hi"].to_numpy()
    assert ((low <= known) & (known <= high)).mean() > 0.75
    assert promo["estimate"].mean() == pytest.approx(0.5, abs=0.05)
    total = table.filter(grain="total", lever="price")["estimate"].item()
    assert total == pytest.approx(truth.mean(), abs=0.1)


def test_no_effect_is_found_where_there_is_none() -> None:
    table = estimate_levers(job(), chain(np.zeros(8), uplift=0.0))
    assert table["estimate"].abs().max() < 0.25
    total = table.filter(grain="total")
    assert (total["estimate"].abs() < 3 * total["std_error"]).all()


def test_what_was_seen_of_a_lever_is_counted() -> None:
    rows = chain(np.array([-1.0, -2.0]))
    found = estimate_levers(job(), rows).filter(unique_id="S0/I00", lever="price").row(0, named=True)
    prices = rows.filter(unique_id="S0/I00")["price"]
    assert (found["low"], found["high"], found["last"]) == (prices.min(), prices.max(), prices[-1])
    assert found["changes"] == (prices.diff().drop_nulls() != 0).sum()
    assert found["periods"] == 130


def test_levers_without_a_move_are_none() -> None:
    rows = chain(np.array([-1.0, -2.0])).with_columns(price=pl.lit(2.0))
    assert estimate_levers(job(), rows)["lever"].unique().to_list() == ["promo"]
    assert estimate_levers(job(levers=["price"]), rows).is_empty()


def test_each_frequent_text_is_a_lever() -> None:
    rows = pl.DataFrame({"type": ["none"] * 6 + ["flyer"] * 3 + ["coupon"]})
    names = [lever.name for lever in levers_of(job(levers=["type"]), rows)]
    assert names == ["type=flyer", "type=coupon"]


def test_a_lever_that_follows_demand_on_the_whole_is_doubted_for_every_series() -> None:
    rows = pl.concat([table(timing=0.2, timing_error=0.1), table(grain="total", timing=0.2, timing_error=0.05)])
    assert "moved after weak or strong demand" in " ".join(warn_of_response(plan(10.0), plan(9.0), rows))


def table(**other: object) -> pl.DataFrame:
    """The row of a price of elasticity -2 (error .1) that lay between 8 and 12."""
    row = {"grain": "series", "unique_id": "a", "lever": "price", "column": "price", "kind": "price", "text": None}
    row |= {"estimate": -2.0, "std_error": 0.1, "lo": -2.16, "hi": -1.84, "changes": 6}
    row |= {"low": 8.0, "high": 12.0, "reach_low": 7.0, "reach_high": 13.0, "last": 10.0}
    return pl.DataFrame([row | other])


def plan(price: float | None) -> pl.DataFrame:
    return pl.DataFrame({"unique_id": ["a"], "ds": [DAY], "price": [price]}, schema_overrides={"price": pl.Float64})


def test_the_answer_within_the_range_is_the_estimate() -> None:
    found = response_factors(plan(10.0), plan(9.0), table()).row(0, named=True)
    assert found["factor"] == pytest.approx(0.9**-2)
    assert found["error"] == pytest.approx(0.1 * -np.log(0.9))


def test_known_values_set_again_change_nothing_at_all() -> None:
    found = response_factors(plan(99.0), plan(99.0), table()).row(0, named=True)
    assert (found["factor"], found["error"]) == (1.0, 0.0)


def test_beyond_the_range_the_answer_keeps_its_sign_and_grows_ever_less() -> None:
    prices = [6.5, 5.0, 2.0, 0.1]
    factors = [response_factors(plan(10.0), plan(p), table())["factor"].item() for p in prices]
    assert factors == sorted(factors)
    assert (10 / 7) ** 2 < factors[0] < (10 / 6.5) ** 2
    assert factors[-1] < (13 / 7) ** 2 * (10 / 7) ** 2, "not further than once more the range"
    far = response_factors(plan(10.0), plan(0.1), table()).row(0, named=True)
    assert np.log(far["factor"]) + 1.645 * far["error"] > 2 * np.log(100) - 0.01, (
        "the interval reaches the constant one"
    )


def test_an_unknown_plan_is_taken_at_its_last_value() -> None:
    assert response_factors(plan(None), plan(9.0), table())["factor"].item() == pytest.approx(0.9**-2)


def test_bounds_follow_the_mean_and_are_wider_by_the_error() -> None:
    rows = pl.DataFrame({"unique_id": ["a"], "ds": [DAY], "yhat": [10.0], "lo-90": [6.0], "hi-90": [14.0]})
    factors = pl.DataFrame({"unique_id": ["a"], "ds": [DAY], "factor": [1.5], "error": [0.1]})
    made = apply_response(rows, factors, [90]).row(0, named=True)
    assert made["yhat"] == pytest.approx(15)
    up, down = 15 * (np.exp(0.16448536) - 1), 15 * (1 - np.exp(-0.16448536))
    assert made["hi-90"] == pytest.approx(15 + np.hypot(6, up))
    assert made["lo-90"] == pytest.approx(15 - np.hypot(6, down))
    assert made["difference-lo-90"] == pytest.approx(15 - down - 10)
    assert made["difference-hi-90"] == pytest.approx(15 + up - 10)


@pytest.mark.parametrize(
    ("other", "price", "sentence"),
    [
        ({}, 9.0, None),
        ({}, 7.5, "price: outside the range that was seen of a (8 to 12)."),
        ({"changes": 0}, 9.0, "price has never changed for a: the answer is that of similar series."),
        ({"estimate": 1.0, "lo": 0.5, "hi": 1.5}, 9.0, "sales rose with the price in the past of a"),
        ({"lo": -2.5, "hi": 0.5}, 9.0, "the 90 % interval of the effect contains 0 for a"),
        ({"timing": 0.4, "timing_error": 0.1}, 9.0, "price was moved after weak or strong demand"),
        ({"timing": 0.2, "timing_error": 0.1}, 9.0, None),
        ({"estimate": None, "lo": None, "hi": None}, 9.0, "the data cannot tell what a change does for a"),
    ],
)
def test_doubts_are_told(other: dict[str, object], price: float, sentence: str | None) -> None:
    found = warn_of_response(plan(10.0), plan(price), table(**other))
    assert found == [] if sentence is None else sentence in " ".join(found)


def timed_chain(follows: float, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Weekly sales of 24 items in four stores, of demand that wanders; every eight weeks or so a price is set, after
    what its owner knows of the demand of the week before times `follows`.
    """
    rng = np.random.default_rng([seed, 11])
    weeks, items, stores = 140, 24, 4
    elasticity = rng.normal(-1.6, 0.4, items)
    demand, price = np.zeros((weeks, items)), np.zeros((weeks, items))
    demand[0], due = rng.normal(0, 0.12, items), rng.integers(3, 11, items)
    for week in range(1, weeks):
        demand[week] = 0.88 * demand[week - 1] + rng.normal(0, 0.12 * np.sqrt(1 - 0.88**2), items)
        price[week] = price[week - 1]
        moves = due == week
        known = follows * demand[week - 1] / 0.12
        price[week, moves] = np.clip(0.07 * (known + rng.normal(0, 0.7, items)), -0.25, 0.25)[moves]
        due[moves] += rng.integers(6, 11, int(moves.sum()))
    ds = pl.date_range(DAY, DAY + timedelta(weeks=weeks - 1), "1w", eager=True)
    rows = []
    for store in range(stores):
        sold = rng.poisson(np.exp(4 + 0.2 * store + demand + elasticity * price))
        for item in range(items):
            names = {"unique_id": pl.lit(f"S{store}/I{item:02}"), "item": pl.lit(f"I{item:02}")}
            columns = {"ds": ds, "y": sold[:, item].astype(float), "price": 5 * np.exp(price[:, item])}
            rows.append(pl.DataFrame(columns).with_columns(**names))
    return pl.concat(rows), elasticity


def test_prices_that_follow_demand_are_named_and_estimated_all_the_same() -> None:
    """Prices rise with demand, so sales fall less with them than they would."""
    rows, elasticity = timed_chain(follows=1.0, seed=1)
    found = estimate_levers(job(), rows).filter(lever="price")
    total = found.filter(grain="total").row(0, named=True)
    assert total["timing"] > 0.15
    assert total["timing"] > 2.576 * total["timing_error"]
    series = found.filter(grain="series").sort("unique_id")
    truth = np.tile(elasticity, 4)
    assert series["estimate"].mean() == pytest.approx(truth.mean(), abs=0.25)
    low, high = series["lo"].to_numpy(), series["hi"].to_numpy()
    assert ((low <= truth) & (truth <= high)).mean() >= 0.8
    assert series.select(follows_demand()).to_series().all()


def test_intervals_are_wider_where_those_who_set_prices_may_have_known_more_than_sales() -> None:
    """The means over all series, of which the errors are else alike."""
    errors = []
    for follows in (0.0, 1.0):
        rows, _ = timed_chain(follows, seed=3)
        found = estimate_levers(job(), rows).filter(lever="price", grain="total").row(0, named=True)
        errors.append(found["std_error"])
    assert errors[1] > 1.2 * errors[0]


def test_prices_set_without_a_look_at_demand_are_not_said_to_follow_it() -> None:
    rows, elasticity = timed_chain(follows=0.0, seed=2)
    found = estimate_levers(job(), rows).filter(lever="price")
    assert not found.select(follows_demand()).to_series().any()
    assert found.filter(grain="total")["estimate"].item() == pytest.approx(elasticity.mean(), abs=0.15)


def test_noise_that_does_not_last_is_no_short_memory() -> None:
    """Deviations of memory .9 and size .2 under noise of variance .04 are told apart."""
    rng = np.random.default_rng(5)
    periods, series = 150, 60
    lasting = np.zeros((periods, series))
    lasting[0] = rng.normal(0, 0.2, series)
    for t in range(1, periods):
        lasting[t] = 0.9 * lasting[t - 1] + rng.normal(0, 0.2 * np.sqrt(1 - 0.9**2), series)
    residual = lasting + rng.normal(0, 0.2, (periods, series))
    calendar = Calendar.of(FREQS["1w"], periods)
    level, sold = np.ones((periods, series, 1)), np.full((periods, series), 1e6)
    regression = Regression(np.zeros((periods, series, 1)), level, np.array([1e6]), residual, sold)
    wander = learn_wander(regression, calendar)
    assert wander.memory == pytest.approx(0.9, abs=0.051)
    assert wander.size.mean() == pytest.approx(0.2, abs=0.04)
    assert wander.noise.mean() == pytest.approx(0.04, abs=0.015)
