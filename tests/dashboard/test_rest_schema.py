"""The description of the REST API holds: generated requests get documented answers, and valid ones mostly succeed."""

import itertools
import random
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import hypothesis
import pytest

from dashboard.api import create_api
from forecasting.data.edits import parse_edit
from forecasting.steps import actions
from forecasting.steps.session import open_session
from tests.dashboard.served import ran

EXAMPLES = 30
"""Generated requests per operation, valid and invalid ones each."""
pytestmark = [pytest.mark.slow, pytest.mark.system]


@pytest.fixture(scope="module")
def address(serving) -> str:
    job = ran()
    return f"{serving(create_api(job.config(serving__spool=str(job.folder / 'spool-of-schema'))))}/api/v1"


@pytest.fixture(scope="module")
def stored(address) -> dict[str, list[Any]]:
    """Values that exist, by the field or parameter that takes one."""
    with httpx.Client(base_url=address, timeout=60) as http:
        ids = [item["unique_id"] for item in http.get("/series").json()["items"]]
        days = [row["ds"] for row in http.get(f"/forecasts/{ids[0]}").json()["rows"]]
        cutoff = http.get("/status").json()["cutoff"]
        change = f"price*=0.9@{days[0]}:{days[1]}"
        job = http.post("/forecasts", json={"h": 1}, headers={"Prefer": "respond-async"}).json()["id"]
        while http.get(f"/jobs/{job}").json()["state"] != "done":
            time.sleep(0.05)
    session, names = open_session(ran().config()), [f"Saved {n}" for n in range(2 * EXAMPLES)]
    for name in ("Kept", *names):
        actions.save_scenario(session, name, ids[0], (parse_edit(change),), "for all")
    values = [{"price": 2.5}, {"promo": 1}, {}]
    return {
        "unique_id": ids, "unique_ids": [ids[:2], []], "ds": days, "start": days[:1], "end": days[-1:], "h": [1, 7],
        "changes": [[change]], "name": ["Kept"], "saved": names, "job_id": [job],
        "values": values, "where": ["store = 'S1'"], "column": ["price"], "low": [0.8], "high": [1.1],
        "lever": ["price"], "cutoff": [cutoff], "search": ["s1", ""],
    }  # fmt: skip


def from_store(stored: dict[str, list[Any]], given: dict[str, Any]) -> dict[str, Any]:
    """The generated fields with values that exist, as far as they are fields that name something."""
    rng = random.Random(repr(sorted(given.items(), key=repr)))
    return {name: rng.choice(stored[name]) if name in stored else v for name, v in given.items()}


def one_series(stored: dict[str, list[Any]], body: dict[str, Any]) -> dict[str, Any]:
    """A body about scenarios for one series: with a condition beside it, or with neither, it would be refused."""
    return body | {"unique_id": stored["unique_id"][0], "where": None}


def at_peace(body: dict[str, Any]) -> dict[str, Any]:
    """A body without fields of which only one may be given."""
    drop = {"where"} if body.get("unique_ids") else set()
    drop |= {"end"} if body.get("h") else set()
    return {name: value for name, value in body.items() if name not in drop}


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_generated_requests_get_documented_answers(address, stored, mode):
    import schemathesis
    from schemathesis.checks import load_all_checks, not_a_server_error
    from schemathesis.specs.openapi import checks

    load_all_checks()
    held = [
        not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
        checks.response_schema_conformance,
    ]  # fmt: skip
    saved, copies = iter(stored["saved"]), (f"Copy {n}" for n in itertools.count())
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")

    @schema.hook
    def map_case(context, case):
        if mode == "POSITIVE":
            case.path_parameters = from_store(stored, case.path_parameters or {})
            if case.method == "DELETE" and "name" in case.path_parameters:
                case.path_parameters["name"] = next(saved)
            case.query = at_peace(from_store(stored, dict(case.query or {})))
            if isinstance(case.body, dict):
                case.body = at_peace(from_store(stored, case.body))
                if case.path.endswith("/copy"):
                    case.body["name"] = next(copies)
                elif case.path.startswith("/scenarios"):
                    case.body = one_series(stored, case.body)
            elif case.media_type == "text/csv":
                case.body = f"unique_id,ds\n{stored['unique_id'][0]},{stored['ds'][0]}\n".encode()
        return case

    strategies = {
        operation.label: operation.as_strategy(generation_mode=schemathesis.GenerationMode[mode])
        for operation in (result.ok() for result in schema.get_all_operations())
    }
    answered = {label: ask(strategy, held) for label, strategy in strategies.items()}
    if mode == "POSITIVE":
        few = {label: dict(seen) for label, seen in answered.items() if accepted(seen) < 0.5}
        assert not few
    assert len(answered) > 15


def ask(strategy: Any, checks: list[Any]) -> Counter[int]:
    """Send generated requests, hold their answers to the checks, and count their statuses."""
    seen: Counter[int] = Counter()

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def send(case: Any) -> None:
        answer = case.call()
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=checks)

    with suppress(hypothesis.errors.Unsatisfiable):  # nothing can be asked wrongly
        send()
    return seen


def accepted(seen: Counter[int]) -> float:
    """The share of requests that were answered."""
    return sum(n for status, n in seen.items() if status < 300) / max(1, sum(seen.values()))
