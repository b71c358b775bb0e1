"""Edited coming days against the forecasts as planned, on a chain whose true effects are known."""

from datetime import date, timedelta

import polars as pl
import pytest
from fastapi.testclient import TestClient
from polars.testing import assert_frame_equal

from dashboard.api import create_api
from dashboard.pages.scenario.changes import add_change, to_edits
from dashboard.pages.scenario.run import refuse
from dashboard.pages.scenario.run import run_scenario as run_scenario_page
from flows.scenario import Files, report_scenario, report_search
from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.planning.scenario import parse_changes
from forecasting.steps import queries
from forecasting.steps.scenario import SeriesFilter, answer, run_scenario
from forecasting.steps.scenario.optimise import Question
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import LAST, OVER, H, Job, versions

FIRST, END = LAST + timedelta(5), LAST + timedelta(8)
"""Four of the fourteen coming days are edited."""
COST = pl.when(pl.col("ds") <= LAST).then(0.5)
"""Known after the sales alone: on coming days the newest one counts."""
EDITED = pl.col("ds").is_between(FIRST, END)


@pytest.fixture(scope="module")
def job() -> Job:
    """LightGBM with enough trees to have understood promotions and prices."""
    light = {"lightgbm": {"trees": 60, "params": {"min_data_in_leaf": 10, "num_leaves": 15}}}
    roles = chain.JOB["columns"] | {"known_after": ["stock", "cost"], "cost": "cost"}
    rows = chain.sample().with_columns(cost=COST)
    made = chain.make(
        rows, columns=roles, models=["ladder", light], backtest={"windows": 1, "step": H, "calibration": 1}
    )
    assert made.run()[-1].facts["champion"] == "LightGBM"
    return made


def scenario_rows(
    job: Job, texts: list[str], where: str | None = None, start: date = FIRST, end: date = END
) -> pl.DataFrame:
    return run_scenario(open_session(job.config()), parse_changes(texts, (start, end)), SeriesFilter(where)).rows


def open_days() -> pl.DataFrame:
    rows = chain.sample().filter(pl.col("ds") > LAST, pl.col("open") == 1)
    return rows.select("ds", "promo", unique_id=pl.concat_str("store", "item", separator="/"))


def test_the_baseline_is_the_published_forecast(job):
    made = scenario_rows(job, ["price*=0.5"])
    assert made.height == 8 * H
    published = job.table("forecasts").filter(pl.col("model") == "LightGBM", pl.col("grain") == "series")
    both = made.join(published, on=["unique_id", "ds"], suffix=":published")
    assert both.height == made.height
    assert (both["baseline"] - both["yhat:published"]).abs().max() < 1e-9


def test_changing_nothing_changes_nothing_bounds_included(job):
    made = scenario_rows(job, ["price*=1", "promo+=0"])
    published = job.table("forecasts").filter(pl.col("model") == "LightGBM", pl.col("grain") == "series")
    both = made.join(published, on=["unique_id", "ds"], suffix=":published")
    assert made["difference"].abs().max() == 0
    for bound in chain.BOUNDS:
        assert (both[bound] - both[f"{bound}:published"]).abs().max() < 1e-9, bound


def test_a_promotion_sells_more_on_its_days_and_bounds_go_with_it(job):
    """The uplift of the chain is 40 to 70 % (log)."""
    rows = open_days()
    made = scenario_rows(job, ["promo=1"]).join(rows.filter(pl.col("promo") == 0), on=["unique_id", "ds"])
    there = made.filter(EDITED)
    assert there.height > 10
    lift = there["yhat"].sum() / there["baseline"].sum()
    assert 1.2 < lift < 2.2
    assert (there["difference"] > 0).mean() > 0.9
    assert (there["hi-80"] >= there["yhat"]).all()


def test_a_lower_price_sells_more_and_a_higher_one_less(job):
    """Elasticities of the chain lie between -2.2 and -0.8; the shelf price moves by steps of 8 to 15 %."""
    sums = {change: scenario_rows(job, [change]).filter(EDITED) for change in ("price*=0.85", "price*=1.15")}
    lower, higher = (frame["yhat"].sum() / frame["baseline"].sum() for frame in sums.values())
    assert lower > 1.0 > higher


