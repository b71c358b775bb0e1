"""Series that a scenario lists, on a panel with launches that start slowly: forecasts, intervals and refusals."""

from datetime import timedelta

import polars as pl
import pytest
from fastapi.testclient import TestClient
from polars.testing import assert_frame_equal

from dashboard.api import create_api
from dashboard.pages.scenario.changes import to_edits
from dashboard.pages.scenario.run import run_scenario as run_scenario_page
from flows.scenario import Files, report_scenario, report_search
from forecasting.data.cut import Cut
from forecasting.data.launch_curves import launch_curves_at
from forecasting.errors import UserError
from forecasting.planning.scenario import parse_changes
from forecasting.steps import actions
from forecasting.steps.scenario import Answer, SeriesFilter, answer
from forecasting.steps.scenario.optimise import Question
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import H, Job, versions

DAYS = 300
START = chain.START
LAST = START + timedelta(DAYS - 1)
FIRST, END = LAST + timedelta(3), LAST + timedelta(H)
HORIZON = (LAST + timedelta(1), END)
NEW, LIKE = "S1/I99", "S1/I03"
LISTED = f"new={NEW} like {LIKE}"
RAMP = 28
BOUNDS = ["q50", "lo-80", "hi-80", "lo-95", "hi-95"]


def sales() -> pl.DataFrame:
    """Five stores with ten items each; the last two items of each were launched on different days, and sold a third of
    their later level at first. The items of a store sell 10, 20 ... 100 units a day, half as many more in each fifth
    week and a half, when they cost a fifth less. All coming days are planned, at the usual price.
    """
    series = pl.DataFrame({"s": range(1, 6)}).join(pl.DataFrame({"i": range(1, 11)}), how="cross")
    begun = pl.when(pl.col("i") > 8).then(90 + 11 * pl.col("s") + 25 * (pl.col("i") - 8)).otherwise(0)
    days = pl.DataFrame({"day": range(DAYS + H)})
    rows = series.with_columns(begun=begun).join(days, how="cross").filter(pl.col("day") >= pl.col("begun"))
    age, week = pl.col("day") - pl.col("begun"), pl.col("day") % 7
    slow = pl.when(pl.col("begun") > 0).then((1 / 3 + age / RAMP * 2 / 3).clip(upper_bound=1.0)).otherwise(1.0)
    wobble = 1 + 0.1 * ((pl.col("day") * 37 + pl.col("i") * 11 + pl.col("s") * 5) % 9 - 4) / 4
    cheap = ((pl.col("day") // 10 + pl.col("i") + pl.col("s")) % 5 == 0) & (pl.col("day") < DAYS)
    sold = (
        pl.when(cheap).then(1.5).otherwise(1.0)
        * 10.0
        * pl.col("i")
        * (1 + 0.2 * week)
        * (0.8 + 0.1 * pl.col("s"))
        * slow
        * wobble
    )
    return rows.select(
        ds=pl.lit(START) + pl.duration(days=pl.col("day")),
        store=pl.format("S{}", "s"),
        item=pl.format("I{}", pl.col("i").cast(pl.String).str.zfill(2)),
        category=pl.when(pl.col("i") % 2 == 0).then(pl.lit("even")).otherwise(pl.lit("odd")),
        region=pl.when(pl.col("s") > 3).then(pl.lit("north")).otherwise(pl.lit("south")),
        price=(2.0 + pl.col("i") / 10) * pl.when(cheap).then(0.8).otherwise(1.0),
        y=pl.when(pl.col("day") < DAYS).then(sold.round(1)),
    )


def made_of(rows: pl.DataFrame) -> Job:
    roles = {"known_ahead": ["price"], "static": ["category", "region"], "price": "price"}
    job = chain.make(
        rows,
        columns=roles,
        levels_of_aggregation=[[], ["store"], ["category"]],
        future={"price": "last"},
        models=["ladder"],
        backtest={"windows": 1, "step": H, "calibration": 1},
    )
    job.run()
    return job


@pytest.fixture(scope="module")
def job() -> Job:
    return made_of(sales())


@pytest.fixture(scope="module")
def api(job, tmp_path_factory) -> TestClient:
    return TestClient(create_api(job.config(serving__spool=str(tmp_path_factory.mktemp("spool")))))


def ask(job: Job, changes: list[str], where: str | None = None, days=HORIZON) -> Answer:
    return answer(open_session(job.config()), parse_changes(changes, days), SeriesFilter(where))


def published(job: Job, unique_id: str) -> pl.DataFrame:
    champion = open_session(job.config()).vintages["champion"][0]
    return job.table("forecasts").filter(unique_id=unique_id, model=champion, grain="series").sort("ds")


def factors(job: Job, group: str) -> list[float]:
    """The launch curve of a group over the horizon, from the panel."""
    session = open_session(job.config())
    curve = launch_curves_at(Cut(session.panel, LAST, H)).filter(pl.col("group") == group).sort("age")
    return curve["factor"].to_list()


def test_it_sells_like_the_other_one_with_the_start_that_launches_had(job):
    rows = ask(job, [LISTED], f"unique_id = '{NEW}'").scenario.rows
    assert rows["unique_id"].unique().to_list() == [NEW]
    assert rows["ds"].to_list() == published(job, LIKE)["ds"].to_list()
    curve = factors(job, "category=odd")[:H]
    expected = [y * f for y, f in zip(published(job, LIKE)["yhat"], curve, strict=True)]
    assert rows["yhat"].to_list() == pytest.approx(expected)
    assert curve[0] == pytest.approx((1 / 3 + 1) / 2, abs=0.1), "five launches count as much as that there is no ramp"
    assert curve[0] < curve[-1] < 1
    assert rows["source"].unique().to_list() == [f"like {LIKE} with launch curve"]
    assert rows["baseline"].to_list() == [0.0] * H
    assert rows["difference"].to_list() == rows["yhat"].to_list()
    assert rows["doubts"].unique().to_list() == [f"new: rests on {LIKE}"]
    assert rows["price"].unique().to_list() == [2.3]
    assert rows["revenue"].to_list() == pytest.approx([2.3 * y for y in rows["yhat"]])
    assert rows["revenue_baseline"].to_list() == [0.0] * H


def test_what_is_measured_of_an_announced_series_holds_for_it(job):
    """The same item in the file: its forecast is what the groups alone suggest, and the interval of the scenario holds
    both that and what is as far around the forecast.
    """
    like = pl.col("store") + "/" + pl.col("item") == LIKE
    coming = sales().filter(like, pl.col("ds") > LAST)
    announced = made_of(pl.concat([sales(), coming.with_columns(item=pl.lit("I99"))]))
    told, made = published(announced, NEW), ask(job, [LISTED], f"unique_id = '{NEW}'")
    assert told["cold_start"].all()
    rows = made.scenario.rows
    around = told.select((pl.col(c) / pl.col("yhat") * rows["yhat"]).alias(c) for c in BOUNDS)
    assert rows["q50"].to_list() == pytest.approx(around["q50"].to_list())
    for bound in BOUNDS[1:]:
        outer = min if bound.startswith("lo") else max
        expected = list(map(outer, around[bound], told[bound]))
        assert rows[bound].to_list() == pytest.approx(expected), bound
    assert told["yhat"].sum() > 2 * rows["yhat"].sum()
    said = next(text for text in made.scenario.warnings if "its groups alone suggest" in text)
    assert f"suggest {told['yhat'].sum():,.1f} units" in said
    assert "launch curve" in said
    with pytest.raises(UserError, match=f"{NEW} is new itself; name one that has been sold for a while"):
        ask(announced, [f"new=S1/I98 like {NEW}"])
    with pytest.raises(UserError, match=f"{NEW} is there already; give the new series another name"):
        ask(announced, [LISTED])


def test_its_interval_is_wide_and_that_of_its_sums_is_as_wide(job):
    made = ask(job, [LISTED], f"unique_id = '{NEW}'")
    like, rows = published(job, LIKE), made.scenario.rows
    shares = [(r["hi-80"] - r["lo-80"]) / r["yhat"] for r in (rows, like)]
    assert (shares[0] > shares[1]).all()
    sums = made.sums.filter(over="horizon", measure="units").row(0, named=True)
    for bound in ("lo-80", "hi-80", "lo-95", "hi-95"):
        assert sums[bound] == pytest.approx(rows[bound].sum(), rel=0.02), bound
    assert (sums["baseline"], sums["difference"]) == (0.0, pytest.approx(rows["yhat"].sum()))
    assert rows["difference-hi-80"].to_list() == rows["hi-80"].to_list()


def test_the_forecasts_of_all_others_stay_and_nothing_is_stored(job):
    before = versions(job)
    rows = ask(job, [LISTED]).scenario.rows
    others = rows.filter(pl.col("unique_id") != NEW)
    assert others["unique_id"].n_unique() == 50
    assert others["difference"].abs().max() == 0
    assert not others["changed"].any()
    assert rows.filter(unique_id=NEW)["changed"].all()
    assert versions(job) == before


def test_it_is_sold_on_its_days_alone_and_ages_from_the_first_of_them(job):
    rows = ask(job, [LISTED], f"unique_id = '{NEW}'", (FIRST, LAST + timedelta(6))).scenario.rows
    assert rows["ds"].to_list() == [FIRST + timedelta(n) for n in range(4)]
    like = published(job, LIKE).filter(pl.col("ds").is_in(rows["ds"].implode()))["yhat"]
    curve = factors(job, "category=odd")[:4]
    assert rows["yhat"].to_list() == pytest.approx([y * f for y, f in zip(like, curve, strict=True)])


def test_further_changes_reach_it_by_its_name_and_its_columns(job):
    """A price moves the new series as it would move the one that it is like."""
    dear = parse_changes(["price*=1.2"], HORIZON, f"unique_id = '{NEW}'")
    session, listed = open_session(job.config()), parse_changes([LISTED], HORIZON)
    plain = answer(session, listed).scenario.rows
    moved = answer(session, [*listed, *dear]).scenario.rows
    assert_frame_equal(plain.filter(pl.col("unique_id") != NEW), moved.filter(pl.col("unique_id") != NEW))
    of_like = parse_changes(["price*=1.2"], HORIZON, f"unique_id = '{LIKE}'")
    asked = answer(session, of_like, SeriesFilter(unique_id=LIKE)).scenario.rows
    share = (asked["yhat"] / asked["baseline"]).to_list()
    mine, before = (rows.filter(unique_id=NEW) for rows in (moved, plain))
    assert (mine["yhat"] / before["yhat"]).to_list() == pytest.approx(share)
    assert share[0] < 1
    assert mine["price"].to_list() == pytest.approx([1.2 * 2.3] * H)
    width, plain_width = (r["hi-80"] - r["yhat"] for r in (mine, before))
    assert (width / mine["yhat"] >= plain_width / before["yhat"] - 1e-9).all()
    by_store = ask(job, [LISTED, "closed=1"], "store = 'S1'").scenario.rows.filter(unique_id=NEW)
    assert by_store.select("yhat", *BOUNDS).to_numpy().max() == 0


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("S1/I99", "store = 'S1' AND item = 'I99' AND category = 'odd' AND region = 'south'"),
        ("S5/I99", "store = 'S5' AND region = 'north' AND category = 'odd'"),
        ("S9/I10", "store = 'S9' AND region = 'south' AND category = 'even'"),
    ],
    ids=["a new item", "a new item of another store", "an item in a new store"],
)
def test_its_name_tells_its_columns_and_the_other_series_the_rest(job, name, condition):
    """The region goes with the store, the category with the item, where these are known."""
    rows = ask(job, [f"new={name} like {LIKE}"], condition).scenario.rows
    assert name in rows["unique_id"].unique().to_list()
    with pytest.raises(UserError, match="no series meets this condition"):
        ask(job, [f"new={name} like {LIKE}"], f"NOT ({condition}) AND unique_id = '{name}'")


