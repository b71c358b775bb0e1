"""What a recipe can ask of LightGBM: more seeds, trees that stop by themselves, forests, prices, objectives."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.models import lightgbm
from forecasting.models.lightgbm import boosters
from forecasting.models.lightgbm.contributions import tree_contributions
from forecasting.models.lightgbm.training_rows import Matrix, features_at
from forecasting.models.lightgbm.unknown_drivers import Drivers
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.origin import Origin, actuals
from forecasting.steps.forecasting.training import NO_BACKTESTS, learn_weights, train_models
from tests.models.conftest import CUTOFF, LAST, START, H

KEY = ["unique_id", "ds"]
QUICK = {"trees": 20, "params": {"min_data_in_leaf": 5, "num_leaves": 7}}
DAYS = [START + timedelta(d) for d in range((LAST - START).days + 1)]


def recipe(configure, *entries, **keys):
    """LightGBM with each of these options, on the whole horizon as one block."""
    named = [{"lightgbm": {"name": f"L{i}", **QUICK, **options}} for i, options in enumerate(entries)]
    return configure(models=["ladder", *named], blocks=[H], **keys)


def made(configure, cut, *entries):
    """These models, fitted on the cut."""
    config = recipe(configure, *entries)
    at = replace(cut, panel=replace(cut.panel, config=config))
    return [m.fit(at) for m in models.build(config) if m.family == "lightgbm"], at


def test_several_seeds_say_what_their_boosters_say_on_average(configure, cut, tmp_path):
    (three, one), at = made(configure, cut, {"seeds": 3}, {})
    alone = [replace(three, boosters={H: (b,)}).predict(at, 0) for b in three.boosters[H]]
    assert_frame_equal(alone[0].drop("source"), one.predict(at, 0).drop("source"), check_exact=True)
    mean = sum(a["yhat"] for a in alone) / 3
    said = three.predict(at, 0)
    assert (said["yhat"] - mean).abs().max() < 1e-9
    assert (alone[0]["yhat"] - alone[1]["yhat"]).abs().max() > 0.01
    assert (alone[1]["yhat"] - alone[2]["yhat"]).abs().max() > 0.01
    three.save(tmp_path)
    assert_frame_equal(lightgbm.load(tmp_path).predict(at, 0), said, check_exact=True)


@pytest.mark.parametrize(
    ("options", "trees", "rate"),
    [
        ({}, 100, 0.12),
        ({"trees": 30}, 30, 0.06),
        ({"params": {"learning_rate": 0.03}}, 200, 0.03),
        ({"kind": "forest"}, 200, 0.06),
    ],
)
def test_few_rows_are_learned_in_half_the_trees_unless_it_is_said_otherwise(configure, cut, options, trees, rate):
    given = {"trees": None, "params": {}} | options
    config = configure(models=["ladder", {"lightgbm": {k: v for k, v in given.items() if v}}], blocks=[H])
    fitted = models.build(config)[-1].fit(replace(cut, panel=replace(cut.panel, config=config)))
    (booster,) = fitted.boosters[H]
    assert booster.num_trees() == trees
    assert booster.params["learning_rate"] == pytest.approx(rate)


def test_trees_are_grown_on_one_part_of_the_rows_after_the_other(configure, cut, monkeypatch):
    """The root of each tree says how many rows it was grown on; together the parts are all rows, each time the same."""

    def grown(**params):
        (fitted,), at = made(configure, cut, {"params": {**QUICK["params"], **params}})
        roots = [tree["tree_structure"] for tree in fitted.boosters[H][0].dump_model()["tree_info"]]
        return [root["internal_count"] for root in roots], fitted.predict(at, 0)

    (every, whole), (usual, _) = grown(bagging_fraction=1.0), grown()
    assert len(set(every)) == 1
    assert np.mean(usual) == pytest.approx(0.8 * every[0], rel=0.03)
    monkeypatch.setattr(boosters, "PART_ROWS", every[0] // 3)
    parts, divided = grown(bagging_fraction=1.0)
    assert [parts[at] for at in (0, 5, 10, 15)] == parts[4::5], "four parts, of five trees each"
    assert sum(parts[::5]) == every[0]
    assert max(parts) - min(parts) <= 1
    assert_frame_equal(grown(bagging_fraction=1.0)[1], divided, check_exact=True)
    apart, size = (divided["yhat"] - whole["yhat"]).abs().mean(), whole["yhat"].mean()
    assert 0 < apart < 0.1 * size, "less is learned of fewer rows, but of the same sales"
    assert np.mean(grown()[0]) == pytest.approx(0.8 * every[0] / 4, rel=0.05)


def test_a_forest_of_parts_is_the_mean_of_all_its_trees(configure, cut, monkeypatch):
    """A change of parts neither begins the forest anew nor adds to it what its trees said before."""
    (whole,), at = made(configure, cut, {"kind": "forest", "trees": 40})
    monkeypatch.setattr(boosters, "PART_ROWS", 1)
    monkeypatch.setattr(boosters, "MOST_PARTS", 4)
    (divided,), _ = made(configure, cut, {"kind": "forest", "trees": 40})
    usual, parts = (fitted.predict(at, 0)["yhat"] for fitted in (whole, divided))
    assert 0 < (usual - parts).abs().mean() < 0.1 * usual.mean()


def test_boosters_stop_by_the_newest_known_periods_and_are_fitted_again_on_all(configure, cut):
    """As many trees as were best on the window before the cutoff, on all rows: the same as asking for that number."""
    (stopped,), at = made(configure, cut, {"stop": 10, "trees": 300})
    (found,) = stopped.boosters[H]
    assert 5 < found.num_trees() < 290
    (same,), _ = made(configure, cut, {"trees": found.num_trees(), "name": "L0"})
    assert_frame_equal(stopped.predict(at, 0), same.predict(at, 0), check_exact=True)


def test_the_window_that_stops_boosters_lies_before_the_cutoff(configure, cut, blind, remake, rows):
    """Spoilt after the cutoff, nothing changes; noise in the last known periods, and fewer trees are of use."""
    stop = {"stop": 10, "trees": 300}
    (honest,), at = made(configure, cut, stop)
    (unseen,), _ = made(configure, blind, stop)
    assert_frame_equal(unseen.predict(at, 0), honest.predict(at, 0), check_exact=True)
    noise = np.random.default_rng(3).permutation(rows["y"].fill_null(0).to_numpy())
    late = pl.col("ds").is_between(CUTOFF - timedelta(H - 1), CUTOFF)
    spoilt = rows.with_columns(y=pl.when(late).then(pl.lit(pl.Series(noise))).otherwise("y"))
    (noisy,), _ = made(configure, Cut(remake(cut.config, spoilt), CUTOFF, H), stop)
    assert noisy.boosters[H][0].num_trees() < honest.boosters[H][0].num_trees()


def test_too_short_a_history_for_a_window_takes_the_usual_number_of_trees(configure, remake, rows):
    short = rows.filter(pl.col("ds") > CUTOFF - timedelta(H + 4), pl.col("unique_id").str.contains(r"^s\d$"))
    few = Cut(remake(configure(), short), CUTOFF, H)
    (fitted,), at = made(configure, few, {"stop": 5, "params": {"min_data_in_leaf": 1}})
    assert [b.num_trees() for b in fitted.boosters[H]] == [QUICK["trees"]]
    assert fitted.predict(at, 0)["yhat"].is_finite().all()


def test_models_that_know_other_codes_do_not_share_their_rows(cut):
    """One trained today and one trained on other days are asked for the same cut."""

    def kinds(codes):
        matrix = Matrix(features_at(cut), {"kind": codes})
        return matrix.future_rows(cut, 0, Drivers(), lambda: matrix.prepare_coming(cut, cut.frame(0)))["kind"]

    today, before = kinds({"a": 0, "b": 1}), kinds({"b": 0, "a": 1})
    assert set(today) == {0, 1}
    assert today.equals(1 - before)


def test_heads_on_one_cut_learn_what_each_learns_alone(configure, cut):
    """They share rows and bins, and neither's target nor weights."""
    heads = {}, {"predicts": "median"}
    both, at = made(configure, cut, *heads)
    for fitted, head in zip(both, heads, strict=True):
        (alone,), other = made(configure, cut, head | {"name": fitted.name})
        assert_frame_equal(fitted.predict(at, 0), alone.predict(other, 0), check_exact=True)


