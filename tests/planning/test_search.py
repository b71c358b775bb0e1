"""What is said of tried values: the best one, and everything that the data cannot tell."""

import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.planning.response.levers import FLAG, PRICE, TEXT, Lever
from forecasting.planning.search import (
    AS_PLANNED,
    AT_EDGE,
    BETTER,
    FEW,
    NO_RANGE,
    UNCLEAR,
    Search,
    best_of,
    first_tries,
    judge,
    next_tries,
)

PRICES = Search(Lever("price", PRICE), (0.7, 1.1), "margin")


def tried(**gains: tuple[float, float, int]) -> pl.DataFrame:
    """Rows of `x08=(gain, lo-90, outside)`: what 0.8 times the price brings."""
    return pl.DataFrame([
        {"tried": int(name[1:]) / 10, "gain": gain, "lo-90": low, "hi-90": 2 * gain - low, "outside": outside}
        for name, (gain, low, outside) in gains.items()
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "changes", "says"),
    [
        (
            tried(x8=(3, 1, 0), x9=(5, 2, 0), x10=(0, 0, 0)),
            [9],
            "0.9 times the present price is best of what was tried",
        ),
        (tried(x8=(3, 1, 0), x9=(5, -1, 0), x10=(0, 0, 0)), [9], "cannot tell: 0.9 times the present price looks best"),
        (tried(x8=(9, 3, 1), x9=(5, 2, 0), x10=(0, 0, 0)), [9], "it is at the edge of what was seen or asked for"),
        (tried(x8=(9, 3, 1), x10=(0, 0, 0)), [9], "cannot tell: none of the tried values lies within"),
        (tried(x9=(-5, -9, 0), x10=(0, 0, 0)), [9], "no tried value within the range seen brings more margin"),
        (tried(x9=(5, 2, 0), x10=(0, 0, 0)), [9, 4], "1 of 2 series changed price fewer than 5 times"),
    ],
)
def test_what_is_said(rows, changes, says):
    assert says in " ".join(judge(PRICES, rows, changes))


def test_a_value_outside_of_what_was_seen_never_wins():
    rows = tried(x7=(99, 90, 1), x8=(50, 40, 2), x9=(5, 2, 0), x10=(0, 0, 0))
    assert "0.9 times the present price" in " ".join(judge(PRICES, rows, [9, 9]))


def test_every_series_has_its_own_best_value():
    cases = {
        "at its edge": (tried(x8=(9, 3, 1), x9=(5, 2, 0), x10=(0, 0, 0)), 9, 0.9, AT_EDGE),
        "better": (tried(x8=(3, 1, 0), x9=(5, 2, 0), x10=(0, 0, 0)), 9, 0.9, BETTER),
        "few": (tried(x8=(3, 1, 0), x9=(5, 2, 0), x10=(0, 0, 0)), 2, 0.9, FEW),
        "none": (tried(x8=(3, 1, 1), x9=(5, 2, 1), x10=(0, 0, 0)), 0, 1.0, NO_RANGE),
        "plan": (tried(x9=(-3, -5, 0), x10=(0, 0, 0)), 9, 1.0, AS_PLANNED),
        "unclear": (tried(x9=(3, -5, 0), x10=(0, 0, 0)), 9, 0.9, UNCLEAR),
    }
    rows = pl.concat(rows.with_columns(unique_id=pl.lit(n), changes=c) for n, (rows, c, _, _) in cases.items())
    found = best_of(PRICES, rows).select("unique_id", "tried", "verdict").rows()
    assert found == [(name, value, verdict) for name, (_, _, value, verdict) in sorted(cases.items())]


def test_the_search_goes_on_between_the_best_and_its_neighbours():
    assert next_tries(PRICES, {0.7: 1.0, 0.8: None, 0.9: 4.0, 1.0: 0.0}) == (0.85, 0.95)
    assert next_tries(Search(Lever("promo", FLAG), (0, 1), "units"), {0.0: 0.0, 1.0: 3.0}) == ()


@pytest.mark.parametrize(
    ("lever", "between", "says"),
    [
        (Lever("price", PRICE), (1.1, 0.7), "the second value must be larger"),
        (Lever("price", PRICE), (0.0, 1.1), "a multiple above 0"),
        (Lever("event", TEXT, "fair"), (0, 1), "event holds texts"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(lever, between, says):
    with pytest.raises(UserError, match=says):
        first_tries(Search(lever, between, "units"))
