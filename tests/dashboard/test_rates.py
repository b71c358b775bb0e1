"""How many requests a caller may send: so many a second, twice as many at once, and each caller for itself."""

import httpx
import pytest

from dashboard.access import rates
from dashboard.access.rates import Rates
from dashboard.access.settings import Access
from dashboard.app import create_guarded
from tests.dashboard import fake_store
from tests.dashboard.guarded import House, open_house


def test_a_bucket_fills_as_time_goes_by():
    bucket = Rates(5)
    assert [bucket.seconds_to_wait("anna", 100.0) for _ in range(10)] == [0.0] * 10, "two seconds' requests at once"
    assert bucket.seconds_to_wait("anna", 100.0) == pytest.approx(0.2)
    assert bucket.seconds_to_wait("anna", 100.1) == pytest.approx(0.1), "what is refused is not counted"
    assert bucket.seconds_to_wait("bob", 100.1) == 0.0
    assert bucket.seconds_to_wait("anna", 100.25) == 0.0
    assert bucket.seconds_to_wait("anna", 100.25) > 0.0
    much_later = [bucket.seconds_to_wait("anna", 9999.0) for _ in range(11)]
    assert much_later[:10] == [0.0] * 10
    assert much_later[10] > 0.0, "a bucket does not grow beyond its size"


def test_without_a_limit_nobody_waits_and_callers_are_not_remembered_for_ever(monkeypatch):
    assert {Rates(None).seconds_to_wait("anna", 0.0) for _ in range(1000)} == {0.0}
    monkeypatch.setattr(rates, "MOST_CALLERS", 3)
    bucket = Rates(1)
    for n in range(100):
        assert bucket.seconds_to_wait(f"address {n}", 0.0) == 0.0
    assert len(bucket._left) <= 3


@pytest.fixture(scope="module")
def slow(serving, tmp_path_factory) -> tuple[House, str, str]:
    """A dashboard that answers one request a second of each, and the same without accounts."""
    house = open_house(tmp_path_factory.mktemp("slow"), serving, fake_store.fill)
    settings = house.config.access.model_copy(update={"requests_per_second": 1})
    config = house.config.model_copy(update={"access": settings})
    guarded, open_one = (create_guarded(config, Access(config, accounts)).app for accounts in (house.accounts, None))
    return house, serving(guarded), serving(open_one)


def statuses(address: str, key: str = "", path: str = "/api/v1/status") -> list[int]:
    header = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=address, headers=header, timeout=60) as asking:
        return [asking.get(path).status_code for _ in range(12)]


def test_who_asks_too_often_is_told_when_to_ask_again_and_others_are_answered(slow):
    house, address, _ = slow
    assert 429 in statuses(address, house.keys["viewer"])
    header = {"Authorization": f"Bearer {house.keys['viewer']}"}
    refused = httpx.get(f"{address}/api/v1/status", headers=header)
    if refused.status_code == 429:  # a machine that is busy may have let a second pass
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["detail"] == "too many requests (access.requests_per_second)"
    assert statuses(address, house.keys["admin"])[0] == 200
    assert 429 in statuses(address, path="/health"), "an address of nobody known"


def test_this_machine_is_not_slowed_down_where_nobody_signs_in(slow):
    assert set(statuses(slow[2])) == {200}