def test_a_forest_needs_no_learning_rate_and_forecasts_the_mean(configure, cut, rows):
    quick, slow = ({"kind": "forest", "params": QUICK["params"] | {"learning_rate": r}} for r in (0.5, 0.01))
    (forest, other), at = made(configure, cut, quick, slow)
    said = forest.predict(at, 0)
    assert_frame_equal(said.drop("source"), other.predict(at, 0).drop("source"), check_exact=True)
    usual = pl.col("unique_id").str.contains(r"^s\d$"), pl.col("ds").dt.weekday() < 7
    both = said.filter(*usual).join(rows.select(*KEY, "y"), on=KEY)
    assert abs(both["yhat"].sum() / both["y"].sum() - 1) < 0.05
    naive = models.build(at.config)[0].fit(at).predict(at, 0).filter(*usual).join(rows.select(*KEY, "y"), on=KEY)
    assert (both["yhat"] - both["y"]).abs().sum() < 0.7 * (naive["yhat"] - naive["y"]).abs().sum()


@pytest.fixture(scope="module")
def priced(configure, remake):
    """Eight series in two stores that sell more the dearer they are, as when prices follow the season."""
    rng, n = np.random.default_rng(8), len(DAYS)
    parts = []
    for i in range(8):
        price = rng.choice([0.8, 1.0, 1.25], n)
        y = 40 * price ** (1.5 if i % 2 else -1.5) * rng.gamma(30, 1 / 30, n)
        name = {"unique_id": f"p{i}", "store": f"S{i // 4}"}
        parts.append(pl.DataFrame({**name, "ds": DAYS, "y": y, "price": price * (1 + i)}))
    columns = {"known_ahead": ["price"], "static": ["store"], "price": "price"}
    config = recipe(configure, {"price_effect": "falling"}, {}, columns=columns, levels_of_aggregation=[[], ["store"]])
    return Cut(remake(config, pl.concat(parts)), CUTOFF, H)


