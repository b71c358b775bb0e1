"""Closed periods and ended series through a whole run: what is forecast, added up, scored and told."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from forecasting.steps.data_check import check_data
from forecasting.steps.reports.backtest_summary import summarize_backtest
from forecasting.steps.session import open_session
from tests import chain

FIRST = date(2023, 1, 2)
"""A Monday."""
H = 14


def days(n: int) -> list[date]:
    return [FIRST + timedelta(i) for i in range(n)]


def run(rows: pl.DataFrame, **keys: Any) -> SimpleNamespace:
    """A job of the ladder over these rows [item, date, units], run to forecasts."""
    source = {"kind": "table", "path": "", "columns": {"unique_id": "item", "ds": "date", "y": "units"}}
    plain: dict[str, Any] = {"columns": {}, "future": {}, "calendar": {}, "clean": {}, "h": H, "models": ["ladder"]}
    plain |= {"backtest": {"windows": 2, "step": H, "calibration": 1}, "levels_of_aggregation": [[]]}
    job = chain.make(rows, source=source, **(plain | keys))
    facts = {outcome.step: outcome.facts for outcome in job.run()}
    session = open_session(job.config())
    champion = session.vintages["champion"].item(0)
    forecasts = session.store.scan("forecasts").filter(model=champion).collect().sort("grain", "unique_id", "ds")
    told = [remark["message"] for step in facts.values() for remark in step.get("remarks", [])]
    return SimpleNamespace(job=job, facts=facts, session=session, forecasts=forecasts, told=told)


@pytest.fixture(scope="module")
def canteen() -> SimpleNamespace:
    """Shut at weekends: Monday to Friday 100, 105, 110, 115, 120, for 60 weeks up to a Friday."""
    open_days = [d for d in days(60 * 7 - 2) if d.weekday() < 5]
    units = [100.0 + 5 * d.weekday() for d in open_days]
    return run(pl.DataFrame({"item": "canteen", "date": open_days, "units": units}))


def test_a_canteen_that_is_shut_at_weekends_sells_nothing_then(canteen: SimpleNamespace) -> None:
    """Two weeks are 2 x (100 + 105 + 110 + 115 + 120) = 1,100, and not 14/10 of it."""
    for grain in ("series", "total"):
        rows = canteen.forecasts.filter(grain=grain)
        shut = rows.filter(pl.col("ds").dt.weekday() > 5)
        assert rows["yhat"].sum() == pytest.approx(1100)
        assert set(shut["source"]) == {"closed"}
        assert shut.select(pl.col("yhat", "q50", *chain.BOUNDS).abs().max()).row(0) == (0.0,) * 6
        assert "closed" not in set(rows.filter(pl.col("ds").dt.weekday() < 6)["source"])


def test_it_is_told_and_counted(canteen: SimpleNamespace) -> None:
    facts = canteen.facts["ingest"]
    assert (facts["filled"], facts["filled_closed"]) == (59 * 2, 59 * 2)
    assert [t for t in canteen.told if t.startswith("no rows on Saturdays and Sundays: forecast as closed (0)")]
    assert canteen.facts["backtest"]["row_counts"] == {"closed": 8, "scored": 20}
    (section,) = [s for s in summarize_backtest(canteen.facts["backtest"]) if s.title == "Backtest"]
    assert "scored are 20 of 28 rows of series, without 8 in closed periods" in section.lines
    found = {finding.check: finding for finding in check_data(canteen.session).findings}
    assert found["closed"].verdict == "warning"


@pytest.fixture(scope="module")
def listed() -> SimpleNamespace:
    """Two items: one sells 40 every day for 400 days, the rows of the other, 20 a day, end after 200."""
    return run(sales())


ONE_WINDOW = {"windows": 1, "step": H, "calibration": 1}


def sales() -> pl.DataFrame:
    items = (("alive", 400, 40.0), ("delisted", 200, 20.0))
    return pl.concat(pl.DataFrame({"item": name, "date": days(n), "units": units}) for name, n, units in items)


def test_an_item_that_was_delisted_is_forecast_as_0_and_not_in_the_total(listed: SimpleNamespace) -> None:
    rows = listed.forecasts
    gone = rows.filter(unique_id="delisted")
    assert gone.height == H
    assert set(gone["source"]) == {"ended"}
    assert gone.select(pl.col("yhat", *chain.BOUNDS).abs().max()).row(0) == (0.0,) * 5
    assert rows.filter(grain="total")["yhat"].sum() == pytest.approx(40 * H)


def test_the_run_tells_what_it_would_be_of_the_forecast(listed: SimpleNamespace) -> None:
    """20 of 60 a day."""
    (told,) = [t for t in listed.told if "ended" in t]
    assert told.startswith(f"1 of 2 series (delisted) has ended: no row after {days(200)[-1]}, forecast as 0")
    assert "33% of the forecast" in told
    assert listed.facts["backtest"]["row_counts"] == {"ended": 2 * H, "scored": 2 * H}
    found = {finding.check: finding for finding in check_data(listed.session).findings}
    assert found["ended"].message.startswith("1 of 2 series (delisted) has ended")
    verdicts = dict(check_data(listed.session).series.select("unique_id", "life").iter_rows())
    assert verdicts == {"alive": "running", "delisted": "ended"}


def test_never_goes_on_at_the_old_level() -> None:
    never = run(sales(), clean={"ended": "never"}, backtest=ONE_WINDOW)
    assert never.forecasts.filter(grain="total")["yhat"].sum() == pytest.approx(60 * H)
    (told,) = [t for t in never.told if "silent" in t]
    assert told.startswith("1 of 2 series (delisted) has been silent for long")


def test_receipts_of_a_shop_that_is_closed_on_mondays() -> None:
    """With gaps zero a Monday is not a sale of 0: levels do not sink, and the closed days are forecast as 0."""
    rng = np.random.default_rng(1)
    every = [d for d in days(300) if d.weekday()]
    rare = [d for d in every if rng.random() < 0.05]
    shop = [pl.DataFrame({"item": "often", "date": every, "units": 10.0})]
    shop += [pl.DataFrame({"item": "rare", "date": rare, "units": 1.0})]
    found = run(pl.concat(shop), clean={"gaps": "zero"}, backtest=ONE_WINDOW)
    often = found.forecasts.filter(unique_id="often")
    assert often.filter(pl.col("ds").dt.weekday() == 1)["yhat"].sum() == 0
    assert often.filter(pl.col("ds").dt.weekday() > 1)["yhat"].to_list() == pytest.approx([10.0] * 12)
    rare_monday = found.forecasts.filter(pl.col("ds").dt.weekday() == 1, unique_id="rare")
    assert set(rare_monday["source"]) == {"closed"}, "it has the rhythm of the shop"


def test_a_sale_on_a_closed_day_is_scored() -> None:
    """The last Saturday but one has 50: it was not known, so 0 was served, and an error of 50 is counted."""
    open_days = [d for d in days(60 * 7 - 2) if d.weekday() < 5]
    saturday = open_days[-1] - timedelta(6)
    rows = pl.DataFrame({"item": "a", "date": [*open_days, saturday], "units": [100.0] * len(open_days) + [50.0]})
    found = run(rows)
    assert found.facts["backtest"]["row_counts"] == {"closed": 7, "scored": 21}
    naive = {s["model"]: s for s in found.facts["backtest"]["scores"] if s["grain"] == "series"}["Naive"]
    assert naive["wape"] == pytest.approx(50 / (20 * 100 + 50))


def test_months_without_a_row() -> None:
    """Data up to September: a kiosk of summer sells nothing in the next six months, a quarterly bill comes twice."""
    months = [date(2019 + i // 12, i % 12 + 1, 1) for i in range(57)]
    sold = {"kiosk": (5, 6, 7, 8, 9), "bill": (1, 4, 7, 10), "rent": range(1, 13)}
    parts = [
        pl.DataFrame({"item": item, "date": [d for d in months if d.month in open_months], "units": 7.0})
        for item, open_months in sold.items()
    ]
    found = run(pl.concat(parts), freq="1mo", h=6, backtest={"windows": 1, "step": 6, "calibration": 1})
    sums = found.forecasts.filter(grain="series").group_by("unique_id").agg(pl.col("yhat").sum())
    assert dict(sums.iter_rows()) == pytest.approx({"kiosk": 0, "bill": 14, "rent": 42})


def test_a_kiosk_alone_has_a_champion_in_its_last_month_of_sale() -> None:
    months = [date(2020 + i // 12, i % 12 + 1, 1) for i in range(45)]
    rows = pl.DataFrame({"item": "kiosk", "date": [d for d in months if 5 <= d.month <= 9], "units": 7.0})
    found = run(rows, freq="1mo", h=6, backtest={"windows": 1, "step": 6, "calibration": 1})
    assert set(found.forecasts["source"]) == {"closed"}
