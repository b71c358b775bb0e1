"""Backtest rows are read in the order of their forecasts, and of one model without those of others."""

import polars as pl
import pytest

from forecasting.steps.forecasting.stored_rows import backtest_rows, rows_so_far
from forecasting.steps.session import Session, open_session
from tests import chain


@pytest.fixture(scope="module")
def session() -> Session:
    return open_session(chain.ran()[0].copy().config())


def windows(session: Session) -> tuple[str, list]:
    """The recipe and the cutoffs of the rows that are stored."""
    rows = session.store.scan("backtests").select("recipe", "cutoff").unique().sort("cutoff").collect()
    return rows["recipe"][0], rows["cutoff"].unique().sort().to_list()


def test_rows_come_by_window_bucket_and_model_as_they_were_forecast(session):
    recipe, cutoffs = windows(session)
    names = session.store.scan("backtests").select(pl.col("model").unique()).collect()["model"].sort(descending=True)
    rows = rows_so_far(session.store, recipe, cutoffs, names.to_list()).collect()

    def place(row: dict) -> tuple:
        key = row["unique_id"], row["ds"]
        if row["bucket"] < 0:
            return row["cutoff"], 1, row["bucket"], row["grain"], 0, row["model"], *key
        return row["cutoff"], 0, row["bucket"], "", names.to_list().index(row["model"]), "", *key

    places = [place(row) for row in rows.iter_rows(named=True)]
    assert places == sorted(places)
    assert rows.columns == session.store.tables["backtests"].schema.names()
    assert rows["bucket"].min() < 0 <= rows["bucket"].max()


@pytest.mark.parametrize("read", ["as forecast", "in fixed order"])
def test_rows_of_other_models_are_left_out_before_rows_are_sorted(session, read):
    recipe, cutoffs = windows(session)
    every = {
        "as forecast": lambda: rows_so_far(session.store, recipe, cutoffs, ["Naive"]),
        "in fixed order": lambda: backtest_rows(session.store, recipe, cutoffs),
    }[read]()
    plan = every.filter(pl.col("model") == "Naive").explain()
    assert plan.index("SORT BY") < plan.index('col("model") == "Naive"')
