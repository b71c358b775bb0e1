"""Defects and verdicts of series."""

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.columns import QUALITY_COUNTS
from forecasting.config import Config
from forecasting.data import quality
from forecasting.data.panel_rows import fill_gaps, flag_observations

MONDAY = date(2024, 1, 1)
CONFIG = Config.model_validate({"name": "x", "source": {}, "freq": "1d", "h": 7})


def panel(y: dict[int, float], last: int, name: str = "a") -> pl.DataFrame:
    """A series with these sales by day; all other days have no row."""
    rows = {"unique_id": [name] * len(y), "ds": [MONDAY + timedelta(i) for i in y], "y": list(y.values())}
    frame = pl.DataFrame(rows, schema_overrides={"y": pl.Float64})
    return fill_gaps(flag_observations(frame, CONFIG), CONFIG, MONDAY + timedelta(last))


def counted(y: dict[int, float], last: int) -> dict:
    return quality.count_defects(panel(y, last), CONFIG).row(0, named=True)


def test_gaps_zeros_and_odd_numbers_are_counted_up_to_the_last_observed_day():
    found = counted({0: 1, 1: 0, 2: 0, 4: 0, 5: 2, 6: 0, 8: -1, 9: 2.5}, 40)
    assert found == {
        "unique_id": "a",
        "gaps": 2,  # days 3 and 7; those after day 9 do not count
        "longest_zeros": 3,  # the gap on day 3 does not break the run
        "jumps": 0,
        "outliers": 0,
        "far_out": 0,
        "negatives": 1,
        "fractions": 1,
    }


@pytest.mark.parametrize(
    ("level", "jumps"),
    [
        (lambda i: 20, 0),
        (lambda i: 20 if i < 140 else 60, 1),
        (lambda i: 20 if i < 140 or i >= 280 else 60, 2),
        (lambda i: 200 if 140 <= i < 150 else 20, 0),  # it did not last
        (lambda i: 0 if i % 9 else 1, 0),  # few units vary by chance
    ],
)
def test_a_jump_is_a_level_that_doubles_or_halves_and_stays(level, jumps):
    assert counted({i: level(i) for i in range(420)}, 419)["jumps"] == jumps


def test_a_series_without_any_observation_is_counted_too():
    rows = panel({0: 1}, 3).with_columns(y=pl.lit(None, pl.Float64), flag=pl.lit("out_of_stock"))
    assert quality.count_defects(rows, CONFIG).select(QUALITY_COUNTS).row(0) == (0,) * 7


def verdict_of(**facts) -> dict:
    """The verdict on the last day of a panel of 2,001 days and two series, of a sound one but for `facts`."""
    sound = {"unique_id": "a", "first": MONDAY, "last": MONDAY + timedelta(2000), "n": 2001, "demand_class": "smooth"}
    sound["start"] = MONDAY
    sound |= dict.fromkeys(QUALITY_COUNTS, 0)
    rows = [sound | facts, sound | {"unique_id": "another"}]
    for row in rows:
        row |= {"first_row": row["first"], "last_row": row["last"], "rows": row["n"], "longest_gap": 1}
    return quality.add_verdicts(pl.DataFrame(rows), CONFIG, MONDAY + timedelta(2000)).row(0, named=True)


@pytest.mark.parametrize(
    ("facts", "life", "verdict"),
    [
        ({}, "running", "fine"),
        ({"last": MONDAY + timedelta(500)}, "ended", "ended"),
        ({"last": MONDAY + timedelta(1900), "n": 1901}, "ended", "ended: forecast as 0"),
        ({"last": MONDAY + timedelta(1900), "n": 100}, "silent", "silent for 91 days"),
        ({"first": MONDAY + timedelta(1900), "n": 101}, "new", "new"),
        ({"first": MONDAY + timedelta(1990), "n": 11}, "new", "too short"),
        ({"demand_class": "lumpy"}, "running", "sells rarely"),
        ({"demand_class": "none"}, "running", "nothing ever sold"),
        ({"gaps": 1500, "n": 501}, "running", "more gaps"),
        ({"jumps": 2}, "running", "the level has jumped"),
    ],
)
def test_what_follows_for_the_models(facts, life, verdict):
    found = verdict_of(**facts)
    assert found["life"] == life
    assert found["verdict"].startswith(verdict)