def test_without_launches_it_starts_at_once_and_with_few_series_its_interval_is_that_of_a_large_error():
    rows = sales().filter(pl.col("item") < "I05")
    made = ask(made_of(rows), [LISTED], f"unique_id = '{NEW}'")
    assert made.scenario.rows["source"].unique().to_list() == [f"like {LIKE}"]
    assert "too few launches are known" in made.scenario.warnings[0]
    assert "an error as large as the forecast" in made.scenario.warnings[0]
    assert made.scenario.rows["lo-95"].max() == 0
    assert (made.scenario.rows["hi-95"] > 2 * made.scenario.rows["yhat"]).all()


def test_command_page_api_and_saved_scenario_give_equal_numbers(job, api, tmp_path):
    out = tmp_path / "rows.parquet"
    text = report_scenario(job.config(), f"unique_id = '{NEW}'", [LISTED], HORIZON, Files(out))
    assert f"{NEW} is new: it has the plan and the forecast of {LIKE}" in text
    assert "takes from the sales of other series is not known" in text
    line = f"{LISTED}@{HORIZON[0]}:{HORIZON[1]}"
    session = open_session(job.config())
    page = run_scenario_page(session, LIKE, [line], f"unique_id = '{NEW}'")
    asked = {"name": "listing", "unique_id": NEW, "changes": [line], "reason": "range review"}
    posted = api.post("/api/v1/scenarios", json=asked).json()
    (saved,) = actions.list_saved_scenarios(session)
    told = pl.read_parquet(out)
    assert [row["yhat"] for row in page["rows"]] == told["yhat"].to_list()
    assert [row["mean"] for row in posted["rows"]] == told["yhat"].to_list()
    assert posted["rows"][0]["source"] == f"like {LIKE} with launch curve"
    assert_frame_equal(answer(session, saved.edits, SeriesFilter(unique_id=NEW)).scenario.rows, told)
    assert api.get("/api/v1/scenarios/listing").json()["rows"] == posted["rows"]


