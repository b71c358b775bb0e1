"""Signing in with a browser: the pages work with their Content-Security-Policy, and a session that is over says so."""

from collections.abc import Iterator

import pytest

from forecasting.services.accounts import users
from tests.dashboard import fake_store
from tests.dashboard.browser_tab import BrowserTab
from tests.dashboard.guarded import PASSWORD, House, open_house


@pytest.fixture(scope="module")
def house(serving, tmp_path_factory) -> House:
    return open_house(tmp_path_factory.mktemp("browsed"), serving, fake_store.fill)


@pytest.fixture
def tab(browser, house) -> Iterator[BrowserTab]:
    tab = BrowserTab(browser, house.address)
    tab.page.set_default_timeout(120_000)  # each tab fetches all scripts anew
    yield tab
    assert tab.outside == []
    tab.page.close()


def enter(tab: BrowserTab, name: str, password: str = PASSWORD) -> None:
    tab.page.fill("[name=name]", name)
    tab.page.fill("[name=password]", password)
    tab.page.click("button")


def test_sign_in_look_around_and_sign_out(tab, house):
    page = tab.go("/forecasts?show=group:store%3DS1", "[name=password]")
    enter(tab, "viewer", "a wrong password")
    page.wait_for_selector("[role=alert] >> text=The name or the password is wrong.")
    tab.wrong.clear()  # the browser notes the 401
    enter(tab, "viewer")
    page.wait_for_selector("#forecasts-chart .main-svg")
    assert page.url.startswith(f"{house.address}/forecasts?show=group")
    page.wait_for_selector("#account >> text=viewer · viewer")
    for path, ready in (("/", "#overview-forecast .main-svg"), ("/drift", "#drift-chart .main-svg")):
        tab.go(path, ready)
    assert page.frame_locator("#drift-report").locator("#r").inner_text() == "Drift report"
    page.wait_for_selector("#drift-scores .ag-row")
    tab.go("/scenario?series=S1/bread", "#scenario-plan .ag-row")
    page.wait_for_selector("text=Saving needs the role planner")
    assert page.is_disabled("#scenario-save")
    assert tab.wrong == [], "no page breaks its own Content-Security-Policy"
    page.click("text=Sign out")
    page.wait_for_selector("[name=password]")
    page.goto(house.address + "/drift")
    page.wait_for_selector("[name=password]")


def test_a_planner_saves_under_the_own_name(tab, house):
    page = tab.go("/scenario?series=S1/bread&start=2024-02-08&end=2024-02-09", "[name=password]")
    enter(tab, "planner")
    page.wait_for_selector("#scenario-plan .ag-row")
    page.click("#scenario-column")
    page.click("[role=option] >> text=price")
    page.fill("#scenario-value", "2.5")
    page.click("#scenario-add")
    page.fill("#scenario-name", "spring")
    page.fill("#scenario-reason", "a test")
    page.click("#scenario-save")
    page.wait_for_selector("text=Saved spring as version 1.")
    assert "planner, " in page.inner_text("#scenario-saved .saved-scenario")
    assert tab.wrong == []


def test_an_admin_lets_somebody_in(tab, house):
    page = tab.go("/access", "[name=password]")
    enter(tab, "admin")
    page.wait_for_selector("#access-user-table .ag-row >> text=planner")
    page.wait_for_selector("#access-audit .ag-row >> text=sign-in")
    page.fill("#access-user-name", "emil")
    page.fill("#access-user-password", PASSWORD)
    page.click("#access-user-add")
    page.wait_for_selector("text=emil may sign in.")
    page.wait_for_selector("#access-user-table .ag-row >> text=emil")
    assert page.input_value("#access-user-password") == ""
    page.fill("#access-key-name", "export")
    page.click("#access-key-add")
    page.wait_for_selector("#access-key-message >> text=dck_")
    tab.go("/models", "text=No versions yet")
    page.fill("#models-reason", "a test")
    page.click("#models-rollback")
    page.wait_for_selector("text=there is no champion to go back to")
    assert tab.wrong == []
    page.click("text=Sign out")
    page.wait_for_selector("[name=password]")
    tab.go("/access", "[name=password]")
    enter(tab, "emil")
    page.wait_for_selector("text=This page needs the role admin.")
    assert page.get_by_role("navigation", name="Pages").get_by_text("Access", exact=True).count() == 0


def test_a_session_that_is_over_leads_to_sign_in(tab, house):
    users.add_user(house.accounts, "leaver", "viewer", PASSWORD)
    page = tab.go("/forecasts", "[name=password]")
    enter(tab, "leaver")
    page.wait_for_selector("#forecasts-chart .main-svg")
    users.remove_user(house.accounts, "leaver")
    page.click("text=1 year")
    page.wait_for_selector("[name=password]")
    assert "next=%2Fforecasts" in page.url


def test_a_script_that_is_not_the_server_s_does_not_run(tab, house):
    page = tab.go("/sign-in", "[name=password]")
    enter(tab, "viewer")
    page.wait_for_selector("#overview-forecast .main-svg")
    page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = 'window.stolen = 1';
        document.body.append(s); const i = document.createElement('img');
        i.setAttribute('onerror', 'window.stolen = 1'); i.src = 'data:x'; document.body.append(i); }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.stolen") is None
    assert any("Content Security Policy" in text for text in tab.wrong)
