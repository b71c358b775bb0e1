"""Forecasts of one series and of a store, and what each page asks; reported are the times of a process that is warm.

Each case runs once before it is measured, so that models are loaded and rows that are kept in memory have been read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from typing import Any

import polars as pl
import pytest

from dashboard.pages.drift.body import draw_body as draw_drift
from dashboard.pages.forecasts.body import draw_body as draw_forecasts
from dashboard.pages.overview.body import draw_body as draw_overview
from dashboard.pages.scenario.run import run_scenario
from forecasting.config import Config
from forecasting.steps import queries
from forecasting.steps.serving.answer_one import answer_one
from forecasting.steps.serving.held import open_served
from forecasting.steps.serving.online import forecast_changed
from forecasting.steps.serving.served import Served
from forecasting.steps.session import Session, open_session

Bench = Callable[..., Any]


@pytest.fixture(scope="session")
def served(config: Config) -> Served:
    """What is served of the job."""
    return open_served(config)


@pytest.fixture(scope="session")
def price(served: Served) -> str:
    """The column whose values are changed."""
    name = served.job.config.columns.price
    return name if name in served.columns else pytest.skip("the job has no price that is known ahead")


@pytest.mark.parametrize("changed", [False, True], ids=["as planned", "at another price"])
def test_one_series(benchmark: Bench, served: Served, changed: bool, request: pytest.FixtureRequest) -> None:
    values = {request.getfixturevalue("price"): 2.0} if changed else {}
    ids = cycle(served.series["unique_id"].sort())
    answer = benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: answer_one(served, next(ids), served.days[0], values), rounds=50, warmup_rounds=3
    )
    assert answer["yhat"].is_finite().all()


def test_a_store_at_another_price(benchmark: Bench, served: Served, price: str) -> None:
    ids = served.series["unique_id"].sort()
    day = served.days[0] + timedelta(2)
    values = ids.to_frame().with_columns(pl.lit(day).alias("ds"), pl.lit(2.0).alias(price))
    rows = benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: pl.concat(forecast_changed(served, ids, values)), rounds=3, warmup_rounds=1
    )
    assert rows["unique_id"].n_unique() > 0


def _overview(session: Session, series: str) -> object:
    return draw_overview(session, None)


def _forecasts(session: Session, series: str) -> object:
    cutoff, version, *_ = queries.list_vintages(session).row(0)
    model = queries.list_models(session, cutoff, version)[0]
    return draw_forecasts(session, ([f"series:{series}"], f"{cutoff}@{version}", model), "year", None)


def _drift(session: Session, series: str) -> object:
    return draw_drift(session, None, None)


def _scenario(session: Session, series: str) -> object:
    first = queries.read_plan(session, series)["ds"][0]
    return run_scenario(session, series, [f"{session.config.columns.price}*=0.9@{first}:{first}"])


@pytest.mark.parametrize("ask", [_overview, _forecasts, _drift, _scenario], ids=lambda f: f.__name__.strip("_"))
def test_a_page(benchmark: Bench, config: Config, ask: Callable[[Session, str], object]) -> None:
    series = queries.find_series(open_session(config), "", 1)[0]
    drawn = benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: ask(open_session(config), series), rounds=5, warmup_rounds=1
    )
    assert drawn
