"""The ensemble is the weighted mean, whoever trained its members."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.errors import UserError
from forecasting.models.ensemble import MEMBER, FittedEnsemble
from forecasting.models.weights import Weights
from tests.models.conftest import NoEvidence

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
        done[model.name] = models.fit(model, cut, done, NoEvidence())
    assert done["Ensemble"].members[0] is done["Theta"]
    assert_frame_equal(done["Ensemble"].predict(cut, 0), built(config).fit(cut).predict(cut, 0))


def test_combines_stored_forecasts_as_it_predicts(configure, cut):
    config = configure(models=["ladder", {"ensemble": {}}])
    fitted = built(config).fit(cut)
    rows = [m.fit(cut).predict(cut, 0).select(*MEMBER, model=pl.lit(m.name)) for m in models.build(config)[:-1]]
    step = cut.config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds"))
    rows = [part.with_columns(step=step) for part in rows]
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
    assert set(ensemble.weights.values()) == {1 / len(members)}


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


def test_learned_weights_differ_by_segment(configure, cut):
    """A series counts by the weights of its segment, one without a segment by those of all."""
    config = configure(models=["ladder", {"ensemble": {"members": ["Naive", "SeasonalNaive"], "weights": "learned"}}])
    done = {m.name: m.fit(cut) for m in models.build(config) if m.family == "naive"}
    ids = sorted(done["Naive"].predict(cut, 0)["unique_id"].unique())
    columns = {"segment": ["all", "all", "x", "x"], "model": ["Naive", "SeasonalNaive"] * 2, "weight": [1.0, 0, 0, 1]}
    columns |= {"middle": [0.0, 1.0, 1.0, 0.0]}
    learned = Weights.read(pl.DataFrame(columns), pl.DataFrame({"unique_id": [ids[0]], "segment": ["x"]}))
    said = built(config).with_members(done, learned).predict(cut, 0)
    for own, mean, median in (
        (said.filter(unique_id=ids[0]), "SeasonalNaive", "Naive"),
        (said.filter(pl.col("unique_id") != ids[0]), "Naive", "SeasonalNaive"),
    ):
        for column, member in (("yhat", mean), ("q50", median)):
            expected = done[member].predict(cut, 0).join(own, on=KEY, how="semi")
            assert_frame_equal(own.select(*KEY, yhat=column), expected.select(*KEY, "yhat"))


def test_learned_weights_are_kept(configure, cut, tmp_path):
    config = configure(models=["ladder", {"ensemble": {"members": ["Naive", "SeasonalNaive"], "weights": "learned"}}])
    done = {m.name: m.fit(cut) for m in models.build(config) if m.family == "naive"}
    columns = {"segment": ["all", "all"], "model": ["Naive", "SeasonalNaive"], "weight": [0.25, 0.75]}
    columns |= {"middle": [0.5, 0.5]}
    homes = pl.DataFrame(schema={"unique_id": pl.String, "segment": pl.String})
    fitted = built(config).with_members(done, Weights.read(pl.DataFrame(columns), homes))
    fitted.save(tmp_path)
    assert_frame_equal(models.load("ensemble", tmp_path).predict(cut, 0), fitted.predict(cut, 0))


def test_a_model_for_few_series_is_left_out_where_there_are_many(configure):
    config = configure(models=["ladder", {"stats": {"class": "AutoETS", "most": 1000}}, {"ensemble": {}}])
    assert "AutoETS" in [m.name for m in models.build(config, 1000)]
    many = {m.name: m for m in models.build(config, 1001)}
    assert "AutoETS" not in many
    assert [m.name for m in many["Ensemble"].members] == ["SeasonalNaive", "SeasonalMean4"]
    assert [spec.name for spec in models.too_dear(config, 1001)] == ["AutoETS"]
    assert models.too_dear(config, 1000) == []


class Named:
    """A trained member with nothing but a name."""

    def __init__(self, name: str) -> None:
        self.name = name


def combined(columns: dict[str, list], values: list[float], steps: list[int], q50: list[float] | None = None):
    """What an ensemble of learned weights makes of one value per member, at each of the steps."""
    names = columns["model"][: len(values)]
    defaults = {"segment": "all", "first_step": 1, "median_of": "q50"}
    shared = {name: [value] * len(columns["model"]) for name, value in defaults.items()}
    homes = pl.DataFrame(schema={"unique_id": pl.String, "segment": pl.String})
    by_segment = pl.DataFrame({"middle": columns["weight"]} | shared | columns).cast({"first_step": pl.Int32})
    days = [date(2024, 1, step) for step in steps]
    rows = [("s", day, value, "x", False, step, name, median)
            for day, step in zip(days, steps, strict=True)
            for name, value, median in zip(names, values, q50 or values, strict=True)]  # fmt: skip
    frame = pl.DataFrame(rows, schema=[*MEMBER, "step", "model", "q50"], orient="row")
    fitted = FittedEnsemble("E", tuple(Named(n) for n in names), Weights.read(by_segment, homes))
    return fitted.combine(frame)


@pytest.mark.parametrize(
    ("form", "weights", "expected"),
    [
        ("mean", [0.2, 0.2, 0.2, 0.2, 0.2, 0.0], 23.2),
        ("trimmed mean", [0.2, 0.2, 0.2, 0.2, 0.2, 0.0], (2 + 4 + 9) / 3),
        ("trimmed mean", [0.25, 0.25, 0.25, 0.0, 0.25, 0.0], (1 + 2 + 4 + 100) / 4),
        ("median", [0.2, 0.2, 0.2, 0.2, 0.2, 0.0], 4.0),
    ],
)
def test_forms_of_the_members_that_have_weight(form, weights, expected):
    """Trimmed is a mean without the lowest and the highest, where five or more are left; who has no weight is out."""
    columns = {"model": list("abcdef"), "weight": weights, "form": [form] * 6}
    assert combined(columns, [1.0, 2.0, 100.0, 9.0, 4.0, -500.0], [1])["yhat"].item() == pytest.approx(expected)


def test_weights_go_by_the_step_of_a_row():
    """From step 3 on the other member counts, and steps beyond the last group have its weights."""
    columns = {"model": ["a", "b"] * 2, "first_step": [1, 1, 3, 3], "weight": [1.0, 0, 0, 1], "form": ["mean"] * 4}
    assert combined(columns, [5.0, 8.0], [1, 2, 3, 9])["yhat"].to_list() == [5.0, 5.0, 8.0, 8.0]


def test_the_median_is_made_of_the_medians_or_the_means_of_the_members():
    columns = {"model": ["a", "b"], "weight": [0.25, 0.75], "form": ["mean"] * 2}
    made = combined(columns, [5.0, 8.0], [1], q50=[4.0, 6.0])
    assert made.select("yhat", "q50").row(0) == pytest.approx((7.25, 5.5))
    plain = combined(columns | {"median_of": ["yhat"] * 2}, [5.0, 8.0], [1], q50=[4.0, 6.0])
    assert plain.select("yhat", "q50").row(0) == pytest.approx((7.25, 7.25))


def test_weights_of_older_bundles_hold_for_all_steps():
    """They have no steps, no form, and given ones no weights of the median, which are those of the mean then."""
    older = {"segment": ["all"] * 2, "model": ["a", "b"], "weight": [0.25, 0.75], "middle": [None, None]}
    homes = pl.DataFrame(schema={"unique_id": pl.String, "segment": pl.String})
    read = Weights.read(pl.DataFrame(older, schema_overrides={"middle": pl.Float64}), homes)
    assert_frame_equal(read.by_segment, Weights.same({"a": 0.25, "b": 0.75}).by_segment)
