"""What a load does not count is said with its amount, and refused where a table looks like another kind of table."""

import random
from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data import contracts, sources
from forecasting.errors import UserError

DAYS = [date(2024, 1, 1) + timedelta(i) for i in range(100)]
COLUMNS = {"unique_id": ["item"], "ds": "date", "y": "y"}


@pytest.fixture
def job(tmp_path):
    """A config for a CSV of these lines below the header item,date,y[,category]."""

    def make(lines: list[str], header: str = "item,date,y", **keys: object) -> Config:
        (tmp_path / "s.csv").write_text("\n".join([header, *lines]) + "\n")
        config = {"name": "job", "freq": "1d", "h": 7, "source": {"path": str(tmp_path / "s.csv"), "columns": COLUMNS}}
        return Config.model_validate(config | keys)

    return make


def remarks(config: Config) -> dict[str, str]:
    account = contracts.check_load(sources.load(config), config).account
    return {remark["check"]: remark["message"] for remark in account["remarks"]}


def receipts(seed: int = 1) -> list[str]:
    """A line per item sold, as tills export them."""
    rng = random.Random(seed)
    return [f"bread,{day},1" for day in DAYS for _ in range(rng.randrange(3, 12))]


def test_receipt_lines_are_refused_with_the_kind_that_adds_them_up(job):
    with pytest.raises(UserError, match=r"limits\.repeated: .* repeat an earlier row .* line 3, .*kind: transactions"):
        remarks(job(receipts()))


def test_their_sum_is_that_of_the_lines(job):
    config = job(receipts())
    lines = config.model_copy(update={"source": config.source.model_copy(update={"kind": "transactions"})})
    good = contracts.check_load(sources.load(lines), lines).good
    assert (good["y"].sum(), good.height) == (len(receipts()), 100)


@pytest.mark.parametrize("other", [lambda i: f"bread,{DAYS[i]},{i + 3}", lambda i: f"bread,{DAYS[i]} 1{i % 9}:30,1"])
def test_receipts_of_other_quantities_or_hours_name_it_too(job, other):
    lines = [f"bread,{day},1" for day in DAYS] + [other(i) for i in range(50)]
    with pytest.raises(UserError, match=r"source\.kind: transactions adds them up"):
        remarks(job(lines))


def test_few_repeats_count_once_and_are_said_with_their_sales(job):
    lines = [f"bread,{day},{10 + i % 3}" for i, day in enumerate(DAYS)]
    said = remarks(job([*lines, lines[5], lines[7]]))
    assert said["duplicates"].startswith(
        "2 rows repeat an earlier row of their file and count once: sales of 23 (2.0% of"
    )


def test_exports_that_overlap_have_no_limit(job, tmp_path):
    lines = [f"bread,{day},{10 + i % 3}" for i, day in enumerate(DAYS)]
    config = job(lines)
    (tmp_path / "t.csv").write_text("\n".join(["item,date,y", *lines]) + "\n")
    both = config.model_copy(update={"source": config.source.model_copy(update={"path": str(tmp_path)})})
    assert contracts.check_load(sources.load(both), both).good["y"].sum() == sum(10 + i % 3 for i in range(100))
    assert "100 rows repeat" in remarks(both)["duplicates"]


def test_rows_in_quarantine_are_said_with_their_sales(job):
    lines = [f"bread,{day},10" for day in DAYS[:97]] + [f"bread,{DAYS[97]},-20", f"bread,{DAYS[98]},many"]
    said = remarks(job(lines, limits={"quarantined": 0.05}, clean={"y_min": 0}))["quarantine"]
    expected = "2 of 99 rows are in quarantine (below_y_min 1, number 1): sales of -20 (2.0% of all) are not counted"
    assert said.startswith(f"{expected}, and 1 whose sales cannot be read; the first is ")
    assert said.endswith("s.csv, line 100: y=many")


