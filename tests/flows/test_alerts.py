"""Alerts reach receivers through blocks of a Prefect server: one message each, to a local mailbox and a webhook."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import requests

from flows.cli import main
from flows.orchestration import launch, notifications, reactions
from forecasting.config import Config, load
from forecasting.errors import UserError
from forecasting.steps.alerts import Finding, note_findings, open_alerts
from forecasting.steps.session import open_session
from tests.receivers import mailbox, text_of, webhook

DAMAGE = Finding("damage", "all", "WAPE is 50.0% where the backtest made one expect 20.0%")
RECEIVERS = ["mail/planning", "custom-webhook/pager"]


@pytest.fixture(scope="module")
def connected(harness) -> Iterator[SimpleNamespace]:
    """A mailbox and a webhook, saved as blocks of the Prefect server."""
    with mailbox() as mail, webhook() as hook:
        address = f"mailto://127.0.0.1:{mail.port}?from=robot@example.com&to=planning@example.com"
        notifications.connect_receiver("mail/planning", address)
        notifications.connect_receiver("custom-webhook/pager", f"http://127.0.0.1:{hook.port}/alerts?token=s3cret")
        yield SimpleNamespace(mail=mail.received, hook=hook.received)


@pytest.fixture
def job(make_job) -> tuple[Path, Config]:
    alerts = {"receivers": RECEIVERS, "owner": "planning@example.com", "link": "https://forecasts.example.com"}
    file = make_job(alerts=alerts)
    return file, load(file)


def note(config: Config, *findings: Finding) -> None:
    note_findings(config, open_session(config).store, ("damage",), findings, date(2024, 5, 1))


def test_one_message_tells_each_receiver_once(connected, job):
    _, config = job
    note(config, DAMAGE)
    assert notifications.deliver(config) == notifications.deliver(config) == []
    note(config, DAMAGE)  # the next night finds it again
    assert notifications.deliver(config) == []
    (mail,), (posted,) = connected.mail, connected.hook
    assert mail["To"] == "planning@example.com"
    subject = "demandcast tiny: critical: Forecasts are worse than expected"
    assert posted["subject"] == subject
    assert mail["Subject"].replace("\n", "") == subject
    for text in (posted["body"], text_of(mail)):
        for told in (DAMAGE.message, "owner: planning@example.com", "https://forecasts.example.com", "alert `damage`"):
            assert told in text
    connected.mail.clear()
    connected.hook.clear()


def test_a_receiver_that_cannot_be_reached_is_named_and_told_later(connected, make_job):
    config = load(make_job(alerts={"receivers": ["custom-webhook/broken", "mail/planning"]}))
    note(config, DAMAGE)
    with webhook(status=500) as broken:
        notifications.connect_receiver("custom-webhook/broken", f"http://127.0.0.1:{broken.port}/x?token=s3cret")
        (problem,) = notifications.deliver(config)
    assert "custom-webhook/broken could not be sent" in problem
    assert "s3cret" not in problem
    assert len(connected.mail) == 1, "the other receiver is told nevertheless"
    with webhook() as mended:
        notifications.connect_receiver("custom-webhook/broken", f"http://127.0.0.1:{mended.port}/x?token=s3cret")
        assert notifications.deliver(config) == []
        assert len(mended.received) == 1
    assert len(connected.mail) == 1
    connected.mail.clear()


def test_a_receiver_that_does_not_exist_is_named(harness, make_job):
    config = load(make_job(alerts={"receivers": ["mail/nobody"]}))
    note(config, DAMAGE)
    assert notifications.deliver(config) == ["alerts.receivers: there is no block mail/nobody on the Prefect server"]


def test_a_receiver_of_an_unknown_type_cannot_be_connected(harness):
    with pytest.raises(UserError, match="pigeon/loft is no receiver that can be made here: give one of mail/NAME"):
        notifications.connect_receiver("pigeon/loft", "https://example.com")


def test_an_address_that_is_none_is_not_told(harness):
    with pytest.raises(UserError, match="mail/x: its address is none for mail") as told:
        notifications.connect_receiver("mail/x", "s3cret")
    assert "s3cret" not in str(told.value)


SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
TEAMS = "https://prod-1.westeurope.logic.azure.com:443/workflows/0a1b/triggers/manual/paths/invoke?sig=s3cret"


@pytest.mark.parametrize(("kind", "url"), [("slack-webhook", SLACK), ("ms-teams-webhook", TEAMS)])
def test_chats_are_told_at_their_addresses(harness, make_job, monkeypatch, kind, url):
    """The request goes to a local receiver instead; all else is as it is sent."""
    asked, send = [], requests.Session.send

    def send_here(session: requests.Session, request: requests.PreparedRequest, **how: object) -> requests.Response:
        if "127.0.0.1" not in request.url:
            asked.append(urlsplit(request.url))
            request.url = f"http://127.0.0.1:{chat.port}/"
        return send(session, request, **how)

    config = load(make_job(alerts={"receivers": [f"{kind}/planning"]}))
    with webhook() as chat:
        notifications.connect_receiver(f"{kind}/planning", url)
        monkeypatch.setattr(requests.Session, "send", send_here)
        note(config, DAMAGE)
        assert notifications.deliver(config) == notifications.deliver(config) == []
    (address,), (posted,) = asked, chat.received
    assert (address.hostname, address.path) == (urlsplit(url).hostname, urlsplit(url).path)
    assert "Forecasts are worse than expected" in json.dumps(posted)
    assert DAMAGE.message in json.dumps(posted)


@pytest.mark.parametrize("kind", ["slack-webhook", "ms-teams-webhook"])
def test_an_address_of_another_kind_is_none_of_a_chat(harness, kind):
    with pytest.raises(UserError, match=f"{kind}/x: its address is none for {kind}"):
        notifications.connect_receiver(f"{kind}/x", "ftp://example.com/s3cret")


def test_receivers_can_be_tested(connected, job):
    assert notifications.send_test(job[1]) == []
    assert (
        [m["Subject"] for m in connected.mail] == [p["subject"] for p in connected.hook] == ["demandcast tiny: a test"]
    )
    connected.mail.clear()
    connected.hook.clear()


@pytest.fixture
def deployed(monkeypatch) -> list[tuple[str, dict]]:
    """As in a run of a deployment; starts of deployments are kept, not done."""
    started: list[tuple[str, dict]] = []

    def start(name: str, **given: object) -> SimpleNamespace:
        started.append((name, given))
        return SimpleNamespace(id="run")

    monkeypatch.setattr(reactions.runtime, "deployment", SimpleNamespace(id="deployment"))
    monkeypatch.setattr(reactions, "run_deployment", start)
    return started


MONITORED = {
    "step": "monitor",
    "facts": {"retrain": {"event": "damage", "reason": "damage: ...", "after": 3, "cutoff": "2024-05-01"}},
}


def test_a_deployed_monitor_starts_the_main_job_once_for_an_event(connected, job, deployed):
    file, _ = job
    assert reactions.react(str(file), {"h": 7}, [MONITORED]) == reactions.react(str(file), {"h": 7}, [MONITORED]) == []
    (name, given), (_, again) = deployed
    assert name == "pipeline/tiny"
    assert given["parameters"] == {"config": str(file), "overrides": {"h": 7}}
    assert given["idempotency_key"] == again["idempotency_key"], "the server makes one run of both"


def test_a_command_starts_nothing(connected, job, deployed, monkeypatch):
    monkeypatch.setattr(reactions.runtime, "deployment", SimpleNamespace(id=None))
    assert reactions.react(str(job[0]), {}, [MONITORED]) == []
    assert deployed == []


def test_a_failed_step_of_a_deployed_job_is_an_alert_until_it_ends_well(connected, job, deployed):
    file, config = job
    for _ in range(2):
        reactions.note_failure(str(file), {}, "ingest", "no file")
    assert [posted["subject"] for posted in connected.hook] == ["demandcast tiny: critical: A step has failed"]
    assert "no file" in connected.hook[0]["body"]
    assert open_alerts(open_session(config).store)["subject"].to_list() == ["ingest"]
    reactions.react(str(file), {}, [{"step": "ingest", "facts": {}}])
    assert open_alerts(open_session(config).store).is_empty()


def test_a_check_that_is_worse_than_its_baseline_ends_with_exit_code_2(make_job, monkeypatch, capsys):
    given: dict[str, object] = {}
    found = {"share": None, "drifted": [], "alerts": {"opened": [], "closed": [], "open": []}, "findings": []}
    facts = found | {"worse": ["WAPE is 50.0%, 20.0% in the baseline"]}

    def run(flow: str, _config: Config, **parameters: object) -> list[dict]:
        given.update(parameters | {"flow": flow})
        return [{"step": "monitor", "facts": facts, "reused": False, "seconds": 1.0}]

    monkeypatch.setattr(launch, "run", run)
    words = ["--new-data", "new.csv", "--baseline", "scores.json", "--report-dir", "out", "--alert-log", "log.jsonl"]
    with pytest.raises(SystemExit) as ended:
        main(["monitor", str(make_job()), *words])
    assert ended.value.code == 2
    options = {"new_data": "new.csv", "baseline": "scores.json", "report_dir": "out", "alert_log": "log.jsonl"}
    assert (given["flow"], given["options"]) == ("monitor", options)
    told = capsys.readouterr()
    assert "worse than the baseline: WAPE is 50.0%, 20.0% in the baseline" in told.out
    assert "past forecasts are worse than the baseline: WAPE is 50.0%" in told.err
    facts["worse"] = []
    main(["monitor", str(make_job()), *words])


def test_a_run_of_a_flow_sends_what_is_open(connected, job):
    """Inside a real flow, whose calls of Prefect could be of the other colour."""
    from flows.orchestration.deployments import FLOWS

    file, config = job
    connected.mail.clear()
    connected.hook.clear()
    note(config, DAMAGE)
    FLOWS["ingest"](str(file))
    assert [message["Subject"].split(": ")[0] for message in connected.mail] == ["demandcast tiny"]
    assert len(connected.hook) == 1
    connected.mail.clear()
    connected.hook.clear()
