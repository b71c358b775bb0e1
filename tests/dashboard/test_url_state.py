"""The query string is the state of a page."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.pages.drift import callbacks as drift
from dashboard.pages.forecasts import controls as forecasts
from dashboard.pages.scenario import controls as scenario
from dashboard.url_state import QueryField, decode, encode, unread

text = st.text(min_size=1).filter(lambda t: t.strip() == t)
day = st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(str)
number = st.integers(-(10**6), 10**6).map(lambda n: n / 64)
change = st.builds(
    lambda column, op, value, days: f"{column}{op}{value:g}@{min(days)}:{max(days)}",
    st.sampled_from(["price", "promo", "Über preis"]),
    st.sampled_from(["=", "*=", "+=", "-="]),
    number,
    st.tuples(day, day),
)
version = st.one_of(st.just("backtest"), st.integers(1, 10**6).map(str))
STATES = {
    "forecasts": (
        forecasts.FIELDS,
        st.fixed_dictionaries(
            {
                "show": st.lists(text, min_size=1, max_size=4),
                "vintage": st.none() | st.builds(lambda d, v: f"{d}@{v}", day, version),
                "model": st.none() | text,
                "span": st.sampled_from(list(forecasts.SPANS)),
            }
        ),
    ),
    "scenario": (
        scenario.FIELDS,
        st.fixed_dictionaries(
            {
                "series": st.none() | text,
                "start": st.none() | day,
                "end": st.none() | day,
                "change": st.lists(change, max_size=4),
                "where": st.none() | text,
                "saved": st.none() | text,
                "compare": st.lists(text, min_size=1, max_size=4),
            }
        ),
    ),
    "drift": (drift.FIELDS, st.fixed_dictionaries({"cutoff": st.none() | day})),
}


@pytest.mark.parametrize("page", STATES)
@given(data=st.data())
def test_a_state_survives_its_link(page: str, data: st.DataObject) -> None:
    fields, states = STATES[page]
    state = data.draw(states)
    link = encode(fields, state)
    assert decode(fields, link) == state
    assert encode(fields, decode(fields, link)) == link


def test_a_default_state_has_a_bare_address() -> None:
    assert encode(forecasts.FIELDS, decode(forecasts.FIELDS, "")) == ""


@pytest.mark.parametrize(
    "query",
    [
        "?utm_source=mail&fbclid=1",
        "?vintage=yesterday@3",
        "?vintage=2024-02-04@three",
        "?vintage=2024-02-04",
        "?span=forever",
        "?show=",
    ],
)
def test_unknown_keys_and_unreadable_values_are_left_out(query: str) -> None:
    assert decode(forecasts.FIELDS, query) == decode(forecasts.FIELDS, "")


def test_of_several_changes_only_the_readable_ones_stay() -> None:
    link = "?change=price*%3D0.9%402024-02-05%3A2024-02-06&change=price*%3Dcheap%402024-02-05%3A2024-02-06&change=drop"
    assert decode(scenario.FIELDS, link)["change"] == ["price*=0.9@2024-02-05:2024-02-06"]


def test_dash_hands_over_a_parsed_query() -> None:
    fields = (QueryField("show", [], many=True), QueryField("span", "short"))
    assert decode(fields, {"show": "series:A", "x": "1"}) == {"show": ["series:A"], "span": "short"}
    assert decode(fields, {"show": ["series:A", "series:B"]})["show"] == ["series:A", "series:B"]


@pytest.mark.parametrize(
    ("page", "query", "says"),
    [
        (
            scenario,
            {"change": ["price*=0.9@2024-05-20:2024-05-22", "price*=cheap@soon"], "start": "May"},
            ["change", "start"],
        ),
        (forecasts, {"span": "ages", "vintage": "newest"}, ["span", "vintage"]),
        (drift, {"cutoff": "yesterday"}, ["cutoff"]),
        (scenario, {"change": "price*=0.9@2024-05-20:2024-05-22", "utm_source": "mail"}, []),
    ],
)
def test_what_a_link_says_and_nobody_can_read_is_shown(job, page, query, says):
    """A scenario without one of its changes is another scenario: the page names what it leaves out."""
    left_out = unread(page.FIELDS, query)
    assert sorted(text.split()[0] for text in left_out) == says
    shown = str(page.layout(job[0], query))
    assert all(repr(text)[1:-1] in shown or text in shown for text in left_out)
    assert ("cannot be read and is left out" in shown) == bool(says)
