"""The page Access: an admin gives and takes access there, at once; nobody else sees or changes anything."""

import json
from typing import Any

import httpx
import pytest

from dashboard.access.settings import Access
from dashboard.app import create_guarded
from forecasting.services.accounts import audit, keys, users
from tests.dashboard import fake_store
from tests.dashboard.guarded import PASSWORD, House, open_house
from tests.dashboard.pressed import press

NEW = {"access-user-name": "Carla", "access-user-role": "planner", "access-user-password": "a long enough one"}
BUTTONS = {
    "access-user-add": NEW,
    "access-user-set-role": {"access-changed-name": "viewer", "access-changed-role": "admin"},
    "access-user-set-password": {"access-changed-name": "admin", "access-changed-password": "a long enough one"},
    "access-user-remove": {"access-changed-name": "planner"},
    "access-key-add": {"access-key-name": "mine", "access-key-role": "admin"},
    "access-key-revoke": {"access-key-name": "viewer"},
}


@pytest.fixture(scope="module")
def house(serving, tmp_path_factory) -> House:
    return open_house(tmp_path_factory.mktemp("people"), serving, fake_store.fill)


def page(asking: httpx.Client) -> str:
    return json.dumps(press(asking, "query-Access", {"query-Access": {}}).json())


def say(asking: httpx.Client, button: str, values: dict[str, Any]) -> str:
    answer = press(asking, button, values)
    assert answer.status_code == 200, answer.text
    parts = answer.json()["response"]
    assert all(part.get("value", "") == "" for part in parts.values()), "passwords leave the page"
    return str(next(part["children"] for name, part in parts.items() if name.endswith("-message")))


@pytest.mark.parametrize("who", ["viewer", "planner"])
def test_who_is_no_admin_sees_and_changes_nothing(house, who):
    before = users.list_users(house.accounts).rows(), keys.list_keys(house.accounts)["name"].to_list()
    with house.with_key(who) as asking:
        shown = page(asking)
        assert "needs the role admin" in shown
        assert "access-user-table" not in shown
        for button, values in BUTTONS.items():
            assert press(asking, button, values).status_code == 403, button
    assert (users.list_users(house.accounts).rows(), keys.list_keys(house.accounts)["name"].to_list()) == before


def test_an_admin_lets_somebody_in_changes_the_role_and_ends_it(house):
    with house.with_key("admin") as admin:
        assert {"access-user-table", "access-key-table", "access-audit"} <= set(page(admin).split('"'))
        assert say(admin, "access-user-add", NEW) == "Carla may sign in."
        assert "there is a user carla already" in say(admin, "access-user-add", NEW)
        with house.signed_in("carla", NEW["access-user-password"]) as carla:
            assert carla.get("/api/v1/status").status_code == 200
            say(admin, "access-user-set-role", {"access-changed-name": "carla", "access-changed-role": "viewer"})
            assert carla.delete("/api/v1/scenarios/x?reason=y").status_code == 403, "holds from the next request on"
            say(
                admin, "access-user-set-password", {"access-changed-name": "carla", "access-changed-password": PASSWORD}
            )
            assert carla.get("/api/v1/status").status_code == 401
        with house.signed_in("carla") as carla:
            say(admin, "access-user-remove", {"access-changed-name": "carla"})
            assert carla.get("/api/v1/status").status_code == 401
        assert "only admin" in say(admin, "access-user-remove", {"access-changed-name": "admin"})
    assert "carla" not in users.list_users(house.accounts)["name"].to_list()


def test_a_key_is_shown_once_and_revoked(house):
    made = {"access-key-name": "nightly", "access-key-role": "viewer", "access-key-days": 30}
    with house.with_key("admin") as admin:
        key = say(admin, "access-key-add", made).rsplit(" ", 1)[1]
        with httpx.Client(base_url=house.address, headers={"Authorization": f"Bearer {key}"}) as program:
            assert program.get("/api/v1/status").status_code == 200
            assert key not in page(admin)
            say(admin, "access-key-revoke", {"access-key-name": "nightly"})
            assert program.get("/api/v1/status").status_code == 401


def test_the_audit_log_says_who_gave_access_and_no_password(house):
    with house.with_key("admin") as admin:
        say(admin, "access-user-add", NEW | {"access-user-name": "dora"})
        for _ in range(100):  # an entry is written after the answer is sent
            rows = audit.read_audit(house.accounts).filter(event="write")
            if rows.filter(object="new user dora").height:
                break
        shown = page(admin)
    assert rows.filter(object="new user dora").select("who", "status").rows() == [("key:admin", 200)]
    assert "new user dora" in shown
    assert NEW["access-user-password"] not in shown


def test_the_navigation_shows_the_page_to_admins_alone(house):
    for who, seen in (("viewer", False), ("admin", True)):
        with house.with_key(who) as asking:
            assert ("/access" in links_of(asking)) is seen
            assert "/models" in links_of(asking)


def links_of(asking: httpx.Client) -> list[str]:
    """The addresses that the navigation shows."""
    known = asking.get("/_dash-dependencies").json()
    spec = next(one for one in known if one["output"] == "pages.children")
    body = {"output": "pages.children", "outputs": {"id": "pages", "property": "children"}, "state": []}
    inputs = [part | {"value": "/"} for part in spec["inputs"]]
    drawn = asking.post("/_dash-update-component", json=body | {"inputs": inputs, "changedPropIds": []}).json()
    return [link["props"]["href"] for link in drawn["response"]["pages"]["children"]]


def test_where_nobody_has_to_sign_in_it_says_how_to_begin(house, serving):
    address = serving(create_guarded(house.config, Access(house.config)).app)
    with httpx.Client(base_url=address, headers={"Origin": address}) as asking:
        shown = page(asking)
    assert f"demandcast users add {house.config.file} NAME --role admin" in shown
    assert "access-user-table" not in shown