@pytest.mark.parametrize(
    ("change", "days", "sentence"),
    [
        ("new=S1/I99", HORIZON, "a new series comes with one that it is like, as in new='S1/I99 like S1/I13'"),
        ("new*=2", HORIZON, "a new series comes with one that it is like"),
        ("new=S1/I99 like S1/I77", HORIZON, "it cannot be like S1/I77, which is not known"),
        ("new=S1/I01 like S1/I02", HORIZON, "S1/I01 is there already; give the new series another name"),
        ("new=I99 like S1/I02", HORIZON, "a name has store, item with a slash between them, as S1/I02 has"),
        (LISTED, (FIRST, END + timedelta(1)), "the forecast covers"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_the_same_sentence_everywhere(job, api, change, days, sentence):
    with pytest.raises(UserError, match=sentence) as command:
        report_scenario(job.config(), None, [change], days)
    line = f"{change}@{days[0]}:{days[1]}"
    asked = {"name": "x", "unique_id": LIKE, "changes": [line], "reason": "y"}
    answered = api.post("/api/v1/scenarios", json=asked)
    assert answered.status_code == 422
    assert answered.json()["errors"] == [{"field": "changes", "detail": command.value.what}]
    assert run_scenario_page(open_session(job.config()), LIKE, [line])["error"] == command.value.what


def test_what_is_about_series_that_are_there_refuses_new_ones(job, api):
    twice = to_edits([f"{LISTED}@{FIRST}:{END}", f"new={NEW} like S1/I04@{FIRST}:{END}"])
    with pytest.raises(UserError, match=f"new series {NEW}: it is listed twice"):
        answer(open_session(job.config()), twice)
    with pytest.raises(UserError, match="named, and not found by a condition"):
        answer(open_session(job.config()), parse_changes([LISTED], HORIZON, "store = 'S1'"))
    with pytest.raises(UserError, match="optimise new: the response to it is not known"):
        report_search(job.config(), None, Question("new", (0.8, 1.2), "units"), None)
    asked = {"unique_ids": [LIKE], "changes": [f"{LISTED}@{FIRST}:{END}"]}
    refused = api.post("/api/v1/forecasts", json=asked)
    assert (refused.status_code, "only a scenario can list new series" in refused.text) == (422, True)
