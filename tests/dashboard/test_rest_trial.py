"""A challenger that answers its share of requests: the same ones each time, with its own forecasts, and by name."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import polars as pl
import pytest

from dashboard.api import create_api
from dashboard.rest.background import store_log
from demandcast.client import Client
from forecasting.steps.serving import answers
from tests import chain
from tests.chain import LAST, H
from tests.dashboard.served import ran

SHARE = 0.4


@pytest.fixture(scope="module")
def job() -> chain.Job:
    """The served job with a version that lost, and its forecasts beside the champion's."""
    job = ran().copy()
    rival = {"lightgbm": {"trees": 3, "params": {"min_data_in_leaf": 10}, "name": "Rival"}}
    job.run(["backtest", "train", "shadow"], models=["ladder", rival])
    return job


@pytest.fixture(scope="module")
def address(serving, job) -> tuple[str, Any]:
    config = job.config(serving__spool=str(job.folder / "spool-of-trial"), serving__challenger_share=SHARE)
    app = create_api(config)
    return serving(app), app.state.context


@pytest.fixture
def client(address) -> Iterator[Client]:
    with Client(address[0]) as opened:
        yield opened


def rows_of(client: Client, text: str) -> pl.DataFrame:
    lines = "\n".join(client.predict_batch(text.encode()))
    return pl.read_csv(io.StringIO(lines), try_parse_dates=True, infer_schema_length=None)


def everything(job: chain.Job, price: float | None = None) -> str:
    ids = job.table("series")["unique_id"].sort()
    days = [LAST + timedelta(n) for n in range(1, H + 1)]
    value = "" if price is None else price
    return "\n".join(["unique_id,ds,price", *(f"{i},{day},{value}" for i in ids for day in days)])


def test_each_answers_with_its_own_forecasts_and_always_the_same_rows(client, job):
    found = rows_of(client, everything(job))
    assert found["mean"].null_count() == 0
    told = found.select("unique_id", "ds", "mean", "version", "answered_by")
    stored = job.table("forecasts").filter(pl.col("cutoff") == LAST, pl.col("grain") == "series")
    champions = job.table("vintages").filter(cutoff=LAST).select("version", "champion")
    challengers = job.table("shadows").select("version", "champion")
    owners = pl.concat([champions.with_columns(answered_by=pl.lit("champion")),
                        challengers.with_columns(answered_by=pl.lit("challenger"))])  # fmt: skip
    own = stored.join(owners, left_on=["version", "model"], right_on=["version", "champion"])
    both = told.join(own, on=["unique_id", "ds", "version", "answered_by"], how="left")
    assert (both["mean"] - both["yhat"]).abs().max() < 1e-12
    drawn = (told["answered_by"] == "challenger").sum()
    assert abs(drawn - SHARE * told.height) < 4 * (told.height * SHARE * (1 - SHARE)) ** 0.5
    assert rows_of(client, everything(job)).equals(found)
    for row in told.gather_every(17).iter_rows(named=True):
        alone = client.predict(row["unique_id"], row["ds"])
        assert (alone.answered_by, alone.version, alone.mean) == (row["answered_by"], row["version"], row["mean"])


def test_a_changed_price_is_answered_by_the_same_and_the_log_says_who(client, address, job):
    planned, changed = rows_of(client, everything(job)), rows_of(client, everything(job, 1.05))
    assert changed["answered_by"].to_list() == planned["answered_by"].to_list()
    moved = (changed["mean"] - planned["mean"]).abs() > 1e-9
    assert set(changed.filter(moved)["answered_by"]) == {"champion", "challenger"}
    store_log(address[1])
    by = [rival.identity for rival in address[1].current.rivals()]
    logged = job.table("predictions").filter(pl.col("operation") == "predict/batch", pl.col("vintage").is_in(by))
    roles = logged.group_by("version").agg(pl.col("answered_by", "vintage").unique()).sort("version").rows()
    assert [(version, *who) for version, who, _ in roles] == [(1, "champion"), (2, "challenger")]
    assert all(len(vintages) == 1 for _, _, vintages in roles)
    one = changed.row(0, named=True)
    key = pl.col("unique_id") == one["unique_id"], pl.col("ds") == one["ds"], pl.col("changes").is_not_null()
    assert logged.filter(*key)["yhat"].unique().to_list() == pytest.approx([one["mean"]])


def test_published_forecasts_are_the_champions(client):
    found = client.forecast("S1/I01")
    assert (found.version, len(found.rows)) == (1, H)


def test_where_the_challenger_fails_the_champion_answers(address, job, monkeypatch):
    context = address[1]
    challenger = context.current.rivals()[1]
    assert challenger.version == 2
    answered = answers.answer_in_parts
    monkeypatch.setattr(
        answers, "answer_in_parts", lambda served, rows: answered(served, rows) if served is not challenger else 1 / 0
    )
    with Client(address[0]) as client:
        rows = rows_of(client, everything(job, 1.06))
    assert rows["answered_by"].unique().to_list() == ["champion"]
    assert rows["mean"].null_count() == 0


def test_without_a_share_nobody_else_answers(serving, job):
    app = create_api(job.config(serving__spool=str(job.folder / "spool-without")))
    with httpx.Client(base_url=f"{serving(app)}/api/v1", timeout=60) as http:
        sent = http.post("/predict/batch", content=everything(job), headers={"Content-Type": "text/csv"})
    assert pl.read_csv(sent.content)["answered_by"].unique().to_list() == ["champion"]
