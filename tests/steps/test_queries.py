"""Queries against the tables that were written, and against figures computed independently."""

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.steps import queries
from forecasting.steps.session import Session, open_session
from tests.dashboard import fake_store as fake

Job = tuple[Session, dict[str, pl.DataFrame]]
LAST, H = fake.LAST, fake.H
CHAMPION = (pl.col("version") == 2) & (pl.col("model") == "LightGBM")
HORIZON = [LAST + timedelta(days=i) for i in range(1, H + 1)]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    config = fake.config_in(tmp_path_factory.mktemp("job"))
    frames = fake.fill(config)
    return open_session(config), frames


@pytest.fixture
def bare(tmp_path) -> Session:
    return open_session(fake.config_in(tmp_path))


def test_before_the_first_run_every_query_is_empty(bare):
    assert queries.read_status(bare) == queries.Status(None, None, None, None, 0)
    assert queries.read_run_facts(bare, "train") == {}
    assert queries.list_aggregates(bare) == []
    assert queries.find_series(bare, "tea") == []
    assert queries.resolve_selection(bare, ["group:total", "series:S1/tea"]) is None
    assert queries.list_vintages(bare).is_empty()
    assert queries.read_kpis(bare).total is None
    assert queries.read_recent_sales(bare).is_empty()
    assert queries.read_largest_series(bare).is_empty()
    assert queries.read_drift(bare).is_empty()
    assert queries.read_drift_report(bare, LAST) is None
    assert queries.read_plan(bare, "S1/tea").is_empty()


def test_status_is_that_of_the_newest_run_and_vintage(job):
    now = queries.read_status(job[0])
    assert (now.through, now.cutoff, now.champion, now.series) == (LAST, LAST, "LightGBM", 20)
    assert now.last_run == job[1]["runs"]["run_at"].max()


def test_facts_are_those_of_the_last_run_of_the_step(job):
    assert queries.read_run_facts(job[0], "ingest")["quarantined"] == 3
    assert queries.read_run_facts(job[0], "train")["champion"] == "LightGBM"


def test_search_matches_all_words_in_any_case_largest_first(job):
    assert queries.find_series(job[0], "TEA s4") == ["S4/tea"]
    assert set(queries.find_series(job[0], "b")) == {f"{s}/{i}" for s in fake.STORES for i in ("bread", "butter")}
    assert queries.find_series(job[0], "", 1) == ["S4/tea"]  # the largest mean
    assert queries.find_series(job[0], ".*") == []


def test_aggregates_begin_with_the_total(job):
    assert queries.list_aggregates(job[0]) == ["total", "store=S1", "store=S2", "store=S3", "store=S4"]


def test_a_selection_is_an_aggregate_a_series_or_a_sum(job):
    session, _ = job
    assert queries.resolve_selection(session, ["series:S1/tea", "group:total"]).kind == "group"
    one = queries.resolve_selection(session, ["series:S1/tea", "series:gone"])
    assert (one.name, one.kind, one.ids) == ("S1/tea", "series", ("S1/tea",))
    two = queries.resolve_selection(session, ["series:S1/tea", "series:S2/tea"])
    assert (two.name, two.kind, two.ids) == ("2 series", "sum", ("S1/tea", "S2/tea"))
    assert queries.resolve_selection(session, ["group:nowhere"]) is None


def panel_sum(frames: dict[str, pl.DataFrame], keep: pl.Expr) -> dict[date, float]:
    """Units per day as the plain sum over rows; closed days are 0."""
    out: dict[date, float] = {}
    for row in frames["panel"].filter(keep & (pl.col("ds") <= LAST)).iter_rows(named=True):
        out[row["ds"]] = out.get(row["ds"], 0.0) + (row["y"] or 0.0)
    return out


@pytest.mark.parametrize(
    ("names", "keep"),
    [
        (["group:total"], pl.lit(value=True)),
        (["group:store=S2"], pl.col("store") == "S2"),
        (["series:S3/milk"], pl.col("unique_id") == "S3/milk"),
        (["series:S3/milk", "series:S1/tea"], pl.col("unique_id").is_in(["S3/milk", "S1/tea"])),
    ],
)
def test_history_is_the_sum_of_the_panel_and_closed_days_are_zero(job, names, keep):
    session, frames = job
    found = queries.read_history(session, queries.resolve_selection(session, names))
    assert dict(found.select("ds", "y").iter_rows()) == pytest.approx(panel_sum(frames, keep))
    assert found["ds"].is_sorted()


