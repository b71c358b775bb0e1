"""The REST API on a real server, over a job with models: what it answers is what was forecast, and what it refuses."""

import io
import json
import threading
from collections.abc import Iterator

import httpx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dashboard.api import create_api
from dashboard.rest import background, current
from forecasting.steps.serving import online
from tests.dashboard.served import Api, ran

NUMBERS = ["yhat", "q50", "lo-80", "hi-80", "lo-95", "hi-95"]
ANSWERED = ["mean", "median", "lo-80", "hi-80", "lo-95", "hi-95"]


@pytest.fixture(scope="module")
def api(serving) -> Iterator[Api]:
    """One server for all tests of this file."""
    job = ran()
    config = job.config(serving__spool=str(job.folder / "spool"))
    app = create_api(config)
    address = serving(app)
    with httpx.Client(base_url=f"{address}/api/v1", timeout=60) as http:
        first = http.get("/forecasts/S1/I01").json()["rows"]
        yield Api(app.state.context, http, [pl.Series([row["ds"]]).str.to_date()[0] for row in first])


def csv_of(answer: httpx.Response) -> pl.DataFrame:
    assert answer.status_code == 200, answer.text
    return pl.read_csv(io.BytesIO(answer.content), try_parse_dates=True, infer_schema_length=None)


def test_online_forecasts_are_the_published_ones_row_for_row(api):
    """With the values that are planned anyway every row is forecast on request, and must come out as in the night."""
    planned = api.plans()
    online = csv_of(api.batch(planned.write_csv()))
    published = api.forecasts()
    assert online.height == published.height == 8 * 14
    told = online.select("unique_id", "ds", *(pl.col(a).alias(n) for a, n in zip(ANSWERED, NUMBERS, strict=True)))
    assert_frame_equal(told, published.select("unique_id", "ds", *NUMBERS), rel_tol=1e-9, abs_tol=1e-9)
    assert online["source"].to_list() == published["source"].to_list()
    one = api.predict(ds=str(api.days[3]), values={"price": planned["price"][3], "promo": planned["promo"][3]}).json()
    assert one["mean"] == pytest.approx(published["yhat"][3], rel=1e-9)


def test_a_row_without_values_is_the_published_one(api):
    planned = api.forecasts().filter(unique_id=api.unique_id).row(2, named=True)
    answer = api.predict(ds=str(api.days[2])).json()
    price = api.plans().filter(unique_id=api.unique_id)["price"][2]
    assert (answer["mean"], answer["median"]) == (planned["yhat"], planned["q50"])
    assert answer["bounds"] == [{"level": n, "lo": planned[f"lo-{n}"], "hi": planned[f"hi-{n}"]} for n in (80, 95)]
    assert answer["price"] == price
    assert answer["revenue"] == pytest.approx(planned["yhat"] * price)
    assert (answer["source"], answer["fallback"], answer["version"]) == (planned["source"], False, 1)
    shown = api.http.get(f"/forecasts/{api.unique_id}", params={"start": str(api.days[2]), "h": 1}).json()
    same = ("unique_id", "ds", "mean", "median", "bounds", "price", "revenue", "source")
    assert [{k: row[k] for k in same} for row in shown["rows"]] == [{k: answer[k] for k in same}]


def test_other_prices_make_other_forecasts_and_are_cached(api):
    low, high = (api.predict(values={"price": price}) for price in (1.0, 4.0))
    assert low.json()["mean"] > high.json()["mean"]
    assert high.json()["revenue"] == pytest.approx(4 * high.json()["mean"])
    again = api.predict(values={"price": 4.0, "promo": None})
    assert (again.json(), again.headers["etag"]) == (high.json(), high.headers["etag"])
    assert api.predict(values={"promo": True}).json() == api.predict(values={"promo": 1}).json()


def test_what_a_file_says_holds_together_and_further_values_are_further_plans(api):
    """The plan of a row is what the file says of other days and series; rows without values change nothing."""
    day = api.days[0]
    alone = api.predict(values={"price": 1.0}).json()["mean"]
    text = f"unique_id,ds,price\nS2/I02,{day},\n{api.unique_id},{day},1\n{api.unique_id},{day},3\n"
    rows = csv_of(api.batch(text))
    assert rows["line"].to_list() == [2, 3, 4]
    assert rows["mean"][1] == pytest.approx(alone, rel=1e-9)
    assert rows["mean"][2] == pytest.approx(api.predict(values={"price": 3}).json()["mean"], rel=1e-9)


