"""Jobs whose prices are not known for all coming weeks, from the file to forecasts, remarks and scenarios.

Kiosks sell at an elasticity of -1.5 around a level of their own, at prices drawn each week.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.data.cut import Cut
from forecasting.errors import UserError
from forecasting.planning.scenario import parse_changes
from forecasting.steps import identity
from forecasting.steps.registry import STEPS, Outcome
from forecasting.steps.reports.known_ahead import describe_windows
from forecasting.steps.scenario import Scenario, SeriesFilter, run_scenario
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import Job

H, WEEKS, KIOSKS = 8, 110, 6
START = date(2023, 1, 2)
LAST = START + timedelta(7 * (WEEKS - 1))
END = LAST + timedelta(7 * H)
FACTORS = np.array([0.8, 0.9, 1.0, 1.0, 1.1, 1.2])
USUAL = float((FACTORS**-1.5).mean())
SERIES = pl.col("grain") == "series"
LIGHT = {"lightgbm": {"trees": 60, "params": {"min_data_in_leaf": 10, "num_leaves": 15}}}
SOME = pl.col("kiosk").is_in(["k1", "k4"])
"""The kiosks whose prices are known: 16 of 48 coming rows."""


def sales(known: pl.Expr) -> pl.DataFrame:
    """Weeks with sales, and coming ones with the price where it is known."""
    rng, parts = np.random.default_rng(8), []
    for kiosk in range(KIOSKS):
        factor = rng.choice(FACTORS, WEEKS + H)
        y = np.round((100 + 60 * kiosk) * factor**-1.5 * rng.gamma(900, 1 / 900, WEEKS + H))
        week = [START + timedelta(7 * k) for k in range(WEEKS + H)]
        frame = {"kiosk": f"k{kiosk}", "week": week, "units": y, "price": np.round((2 + 0.3 * kiosk) * factor, 2)}
        parts.append(pl.DataFrame(frame))
    past = pl.col("week") <= LAST
    rows = pl.concat(parts).with_columns(units=pl.when(past).then("units"), price=pl.when(past | known).then("price"))
    return rows.filter(past | pl.col("price").is_not_null())


def make(known: pl.Expr, price: str = "price", **keys) -> Job:
    given = {
        "source": {"kind": "table", "columns": {"unique_id": ["kiosk"], "ds": "week", "y": "units"}},
        "freq": "1w",
        "h": H,
        "columns": {"known_ahead": [price], "price": price},
        "levels_of_aggregation": [[]],
        "calendar": {},
        "future": {},
        "backtest": {"windows": 2, "calibration": 2},
        "models": ["ladder", LIGHT],
    }
    return chain.make(sales(known).rename({"price": price}), **given | keys)


def run(job: Job) -> dict[str, Outcome]:
    return dict(zip(chain.STEPS, job.run(), strict=True))


def told(outcome: Outcome) -> list[str]:
    return [remark["message"] for remark in outcome.facts["remarks"]]


def boosted_rows(job: Job) -> pl.DataFrame:
    rows = job.table("forecasts").filter(SERIES, pl.col("model") == "LightGBM")
    return rows.with_columns(base=100 + 60 * pl.col("unique_id").str.slice(1).cast(pl.Int64))


def scenario(job: Job, change: str) -> Scenario:
    edits = parse_changes([change], (LAST + timedelta(7), END))
    return run_scenario(open_session(job.config()), edits, SeriesFilter())


@pytest.fixture(scope="module")
def never() -> tuple[Job, dict[str, Outcome]]:
    job = make(pl.lit(value=False))
    return job, run(job)


@pytest.fixture(scope="module")
def partly() -> tuple[Job, dict[str, Outcome]]:
    job = make(SOME)
    return job, run(job)


@pytest.mark.slow
def test_without_any_coming_price_forecasts_stay_at_the_level_with_bounds_as_without_the_column(never):
    job, _ = never
    rows = boosted_rows(job)
    assert rows["yhat"].sum() / rows["base"].sum() == pytest.approx(USUAL, rel=0.05)
    blind = make(pl.lit(value=False), columns={})
    blind.run()
    without = boosted_rows(blind)
    assert without.height == rows.height == H * KIOSKS
    width, due = ((r["hi-80"] - r["lo-80"]).sum() for r in (rows, without))
    assert width == pytest.approx(due, rel=0.15)
    tested = job.table("backtests").filter(SERIES, "reported", pl.col("model") == "LightGBM")
    inside = tested.select(pl.col("y").is_between("lo-80", "hi-80").mean()).item()
    assert 0.65 <= inside <= 0.95


@pytest.mark.slow
def test_a_run_says_how_many_coming_rows_have_a_price(never, partly):
    (first,), (second,) = (told(outcomes["predict"]) for _, outcomes in (never, partly))
    assert first.startswith("price is known for 0 of 48 coming rows.")
    assert second.startswith("price is known for 16 of 48 coming rows.")
    assert "scored in the same way" in second
    for _, outcomes in (never, partly):
        lines = [line for section in STEPS["predict"].summarize(outcomes["predict"].facts) for line in section.lines]
        assert told(outcomes["predict"])[0] in lines
    lines = [line for section in STEPS["backtest"].summarize(partly[1]["backtest"].facts) for line in section.lines]
    assert any("price for 33% of the rows" in line for line in lines)


@pytest.mark.slow
def test_a_price_that_nobody_knows_cannot_be_changed_but_set(never):
    job, _ = never
    with pytest.raises(UserError, match=r"change 'price\*=0.8': no price is known on these days"):
        scenario(job, "price*=0.8")
    found = scenario(job, "price=3")
    past = sales(pl.lit(value=False)).sort("kiosk", "week")
    usual = past.group_by(unique_id="kiosk").agg(usual=pl.col("price").tail(4).median())
    rows = found.rows.join(usual, on="unique_id")
    # answered by the response, against the usual price of each kiosk, at which its forecast was made
    assert (rows["difference"].sign() == (rows["usual"] - 3).sign()).all()
    assert rows["usual"].min() < 3 < rows["usual"].max()


@pytest.mark.slow
def test_a_scenario_says_how_many_rows_it_changed(partly):
    job, _ = partly
    found = scenario(job, "price*=0.8")
    assert "price*=0.8 changes 16 of 48 rows: no price is known on the others." in found.warnings
    moved = found.rows.filter(pl.col("difference") != 0)
    assert set(moved["unique_id"]) == {"k1", "k4"}
    assert moved["difference"].min() > 0
    assert not any("no forecast moves" in warning for warning in found.warnings)


def test_warnings_of_a_scenario_name_a_column_as_the_file_does():
    """`scale` is also a column of the program, so that of the file has another name inside."""
    job = make(SOME, price="scale", models=["ladder"], backtest={"windows": 1, "calibration": 1})
    job.run()
    found = scenario(job, "scale*=0.1")
    assert "scale*=0.1 changes 16 of 48 rows: no scale is known on the others." in found.warnings
    assert any("scale: outside the range that was seen of k1" in warning for warning in found.warnings)


@pytest.mark.slow
def test_where_known_prices_fall_away_after_the_training_forecasts_stay_and_the_run_says_so():
    job = make(pl.lit(value=True), backtest={"windows": 1, "calibration": 1})
    assert told(run(job)["predict"]) == []
    withdrawn = pl.when((pl.col("week") <= LAST) | SOME).then("price")
    sales(pl.lit(value=True)).with_columns(price=withdrawn).write_parquet(job.folder / "sales.parquet")
    job.run(["ingest"])
    (message,) = told(job.run(["predict"])[0])
    assert message.startswith("price is known for 16 of 48 coming rows. It was known for 48 of 48 when the models")
    rows = boosted_rows(job).filter(~pl.col("unique_id").is_in(["k1", "k4"]))
    assert rows.group_by("unique_id").agg((pl.col("yhat") / pl.col("base")).mean())["yhat"].is_between(0.6, 1.6).all()


@pytest.mark.slow
def test_a_champion_is_compared_on_windows_that_know_no_more_than_those_of_the_challenger():
    """It was scored with all that was recorded; to be compared it sees what is known, as the challenger does."""
    job = make(SOME, backtest={"windows": 2, "calibration": 0, "known_ahead": "recorded"})
    run(job)
    light = {"lightgbm": {"trees": 50, "params": LIGHT["lightgbm"]["params"]}}
    keys = {"models": ["ladder", light], "backtest__known_ahead": "as_served"}
    outcomes = job.run(["backtest", "train"], **keys)
    same_windows = identity.recipe_of(job.config(backtest__known_ahead="as_served"))
    rows = job.table("backtests").filter(SERIES, "reported", pl.col("model") == "LightGBM")
    errors = dict(rows.group_by("recipe").agg((pl.col("yhat") - pl.col("y")).abs().mean()).iter_rows())
    assert set(errors) == {identity.recipe_of(job.config()), same_windows, outcomes[0].facts["recipe"]}
    assert errors[identity.recipe_of(job.config())] < 0.6 * errors[same_windows]
    assert "does not beat the champion" in outcomes[1].facts["reason"]


@pytest.mark.slow
def test_a_look_back_knows_as_much_as_tonight(partly):
    """Of a window behind which all prices are recorded, those of the two kiosks are seen."""
    job, outcomes = partly
    at = date.fromisoformat(outcomes["backtest"].facts["cutoffs"][0])
    frame = Cut(open_session(job.config()).panel, at, H).frame(0).filter(pl.col("ds") > at)
    assert set(frame.drop_nulls("price")["unique_id"]) == {"k1", "k4"}
    recorded = Cut(open_session(job.config(backtest__known_ahead="recorded")).panel, at, H).frame(0)
    assert recorded["price"].null_count() == 0


def test_the_mode_of_the_windows_is_named():
    assert list(describe_windows("recorded", {"price": [16, 48]})) == [
        "known-ahead columns as recorded afterwards, also where they would not have been known"
    ]
    assert list(describe_windows("as_served", {"price": [48, 48]})) == [
        "known-ahead columns as known on the day of a window, as far as now: all of them"
    ]
    assert list(describe_windows("as_served", {})) == []
