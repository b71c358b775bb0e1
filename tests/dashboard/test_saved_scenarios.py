"""Saved scenarios in a browser, on a store of their own: save, open in another tab, save again, copy, withdraw."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlparse

import pytest

from dashboard import app
from forecasting.config import Config
from forecasting.steps.actions.action_log import read_actions
from forecasting.steps.session import open_session
from tests.dashboard import fake_store as fake
from tests.dashboard.browser_tab import BrowserTab


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    config = fake.config_in(tmp_path_factory.mktemp("saved"))
    fake.fill(config)
    return config


@pytest.fixture(scope="module")
def address(config, serving: Callable) -> str:
    return serving(app.create_app(config))


@pytest.fixture
def tab(browser, address) -> Iterator[BrowserTab]:
    """A new tab, in which nothing may go wrong; without changes the page runs no model, which this store lacks."""
    tab = BrowserTab(browser, address)
    yield tab
    assert (tab.outside, tab.wrong) == ([], [])
    tab.page.close()


def changes_in(url: str) -> list[str]:
    return parse_qs(urlparse(url).query).get("change", [])


def add_change(page, column: str, value: str) -> None:
    page.click("#scenario-column")
    page.click(f"[role=option] >> text={column}")
    page.fill("#scenario-value", value)
    page.click("#scenario-add")


def save(page, name: str, reason: str) -> None:
    page.fill("#scenario-name", name)
    page.fill("#scenario-reason", reason)
    page.click("#scenario-save")


def test_a_scenario_is_saved_opened_changed_and_withdrawn(tab, config):
    page = tab.go("/scenario?series=S1/bread&start=2024-02-08&end=2024-02-09", "#scenario-plan .ag-row")
    page.wait_for_selector("text=No scenario is saved yet")
    add_change(page, "price", "2.5")
    page.wait_for_selector("text=price: set to 2.5 from 2024-02-08 to 2024-02-09")
    save(page, "spring sale", " ")
    page.wait_for_selector("text=scenario spring sale: give a reason")
    save(page, "spring sale", "what the supplier offers")
    page.wait_for_selector("text=Saved spring sale as version 1.")
    assert page.input_value("#scenario-reason") == ""
    row = page.inner_text("#scenario-saved .saved-scenario")
    assert "S1/bread · price: set to 2.5 from 2024-02-08 to 2024-02-09" in row
    assert "local, " in row
    assert " UTC: what the supplier offers" in row

    page = tab.go("/scenario?series=S4/tea", "#scenario-saved .saved-scenario")
    page.click("#scenario-saved >> text=Open")
    page.wait_for_selector("#scenario-change-list >> text=price: set to 2.5")
    page.wait_for_url("**series=S1%2Fbread*")
    assert page.input_value("#scenario-series") == "S1/bread"
    assert changes_in(page.url) == ["price=2.5@2024-02-08:2024-02-09"]
    assert page.input_value("#scenario-name") == "spring sale"
    page.fill("#scenario-reason", "once more")
    page.click("#scenario-save")
    page.wait_for_selector("text=Saved spring sale as version 2.")
    page.wait_for_selector("#scenario-saved >> text=version 2")

    page.click("#scenario-saved >> text=Duplicate")
    page.wait_for_selector("text=Saved a copy as spring sale (2).")
    page.wait_for_selector("#scenario-saved >> text=copy of spring sale, version 2: once more")
    page = tab.go("/scenario?saved=spring+sale+(2)", "#scenario-saved .saved-scenario")
    page.wait_for_selector("#scenario-change-list >> text=price: set to 2.5")
    assert page.input_value("#scenario-name") == "spring sale (2)"
    page.click("[aria-label='Withdraw spring sale (2)']")
    page.wait_for_selector("[role=dialog] >> text=spring sale (2)")
    page.fill("#scenario-withdraw-reason", "one is enough")
    page.click("#scenario-withdraw-confirm")
    page.wait_for_selector("#scenario-saved .saved-scenario >> nth=1", state="detached")

    page.click("#scenario-saved >> text=Withdraw")
    page.wait_for_selector("[role=dialog] >> text=spring sale")
    page.click("#scenario-withdraw-confirm")
    page.wait_for_selector("[role=dialog] >> text=give a reason")
    page.fill("#scenario-withdraw-reason", "the supplier changed his mind")
    page.click("#scenario-withdraw-confirm")
    page.wait_for_selector("text=No scenario is saved yet")
    entries = read_actions(open_session(config), "scenario").filter(subject="spring sale").sort("version")
    assert entries.select("operation", "author", "reason").rows() == [
        ("save", "local", "what the supplier offers"),
        ("save", "local", "once more"),
        ("withdraw", "local", "the supplier changed his mind"),
    ]
