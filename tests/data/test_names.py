"""Names of any type as text: numbers without decimals, no lists, and no code that lost its last digits."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from forecasting.data.sources.names import as_names
from forecasting.errors import UserError


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (pl.Series([7.0, 12.0]), ["7", "12"]),
        (pl.Series([7.0, 7.5, float("nan"), None]), ["7", "7.5", None, None]),
        (pl.Series([2**60]), ["1152921504606846976"]),
        (pl.Series([Decimal("7.00"), Decimal("7.50"), Decimal("100.00")]), ["7", "7.5", "100"]),
        (pl.Series([True, False]), ["true", "false"]),
        (pl.Series([date(2024, 1, 31)]), ["2024-01-31"]),
        (pl.Series([" tea ", "", "\u00a0x"], dtype=pl.Categorical), ["tea", None, "x"]),
    ],
)
def test_a_name_is_text(cells, names):
    assert as_names(cells.alias("code")).to_list() == names


def test_a_code_that_lost_its_last_digits_is_refused():
    with pytest.raises(
        UserError, match="the column code holds codes as floating-point numbers such as 9007199254740992"
    ):
        as_names(pl.Series("code", [2.0**53, 1.0]))


@pytest.mark.parametrize("cells", [pl.Series("code", [["a"]]), pl.Series("code", [{"a": 1}])])
def test_lists_and_structures_are_no_names(cells):
    with pytest.raises(UserError, match="the column code holds lists or structures, and a name is one text"):
        as_names(cells)
