"""Alerts: one per cause while it lasts, whoever finds it how often; and which receiver is still to be told of which."""

from datetime import date

import pytest

from forecasting.config import Config
from forecasting.config.sections import ALERT_KINDS
from forecasting.data.schemas import tables
from forecasting.errors import UserError
from forecasting.services.store import Store
from forecasting.steps.alerts import (
    KINDS,
    Finding,
    note_delivery,
    note_findings,
    open_alerts,
    read_alerts,
    resolve,
    snooze,
    undelivered,
)
from tests.conftest import ROOT

DAY = date(2024, 5, 1)
DAMAGE = Finding("damage", "all", "WAPE is 50 %")


def job(**alerts: object) -> Config:
    keys = {"name": "shop", "source": {"kind": "table"}, "freq": "1d", "h": 7, "alerts": alerts}
    return Config.model_validate(keys)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(str(tmp_path), tables(job()))


def note(store: Store, *findings: Finding, config: Config | None = None, looked_for=("damage", "coverage"), at=DAY):
    return note_findings(config or job(), store, looked_for, findings, at)


def test_a_cause_has_one_alert_while_it_lasts(store):
    first = note(store, DAMAGE)
    again = note(store, Finding("damage", "all", "WAPE is 60 %"), at=date(2024, 5, 2))
    assert [alert["severity"] for alert in first.opened] == ["critical"]
    assert (again.opened, again.closed) == ([], [])
    (row,) = read_alerts(store).to_dicts()
    assert (row["message"], row["seen"], row["cutoff"]) == ("WAPE is 60 %", 2, date(2024, 5, 2))


def test_the_same_look_again_writes_nothing(store):
    note(store, DAMAGE)
    before = store.version("alerts")
    note(store, DAMAGE)
    assert store.version("alerts") == before


def test_another_segment_is_another_cause(store):
    found = note(store, Finding("damage", "smooth", "a"), Finding("damage", "lumpy", "b"))
    assert {alert["subject"] for alert in found.opened} == {"smooth", "lumpy"}
    assert len({alert["id"] for alert in found.opened}) == 2


def test_a_cause_that_is_gone_closes_its_alert_and_opens_another_when_it_returns(store):
    note(store, DAMAGE)
    assert [alert["kind"] for alert in note(store).closed] == ["damage"]
    assert open_alerts(store).is_empty()
    assert len(note(store, DAMAGE).opened) == 1
    assert read_alerts(store).height == 2


def test_what_nobody_looked_for_stays_open(store):
    note(store, Finding("failed", "ingest", "no file"))
    note(store)
    assert open_alerts(store)["kind"].to_list() == ["failed"]
    resolve(store, "failed", "train")
    assert open_alerts(store).height == 1
    resolve(store, "failed", "ingest")
    assert open_alerts(store).is_empty()


def test_each_receiver_is_told_of_an_alert_once(store):
    config = job(receivers=["mail/planning", "custom-webhook/pager"])
    note(store, DAMAGE)
    (mail, told), (hook, _) = undelivered(config, store, DAY)
    assert (mail, hook) == ("mail/planning", "custom-webhook/pager")
    note_delivery(store, told, mail)
    assert [receiver for receiver, _ in undelivered(config, store, DAY)] == [hook]
    note(store, Finding("coverage", "all", "too narrow"), DAMAGE)
    assert {r: [a["kind"] for a in alerts] for r, alerts in undelivered(config, store, DAY)} == {
        mail: ["coverage"],
        hook: ["damage", "coverage"],
    }


def test_a_snoozed_alert_waits_and_is_sent_afterwards(store):
    config = job(receivers=["mail/planning"])
    alert = note(store, DAMAGE).opened[0]["id"]
    snooze(store, alert, date(2024, 5, 3))
    assert undelivered(config, store, date(2024, 5, 3)) == []
    assert len(undelivered(config, store, date(2024, 5, 4))) == 1
    assert open_alerts(store).height == 1


def test_a_snoozed_kind_and_one_of_no_severity_are_kept_and_not_sent(store):
    config = job(receivers=["mail/a"], snooze={"damage": "2024-05-03"}, severity={"coverage": "info"})
    note(store, DAMAGE, Finding("coverage", "all", "too narrow"), config=config)
    assert undelivered(config, store, date(2024, 5, 3)) == []
    assert [[a["kind"] for a in alerts] for _, alerts in undelivered(config, store, date(2024, 5, 4))] == [["damage"]]
    assert open_alerts(store).height == 2


def test_a_closed_alert_is_not_sent_any_more(store):
    config = job(receivers=["mail/a"])
    note(store, DAMAGE)
    note(store)
    assert undelivered(config, store, DAY) == []


def test_an_alert_that_is_not_there_cannot_be_snoozed(store):
    alert = note(store, DAMAGE).opened[0]["id"]
    with pytest.raises(UserError, match=rf"there is no open alert 12345678 \(open: {alert}\)"):
        snooze(store, "12345678", DAY)


def test_owner_and_link_are_kept_with_the_alert(store):
    config = job(owner="planning@example.com", link="https://forecasts.example.com")
    note(store, DAMAGE, config=config)
    row = read_alerts(store).row(0, named=True)
    assert (row["owner"], row["link"]) == ("planning@example.com", "https://forecasts.example.com")


@pytest.mark.parametrize("kind", ALERT_KINDS)
def test_each_kind_of_alert_is_explained(kind):
    assert KINDS[kind].title
    text = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")
    heading = f"### Alert `{kind}`: "
    assert heading in text, "docs/OPERATIONS.md, Runbook: say what to do about it"
    entry = text.split(heading)[1].split("\n### ")[0]
    assert len(entry.split()) > 20