def test_advice_on_returns_loses_no_rows(job):
    lines = [f"bread,{day},{-3 if i % 30 == 0 else 10}" for i, day in enumerate(DAYS)]
    with pytest.raises(
        UserError, match=r"clean\.below: zero or missing keeps the rows, clean\.y_min: null lets them"
    ) as e:
        remarks(job(lines, clean={"y_min": 0}))
    assert "raising the limit leaves these rows out" in str(e.value)
    assert "quarantine" not in remarks(job(lines, clean={"y_min": None}))


def test_returns_count_by_default_and_are_said_with_their_sum(job):
    lines = [f"bread,{day},{-3 if i % 30 == 0 else 10}" for i, day in enumerate(DAYS)]
    lines += [f"jam,{day},{-1 if i == 7 else 2}" for i, day in enumerate(DAYS)]
    config = job(lines)
    checked = contracts.check_load(sources.load(config), config)
    assert (checked.good.height, checked.good["y"].sum()) == (200, 96 * 10 - 4 * 3 + 99 * 2 - 1)
    share = 13 / (96 * 10 + 4 * 3 + 99 * 2 + 1)
    expected = (
        f"5 of 200 rows are below 0, -13 in all ({share:.1%} of all sales and returns: bread -12, jam -1): they count"
    )
    assert remarks(config)["returns"].startswith(expected)
    kept = job(lines, clean={"below": "zero"})
    assert "returns" not in remarks(kept), "the cleaning makes them 0 and counts them"


def test_a_static_column_that_changes_is_told_and_dated(job):
    lines = [f"tea,{day},1,{'Food' if i < 60 else 'Drinks'}" for i, day in enumerate(DAYS)]
    lines += [f"jam,{day},1,Food" for day in DAYS]
    config = job(lines, "item,date,y,category", columns={"static": ["category"]})
    said = remarks(config)["statics"]
    assert said.startswith(
        "category changes within 1 of 2 series (tea: Food until 2024-02-29, then Drinks): the newest"
    )
    assert "statics" not in remarks(job(lines[100:], "item,date,y,category", columns={"static": ["category"]}))


def test_infinite_values_of_a_driver_are_unknown_and_told(job):
    lines = [f"tea,{day},{i},{'inf' if i in (3, 5) else 2.5}" for i, day in enumerate(DAYS)]
    config = job(lines, "item,date,y,price", columns={"known_ahead": ["price"], "price": "price"})
    good = contracts.check_load(sources.load(config), config).good
    assert good.filter(pl.col("price").is_null())["ds"].to_list() == [DAYS[3], DAYS[5]]
    assert good["y"].sum() == sum(range(100))
    assert remarks(config)["numbers"].startswith("price: 2 infinite values are read as unknown")


def test_a_price_far_from_all_others_is_told_and_kept(job):
    lines = [f"tea,{day},{i},{250000 if i == 40 else 2.5 + i % 3 / 10}" for i, day in enumerate(DAYS)]
    config = job(lines, "item,date,y,price", columns={"known_ahead": ["price"], "price": "price"})
    assert contracts.check_load(sources.load(config), config).good["price"].max() == 250000
    assert "tea on 2024-02-10: 250,000, 92,593 times the next largest" in remarks(config)["drivers"]


@pytest.mark.parametrize(("limit", "refused"), [(0.01, False), (0, True)])
def test_one_slip_of_a_small_file_does_not_refuse_it(job, limit, refused):
    lines = [f"tea,{day},{i},{'2.5O' if i == 4 else 2.5}" for i, day in enumerate(DAYS[:40])]
    columns = {"known_ahead": ["price"], "price": "price"}
    config = job(lines, "item,date,y,price", columns=columns, limits={"quarantined": limit})
    if refused:
        with pytest.raises(UserError, match=r"number 1 times, first in .*line 6: price=2\.5O"):
            remarks(config)
    else:
        assert "sales of 4 (0.5% of all) are not counted" in remarks(config)["quarantine"]
    two = job([*lines, f"tea,{DAYS[41]},many,2"], "item,date,y,price", columns=columns)
    with pytest.raises(UserError, match="2 of 41 rows"):
        remarks(two)