def test_bad_lines_are_reported_and_good_ones_answered(api):
    day, one = api.days[0], api.unique_id
    lines = [
        f"{one},{day},", f"{one},{day}", f"nobody,{day},1", "", f"{one},31.12.2024,1", f"{one},2030-01-01,1",
        f"{one},{day},cheap", f"{one},{day},-1", f",{day},1", f"{one},{day},2.5,9", f'"{one}",{day},2.5',
    ]  # fmt: skip
    rows = csv_of(api.batch("\ufeffunique_id,ds,price\r\n" + "\r\n".join(lines)))
    told = dict(zip(rows["line"], rows["error"].fill_null(""), strict=True))
    assert {line for line, error in told.items() if not error} == {2, 12}
    assert "5" not in told  # an empty line is no row
    words = {3: "2 fields", 4: "no series nobody", 6: "no day", 7: "covers", 8: "not a number", 9: "below 0",
             10: "needs a series", 11: "4 fields"}  # fmt: skip
    assert {line: word in told[line] for line, word in words.items()} == dict.fromkeys(words, True)
    assert rows["mean"].null_count() == len(words)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("", "body"), ("unique_id,ds,prise\n", "prise"), ("unique_id,price\n", "ds"), ("ds,ds,unique_id\n", "ds"),
        (b"unique_id,ds\nS1/\xff,2024-01-01\n", "body"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_such_file_is_refused(api, content, field):
    answer = api.batch(content)
    assert_problem(answer, 422, field)


def test_a_file_with_a_header_alone_has_no_answers(api):
    assert csv_of(api.batch("unique_id,ds\n")).height == 0


def test_a_file_needs_its_type_and_has_a_largest_size(api, monkeypatch):
    answer = api.http.post("/predict/batch", files={"file": ("rows.csv", b"unique_id,ds\n")})
    assert_problem(answer, 415)
    assert_problem(api.batch(b"x" * (api.config.serving.upload * 1_000_000 + 1)), 413)


def assert_problem(answer: httpx.Response, status: int, field: str = "") -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["title"]
    assert [error["field"] for error in problem["errors"]][: bool(field)] == [field] * bool(field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ds": None}, "ds"), ({"ds": "soon"}, "ds"), ({"ds": "2030-01-01"}, "ds"),
        ({"unique_id": "nobody"}, "unique_id"), ({"unique_id": 7}, "unique_id"),
        ({"values": {"price": "cheap"}}, "values.price"), ({"values": {"price": -1}}, "values.price"),
        ({"values": {"prise": 1}}, "values.prise"),
        ({"values": {"stock": 1}}, "values.stock"), ({"values": []}, "values"), ({"price": 1}, "price"),
    ],
)  # fmt: skip
def test_a_wrong_field_of_a_prediction_is_named(api, body, field):
    answer = api.http.post("/predict", json={"unique_id": api.unique_id, "ds": str(api.days[0])} | body)
    assert_problem(answer, 422, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"unique_ids": ["nobody"]}, "unique_ids"), ({"where": "store ="}, "where"),
        ({"where": "shop = 'S1'"}, "where"),
        ({"where": "store = 'S9'"}, "where"), ({"where": "store = 'S1'", "unique_ids": ["S1/I01"]}, "where"),
        ({"start": "2030-01-01"}, "start"), ({"end": "2020-01-01"}, "end"), ({"h": 15}, "h"), ({"h": 0}, "h"),
        ({"changes": ["cheaper"]}, "changes"), ({"changes": ["stock=1@2024-05-15:2024-05-16"]}, "changes"),
        ({"changes": ["price*=2@2031-05-15:2031-05-16"]}, "changes"),
    ],
)  # fmt: skip
def test_a_wrong_field_of_a_forecast_is_named(api, body, field):
    assert_problem(api.http.post("/forecasts", json=body), 422, field)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404), ("GET", "/../x", 404), ("GET", "/../v2/predict", 404), ("GET", "/..", 404),
        ("GET", "/scenarios/a%0Ab", 404), ("GET", "/forecasts/a%0Ab", 404), ("GET", "/../%0A", 404),
        ("GET", "/predict", 405), ("POST", "/health", 405), ("GET", "/forecasts/nobody", 404),
        ("GET", "/jobs/none", 404),
        ("GET", "/jobs/none/result", 404), ("DELETE", "/jobs/none", 404), ("GET", "/scenarios/none", 404),
        ("DELETE", "/scenarios/none?reason=a", 404), ("GET", "/series?limit=0", 422), ("GET", "/series?limit=few", 422),
        ("DELETE", "/scenarios/none", 422), ("POST", "/predict", 422), ("POST", "/scenarios", 422),
    ],
)  # fmt: skip
def test_whatever_is_asked_wrongly_is_a_problem(api, method, path, status):
    address = str(api.http.base_url).rstrip("/") + path
    answer = httpx.request(method, address)
    assert_problem(answer, status)
    if status == 405:
        assert answer.headers["allow"]


