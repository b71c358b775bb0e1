"""The Python client and the curl examples of docs/API.md, against a real server."""

import re
import subprocess
from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from dashboard.app import create_app
from demandcast.client import Client, ForecastRow, ProblemError
from forecasting.config import Config
from forecasting.services.accounts.database import open_accounts
from forecasting.services.accounts.keys import add_key
from tests.conftest import ROOT
from tests.dashboard.served import ran

EXAMPLES = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/API.md").read_text(), re.DOTALL | re.MULTILINE)
ROUTE = re.compile(r"""(?:-X (?P<method>[A-Z]+) )?"\$API/(?P<path>[^"?]*)""")


@pytest.fixture(scope="module")
def config() -> Config:
    """The job of these tests, which save scenarios in it."""
    job = ran().copy()
    return job.config(serving__spool=str(job.folder / "spool-of-clients"))


@pytest.fixture(scope="module")
def key(config) -> str:
    """The key of a planner."""
    return add_key(open_accounts(config), "clients", "planner")


@pytest.fixture(scope="module")
def address(serving, config, key) -> str:
    """A server over that job, which asks for the key."""
    return serving(create_app(config))


@pytest.fixture
def client(address, key) -> Iterator[Client]:
    with Client(address, key=key) as opened:
        yield opened


def first_days(client: Client) -> list[date]:
    return [row.ds for row in client.forecast("S1/I01").rows]


def test_the_client_predicts(client):
    day = first_days(client)[0]
    planned = client.predict("S1/I01", day)
    assert isinstance(planned, ForecastRow)
    assert (planned.ds, planned.bounds[0].level, planned.fallback) == (day, 80, False)
    assert client.predict("S1/I01", day, {"price": 1.0}).mean != planned.mean
    with pytest.raises(ProblemError, match="422: ds: the forecast covers") as caught:
        client.predict("S1/I01", date(2030, 1, 1))
    assert (caught.value.status, [*caught.value.errors]) == (422, ["ds"])


def test_the_client_sends_files_and_asks_for_ranges(client):
    day = first_days(client)[1]
    header, row = client.predict_batch(f"unique_id,ds\nS1/I01,{day}\n".encode())
    assert (header.split(",")[:3], row.split(",")[:3]) == (["line", "unique_id", "ds"], ["2", "S1/I01", str(day)])
    with pytest.raises(ProblemError, match="prise"):
        list(client.predict_batch(b"unique_id,ds,prise\n"))
    some = client.forecasts(["S1/I01", "S2/I01"], start=day, end=day)
    assert [row.unique_id for row in some.rows] == ["S1/I01", "S2/I01"]
    cheap = client.forecasts(where="store = 'S1'", changes=[f"price=0.01@{day}:{day}"])
    assert len(cheap.rows) == 4 * 14
    assert any("price" in warning for warning in cheap.warnings)


def test_the_client_has_the_other_resources(client):
    day = first_days(client)[0]
    assert client.series("i01", limit=1).total == 2
    assert client.models()[0].served
    assert client.status().config == "served"
    assert client.is_ready()
    assert "demandcast_requests_total" in client.metrics()
    made = client.scenarios.save("Cheap", "S1/I01", [f"price*=0.5@{day}:{day}"], "why not")
    assert client.scenarios.get("Cheap").rows == made.rows
    assert [saved.name for saved in client.scenarios.list()] == ["Cheap"]
    assert made.sums[0].measure == "units"
    assert client.scenarios.copy("Cheap", "Twin").reason == f"copy of Cheap, version {made.version}: why not"
    client.scenarios.withdraw("Twin", "over")
    client.scenarios.withdraw("Cheap", "over")
    assert client.scenarios.list() == []
    answer = client.request("POST", "forecasts", json={"h": 1}, headers={"Prefer": "respond-async"})
    job_id = answer.json()["id"]
    assert len(client.jobs.wait(job_id).rows) == 8
    assert client.jobs.cancel(job_id).state == "done"


def test_the_client_searches_the_best_price_and_asks_for_some_periods(client):
    days = first_days(client)
    assert [row.ds for row in client.forecast("S1/I01", h=3).rows] == days[:3]
    assert [row.ds for row in client.forecasts(["S1/I01"], h=2).rows] == days[:2]
    found = client.scenarios.search("price", (0.8, 1.1), "units", unique_id="S1/I01", start=days[0], end=days[1])
    assert {0.8, 1.0, 1.1} <= {round(tried.tried, 6) for tried in found.tried}
    assert next(tried.gain for tried in found.tried if tried.tried == 1.0) == 0.0
    with pytest.raises(ProblemError) as caught:
        client.scenarios.search("open", (0.0, 1.0), unique_id="S1/I01")
    assert caught.value.errors


def test_there_is_an_example_of_every_route(address, key):
    described = httpx.get(f"{address}/openapi.json", headers={"Authorization": f"Bearer {key}"})
    paths = described.json()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    shown = set()
    for example in EXAMPLES:
        found = ROUTE.search(example)
        method = found["method"] or ("POST" if re.search(r" -d |--data", example) else "GET")
        matching = [
            path for path in paths if re.fullmatch(re.sub(r"\\{.*?\\}", ".+", re.escape(path)), "/" + found["path"])
        ]
        shown.add((method, max(matching, key=len)))
    assert shown == routes


def test_without_a_key_the_client_is_refused(address):
    with Client(address) as stranger, pytest.raises(ProblemError, match="401: sign in, or send a key"):
        stranger.models()


def test_the_curl_examples_work(address, client, key):
    """In their order: a scenario is saved before it is shown, and the job is the one that was begun last."""
    days, job = first_days(client), ""
    for example in EXAMPLES:
        asked = example.replace("S1/tea", "S1/I01").replace("2024-05-22", str(days[2]))
        asked = asked.replace("2024-05-21", str(days[1])).replace("2024-05-20", str(days[0]))
        if asked.rstrip().endswith('/result"'):
            client.jobs.wait(job)
        script = f"set -o pipefail; API={address}/api/v1 KEY={key} JOB={job}\n{asked}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{asked}\n{done.stdout}\n{done.stderr}"
        if "respond-async" in example:
            job = re.search(r'"id":"(\w+)"', done.stdout)[1]
