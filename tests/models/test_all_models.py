"""One suite that every model passes."""

import subprocess
import sys
from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import is_closed
from forecasting.planning.decomposition import fit_pooled, read_design
from forecasting.planning.explain import COMPONENTS
from forecasting.steps.explaining.explain import contributions
from forecasting.steps.forecasting.bucket_forecasts import predictions
from forecasting.steps.forecasting.training import Trained
from tests.models.conftest import NoEvidence

KEY = ["unique_id", "ds"]
GLOBAL = {"LightGBM"}  # a booster depends on the order of its rows
WITH_DRIVERS = {"SARIMAX", "AutoARIMA", "LightGBM", "Ensemble"}
NAMES = ["Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage", "Fortnight", "SARIMAX", "AutoARIMA", "AutoETS"]
NAMES += ["TSB", "LightGBM", "Ensemble"]
every_model = pytest.mark.parametrize("name", NAMES)

FRESH = """
import sys
from datetime import date
from pathlib import Path
import polars as pl
from forecasting import models
from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel

folder = Path(sys.argv[1])
config = Config.model_validate_json((folder / "config.json").read_text())
rows, groups = (pl.read_parquet(folder / f"{table}.parquet") for table in ("rows", "groups"))
panel = Panel(config, InMemory(rows), (0,), InMemory(groups))
for place in sorted(folder.glob("*/*")):
    for cutoff in sys.argv[2:]:
        said = models.load(place.parent.name, place).predict(Cut(panel, date.fromisoformat(cutoff), config.h), 0)
        said.write_parquet(place / f"{cutoff}.said.parquet")
"""


@pytest.fixture(scope="session")
def recipes(config):
    return {m.name: m for m in models.build(config)}


@pytest.fixture(scope="session")
def fitted(recipes, cut):
    """Every model trained once."""
    done = {}
    for model in recipes.values():
        done[model.name] = models.fit(model, cut, done, NoEvidence())
    return done