def test_an_etag_holds_until_there_is_a_newer_forecast(api, monkeypatch):
    path = f"/forecasts/{api.unique_id}?h=2"
    tag = api.http.get(path).headers["etag"]
    assert api.http.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert api.http.get("/series", headers={"If-None-Match": f'"other", {tag}'}).status_code == 200
    monkeypatch.setattr(current, "LOOK_AFTER", 0.0)
    vintages = api.session.store.scan("vintages").collect()
    later = vintages.with_columns(pl.col("published_at").dt.offset_by("1h"))
    api.session.store.replace("vintages", later)
    newer = api.http.get(path, headers={"If-None-Match": tag})
    assert (newer.status_code, newer.headers["etag"] == tag) == (200, False)


def test_forecasts_of_many_series_with_changes(api):
    day = api.days[0]
    asked = {"where": "store = 'S1'", "changes": [f"price*=0.5@{day}:{day}"], "h": 2}
    rows = api.http.post("/forecasts", json=asked).json()["rows"]
    assert [(row["unique_id"], row["ds"]) for row in rows] == [
        (f"S1/I0{item}", str(ds)) for item in (1, 2, 3, 4) for ds in api.days[:2]
    ]
    price = api.plans().filter(unique_id="S1/I02")["price"]
    assert [row["price"] for row in rows[2:4]] == pytest.approx([price[0] / 2, price[1]])
    alone = api.predict(unique_id="S1/I02", values={"price": price[0] / 2}).json()
    assert rows[2]["mean"] == pytest.approx(alone["mean"], rel=1e-9)


def test_long_work_is_a_job_to_poll_and_to_cancel(api, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slow(*args):
        begun.set()
        assert go_on.wait(30)
        return forecast(*args)

    forecast = online.forecast_edited
    monkeypatch.setattr(online, "forecast_edited", slow)
    asked = {"unique_ids": [api.unique_id], "h": 1, "changes": [f"price=1@{api.days[0]}:{api.days[0]}"]}
    now = api.http.post("/forecasts", json=asked, headers={"Prefer": "respond-async"})
    other = api.http.post("/forecasts", json=asked, headers={"Prefer": "respond-async"}).json()["id"]
    assert now.status_code == 202
    job = now.headers["location"].removeprefix("/api/v1")
    assert begun.wait(30)
    assert api.http.get(job).json()["state"] == "running"
    assert_problem(api.http.get(f"{job}/result"), 409)
    assert api.http.delete(f"/jobs/{other}").json()["state"] == "cancelled"
    go_on.set()
    while (state := api.http.get(job).json())["state"] == "running":
        pass
    assert (state["state"], state["done"], state["parts"]) == ("done", 1, 1)
    result = api.http.get(state["result"].removeprefix("/api/v1")).json()
    assert result["rows"][0]["mean"] == pytest.approx(api.predict(values={"price": 1}).json()["mean"])
    assert api.http.delete(job).json()["state"] == "done"
    assert api.http.get(f"/jobs/{other}").json()["state"] == "cancelled"


def test_a_request_that_takes_long_blocks_no_other(api, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_):
        begun.set()
        assert go_on.wait(30)
        raise ValueError("spoilt")

    monkeypatch.setattr(online, "forecast_edited", slow)
    answered: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answered.append(api.predict(values={"price": 1.23})))
    asking.start()
    assert begun.wait(30)
    assert api.http.get("/health").json() == {"status": "ok", "config": "served"}
    assert api.predict().status_code == 200
    assert not answered
    go_on.set()
    asking.join(30)
    assert answered[0].json()["fallback"] is True


def test_where_the_models_fail_the_ladder_answers_with_a_label(api, monkeypatch):
    monkeypatch.setattr(online, "forecast_edited", lambda *_: iter([1 / 0]))
    answer = api.predict(values={"price": 1.17}).json()
    rung = api.forecasts("SeasonalMean4").filter(unique_id=api.unique_id).row(0, named=True)
    assert (answer["mean"], answer["fallback"], answer["price"]) == (rung["yhat"], True, 1.17)
    assert answer["source"].startswith("SeasonalMean4")
    assert "not looked at" in answer["source"]
    monkeypatch.undo()
    assert api.predict(values={"price": 1.17}).json()["fallback"] is False, "a fallback must not be kept"


