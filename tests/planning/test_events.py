"""Past events: when they are, and what they brought, against arithmetic by hand."""

import numpy as np
import polars as pl
import pytest

from forecasting.planning.decomposition.pooled import Noise
from forecasting.planning.events import add_halo, find_events, measure
from forecasting.planning.events.history import History


def rows(promo: list[float], price: list[float | None], unique_id: str = "a") -> pl.DataFrame:
    ids = [unique_id] * len(promo)
    return pl.DataFrame({"unique_id": ids, "ds": range(len(promo)), "promo": promo, "price": price})


def spans(frame: pl.DataFrame, season: int = 7) -> list[tuple]:
    return find_events(frame, season).select("unique_id", "kind", "start", "end", "price_before").rows()


def test_a_promotion_with_a_lower_price_is_one_event():
    found = spans(rows([0, 0, 1, 1, 0, 0], [3.0, 3.0, 2.0, 2.0, 3.0, 3.0]))
    assert found == [("a", "promotion", 2, 3, 3.0)]


def test_a_price_is_an_event_until_it_changes_again_and_at_most_four_seasons():
    found = spans(rows([0] * 40, [3.0] * 5 + [2.0] * 3 + [3.0] * 32), season=2)
    assert found == [("a", "price", 5, 7, 3.0), ("a", "price", 8, 15, 2.0)]


def test_what_begins_with_the_series_is_no_event_and_series_do_not_mix():
    both = pl.concat([rows([1, 0, 0], [2.0, 2.0, 2.0]), rows([0, 0, 1], [5.0, 5.0, 5.0], "b")])
    assert spans(both) == [("b", "promotion", 2, 2, 5.0)]


def test_a_mean_price_that_is_never_quite_the_same_is_no_event():
    assert spans(rows([0] * 4, [2.0, 2.02, 1.99, 2.0])) == []
    assert spans(rows([0] * 4, [2.0, 2.2, 2.19, 2.2])) == [("a", "price", 1, 3, 2.0)]


def test_an_unknown_price_is_no_change():
    assert spans(rows([0] * 4, [2.0, None, 2.0, 2.0])) == []


def flat(sold: list[float], promo: list[int], price: list[float] | None = None) -> History:
    """A series of which two units a day are expected at a price of 1."""
    n = len(sold)
    effect = np.zeros(n) if price is None else -np.log(np.array(price))
    seen = np.ones(n, bool)
    quiet = seen & (np.array(promo) == 0)
    bounds = np.zeros(n, int), np.full(n, n - 1)
    return History(seen, quiet, np.array(sold), 2 * np.exp(effect), effect, *bounds, Noise())


def measured(history: History, first: int, last: int, near: int = 10, after: int = 2) -> dict[str, float]:
    event = pl.DataFrame({"unique_id": ["a"], "first": [first], "last": [last]})
    return measure(event, history, near, after).row(0, named=True)


def test_uplift_is_what_was_sold_above_what_was_expected():
    found = measured(flat([2.0, 2, 2, 2, 6, 5, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]), 4, 5)
    assert (found["sold"], found["baseline"], found["uplift"], found["dip"]) == (11, 4, 7, -2)


def test_the_error_has_the_noise_of_days_and_the_doubt_about_the_level():
    """Variance: 11 of the event's days as they sold, and (4 units)^2 times that of the level, 1 / 16 quiet units."""
    found = measured(flat([2.0, 2, 2, 2, 6, 5, 2, 2, 2, 2], [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]), 4, 5)
    assert found["uplift_se"] == pytest.approx(np.sqrt(11 + 4**2 / 16))


def test_the_baseline_of_a_price_change_is_at_the_price_before():
    """At half the price twice as much is expected: the baseline stays that of the price before."""
    found = measured(flat([2.0, 2, 4, 4, 4, 4], [0] * 6, [1.0, 1.0, 0.5, 0.5, 0.5, 0.5]), 2, 5)
    assert found["baseline"] == pytest.approx(8)
    assert found["uplift"] == pytest.approx(8)


def test_a_market_that_sells_more_on_all_days_has_no_halo():
    days = pl.DataFrame({"market": "m", "ds": range(10), "sold": 6.0, "expected": 4.0, "variance": 1.0})
    event = pl.DataFrame({"unique_id": ["a"], "market": ["m"], "start": [4], "end": [5]})
    found = add_halo(event, days, 3).row(0, named=True)
    assert found["halo"] == pytest.approx(0)
    # two days of variance 1, and (8 units)^2 times the variance 6 / 24^2 of the level
    assert found["halo_se"] == pytest.approx(np.sqrt(2 + 64 * 6 / 24**2))


def test_a_market_without_quiet_series_has_no_halo_and_others_are_counted():
    days = pl.DataFrame({"market": "m", "ds": range(10), "sold": 6.0, "expected": 4.0, "variance": 1.0})
    starts, ends, markets = [1, 3, 8, 3], [4, 5, 9, 5], ["m", "m", "m", "n"]
    events = pl.DataFrame({"unique_id": ["a", "b", "c", "d"], "market": markets, "start": starts, "end": ends})
    found = add_halo(events, days, 2)
    assert found["others"].to_list() == [1, 1, 0, 0]
    assert found["halo"].is_null().to_list() == [False, False, False, True]
