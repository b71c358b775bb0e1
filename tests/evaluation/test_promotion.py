"""Who is promoted, and why."""

import json
from dataclasses import asdict
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.evaluation import paired_test, promotion

CUTOFF = date(2024, 6, 30)


def rows(model, error, series=40, h=7, seed=0):
    """Forecasts of the same sales whose relative error has the given size, noise by series and day."""
    sales = np.random.default_rng(1).gamma(3, 20, (series, h))
    noise = np.random.default_rng(seed).normal(0, error, (series, h)) * sales
    return pl.DataFrame(
        {
            "unique_id": [f"s{i}" for i in range(series) for _ in range(h)],
            "ds": [CUTOFF + timedelta(days=1 + k) for _ in range(series) for k in range(h)],
            "cutoff": CUTOFF,
            "model": model,
            "y": sales.ravel(),
            "yhat": (sales + noise).ravel(),
        }
    )


LADDER = pl.concat([rows("SeasonalNaive", 0.5, seed=5), rows("HistoricAverage", 0.3, seed=6)])


class TestFirstChampion:
    def test_it_must_beat_the_best_of_the_ladder(self):
        decision = promotion.decide_promotion(rows("LightGBM", 0.1), None, LADDER)
        assert decision.promote
        assert "LightGBM beats HistoricAverage, the best of the ladder: WAPE 0." in decision.reason

    def test_beating_the_worst_is_not_enough(self):
        decision = promotion.decide_promotion(rows("LightGBM", 0.4), None, LADDER)
        assert not decision.promote
        assert decision.reason.startswith("Not promoted: LightGBM does not beat HistoricAverage")

    def test_the_ladder_itself_is_not_promoted(self):
        assert not promotion.decide_promotion(rows("HistoricAverage", 0.3, seed=6), None, LADDER).promote


class TestNewRecipe:
    champion = rows("champion", 0.2, seed=3)

    def test_a_clear_win_is_promoted_with_its_interval(self):
        decision = promotion.decide_promotion(rows("LightGBM", 0.1), self.champion, LADDER)
        assert decision.promote
        assert 0 < decision.lo < decision.gain < decision.hi
        assert f"gain {decision.gain:+.4f}" in decision.reason
        assert "over 40 series" in decision.reason
        json.dumps(asdict(decision))  # it is stored as JSON

    def test_a_win_by_chance_is_not(self):
        twin = self.champion.with_columns(yhat=rows("x", 0.2, seed=4)["yhat"])
        decisions = [
            promotion.decide_promotion(a, b, LADDER) for a, b in ((twin, self.champion), (self.champion, twin))
        ]
        assert [d.promote for d in decisions] == [False, False]
        assert "by more than chance" in decisions[0].reason

    def test_the_gain_is_the_difference_in_wape(self):
        challenger = rows("LightGBM", 0.1)
        found = paired_test.compare_pair(challenger, self.champion)
        y = challenger["y"]
        wapes = [float((f["yhat"] - y).abs().sum() / y.sum()) for f in (self.champion, challenger)]
        assert found.gain == pytest.approx(wapes[0] - wapes[1])

    def test_the_same_rows_give_the_same_interval(self):
        shuffled = self.champion.sample(fraction=1, shuffle=True, seed=9)
        one, two = (promotion.decide_promotion(rows("LightGBM", 0.19), c, LADDER) for c in (self.champion, shuffled))
        assert (one.promote, one.lo, one.hi) == (two.promote, pytest.approx(two.lo), pytest.approx(two.hi))

    def test_only_rows_that_both_have_count(self):
        spoiled = self.champion.with_columns(yhat=pl.when(pl.col("unique_id") == "s0").then(1e6).otherwise("yhat"))
        challenger = rows("LightGBM", 0.1).filter(pl.col("unique_id") != "s0")
        assert paired_test.compare_pair(challenger, spoiled).reference < 1
        assert not promotion.decide_promotion(challenger.clear(), spoiled, LADDER).promote

    def test_few_series_are_split_into_days(self):
        one = paired_test.compare_pair(
            rows("LightGBM", 0.1, series=1, h=30), rows("champion", 0.2, series=1, h=30, seed=3)
        )
        assert one.units == "30 rows"
        assert one.lo < one.gain < one.hi

    def test_the_bootstrap_interval_is_near_the_normal_one(self):
        challenger, champion = rows("LightGBM", 0.1, series=300), rows("champion", 0.2, series=300, seed=3)
        found = paired_test.compare_pair(challenger, champion)
        both = challenger.join(champion, on=["unique_id", "ds", "cutoff"], suffix="_c")
        error = (pl.col("yhat_c") - pl.col("y")).abs() - (pl.col("yhat") - pl.col("y")).abs()
        parts = both.group_by("unique_id").agg(d=error.sum(), v=pl.col("y").sum())
        ratio = parts["d"].sum() / parts["v"].sum()
        spread = float((parts["d"] - ratio * parts["v"]).std()) * np.sqrt(300) / parts["v"].sum()
        assert (found.hi - found.lo) / 2 == pytest.approx(1.96 * spread, rel=0.15)


class TestRefresh:
    recent = pl.DataFrame({"unique_id": "a", "ds": [CUTOFF] * 4, "y": [10.0, None, 12.0, 8.0]})

    def decision(self, yhat, y_min=0.0):
        return promotion.decide_refresh(pl.DataFrame({"yhat": yhat}, schema={"yhat": pl.Float64}), self.recent, y_min)

    def test_sane_forecasts_are_promoted(self):
        assert self.decision([9.0, 11.0]).promote
        assert "same recipe on newer data" in self.decision([9.0, 11.0]).reason

    @pytest.mark.parametrize(
        ("yhat", "why"),
        [
            ([], "makes no forecast"),
            ([9.0, None], "makes 1 of 2 forecasts that are not numbers"),
            ([9.0, float("nan")], "makes 1 of 2 forecasts that are not numbers"),
            ([float("inf")], "makes 1 of 1 forecasts that are not numbers"),
            ([9.0, -1.0], "makes 1 of 2 forecasts below 0"),
            ([51.0], "forecasts 51 a row where recent sales were 10"),
            ([1.9], "forecasts 1.9 a row where recent sales were 10"),
        ],
    )
    def test_what_cannot_be_is_not(self, yhat, why):
        decision = self.decision(yhat)
        assert not decision.promote
        assert why in decision.reason

    def test_returns_may_be_negative_where_there_is_no_floor(self):
        assert self.decision([12.0, -1.0], None).promote

    def test_nothing_sold_so_far_sets_no_limit(self):
        quiet = self.recent.with_columns(y=pl.lit(0.0))
        assert promotion.decide_refresh(pl.DataFrame({"yhat": [3.0]}), quiet).promote
