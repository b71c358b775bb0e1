"""The ensemble is the weighted mean, whoever trained its members."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.errors import UserError

KEY = ["unique_id", "ds"]


def built(config, name="Ensemble"):
    return {m.name: m for m in models.build(config)}[name]


def test_is_the_weighted_mean(configure, cut):
    members = ["Naive", "SeasonalNaive"]
    config = configure(
        models=["ladder", {"ensemble": {"members": members, "weights": {"Naive": 3, "SeasonalNaive": 1}}}]
    )
    said = built(config).fit(cut).predict(cut, 0)
    a, b = (built(config, n).fit(cut).predict(cut, 0) for n in members)
    mean = a.join(b, on=KEY, suffix="_b").with_columns(mean=0.75 * pl.col("yhat") + 0.25 * pl.col("yhat_b"))
    both = said.join(mean, on=KEY, suffix="_own")
    assert both.height == said.height == a.height
    assert (both["yhat"] - both["mean"]).abs().max() < 1e-9


def test_takes_members_that_are_trained_already(configure, cut):
    """Training them once more would double the time; what it says is the same."""
    config = configure(models=["ladder", {"stats": "Theta"}, {"ensemble": {"members": ["Theta", "Naive"]}}])
    done = {}
    for model in models.build(config):
        done[model.name] = models.fit(model, cut, done)
    assert done["Ensemble"].members[0] is done["Theta"]
    assert_frame_equal(done["Ensemble"].predict(cut, 0), built(config).fit(cut).predict(cut, 0))


def test_combines_stored_forecasts_as_it_predicts(configure, cut):
    config = configure(models=["ladder", {"ensemble": {}}])
    fitted = built(config).fit(cut)
    rows = [m.fit(cut).predict(cut, 0).select(*KEY, "yhat", model=pl.lit(m.name)) for m in models.build(config)[:-1]]
    assert_frame_equal(fitted.combine(pl.concat(rows[::-1])), fitted.predict(cut, 0))


@pytest.mark.parametrize(
    ("recipe", "members"),
    [
        (["ladder"], ["SeasonalNaive", "SeasonalMean4"]),
        (["ladder", {"stats": "AutoETS"}, {"stats": {"class": "AutoARIMA", "on": "aggregates"}}], ["AutoETS"]),
        (["ladder", {"stats": "AutoETS"}, {"lightgbm": {}}], ["AutoETS", "LightGBM"]),
    ],
)
def test_takes_what_is_no_rung_when_nothing_is_named(configure, recipe, members):
    ensemble = built(configure(models=[{"ensemble": {}}, *recipe]))
    assert [m.name for m in ensemble.members] == members
    assert sum(ensemble.weights.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"members": ["AutoETS", "Prophet"]}, ["Prophet", "AutoETS", "models.2.members"]),
        ({"members": ["AutoETS"], "weights": {"Naive": 1}}, ["AutoETS", "models.2.weights"]),
        ({"members": ["AutoETS"], "weights": {"AutoETS": -1}}, ["not negative"]),
        ({"how": "median"}, ["how", "members and weights"]),
        ({"members": ["AutoETS"], "on": "aggregates"}, ["fitted on series, not on aggregates"]),
    ],
)
def test_a_wrong_entry_is_told(configure, options, words):
    config = configure(models=["ladder", {"stats": "AutoETS"}, {"ensemble": options}])
    with pytest.raises(UserError) as told:
        models.build(config)
    assert all(word in str(told.value) for word in words)