def test_a_higher_price_never_raises_a_falling_forecast(priced):
    falling, free = (m.fit(priced) for m in models.build(priced.config) if m.family == "lightgbm")
    lifts = {falling.name: [], free.name: []}
    for series, first, days, factor in [("p1", 1, 1, 1.3), ("p3", 2, 6, 1.1), ("p5", 1, H, 1.5), ("p2", 9, 3, 2.0)]:
        start = CUTOFF + timedelta(first)
        raised = Edit("price", "*=", factor, start, start + timedelta(days - 1), f"unique_id = '{series}'")
        here = (pl.col("unique_id") == series) & pl.col("ds").is_between(raised.start, raised.end)
        for fitted in (falling, free):
            both = [fitted.predict(c, 0).filter(here)["yhat"] for c in (replace(priced, edits=(raised,)), priced)]
            assert len(both[0]) == days
            lifts[fitted.name].extend(both[0] - both[1])
    assert max(lifts[falling.name]) <= 1e-9
    assert min(lifts[falling.name]) < -1, "prices still move it"
    assert max(lifts[free.name]) > 1, "what was learned without the direction does not keep it"


def test_objectives_are_chosen_by_demand_class_on_backtests(configure, remake):
    """Absolute errors pass over peaks that do not come again, and say 0 of rare sales: each weighs where it is good."""
    rng, n = np.random.default_rng(4), len(DAYS)
    parts = []
    for i in range(60):
        peaks = (rng.random(n) < 0.12) & (np.arange(n) < n - 4 * H)
        steady = np.where(peaks, 80.0, 30.0) + rng.normal(0, 1, n)
        rare = np.where(rng.random(n) < 0.45, 1.0, 0.0)
        parts.append(pl.DataFrame({"unique_id": f"d{i:02}", "ds": DAYS, "y": steady if i % 2 else rare}))
    absolute = {"params": QUICK["params"] | {"objective": "regression_l1"}}
    config = recipe(configure, {}, absolute, columns={})
    panel = remake(config, pl.concat(parts))
    past = []
    for back in (2 * H, H):
        cut = Cut(panel, LAST - timedelta(back), H)
        trained = train_models(models.build(config)[-2:], Origin(cut, cut), NO_BACKTESTS)
        truth = actuals(panel, cut.cutoff, cut.end)
        past.append(forecast_bucket(trained, cut, 0).join(truth, on=KEY))
    learned = learn_weights(pl.concat(past).lazy(), Cut(panel, LAST, H), ["L0", "L1"]).by_segment
    weight = dict(learned.filter(model="L1").select("segment", "weight").iter_rows())
    assert set(weight) == {"all", "smooth/A", "smooth/B", "smooth/C", "intermittent/C"}
    assert weight["smooth/A"] > 0.5
    assert weight["smooth/A"] > weight["intermittent/C"] + 0.03  # two windows of 60 series leave doubt


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tree": 5}, ["models.1", "tree is not an option", "seeds", "stop", "kind", "price_effect", "params"]),
        ({"seeds": 0}, ["models.1.seeds", "whole number above 0"]),
        ({"stop": 2.5}, ["models.1.stop", "whole number above 0"]),
        ({"trees": True}, ["models.1.trees", "whole number above 0"]),
        ({"years": "two"}, ["models.1.years", "number above 0"]),
        ({"params": 3}, ["models.1.params", "mapping"]),
        ({"kind": "random"}, ["models.1.kind", "'random' is not one of boosted, forest"]),
        ({"price_effect": "down"}, ["models.1.price_effect", "free, falling"]),
        ({"priors": ["colour"]}, ["models.1.priors", "colour", "kind"]),
        ({"kind": "forest", "stop": 5}, ["models.1.stop", "forest"]),
        ({"kind": "forest", "params": {"objective": "poisson"}}, ["models.1.params.objective", "poisson"]),
        ({"price_effect": "falling"}, ["models.1.price_effect", "columns.price"]),
    ],
)
def test_a_wrong_option_is_told(configure, options, words):
    with pytest.raises(UserError) as told:
        models.build(configure(models=["ladder", {"lightgbm": options}]))
    assert all(word in str(told.value) for word in words)


