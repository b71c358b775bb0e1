"""Signing in at a provider of OpenID Connect, a process of its own: who comes in, and what is not believed."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dashboard.access.entry.provider import role_for
from dashboard.access.settings import open_access
from dashboard.app import create_guarded
from forecasting.config.sections import Access, Oidc
from forecasting.services.accounts import audit, users
from tests.conftest import ROOT
from tests.dashboard.guarded import House, open_house
from tests.dashboard.oidc_provider import CLIENT, SECRET
from tests.servers import free_port, process

PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of the provider."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    ready = lambda: httpx.get(f"{address}/keys").raise_for_status()  # noqa: E731
    with process([sys.executable, "-m", "tests.dashboard.oidc_provider", str(port)], ready, cwd=ROOT):
        yield address


@pytest.fixture(scope="module")
def house(serving, provider, tmp_path_factory) -> House:
    """A dashboard where people sign in at the provider, by its group `planning` or `it`."""
    made = open_house(tmp_path_factory.mktemp("oidc"), serving)
    oidc = Oidc(issuer=provider, client_id=CLIENT, roles={"planner": ("planning",), "admin": ("it",)})
    config = made.config.model_copy(update={"access": Access(oidc=oidc)})
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DEMANDCAST_OIDC_SECRET", SECRET)
        address = serving(create_guarded(config, open_access(config)).app)
    return replace(made, config=config, address=address)


@pytest.fixture
def come(house: House, provider: str) -> Iterator[Callable[..., httpx.Response]]:
    """Go to the provider and come back as these claims say; the last answer of the dashboard."""
    with httpx.Client(timeout=30) as browser:

        def arrive(wanted: str = "/scenario", **claims: Any) -> httpx.Response:
            httpx.put(f"{provider}/claims", json=claims).raise_for_status()
            away = browser.get(f"{house.address}/sign-in/provider", params={"next": wanted})
            assert away.status_code == 303, away.text
            assert away.headers["location"].startswith(f"{provider}/authorize?")
            back = browser.get(away.headers["location"])
            return browser.get(back.headers["location"])

        arrive.browser = browser
        yield arrive


def noted(house: House) -> list[tuple[str, str]]:
    return audit.read_audit(house.accounts, 1).select("event", "who").rows()


def test_who_has_a_role_at_the_provider_comes_in(house, come):
    answer = come(sub="17", preferred_username="Ann", groups=["planning", "others"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/scenario")
    assert noted(house) == [("sign-in", "ann")]
    status = come.browser.delete(f"{house.address}/api/v1/scenarios/x?reason=a", headers={"Origin": house.address})
    assert status.status_code == 404, "a planner may"
    listed = users.list_users(house.accounts).filter(name="ann").row(0, named=True)
    assert (listed["role"], listed["signs_in"]) == ("planner", "elsewhere")
    assert users.check_password(house.accounts, "ann", "") is None


def test_the_role_is_that_of_today(house, come):
    for groups, role in ((["planning"], "planner"), (["planning", "it"], "admin")):
        assert come(sub="18", preferred_username="bea", groups=groups).status_code == 303
        assert users.list_users(house.accounts).filter(name="bea")["role"].to_list() == [role]
    refused = come(sub="18", preferred_username="bea", groups=["others"])
    assert refused.status_code == 403
    assert "bea has no role here. Ask an admin to be let in." in refused.text
    assert "set-cookie" not in refused.headers


def test_roles_may_stand_beside_the_token(house, come):
    assert come(sub="19", preferred_username="cem", userinfo={"groups": "it"}).status_code == 303
    assert users.list_users(house.accounts).filter(name="cem")["role"].to_list() == ["admin"]


@pytest.mark.parametrize("wrong", ["signature", "none", "iss", "aud", "nonce", "exp"])
def test_a_token_that_is_not_right_opens_nothing(house, come, wrong):
    answer = come(sub="20", preferred_username="eve", groups=["it"], wrong=wrong)
    assert answer.status_code == 403
    assert "demandcast-corner" not in answer.headers.get("set-cookie", "")
    assert noted(house) == [("sign-in refused", "nobody")]
    assert "eve" not in users.list_users(house.accounts)["name"].to_list()


def test_the_name_of_a_local_user_cannot_be_taken(house, come):
    answer = come(sub="21", preferred_username="admin", groups=["it"])
    assert answer.status_code == 403
    assert "The name admin belongs to a user who signs in with a password." in answer.text


def test_a_sign_in_belongs_to_the_browser_that_began_it(house, come, provider):
    httpx.put(f"{provider}/claims", json={"sub": "22", "preferred_username": "fay", "groups": ["it"]})
    away = come.browser.get(f"{house.address}/sign-in/provider")
    back = come.browser.get(away.headers["location"]).headers["location"]
    other = httpx.get(back)
    assert (other.status_code, "not begun in this browser" in other.text) == (403, True)
    forged = come.browser.get(back.replace("state=", "state=x"))
    assert forged.status_code == 403
    assert come.browser.get(back).status_code == 403, "what was begun can be tried once"


def test_the_page_offers_the_provider(house):
    page = httpx.get(f"{house.address}/sign-in?next=/drift", headers=PAGE).text
    assert 'href="/sign-in/provider?next=%2Fdrift"' in page
    assert 'name="password"' in page


def test_the_highest_role_counts():
    oidc = Oidc(
        issuer="https://id.example", client_id="x", role_claim="r", roles={"viewer": ("a", "b"), "admin": ("c",)}
    )
    found = [role_for(oidc, {"r": said}) for said in ("a", ["b", "c"], [], None, "ab", ["x"])]
    assert found == ["viewer", "admin", None, None, None, None]
