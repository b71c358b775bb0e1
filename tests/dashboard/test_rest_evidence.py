"""The routes of evidence answer as the commands do, refuse with the field, and become a job where it takes long."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import polars as pl
import pytest

from dashboard.api import create_api
from dashboard.api.v1 import events, explanations
from demandcast.client import Client
from forecasting.planning.explain import COMPONENTS
from forecasting.steps.explaining import explain, explain_change, explain_inputs, past_events
from forecasting.steps.reports.lever_report import report_levers
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import Session, open_session
from tests.chain import LAST
from tests.dashboard.served import ran

ONE = SeriesFilter(unique_id="S1/I01")


@pytest.fixture(scope="module")
def address(serving) -> str:
    job = ran()
    return serving(create_api(job.config(serving__spool=str(job.folder / "spool-of-evidence"))))


@pytest.fixture
def http(address) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{address}/api/v1", timeout=120) as opened:
        yield opened


@pytest.fixture
def client(address) -> Iterator[Client]:
    with Client(address) as opened:
        yield opened


@pytest.fixture(scope="module")
def session() -> Session:
    return open_session(ran().config())


def test_explanations_are_those_of_the_command_and_add_up(client, session):
    day = LAST + timedelta(2)
    found = client.evidence.explanations("S1/I01", start=day, end=day + timedelta(1))
    told = explain(session, ONE, (day, day + timedelta(1)))
    assert (found.sentence, found.warnings) == (told.sentence, list(told.warnings))
    assert [(row.ds, row.mean, row.components) for row in found.rows] == [
        (row["ds"], row["yhat"], {name: row[name] for name in COMPONENTS}) for row in told.rows.to_dicts()
    ]
    assert all(sum(row.components.values()) == pytest.approx(row.mean, abs=1e-6) for row in found.rows)
    assert [row.mean for row in found.rows] == [
        row.mean for row in client.forecast("S1/I01", day, day + timedelta(1)).rows
    ]
    older = client.evidence.explanations("S1/I01", cutoff=LAST - timedelta(7)).rows
    assert (older[0].ds, len(older)) == (LAST - timedelta(6), 14)


def test_inputs_and_changes_are_those_of_the_commands(client, session):
    inputs = client.evidence.inputs("S1/I01").rows
    told = explain_inputs(session, ONE)
    assert [(r.ds, r.input, r.units, r.what) for r in inputs] == told.select("ds", "input", "units", "what").rows()
    moved, change = client.evidence.changes(where="store = 'S1'"), explain_change(session, SeriesFilter("store = 'S1'"))
    assert (moved.sentence, len(moved.rows)) == (change.sentence, change.rows.height)
    assert all(row.before + sum(row.steps.values()) == pytest.approx(row.after, abs=1e-6) for row in moved.rows)


def test_levers_are_those_of_the_report_page_by_page(client, session):
    tables = report_levers(session)
    every = client.evidence.levers("price")
    groups = tables["groups"].filter(lever="price")
    assert [(g.grain, g.unique_id, g.estimate) for g in every.groups] == groups.select(
        "grain", "unique_id", "estimate"
    ).rows()
    first, rest = client.evidence.levers("price", "s1", 3), client.evidence.levers("price", "s1", 3, 3)
    ids = [item.unique_id for page in (first, rest) for item in page.series.items]
    of_s1 = tables["series"].filter(pl.col("unique_id").str.starts_with("S1/"), lever="price")
    assert ids == of_s1["unique_id"].to_list()
    assert (first.series.total, first.series.next, rest.series.next) == (len(ids), 3, None)


def test_events_are_those_of_the_command(client, session):
    found, told = client.evidence.events("S1/I01"), past_events(session, ONE)
    assert found.sentence == told.sentence
    assert [(e.kind, e.start, e.uplift) for e in found.items] == told.rows.select("kind", "start", "uplift").rows()
    assert told.rows.height > 0
    assert len(client.evidence.events().items) > len(found.items)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("explanations?unique_id=none", "unique_id"), ("explanations?where=store='S9'", "where"),
        ("explanations?where=stare='S1'", "where"), ("explanations?unique_id=S1/I01&start=2030-01-01", "start"),
        ("explanations?unit=a", "unit"), ("explanations/changes?where=1", "where"),
        ("explanations/inputs?unique_id=none", "unique_id"), ("levers?lever=prise", "lever"),
        ("events?unique_id=none", "unique_id"), ("events?where=store='S9'", "where"),
        ("events?cutoff=1999-01-01", "cutoff"),
    ],
)  # fmt: skip
def test_what_the_command_refuses_is_a_problem_with_its_field(http, path, field):
    answer = http.get(f"/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_many_series_are_a_job_with_the_same_rows(client, http, session, monkeypatch):
    monkeypatch.setattr(explanations, "MOST_SERIES", 3)
    assert http.get("/explanations").status_code == 202
    found = client.evidence.explanations()
    told = explain(session)
    assert [(row.unique_id, row.ds, row.mean) for row in found.rows] == told.rows.select(
        "unique_id", "ds", "yhat"
    ).rows()
    assert found.sentence == told.sentence
    monkeypatch.setattr(events, "MOST_OBSERVED", 1)
    monkeypatch.setattr(events, "are_events_held", lambda *_: False)
    assert http.get("/events?unique_id=S1/I01").status_code == 202
    assert client.evidence.events("S1/I01").sentence == past_events(session, ONE).sentence


@pytest.mark.parametrize("path", ["explanations?unique_id=S1/I01", "levers", "events?unique_id=S1/I01"])
def test_an_answer_holds_until_there_is_another_vintage(http, path):
    tag = http.get(f"/{path}").headers["ETag"]
    again = http.get(f"/{path}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