@pytest.fixture(scope="session")
def later(cut):
    return Cut(cut.panel, cut.cutoff + timedelta(7), cut.h)


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory, config, cut, later, fitted):
    """Where a fresh process left what the saved models say at both cutoffs."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "config.json").write_text(config.model_dump_json())
    cut.panel.scan(0).collect().write_parquet(folder / "rows.parquet")
    cut.groups.write_parquet(folder / "groups.parquet")
    for model in fitted.values():
        model.save(folder / model.family / model.name)
    arguments = [str(folder), cut.cutoff.isoformat(), later.cutoff.isoformat()]
    subprocess.run([sys.executable, "-c", FRESH, *arguments], check=True)
    return folder


def test_the_names_here_are_the_recipe(recipes):
    assert list(recipes) == NAMES


@every_model
def test_answers_every_future_row_and_no_other(name, fitted, cut):
    said = fitted[name].predict(cut, 0)
    asked = cut.frame(0).filter(pl.col("ds") > cut.cutoff)
    assert_frame_equal(said.select(KEY).sort(KEY), asked.select(KEY).sort(KEY))
    assert asked.height == 14 * 14


@every_model
def test_says_finite_numbers_not_below_y_min_and_who_answered(name, fitted, cut):
    said = fitted[name].predict(cut, 0)
    assert said["yhat"].is_finite().all()
    assert said["yhat"].min() >= 0
    assert said["source"].null_count() == 0
    assert (said["source"].str.len_chars() > 0).all()


@every_model
def test_bounds_of_its_own_hold_its_forecast(name, fitted, cut, config):
    said = fitted[name].predict(cut, 0)
    for level in config.level:
        if f"lo-{level}" in said.columns:
            given = said.drop_nulls([f"lo-{level}", f"hi-{level}"])
            assert given.height > 0
            assert (given[f"lo-{level}"] <= given[f"hi-{level}"]).all()
            assert given[f"lo-{level}"].min() >= 0


@every_model
def test_a_closed_day_is_zero_with_zero_width(name, fitted, cut, config):
    closed = cut.frame(0).filter(pl.col("ds") > cut.cutoff, is_closed(config)).select(KEY)
    said = fitted[name].predict(cut, 0).join(closed, on=KEY)
    assert said.height == 14 * 2
    for column in set(said.columns) - {"unique_id", "ds", "source"}:
        assert (said[column].fill_null(0.0) == 0).all()


@every_model
def test_a_fresh_process_says_the_same_from_the_saved_folder(name, fitted, cut, later, elsewhere):
    for at in (cut, later):
        said = pl.read_parquet(elsewhere / fitted[name].family / name / f"{at.cutoff}.said.parquet")
        assert_frame_equal(said, fitted[name].predict(at, 0), check_exact=True)


@every_model
def test_nothing_is_pickled(name, fitted, elsewhere):
    folder = elsewhere / fitted[name].family / name
    kinds = {f.suffix for f in folder.rglob("*") if f.is_file()}
    assert kinds <= {".json", ".parquet", ".txt"}


@every_model
def test_trained_again_without_the_days_after_the_cutoff_it_says_the_same(name, recipes, fitted, cut, blind):
    """Nothing is read past the cutoff, and training repeats itself to the last bit."""
    assert_frame_equal(recipes[name].fit(blind).predict(blind, 0), fitted[name].predict(cut, 0), check_exact=True)


@every_model
def test_forecasts_from_a_later_cutoff_without_training(name, fitted, cut, later):
    before, now = (fitted[name].predict(c, 0).sort(KEY) for c in (cut, later))
    asked = later.frame(0).filter(pl.col("ds") > later.cutoff).select(KEY)
    assert_frame_equal(now.select(KEY), asked)
    falling = pl.col("unique_id") == "falling"
    assert now.filter(falling)["yhat"].sum() < before.filter(falling)["yhat"].sum(), "a week of new sales has to tell"


@every_model
def test_a_series_of_three_rows_stays_near_what_it_sold(name, fitted, cut):
    assert cut.frame(0).filter(pl.col("unique_id") == "short", pl.col("ds") <= cut.cutoff).height == 3
    said = fitted[name].predict(cut, 0).filter(pl.col("unique_id") == "short")
    assert said["yhat"].is_between(0, 20).all()


@every_model
def test_all_zero_and_constant_series_stay_what_they_are(name, fitted, cut):
    said = fitted[name].predict(cut, 0).filter(pl.col("ds").dt.weekday() < 7)
    slack = 0.0 if name not in GLOBAL else 1.5
    assert said.filter(pl.col("unique_id") == "zero")["yhat"].max() <= slack
    flat = said.filter(pl.col("unique_id") == "flat")["yhat"]
    assert ((flat - 7).abs() <= 1e-6 + slack).all()


@every_model
def test_a_series_that_was_not_observed_of_late_is_forecast_from_what_it_sold_before(name, fitted, cut):
    said = fitted[name].predict(cut, 0).filter(pl.col("unique_id") == "tail", pl.col("ds").dt.weekday() < 7)
    assert said["yhat"].is_between(8, 40).all()


@every_model
def test_buckets_change_nothing(name, recipes, fitted, cut, many):
    model = fitted[name] if name in GLOBAL else recipes[name].fit(many)
    said = pl.concat([model.predict(many, b) for b in many.panel.buckets], how="diagonal").sort(KEY)
    whole = fitted[name].predict(cut, 0).sort(KEY)
    assert_frame_equal(said.select(whole.columns), whole, check_exact=True)


def test_a_global_model_trains_on_several_buckets(recipes, fitted, cut, many):
    three = recipes["LightGBM"].fit(many)
    a = fitted["LightGBM"].predict(cut, 0).sort(KEY)["yhat"]
    b = pl.concat([three.predict(many, bucket) for bucket in many.panel.buckets]).sort(KEY)["yhat"]
    assert (a - b).abs().sum() < 0.05 * a.sum()


@every_model
def test_an_edit_moves_what_knows_the_driver_and_nothing_else(name, fitted, cut):
    start = cut.cutoff + timedelta(3)
    edit = Edit("promo", "=", 1, start, start + timedelta(2), "unique_id = 's3'")
    quiet = Edit("promo", "=", 0, start, start + timedelta(2), "unique_id = 's3'")
    said = {e.value: fitted[name].predict(Cut(cut.panel, cut.cutoff, cut.h, (e,)), 0) for e in (edit, quiet)}
    both = said[1].join(said[0], on=KEY, suffix="_quiet").with_columns(lift=pl.col("yhat") - pl.col("yhat_quiet"))
    moved = both.filter(pl.col("lift") != 0)
    assert set(moved["unique_id"]) == ({"s3"} if name in WITH_DRIVERS else set())
    if name in WITH_DRIVERS:
        assert moved.filter(pl.col("ds").is_between(start, start + timedelta(2)))["lift"].min() > 0


@every_model
def test_contributions_add_up_to_the_forecast(name, fitted, cut):
    """Also of capped and closed rows and of series that sold nothing, in the units of the forecast."""
    chosen = Trained(fitted, dict.fromkeys(fitted, "series"), {}).only(name)
    parts, _ = contributions(chosen, cut, fit_pooled(read_design(cut, cut.frame(0))))
    published = predictions(chosen, "series", cut, 0).filter(model=name)
    both = published.join(parts, on=KEY, suffix="_split")
    assert both.height == parts.height == 14 * 14
    assert (both["yhat"] - both["yhat_split"]).abs().max() < 1e-9
    assert (both["yhat"] - both.select(pl.sum_horizontal(COMPONENTS)).to_series()).abs().max() < 1e-6
    assert parts.select(pl.col(COMPONENTS).is_finite().all()).row(0) == (True,) * len(COMPONENTS)
    assert (
        parts.filter(pl.col("ds").dt.weekday() == 7).select(pl.col(COMPONENTS).abs().max()).sum_horizontal().item() == 0
    )
    answers = parts.filter(unique_id="s3").select(pl.col("model_promotion").abs().max()).item()
    assert (answers > 0) == (
        name in WITH_DRIVERS
        and bool(cut.frame(0).filter(unique_id="s3", promo=1).filter(pl.col("ds") > cut.cutoff).height)
    )


@every_model
def test_failures_name_series_and_reason(name, fitted):
    failures = fitted[name].failures
    assert failures.schema == {"unique_id": pl.String, "reason": pl.String}
    assert failures["reason"].null_count() == 0
    said = {"AutoETS": {"short"}, "SARIMAX": {"short"}}.get(name)
    if said:
        assert set(failures["unique_id"]) == said


@pytest.mark.parametrize("name", ["SARIMAX", "AutoARIMA", "AutoETS", "LightGBM", "Ensemble", "TSB"])
def test_usual_series_are_answered_by_the_model_itself(name, fitted, cut):
    said = fitted[name].predict(cut, 0).filter(pl.col("unique_id").str.starts_with("s"), pl.col("unique_id") != "short")
    assert set(said["source"]) == {"TSB (refit)" if name == "TSB" else name}


@pytest.mark.parametrize("name", ["SARIMAX", "AutoARIMA", "LightGBM", "Ensemble", "SeasonalMean4"])
def test_beats_the_last_value(name, fitted, cut, rows):
    """On weekly sales with promotions: absolute errors of open days, all usual series together."""
    truth = rows.filter(pl.col("unique_id").str.contains(r"^s\d$")).select(*KEY, truth="y")
    errors = {
        n: (fitted[n].predict(cut, 0).join(truth, on=KEY).select((pl.col("yhat") - pl.col("truth")).abs().sum()).item())
        for n in (name, "Naive")
    }
    assert errors[name] < 0.9 * errors["Naive"]


def test_longer_periods_work_as_days_do(configure, remake):
    """The same models on weeks and months of three years, and on quarters and years of more."""
    for freq, season, years in (("1w", 52, 3), ("1mo", 12, 3), ("1q", 4, 15), ("1y", 1, 40)):
        ds = pl.date_range(date(2024 - years, 1, 1), date(2024, 1, 1), freq, eager=True)
        y = 50 + 20 * (pl.Series(range(len(ds))) % season < season // 2).cast(pl.Float64)
        frame = pl.DataFrame({"unique_id": "one", "ds": ds, "y": y})
        recipe = ["ladder", {"stats": "AutoETS"}, {"stats": {"class": "ARIMA", "order": [1, 0, 0]}}, {"ensemble": {}}]
        config = configure(freq=freq, h=4, columns={}, models=recipe)
        at = Cut(remake(config, frame), ds[-5], 4)
        done = {}
        for model in models.build(config):
            done[model.name] = models.fit(model, at, done, NoEvidence())
            said = done[model.name].predict(at, 0)
            assert said["ds"].to_list() == ds[-4:].to_list(), model.name
            assert said["yhat"].is_between(20, 100).all(), model.name
