"""A user's columns may be called as they like: every name that the program itself uses, and odd ones, in every role.

The same job over the same rows, its columns under plain names, has to give the same forecasts, bit by bit.
"""

import ast
import string
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.data.schemas import tables
from tests import chain
from tests.chain import Job
from tests.conftest import ROOT

ODD = ("two words", "a.b", "a/b", "it's", 'say "so"', "tick`", "ümläut", "Store", "VERSION", "a,b", "{x}", "(y)", "x=1")
ODD += (
    "_id",
    "__",
    "^x$",
    "*",
    "lo-80",
    "hi-5",
    "user",
    "cal_week",
    "event_fair_today",
    "lag_0",
    "price_change",
    "100%",
)
ROLES = ("static", "known_ahead", "known_after")
LEVELS = ("size", "step", "scale", "source", "version", "model", "group", "total", "series", "unique_id", "a/b", "x=1")
METHODS = ("select", "with_columns", "agg", "group_by", "struct")
SERIES, DAYS = 4, 130


def made_names() -> set[str]:
    """Names of columns that the code makes: of alias and of keyword arguments that Polars takes for names."""
    found = set()
    for file in (ROOT / "forecasting").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "alias" and node.args and isinstance(node.args[0], ast.Constant):
                    found.add(str(node.args[0].value))
                if node.func.attr in METHODS:
                    found |= {keyword.arg for keyword in node.keywords if keyword.arg}
    return found - {"maintain_order", "strict"}


def stored_names() -> set[str]:
    return {column for table in tables(chain.make().config()).values() for column in table.schema}


def names() -> list[str]:
    every = {*made_names(), *stored_names(), *ODD} - {"item", "date", "sold"}
    return sorted({name.lower(): name for name in sorted(every)}.values())


def rows(columns: list[str], texts: list[str]) -> pl.DataFrame:
    """Sales by day, and columns of numbers from 1 to 9, or of texts that are the same on all days of a series."""
    draw = np.random.default_rng(7)
    ds = [date(2024, 1, 1) + timedelta(i) for i in range(DAYS)]
    parts = []
    for series in range(SERIES):
        sold = [float(y) if i < DAYS - 7 else None for i, y in enumerate(draw.poisson(5 + series, DAYS))]
        values = draw.integers(1, 10, (len(columns), DAYS)).astype(float)
        words = [[string.ascii_letters[(series + i) % 3]] * DAYS for i in range(len(columns))]
        drivers = {c: words[i] if c in texts else values[i] for i, c in enumerate(columns)}
        parts.append(pl.DataFrame({"item": [f"i{series}"] * DAYS, "date": ds, "sold": sold} | drivers))
    return pl.concat(parts)


Trios = list[tuple[str, str, str]]


def trios() -> Trios:
    """All names by threes, those of LEVELS with their like: so each of three shifts has as many levels."""
    found = names()
    every = [*LEVELS, *(name for name in found if name not in LEVELS)]
    every += [f"filled_up_{n}" for n in range(-len(every) % 3)]
    return list(zip(*[iter(every)] * 3, strict=True))


def job(columns: Trios, shift: int) -> Job:
    """A job whose columns have the roles of ROLES in turn, by their place in a trio and `shift`."""
    static, ahead, after = zip(*(trio[shift:] + trio[:shift] for trio in columns), strict=True)
    levels = [[], *([name] for name in static[: len(LEVELS) // 3])]
    named = dict(zip(ROLES, map(list, (static, ahead, after)), strict=True)) | {"price": ahead[0], "promo": ahead[1]}
    source = {"kind": "table", "columns": {"unique_id": "item", "ds": "date", "y": "sold"}}
    light = {"lightgbm": {"trees": 3, "priors": [levels[-1]], "params": {"min_data_in_leaf": 5}}}
    keys = {"columns": named, "levels_of_aggregation": levels, "models": ["ladder", light, chain.REGRESSION]}
    keys |= {"future": {}, "calendar": {}, "h": 5, "backtest": {"windows": 1, "calibration": 1}}
    return chain.make(rows([*static, *ahead, *after], list(static)), source=source, **keys)


@pytest.fixture(scope="module")
def plain() -> Job:
    """The job under plain names: the same one for every shift, as values and roles go by the place of a column."""
    made = job([tuple(f"column{3 * i + k}" for k in range(3)) for i in range(len(trios()))], 0)
    made.run()
    return made


VALUES = ["unique_id", "ds", "grain", "model", "yhat", "q50", "lo-80", "hi-80"]


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0, 1, 2])
def test_every_name_in_every_role_changes_nothing(shift, plain):
    odd = job(trios(), shift)
    odd.run()
    for table in ("backtests", "forecasts"):
        a, b = (made.table(table).select(VALUES) for made in (odd, plain))
        series = pl.col("grain") == "series"
        assert_frame_equal(a.filter(series), b.filter(series), check_row_order=False, check_exact=True)
        numbers = VALUES[4:]
        assert_frame_equal(a.select(numbers).sort(numbers), b.select(numbers).sort(numbers), check_exact=True)