def test_scenarios_are_forecast_saved_listed_and_withdrawn(api):
    day = api.days[0]
    asked = {"name": "Half", "unique_id": api.unique_id, "changes": [f"price*=0.5@{day}:{day}"], "reason": "why not"}
    made = api.http.post("/scenarios", json=asked)
    assert (made.status_code, made.json()["version"], len(made.json()["rows"])) == (201, 1, 14)
    row = made.json()["rows"][0]
    half = api.plans().filter(unique_id=api.unique_id)["price"][0] / 2
    assert row["mean"] == pytest.approx(api.predict(values={"price": half}).json()["mean"])
    assert row["difference"] == pytest.approx(row["mean"] - row["baseline"])
    sums = {(s["over"], s["measure"]): s for s in made.json()["sums"]}
    assert sums["changed days", "units"]["difference"] == pytest.approx(row["difference"])
    revenue = half * row["mean"] - 2 * half * row["baseline"]
    assert sums["changed days", "revenue"]["difference"] == pytest.approx(revenue)
    assert row["revenue_difference"] == pytest.approx(revenue)
    assert any("no cost is known: units and revenue only" in text for text in made.json()["warnings"])
    assert [saved["name"] for saved in api.http.get("/scenarios").json()] == ["Half"]
    assert api.http.post("/scenarios/Half/copy", json={"name": "Twin"}).json()["reason"].startswith("copy of Half")
    assert_problem(api.http.post("/scenarios/Half/copy", json={"name": "Twin"}), 422, "name")
    assert api.http.delete("/scenarios/Twin", params={"reason": "over"}).status_code == 204
    assert api.http.get("/scenarios/Half").json()["rows"] == made.json()["rows"]
    for other, field in (
        ({"changes": ["x"]}, "changes"),
        ({"unique_id": "nobody"}, "unique_id"),
        ({"name": ""}, "name"),
    ):
        assert_problem(api.http.post("/scenarios", json=asked | {field: other}), 422, field)
    assert api.http.delete("/scenarios/Half", params={"reason": "over"}).status_code == 204
    assert api.http.get("/scenarios").json() == []


def test_series_page_by_page(api):
    first = api.http.get("/series?limit=3").json()
    rest = api.http.get(f"/series?limit=100&offset={first['next']}").json()
    assert (first["total"], rest["next"], len(first["items"])) == (8, None, 3)
    names = [item["unique_id"] for item in first["items"] + rest["items"]]
    volume = {item["unique_id"]: item["mean"] * item["observations"] for item in first["items"] + rest["items"]}
    assert names == sorted(volume, key=lambda name: -volume[name])
    assert {item["unique_id"] for item in api.http.get("/series?search=s2 i0").json()["items"]} == {
        f"S2/I0{n}" for n in (1, 2, 3, 4)
    }


def test_state_models_and_metrics(api):
    status, vintage = api.http.get("/status").json(), api.session.vintages.row(0, named=True)
    assert (status["cutoff"], status["champion"], status["series"]) == (str(vintage["cutoff"]), vintage["champion"], 8)
    newest = api.http.get("/models").json()["items"][0]
    assert (newest["version"], newest["served"], "champion" in newest["aliases"]) == (1, True, True)
    assert api.http.get("/ready").json()["version"] == 1
    metrics = httpx.get(f"{api.http.base_url}metrics".replace("/api/v1", "")).text
    assert 'demandcast_requests_total{method="GET",route="/status",status="200"}' in metrics
    assert "demandcast_model_version 1.0" in metrics


def test_nothing_published_is_no_fault_of_the_program(bare, serving):
    with httpx.Client(base_url=f"{serving(create_api(bare))}/api/v1") as http:
        assert_problem(http.post("/predict", json={"unique_id": "a", "ds": "2024-01-01"}), 409)
        assert_problem(http.get("/forecasts/a"), 409)
        assert_problem(http.get("/ready"), 503)
        assert (
            http.get("/health").status_code
            == http.get("/status").status_code
            == http.get("/metrics").status_code
            == 200
        )


def test_every_served_row_is_logged_once(api):
    store = api.session.store
    background.store_log(api.context)
    before = store.scan("predictions").collect().height
    answer = api.predict(ds=str(api.days[5]), values={"price": 2.22}).json()
    api.http.get(f"/forecasts/{api.unique_id}?h=3")
    api.batch(f"unique_id,ds\n{api.unique_id},{api.days[0]}\nnobody,{api.days[0]}\n")
    files = list(api.spool.glob("date=*/hour=*/*.jsonl"))
    assert len(files) == 1
    assert len(files[0].read_text().splitlines()) == 5
    background.store_log(api.context)
    rows = store.scan("predictions").collect()
    assert rows.height == before + 5
    mine = rows.filter(pl.col("changes") == '{"price":2.22}').row(0, named=True)
    assert (mine["yhat"], mine["model"], mine["version"]) == (answer["mean"], answer["model"], 1)
    assert (mine["operation"], mine["ds"], mine["author"]) == ("predict", api.days[5], "local")
    assert json.loads(mine["changes"]) == {"price": 2.22}