@pytest.mark.parametrize("options", [{"predicts": "median"}, {"params": {"objective": "quantile"}}])
def test_no_direction_is_promised_where_lightgbm_keeps_none(configure, options):
    columns = {"known_ahead": ["price"], "price": "price"}
    with pytest.raises(UserError, match="LightGBM keeps no direction"):
        models.build(configure(columns=columns, models=["ladder", {"lightgbm": {"price_effect": "falling"} | options}]))


def test_changes_follow_series_that_wander(remake, configure, rows):
    """Of random walks the last value is the best forecast: trees of levels repeat what was."""
    days, rng = [CUTOFF - timedelta(k) for k in range(249, -1, -1)], np.random.default_rng(2)
    walks = {f"s{i}": 1000 + np.cumsum(rng.normal(0, 10, len(days))) for i in range(12)}
    plain = {c: 1.0 if kind.is_numeric() else "a" for c, kind in rows.schema.items() if kind != pl.Date}
    parts = [pl.DataFrame({"unique_id": i, "ds": days, "y": y}) for i, y in walks.items()]
    wandering = pl.concat(parts).with_columns(
        pl.lit(v).alias(c) for c, v in plain.items() if c not in ("unique_id", "y")
    )
    off = {}
    for target in ("level", "change"):
        at = Cut(remake(configure(), wandering), CUTOFF, H)
        (fitted,), _ = made(configure, at, {"target": target, "trees": 40})
        found = fitted.predict(at, 0)
        off[target] = np.mean([abs(y - walks[i][-1]) for i, y in found.select("unique_id", "yhat").iter_rows()])
    assert off["change"] < 0.75 * off["level"]


def test_the_target_is_kept_with_the_boosters(configure, cut, tmp_path):
    (fitted,), at = made(configure, cut, {"target": "change"})
    fitted.save(tmp_path)
    assert_frame_equal(lightgbm.load(tmp_path).predict(at, 0), fitted.predict(at, 0), check_exact=True)


@pytest.mark.parametrize("options", [{"seeds": 2}, {"predicts": "median"}, {"kind": "forest"}, {"target": "change"}])
def test_contributions_of_inputs_add_up_to_the_forecast(configure, cut, options):
    """Of boosters on a logarithm, of the median head, of forests and of changes."""
    given = {
        "trees": 8,
        "params": {"min_data_in_leaf": 5, "num_leaves": 7}
        | ({"objective": "regression"} if options.get("target") else {}),
    }
    (fitted,), at = made(configure, cut, given | options)
    found = tree_contributions(fitted, at, 0).group_by("unique_id", "ds").agg(pl.col("units").sum())
    said = fitted.predict(at, 0).filter(source=fitted.name).join(found, on=["unique_id", "ds"])
    free = said.filter(pl.col("yhat") > 0)
    assert free.height > 100
    assert (free["yhat"] - free["units"]).abs().max() < 1e-6