def test_only_chosen_series_are_forecast(job):
    made = scenario_rows(job, ["promo=1"], "store = 'S1' AND item = 'I02'")
    assert made["unique_id"].unique().to_list() == ["S1/I02"]
    assert made.height == H
    both = made.join(scenario_rows(job, ["promo=1"]), on=["unique_id", "ds"], suffix="_all")
    assert both.height == H
    assert (both["baseline"] - both["baseline_all"]).abs().max() < 1e-9
    assert (both["yhat"] - both["yhat_all"]).abs().max() < 1e-9, "the response to a promotion of its own"


def test_days_far_from_the_edit_do_not_move(job):
    """Promotions are read a day around and over a week or two; a price a day around and against its own mean."""
    made = scenario_rows(job, ["price*=0.5"])
    before = made.filter(pl.col("ds") < FIRST - timedelta(1))
    assert before.height == 8 * 3
    assert before["difference"].abs().max() == 0
    assert made.filter(EDITED)["difference"].abs().max() > 0


def test_a_closed_day_sells_nothing_and_opening_it_sells_something(job):
    closing = scenario_rows(job, ["open=0"])
    shut = closing.filter(EDITED)
    assert shut.select("yhat", *chain.BOUNDS).max().row(0) == (0.0,) * 5
    plans = chain.sample().filter(pl.col("ds") > LAST, pl.col("open") == 0)
    assert plans.height > 0
    first, last = plans["ds"].min(), plans["ds"].max()
    opened = scenario_rows(job, ["open=1"], start=first, end=last).join(
        plans.select("ds", unique_id=pl.concat_str("store", "item", separator="/")), on=["unique_id", "ds"]
    )
    assert opened["baseline"].max() == 0
    assert opened["yhat"].min() > 0


@pytest.mark.parametrize("planned", [True, False], ids=["with a column of open days", "without any"])
def test_series_are_closed_by_a_word(job, planned):
    shop = job if planned else without_plans()
    made = scenario_rows(shop, ["closed=1"], "store = 'S1'")
    assert set(made["unique_id"].str.slice(0, 2)) == {"S1"}
    shut, others = made.filter(EDITED), made.filter(~EDITED)
    assert shut.select("yhat", *chain.BOUNDS).max().row(0) == (0.0,) * 5
    assert shut["baseline"].sum() > 0
    assert others["difference"].abs().max() == 0
    assert not others["changed"].any()


def without_plans() -> Job:
    """A job that knows nothing of coming days."""
    rows = chain.sample().filter(pl.col("ds") <= LAST).select("store", "item", "ds", "y")
    made = chain.make(
        rows, columns={}, future={}, models=["ladder"], backtest={"windows": 1, "step": H, "calibration": 1}
    )
    made.run()
    return made


def test_the_plan_of_a_series_shows_no_column_for_a_word(job):
    session = open_session(job.config())
    edits = parse_changes(["closed=1", "holiday=Jubilee", "price=2"], (FIRST, END))
    shown = queries.read_plan(session, "S1/I01", edits)
    assert shown.columns == ["ds", "price", "promo", "open"]
    assert shown.filter(EDITED)["price"].unique().to_list() == [2.0]


def test_a_holiday_is_added_for_the_series_that_the_change_names(job):
    session, day = open_session(job.config()), LAST + timedelta(9)
    every = run_scenario(session, parse_changes(["holiday=Christmas Day"], (day, day)))
    some = run_scenario(session, parse_changes(["holiday=Christmas Day"], (day, day), "store = 'S1'")).rows
    first = pl.col("unique_id").str.starts_with("S1/")
    assert_frame_equal(some.filter(first), every.rows.filter(first))
    assert some.filter(~first)["difference"].abs().max() == 0
    assert every.rows.filter(ds=day)["difference"].abs().max() > 0
    assert every.rows["changed"].sum() == 8
    assert not any("never seen" in text for text in every.warnings)


def test_a_holiday_that_is_there_anyway_changes_nothing_and_an_unknown_one_is_named(job):
    pentecost = date(2024, 5, 20)
    assert LAST < pentecost <= LAST + timedelta(H)
    same = scenario_rows(job, ["holiday=Pentecost Monday"], start=pentecost, end=pentecost)
    assert same["difference"].abs().max() == 0
    found = run_scenario(open_session(job.config()), parse_changes(["holiday=Jubilee"], (FIRST, FIRST)))
    (said,) = (text for text in found.warnings if "never seen Jubilee" in text)
    assert "Pentecost Monday" in said


def test_nothing_is_stored(job):
    before = versions(job)
    scenario_rows(job, ["price*=0.5"])
    assert versions(job) == before


