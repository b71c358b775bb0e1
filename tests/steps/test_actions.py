"""What people write: entries are added and never changed, the newest holds, and a withdrawal is an entry."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from forecasting.config import Config
from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.steps import actions
from forecasting.steps.actions.action_log import read_actions
from forecasting.steps.session import Session, open_session

DAY, END = date(2024, 2, 5), date(2024, 2, 11)
CHEAPER = (Edit("price", "*=", 0.9, DAY, END), Edit("event", "=", "it's a 'fair' @ noon", DAY, DAY, "store = 'S1'"))
CLOSED = (Edit("open", "=", 0.0, DAY, DAY),)


@pytest.fixture
def session(tmp_path) -> Callable[..., Session]:
    given = {"name": "x", "source": {}, "freq": "1d", "h": 7, "store": {"root": str(tmp_path)}}
    config = Config.model_validate(given)
    return lambda user="local": open_session(config, user)


def test_before_anything_was_saved_there_is_nothing(session):
    assert actions.list_saved_scenarios(session()) == []
    with pytest.raises(UserError, match="there is no saved scenario of this name"):
        actions.open_saved_scenario(session(), "spring")


def test_a_saved_scenario_is_opened_as_it_was_saved_by_another_session(session):
    before = datetime.now(UTC)
    assert actions.save_scenario(session("ada"), " spring ", "S1/tea", CHEAPER, "cheaper tea?") == 1
    saved = actions.open_saved_scenario(session("bob"), "spring")
    assert (saved.name, saved.unique_id, saved.edits) == ("spring", "S1/tea", CHEAPER)
    assert (saved.author, saved.reason, saved.version) == ("ada", "cheaper tea?", 1)
    assert before <= saved.time <= datetime.now(UTC)


def test_a_later_entry_supersedes_and_the_earlier_one_stays(session):
    actions.save_scenario(session("ada"), "spring", "S1/tea", CHEAPER, "a first idea")
    first = read_actions(session(), "scenario")
    actions.save_scenario(session(), "summer", "S2/tea", CLOSED, "rebuilding")
    assert actions.save_scenario(session("bob"), "spring", "S1/tea", CLOSED, "closed instead") == 2
    assert [(s.name, s.author, s.edits) for s in actions.list_saved_scenarios(session())] == [
        ("spring", "bob", CLOSED),
        ("summer", "local", CLOSED),
    ]
    kept = read_actions(session(), "scenario")
    assert kept.height == 3
    assert kept.join(first, on=first.columns, how="semi").equals(first)


def test_a_copy_says_of_what_it_is_one_and_takes_no_name_that_is_in_use(session):
    actions.save_scenario(session("ada"), "spring", None, CHEAPER, "an idea", "store = 'S1'")
    assert actions.duplicate_scenario(session("bob"), "spring", "spring (2)") == 1
    copy = actions.open_saved_scenario(session(), "spring (2)")
    assert (copy.unique_id, copy.where, copy.edits, copy.author) == (None, "store = 'S1'", CHEAPER, "bob")
    assert copy.reason == "copy of spring, version 1: an idea"
    with pytest.raises(UserError, match="this name is in use"):
        actions.duplicate_scenario(session(), "spring", "spring (2)")


def test_a_withdrawal_is_an_entry_and_the_name_is_free_again(session):
    actions.save_scenario(session(), "spring", "S1/tea", CHEAPER, "an idea")
    assert actions.withdraw_scenario(session("bob"), "spring", "overtaken") == 2
    assert actions.list_saved_scenarios(session()) == []
    entries = read_actions(session(), "scenario").sort("version")
    assert entries.select("operation", "author", "reason").rows() == [
        ("save", "local", "an idea"),
        ("withdraw", "bob", "overtaken"),
    ]
    with pytest.raises(UserError, match="no saved scenario"):
        actions.withdraw_scenario(session(), "spring", "once more")
    assert actions.save_scenario(session(), "spring", "S1/tea", CLOSED, "another idea") == 3
    assert [s.version for s in actions.list_saved_scenarios(session())] == [3]


@pytest.mark.parametrize(
    ("name", "edits", "reason", "message"),
    [
        (" ", CHEAPER, "why", "give a name"),
        ("x" * 101, CHEAPER, "why", "give a name"),
        ("spring", CHEAPER, "  ", "spring: give a reason"),
        ("spring", (), "why", "no change to save"),
    ],
)
def test_what_is_incomplete_is_not_saved(session, name, edits, reason, message):
    with pytest.raises(UserError, match=message):
        actions.save_scenario(session(), name, "S1/tea", edits, reason)
    assert read_actions(session(), "scenario").is_empty()


def test_two_people_at_once_lose_nothing(session):
    people = [session(f"p{i}") for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        versions = list(
            pool.map(lambda s: actions.save_scenario(s, "spring", "S1/tea", CLOSED, f"by {s.user}"), people)
        )
    assert sorted(versions) == [1, 2, 3, 4]
    entries = read_actions(session(), "scenario")
    assert set(entries["author"]) == {"p0", "p1", "p2", "p3"}
    assert entries["id"].n_unique() == 4
