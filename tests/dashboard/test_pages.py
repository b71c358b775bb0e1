"""The pages in a browser, on a full store and on an empty one."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest

from dashboard import app
from dashboard.pages.models import body as models_body
from forecasting.planning.observed_range import observed_values, warn_outside
from forecasting.planning.scenario import check_edits
from forecasting.steps import queries, scenario
from forecasting.steps.lifecycle.listing import LISTING
from forecasting.steps.scenario import Answer, Scenario, SeriesFilter
from forecasting.steps.session import Session
from tests.dashboard import fake_store as fake
from tests.dashboard.browser_tab import BrowserTab, until

CHANGE = "price*=0.5@2024-02-08:2024-02-09"


def double_forecast(session: Session, edits: Any, series: SeriesFilter) -> Answer:
    """A scenario of twice the published forecast, in place of a model, which this store does not have."""
    selection = queries.resolve_selection(session, [f"series:{series.unique_id}"])
    rows = queries.read_forecast(session, selection, fake.LAST, 2, "LightGBM")
    bounds = {c: pl.col(c) * 2 for c in ("lo-80", "hi-80", "lo-95", "hi-95")}
    names = {"unique_id": pl.lit(series.unique_id), "ds": "ds", "changed": pl.lit(value=True)}
    rows = rows.select(**names, baseline="yhat", yhat=pl.col("yhat") * 2, difference="yhat", **bounds)
    checked = check_edits(edits, session.config, session.panel.schema)
    future = queries.read_plan(session, str(series.unique_id), checked)
    columns = list(dict.fromkeys(edit.column for edit in checked))
    past = pl.concat([session.panel.scan(b) for b in session.panel.buckets]).filter(pl.col("flag") != "ahead")
    warnings = tuple(warn_outside(future, observed_values(past, columns), columns))
    total = float(rows["difference"].sum())
    one = {"unique_id": series.unique_id, "measure": "units", "baseline": total, "scenario": 2 * total}
    one |= {"difference": total, "lo-80": total - 10, "hi-80": total + 10}
    sums = pl.DataFrame([{"over": over} | one for over in ("changed days", "horizon")])
    return Answer(Scenario(rows, warnings), sums, fake.LAST, 2)


@pytest.fixture(scope="module")
def visit(job, browser, serving: Callable) -> Iterator[BrowserTab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario, "answer", double_forecast)
        tab = BrowserTab(browser, serving(app.create_app(job[0])))
        yield tab
        tab.page.close()


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """No script error and no request beyond loopback, whatever a test does."""
    yield
    tab = request.getfixturevalue("empty_visit" if "empty_visit" in request.fixturenames else "visit")
    assert tab.outside == []
    assert tab.wrong == []


def test_overview_shows_kpis_freshness_and_the_state_of_the_data(visit, session):
    page = visit.go("/", "#overview-recent .main-svg")
    assert page.inner_text("#kpi-accuracy-value") == "90.0 %"
    assert "best naive model 78.0 %" in page.inner_text("#kpi-accuracy")
    assert page.inner_text("#kpi-bias-value") == "+1.2 %"
    assert "±3%" in page.inner_text("#kpi-bias")
    assert page.inner_text("#kpi-coverage-value") == "78.0 %"
    assert "nominal 80 %" in page.inner_text("#kpi-coverage")
    shown = float(page.inner_text("#kpi-volume-value").replace(",", ""))
    assert shown == pytest.approx(queries.read_kpis(session).total, abs=0.51)
    assert "20 of 20 series compared" in page.inner_text("#kpi-volume")
    fresh = page.inner_text("#freshness")
    assert f"Data through {fake.LAST}" in fresh
    assert "last run 2024-02-04 03:04 UTC" in fresh
    assert "first champion: wape 0.100 beats SeasonalNaive's 0.220" in page.inner_text("#overview-model")
    assert "price for 50% of the rows" in page.inner_text("#overview-model")
    assert "1 value lies far out" in page.inner_text("#overview-remarks")
    assert "3 of 8,290 lines quarantined" in page.inner_text("#overview-quality")
    assert "12 of 8,000 rows filled" in page.inner_text("#overview-quality")
    assert "1 of 4 columns drifted" in page.inner_text("#overview-drift")


def test_overview_charts_have_traces_titles_and_units(visit):
    total = visit.figure("overview-forecast")
    assert total["names"] == ["95 % interval", "80 % interval", "Actual", "Forecast (mean)"]
    assert total["lengths"][0] == 2 * fake.H
    assert total["lengths"][3] == fake.H
    assert total["title"] == "Total sales and forecast"
    assert f"Actuals through {fake.LAST}" in total["subtitle"]
    assert (total["x"], total["y"]) == ("Day", "Sales (pieces per day)")
    recent = visit.figure("overview-recent")
    assert recent["names"] == ["This year", "Year before"]
    assert recent["lengths"] == [13, 13]
    assert recent["y"] == "Sales (pieces)"


def test_the_largest_series_lead_to_their_forecast(visit):
    visit.go("/", "#overview-recent .main-svg")
    assert visit.rows("overview-largest") == 10
    visit.page.locator("#overview-largest").scroll_into_view_if_needed()
    visit.page.click("#overview-largest >> text=S4/tea")
    visit.page.wait_for_selector("#forecasts-chart .main-svg")
    assert visit.figure("forecasts-chart")["title"] == "S4/tea"


def test_forecasts_show_fan_and_the_same_numbers_as_a_table(visit, session):
    visit.go("/forecasts?show=series:S2/tea", "#forecasts-chart .main-svg")
    fan = visit.figure("forecasts-chart")
    assert fan["names"] == ["95 % interval", "80 % interval", "Actual", "Forecast (mean)", "Promotion"]
    assert fan["lengths"][2:4] == [3 * fake.H + 1 + fake.H, fake.H]  # planned promotions reach into the future
    assert fan["title"] == "S2/tea"
    assert "forecast by LightGBM" in fan["subtitle"]
    assert fan["y"] == "Sales (pieces per day)"
    assert visit.rows("forecasts-rows") == fake.H
    visit.page.locator("#forecasts-rows").scroll_into_view_if_needed()
    selection = queries.resolve_selection(session, ["series:S2/tea"])
    first = queries.read_forecast(session, selection, fake.LAST, 2, "LightGBM").row(0, named=True)
    row = visit.page.locator("#forecasts-rows .ag-row[row-index='0'] [col-id='yhat']").last
    assert row.inner_text() == f"{first['yhat']:,.1f}"


def test_the_address_follows_the_controls_and_brings_them_back(visit):
    page = visit.go("/forecasts", "#forecasts-chart .main-svg")
    page.click("text=1 year")
    page.wait_for_url("**span=year*")
    page.click("#forecasts-vintage")
    page.click(f"[role=option] >> text={fake.CUTOFFS[0]} · backtest")
    page.wait_for_url(f"**{fake.CUTOFFS[0]}%40backtest*")
    page.wait_for_selector("#forecasts-rows [col-id=y]")
    link = page.url
    page.goto(link)
    page.wait_for_selector("#forecasts-rows [col-id=y]")
    assert page.input_value("#forecasts-vintage") == f"{fake.CUTOFFS[0]} · backtest"
    assert page.get_by_label("1 year").is_checked()
    assert visit.figure("forecasts-chart")["subtitle"].endswith("forecast by LightGBM")
    page.go_back()
    until(page, "!location.search.includes('backtest')")
    until(page, "document.querySelector('#forecasts-vintage')?.value.includes('version 2')")


def test_unknown_keys_of_an_address_are_ignored(visit):
    visit.go("/forecasts?utm_source=mail&span=forever&model=nobody&vintage=never", "#forecasts-chart .main-svg")
    assert visit.page.input_value("#forecasts-model") == "LightGBM"
    assert visit.figure("forecasts-chart")["title"] == "All series"


def test_series_are_searched_on_the_server(visit):
    page = visit.go("/forecasts", "#forecasts-chart .main-svg")
    page.fill("#forecasts-selection", "s3 mil")
    until(page, "[...document.querySelectorAll('[role=option]')].filter(e => e.offsetParent).length == 1")
    page.click("[role=option] >> text=S3/milk")
    page.wait_for_url("**show=series%3AS3%2Fmilk&vintage*")  # the aggregate that was shown gave way
    until(page, "document.querySelector('#forecasts-chart .js-plotly-plot')?.layout?.title?.text == 'S3/milk'")
    assert visit.figure("forecasts-chart")["title"] == "S3/milk"


def test_a_sum_of_series_has_no_interval_and_says_why(visit):
    visit.go("/forecasts?show=series:S1/tea&show=series:S2/tea", "#forecasts-chart .main-svg")
    assert visit.figure("forecasts-chart")["names"] == ["Actual", "Forecast (mean)", "Promotion"]
    assert "quantiles of several series cannot be added" in visit.page.inner_text("#forecasts-body .notice")


def test_a_new_series_is_explained(visit):
    visit.go(f"/forecasts?show=series:{fake.NEW}", "#forecasts-chart .main-svg")
    assert "those of similar series" in visit.page.inner_text("#forecasts-body .notice")
    summary = visit.page.inner_text("#forecasts-summary")
    assert "forecast by similar series (item: milk) with launch curve" in summary
    assert "intervals from forecasts of similar series as if they were new" in summary
    visit.go("/forecasts?show=series:S2/milk", "#forecasts-chart .main-svg")
    assert "intervals from backtest errors at the same horizon" in visit.page.inner_text("#forecasts-summary")
    assert visit.page.locator("#forecasts-body .notice").count() == 0


def test_the_file_holds_the_rows_that_are_shown(visit):
    page = visit.go("/forecasts?show=group:store%3DS1", "#forecasts-chart .main-svg")
    with page.expect_download() as download:
        page.click("#forecasts-export")
    rows = pl.read_csv(download.value.path())
    assert rows.height == fake.H
    assert rows["line"].unique().to_list() == ["store: S1"]


def test_a_scenario_by_its_controls(visit):
    page = visit.go("/scenario?series=S1/bread&start=2024-02-08&end=2024-02-09", "#scenario-plan .ag-row")
    page.wait_for_selector("#scenario-result >> text=No scenario yet")
    page.click("#scenario-operation")
    page.click("[role=option] >> text=multiply by")
    page.fill("#scenario-value", "cheap")
    page.click("#scenario-add")
    page.wait_for_selector("text=cheap is not a number, and a text can only be set with =")
    page.fill("#scenario-value", "0.5")
    page.click("#scenario-add")
    page.wait_for_selector("text=price: multiply by 0.5 from 2024-02-08 to 2024-02-09")
    page.click("#scenario-run")
    page.wait_for_selector("#scenario-chart .main-svg")
    assert visit.figure("scenario-chart")["names"] == ["80 % interval of the scenario", "Baseline", "Scenario"]
    assert visit.figure("scenario-difference")["y"] == "Difference (pieces per day)"
    assert visit.rows("scenario-rows") == fake.H
    assert "+100.0 % on the baseline · 80 % interval +" in page.inner_text("#scenario-total-difference")
    assert "Whole horizon" in page.inner_text("#scenario-sums")
    assert "training saw 2 to 6, the scenario holds 1" in page.inner_text("#scenario-result .notice-watch")
    assert "change=price%2A%3D0.5" in page.url


def test_a_link_to_a_scenario_shows_its_result(visit):
    page = visit.go(f"/scenario?series=S1/bread&change={CHANGE.replace('=', '%3D')}", "#scenario-chart .main-svg")
    assert "price: multiply by 0.5" in page.inner_text("#scenario-change-list")
    page.click("text=Remove")
    page.wait_for_selector("text=press Run scenario")  # what is shown is no longer what is asked


def test_the_plan_shows_prices_without_rounding_errors(visit):
    change = "price=0.1@2024-02-08:2024-02-08&change=price*=3@2024-02-08:2024-02-08"
    assert 0.1 * 3 != 0.3
    page = visit.go(f"/scenario?series=S1/bread&change={change}", "#scenario-plan .ag-row")
    page.wait_for_selector("#scenario-plan .ag-row[row-index='1'] [col-id=price] >> text=0.3")
    assert page.inner_text("#scenario-plan .ag-row[row-index='1'] [col-id=price]") == "0.3"


def test_a_day_is_changed_in_the_grid(visit):
    page = visit.go("/scenario?series=S1/bread", "#scenario-plan .ag-row")
    cell = page.locator("#scenario-plan .ag-row[row-index='5'] [col-id='promo']")
    cell.dblclick()
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=promo: set to 1 on 2024-02-12")
    assert "promo: set to 1 on 2024-02-12" in page.inner_text("#scenario-change-list")


def test_drift_over_time_its_table_and_the_locked_report(visit):
    page = visit.go("/drift", "#drift-chart .main-svg")
    drift = visit.figure("drift-chart")
    assert drift["names"] == ["price", "promo", "y", "yhat"]
    assert drift["lengths"] == [3] * 4
    assert visit.rows("drift-scores") == 4
    assert "1 of 4 columns drifted: y" in page.inner_text("#drift-body")
    assert page.get_attribute("#drift-report", "sandbox") == "allow-scripts"
    assert page.frame_locator("#drift-report").locator("#r").inner_text() == "Drift report"


def test_the_theme_reaches_the_charts(visit):
    page = visit.go("/", "#overview-forecast .main-svg")
    before = visit.figure("overview-forecast")["ink"]
    page.click("#scheme-toggle")
    until(
        page,
        "ink => document.querySelector('#overview-forecast .js-plotly-plot')?.layout?.font?.color != ink",
        arg=before,
    )
    assert page.get_attribute("html", "data-mantine-color-scheme") == "dark"
    page.click("#scheme-toggle")


def test_pages_work_by_keyboard_and_say_what_controls_are(visit):
    page = visit.go("/forecasts", "#forecasts-chart .main-svg")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('#main input:not([type=hidden]), #main button, header button')]
        .filter(e => e.offsetParent && e.tabIndex >= 0 && !e.labels?.length && !e.ariaLabel && !e.textContent.trim())
        .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert unnamed == []
    assert "Chart: All series" in page.get_attribute("#forecasts-body [role=img]", "aria-label")


@pytest.mark.parametrize("path", ["/", "/forecasts", "/scenario?series=S1/bread", "/drift"])
def test_nothing_sticks_out_on_a_phone(visit, path):
    visit.page.set_viewport_size({"width": 390, "height": 800})
    visit.go(path, "#main .js-plotly-plot, #main .ag-row")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visit.page.is_visible("#burger")
    visit.page.set_viewport_size({"width": 1280, "height": 1000})


def test_no_column_of_the_versions_is_cut_off_on_a_laptop(visit, monkeypatch):
    row = dict.fromkeys(LISTING) | {"version": 1, "cutoff": date(2026, 1, 4), "why": "wape 0.200 beats 0.220"}
    monkeypatch.setattr(models_body, "list_versions", lambda _: pl.DataFrame([row], schema=LISTING))
    page = visit.go("/models", "#models-versions .ag-row")
    right = "s => document.querySelector(`#models-versions ${s}`).getBoundingClientRect().right"
    why, table = "[col-id=why].ag-header-cell", ".ag-root"
    until(page, f"([why, table]) => ({right})(why) <= ({right})(table) + 1", [why, table])  # widths come after rows
    assert page.evaluate(right, why) <= page.evaluate(right, table) + 1


def test_tables_stay_visible_where_the_grid_waits_for_widths(visit):
    page = visit.go("/scenario?series=S1/bread", "#main .ag-row")
    page.evaluate("document.querySelector('#main .ag-root').classList.add('ag-delay-render')")
    assert page.is_visible("#main .ag-row")
    assert page.is_visible("#main .ag-header-cell")


def test_the_pages_are_reached_on_a_phone(visit):
    visit.page.set_viewport_size({"width": 390, "height": 800})
    page = visit.go("/", "#overview-forecast .main-svg")
    drift = page.get_by_role("navigation", name="Pages").get_by_text("Drift", exact=True)
    assert not drift.is_visible() or drift.bounding_box()["x"] < 0
    page.click("#burger")
    drift.click()
    page.wait_for_selector("#drift-chart .main-svg")
    until(page, "document.querySelector('nav').getBoundingClientRect().right <= 0")
    visit.page.set_viewport_size({"width": 1280, "height": 1000})


@pytest.fixture(scope="module")
def empty_visit(visit: BrowserTab, bare, browser, serving: Callable) -> Iterator[BrowserTab]:
    tab = BrowserTab(browser, serving(app.create_app(bare)))
    yield tab
    tab.page.close()


@pytest.mark.parametrize(
    ("path", "title", "step"),
    [
        ("/", "No data yet", "run"),
        ("/forecasts", "No forecasts yet", "run"),
        ("/scenario", "No forecast to change yet", "run"),
        ("/drift", "No drift check yet", "monitor"),
    ],
)
def test_an_empty_store_shows_the_command_that_fills_it(empty_visit, path, title, step):
    page = empty_visit.go(path, ".empty")
    text = page.inner_text(".empty")
    assert title in text
    assert f"demandcast {step} " in text
    assert text.strip().split("\n")[-2 if "Copy" in text else -1].endswith("corner.yaml")
    assert "no run yet" in page.inner_text("#freshness")