@pytest.mark.parametrize(
    ("changes", "where", "days", "message"),
    [
        (["cost*=2"], None, (FIRST, END), "cost is not known ahead; a scenario may change price, promo, open"),
        (["stock=0"], None, (FIRST, END), "stock is not known ahead"),
        (["price*=0.5"], "stroe = 'S1'", (FIRST, END), "stroe"),
        (["price*=0.5"], "store = 'S9'", (FIRST, END), "no series meets this condition"),
        (
            ["price*=0.5"],
            None,
            (LAST - timedelta(9), LAST),
            f"the forecast covers {LAST + timedelta(1)} to {LAST + timedelta(H)}",
        ),
        (["price*=0.5"], None, (LAST + timedelta(H + 1), LAST + timedelta(H + 2)), "choose days within"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(job, changes, where, days, message):
    with pytest.raises(UserError, match=message):
        scenario_rows(job, changes, where, *days)


def test_without_a_forecast_there_is_nothing_to_compare_with():
    job = chain.make(models=["ladder"])
    job.run(["ingest"])
    with pytest.raises(UserError, match="no forecast to compare with; the step predict has to run first"):
        scenario_rows(job, ["price=1"])


def test_days_in_the_wrong_order_are_refused(job):
    with pytest.raises(UserError, match="choose days within"):
        run_scenario(open_session(job.config()), [Edit("price", "*=", 0.5, END, FIRST)])


def test_command_line_and_page_give_equal_numbers(job, tmp_path):
    """The same edit of one series: by its words on the command line, and by the line that the page keeps."""
    out = tmp_path / "scenario.parquet"
    where = "unique_id = 'S1/I02'"
    report_scenario(job.config(), where, ["price*=0.85", "promo=1"], (FIRST, END), Files(out))
    lines = [f"{change}@{FIRST}:{END}" for change in ("price*=0.85", "promo=1")]
    page = run_scenario(open_session(job.config()), to_edits(lines), SeriesFilter(unique_id="S1/I02")).rows
    assert page["difference"].abs().max() > 0
    assert_frame_equal(pl.read_parquet(out), page)


def test_values_that_training_never_saw_are_warned_of(job):
    usual = run_scenario(
        open_session(job.config()), [Edit("promo", "=", 1, FIRST, END)], SeriesFilter(unique_id="S1/I02")
    )
    far = run_scenario(
        open_session(job.config()), [Edit("price", "*=", 50, FIRST, END)], SeriesFilter(unique_id="S1/I02")
    )
    assert usual.warnings == ()
    assert any(w.startswith("price: outside the range that was seen of S1/I02 (") for w in far.warnings)
    assert (far.rows["difference"] <= 0).all(), "no sale is won by a price fifty times as high"


def test_an_unknown_series_gets_a_sentence(job):
    with pytest.raises(UserError, match="there is no series nobody"):
        run_scenario(open_session(job.config()), [], SeriesFilter(unique_id="nobody"))


def test_revenue_and_margin_follow_from_price_and_cost(job):
    made = answer(
        open_session(job.config()), parse_changes(["price*=0.85"], (FIRST, END)), SeriesFilter("store = 'S1'")
    )
    rows = made.scenario.rows.filter(EDITED)
    assert (rows["price"] - 0.85 * rows["price_baseline"]).abs().max() < 1e-9
    assert rows["cost"].unique().to_list() == [0.5]
    revenue = (rows["yhat"] * rows["price"] - rows["baseline"] * rows["price_baseline"]).sum()
    margin = revenue - 0.5 * (rows["yhat"] - rows["baseline"]).sum()
    said = dict(made.sums.filter(unique_id="all series", over="changed days").select("measure", "difference").rows())
    assert said["revenue"] == pytest.approx(revenue)
    assert said["margin"] == pytest.approx(margin)
    assert not any("cost" in warning for warning in made.scenario.warnings)
    bounds = made.sums.filter(measure="units", over="horizon")
    assert (bounds["lo-80"] < bounds["difference"]).all()
    assert (bounds["difference"] < bounds["hi-80"]).all()


def test_setting_the_known_values_again_changes_exactly_nothing(job):
    plan = chain.sample().filter(pl.col("ds") > LAST, pl.col("store") == "S1", pl.col("item") == "I02")
    edits = [
        Edit(column, "=", row[column], row["ds"], row["ds"])
        for row in plan.iter_rows(named=True)
        for column in ("price", "promo", "open")
    ]
    made = answer(open_session(job.config()), edits, SeriesFilter(unique_id="S1/I02"))
    assert made.scenario.rows["difference"].abs().max() == 0
    assert not made.scenario.rows["changed"].any()
    bounds = made.sums.select("difference", "^(lo|hi)-.*$").to_numpy()
    assert (bounds == 0).all()


def test_a_past_cutoff_with_what_happened_is_the_backtest(job):
    past = job.copy()
    past.run(["backtest", "train", "predict"], cutoff=OVER)
    happened = chain.sample().filter(pl.col("ds").is_between(OVER, LAST, closed="right"), pl.col("store") == "S1")
    edits = [
        Edit(column, "=", row[column], row["ds"], row["ds"], f"item = '{row['item']}'")
        for row in happened.iter_rows(named=True)
        for column in ("price", "promo", "open")
    ]
    made = answer(open_session(past.config()), edits, SeriesFilter("store = 'S1'"), OVER)
    assert made.cutoff == OVER
    assert made.scenario.rows["difference"].abs().max() == 0
    then = past.table("backtests", cutoff=OVER).filter(model="LightGBM", grain="series")
    both = made.scenario.rows.join(then, on=["unique_id", "ds"], suffix=":then")
    assert both.height == 4 * H
    assert (both["yhat"] - both["yhat:then"]).abs().max() < 1e-9
    with pytest.raises(UserError, match="no forecast from this day is published"):
        answer(open_session(past.config()), edits, cutoff=OVER - timedelta(1))


@pytest.fixture(scope="module")
def api(job, tmp_path_factory) -> TestClient:
    return TestClient(create_api(job.config(serving__spool=str(tmp_path_factory.mktemp("spool")))))


def said_by_page(job: Job, change: str, days: tuple[date, date]) -> str:
    """What the page says to a change: when it is added, or when it is run."""
    made, fault = add_change([], [str(day) for day in days], change)
    session = open_session(job.config())
    return fault or refuse(session, made[0]) or run_scenario_page(session, "S1/I02", made)["error"]


@pytest.mark.parametrize(
    ("change", "days", "sentence"),
    [
        ("price=-1", (FIRST, END), "a price cannot be below 0"),
        ("price-=1000", (FIRST, END), "a price cannot be below 0"),
        ("price=100%", (FIRST, END), "100% is not a number"),
        ("price*=100%", (FIRST, END), "100% is not a number"),
        ("colour=1", (FIRST, END), "colour is not known ahead; a scenario may change price, promo, open"),
        ("price*=0.9", (END, LAST + timedelta(H + 1)), "the forecast covers"),
        ("price*=0.9", (LAST - timedelta(9), LAST), "the forecast covers"),
    ],
)
def test_a_bad_question_is_refused_with_the_same_sentence_everywhere(job, api, change, days, sentence):
    with pytest.raises(UserError, match=sentence) as command:
        report_scenario(job.config(), "unique_id = 'S1/I02'", [change], days)
    asked = {"name": "x", "unique_id": "S1/I02", "changes": [f"{change}@{days[0]}:{days[1]}"], "reason": "y"}
    answered = api.post("/api/v1/scenarios", json=asked)
    assert answered.status_code == 422
    assert answered.json()["errors"] == [{"field": "changes", "detail": command.value.what}]
    assert said_by_page(job, change, days) == command.value.what


def test_a_price_below_its_cost_brings_no_margin_and_the_search_says_what_it_found(job, tmp_path):
    out = tmp_path / "tried.csv"
    text = report_search(job.config(), "unique_id = 'S1/I02'", Question("price", (0.8, 1.2), "margin"), out)
    assert "times the present price" in text or "no tried value within the range seen" in text or "cannot tell" in text
    tried = pl.read_csv(out)
    assert set(tried.filter(pl.col("tried") == 1.0)["gain"]) == {0.0}
    assert tried["tried"].n_unique() > 9, "finer between the best and its neighbours"
    for column, goal, says in (("open", "units", "optimise open"), ("price", "fame", "maximise fame")):
        with pytest.raises(UserError, match=says):
            report_search(job.config(), None, Question(column, (0.8, 1.2), goal), None)


def test_an_edit_of_which_the_first_days_are_past_is_told(job):
    made = answer(open_session(job.config()), parse_changes(["price*=0.9"], (LAST - timedelta(3), END)))
    assert any("are past and left out" in warning for warning in made.scenario.warnings)