def test_history_has_promotions_and_begins_at_the_start(job):
    session, _ = job
    start = fake.FIRST + timedelta(days=21)
    found = queries.read_history(session, queries.resolve_selection(session, ["series:S1/tea"]), start)
    assert found["ds"].min() == start
    assert found["promo"].head(5).to_list() == [1.0, 1.0, 1.0, 0.0, 0.0]


def test_vintages_are_published_ones_then_backtest_windows(job):
    rows = queries.list_vintages(job[0]).rows()
    published = [(c, v, "published") for c, v in reversed(fake.VINTAGES)]
    assert rows == [*published, *((c, None, "backtest") for c in reversed(fake.CUTOFFS))]


def test_the_champion_comes_first_among_the_models(job):
    session, _ = job
    assert queries.list_models(session, fake.CUTOFFS[0], None) == ["LightGBM", "HistoricAverage", "SeasonalNaive"]
    assert queries.list_models(session, LAST, 2) == ["LightGBM", "SeasonalNaive"]
    older = queries.resolve_selection(session, ["group:total"])
    assert queries.list_models(session, *fake.VINTAGES[0], older) == ["LightGBM", "SeasonalNaive"]


@pytest.mark.parametrize("name", ["group:total", "group:store=S3", "series:S1/bread"])
def test_a_published_forecast_is_read_as_it_was_written(job, name):
    session, frames = job
    found = queries.read_forecast(session, queries.resolve_selection(session, [name]), LAST, 2, "LightGBM")
    rows = frames["forecasts"].filter(CHAMPION & (pl.col("unique_id") == name.split(":", 1)[1]))
    assert found["ds"].to_list() == HORIZON
    same = ["yhat", "q50", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert found.select(same).equals(rows.sort("ds").select(same))


def test_a_backtest_window_has_the_observed_sales(job):
    session, frames = job
    cutoff = fake.CUTOFFS[1]
    found = queries.read_forecast(
        session, queries.resolve_selection(session, ["series:S2/tea"]), cutoff, None, "SeasonalNaive"
    )
    truth = panel_sum(frames, pl.col("unique_id") == "S2/tea")
    assert found["y"].to_list() == [truth[d] for d in found["ds"]]
    assert found["model"].unique().to_list() == ["SeasonalNaive"]


def test_means_add_up_and_quantiles_are_not_added(job):
    session, frames = job
    ids = ["S1/tea", "S4/milk"]
    found = queries.read_forecast(
        session, queries.resolve_selection(session, [f"series:{i}" for i in ids]), LAST, 2, "LightGBM"
    )
    rows = frames["forecasts"].filter(CHAMPION & pl.col("unique_id").is_in(ids))
    wanted = {d: sum(y for (y,) in rows.filter(pl.col("ds") == d).select("yhat").rows()) for d in HORIZON}
    assert dict(found.select("ds", "yhat").iter_rows()) == pytest.approx(wanted)
    assert found.select("q50", "lo-80", "hi-80", "lo-95", "hi-95").null_count().row(0) == (H,) * 5


@pytest.mark.parametrize(("name", "keep"), [("group:total", "S"), ("group:store=S2", "S2/")])
def test_an_aggregate_without_rows_is_the_sum_of_its_series(job, name, keep):
    session, frames = job
    cutoff, version = fake.VINTAGES[0]
    mine = (pl.col("version") == version) & (pl.col("model") == "LightGBM") & (pl.col("grain") == "series")
    rows = frames["forecasts"].filter(mine)
    rows = rows.filter(pl.col("unique_id").str.starts_with(keep))
    found = queries.read_forecast(session, queries.resolve_selection(session, [name]), cutoff, version, "LightGBM")
    total = found["yhat"].sum()
    if name == "group:total":  # the older vintage holds no row for the total
        assert total == pytest.approx(rows["yhat"].sum())
        assert found["lo-80"].null_count() == H
    else:
        assert found["lo-80"].null_count() == 0


def test_an_unpublished_vintage_is_not_read(job):
    session, _ = job
    of = queries.resolve_selection(session, ["series:S1/tea"])
    assert queries.read_forecast(session, of, LAST, 99, None).is_empty()
    assert queries.read_forecast(session, of, LAST - timedelta(days=1), 2, None).is_empty()


def test_kpis_of_the_champion(job):
    session, frames = job
    k = queries.read_kpis(session)
    assert (k.model, k.wape, k.level) == ("LightGBM", 0.10, 80)
    assert k.ladder == pytest.approx(0.22)
    assert k.bias == pytest.approx(0.0125)
    assert k.coverage == pytest.approx(0.78)
    rows = frames["forecasts"].filter(CHAMPION & (pl.col("grain") == "series"))
    assert k.total == pytest.approx(rows["yhat"].sum())
    before = panel_sum(frames, pl.lit(value=True))
    assert k.change.last_year == pytest.approx(sum(before[d - timedelta(days=364)] for d in HORIZON))
    assert (k.change.matched, k.change.series) == (20, 20)
    assert k.change.share == pytest.approx(k.change.forecast / k.change.last_year - 1)


def test_the_year_before_compares_only_series_with_sales_then(tmp_path):
    config = fake.config_in(tmp_path)
    frames = fake.fill(config)
    new = pl.col("unique_id") == "S1/tea"
    late = frames["panel"].filter(~new | (pl.col("ds") > LAST - timedelta(days=100)))
    fake.store_of(config).replace("panel", late)
    change = queries.read_kpis(open_session(config)).change
    rows = frames["forecasts"].filter(CHAMPION & (pl.col("grain") == "series") & ~new)
    assert (change.matched, change.series) == (19, 20)
    assert change.forecast == pytest.approx(rows["yhat"].sum())


def test_recent_weeks_and_the_same_weeks_a_year_before(job):
    session, frames = job
    found = queries.read_recent_sales(session)
    days = panel_sum(frames, pl.lit(value=True))
    end = queries.read_status(session).through
    ends = [end - timedelta(days=7 * k) for k in reversed(range(13))]
    assert found["end"].to_list() == ends

    def week(last: date) -> float | None:
        span = [last - timedelta(days=i) for i in range(7)]
        return sum(days[d] for d in span) if all(d in days for d in span) else None

    assert found["y"].to_list() == pytest.approx([week(e) for e in ends])
    assert found["last_year"].to_list() == [week(e - timedelta(days=364)) for e in ends]
    assert found["last_year"].count() == 5  # 400 days reach back five such weeks


def test_the_largest_series_by_value(job):
    session, frames = job
    top = queries.read_largest_series(session, 3)
    assert top["unique_id"].to_list() == ["S4/tea", "S3/tea", "S2/tea"]
    last = frames["panel"].filter((pl.col("unique_id") == "S4/tea") & (pl.col("ds") == LAST))["price"].item()
    assert top["price"][0] == last
    assert top["value"].to_list() == pytest.approx([y * p for y, p in top.select("yhat", "price").rows()])


def test_days_ahead_are_the_plan_with_the_edits(job):
    session, frames = job
    plan = queries.read_plan(session, "S1/tea")
    assert plan.columns == ["ds", "price", "promo", "open", "event"]
    assert plan["ds"].to_list() == HORIZON
    stored = frames["panel"].filter((pl.col("unique_id") == "S1/tea") & (pl.col("ds") > LAST)).sort("ds")
    assert plan["price"].to_list() == stored["price"].to_list()
    edits = [Edit("price", "*=", 0.5, HORIZON[2], HORIZON[3]), Edit("event", "=", "fair", HORIZON[0], HORIZON[0])]
    edited = queries.read_plan(session, "S1/tea", edits)
    factor = [0.5 if i in (2, 3) else 1 for i in range(H)]
    assert edited["price"].to_list() == pytest.approx([p * f for p, f in zip(plan["price"], factor, strict=True)])
    assert edited["event"].to_list() == ["fair", *plan["event"][1:]]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (Edit("weather", "=", 1.0, LAST, LAST), "weather is not known ahead; a scenario may change price, promo"),
        (Edit("price", "=", "cheap", LAST, LAST), "cheap is not a number"),
        (Edit("event", "*=", 2.0, LAST, LAST), "the column holds text"),
    ],
)
def test_an_edit_that_its_column_cannot_take_gets_a_sentence(job, edit, says):
    with pytest.raises(UserError, match=says):
        queries.read_plan(job[0], "S1/tea", [edit])


def test_a_number_for_a_text_column_is_its_text(job):
    edited = queries.read_plan(job[0], "S1/tea", [Edit("event", "=", 7.0, HORIZON[0], HORIZON[0])])
    assert edited["event"][0] == "7"


def test_promotions_ahead_are_those_of_the_plan(job):
    found = queries.read_planned_promotions(job[0], "S1/tea")
    assert dict(found.iter_rows()) == dict(queries.read_plan(job[0], "S1/tea").select("ds", "promo").iter_rows())


def test_drift_and_its_report(job):
    session, frames = job
    found = queries.read_drift(session)
    assert found.height == frames["drift"].height
    assert found["cutoff"].is_sorted()
    assert queries.read_drift_report(session, LAST) == fake.REPORT.encode()
    assert queries.read_drift_report(session, date(2000, 1, 1)) is None
