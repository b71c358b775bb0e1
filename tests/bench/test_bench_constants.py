"""The list of constants is whole and true, and what chooses them anew never sees what it is judged by."""

import pytest

from benchmarks.constants import listed
from benchmarks.constants.listed import KINDS, find_constants, read_list, value_of, with_values
from forecasting.evaluation.ensemble_weights import all_series, fit


def test_every_constant_is_listed_and_every_entry_exists():
    known, code = read_list(), find_constants()
    assert not set(code) - set(known), "list them in benchmarks/constants/constants.yaml, with candidates"
    assert not set(known) - set(code), "they are gone: take them out of benchmarks/constants/constants.yaml"


@pytest.mark.parametrize("name", read_list())
def test_an_entry_holds_the_value_among_its_candidates_and_a_reason_where_it_is_not_replayed(name):
    entry = read_list()[name]
    assert value_of(name) in entry.candidates
    assert len(set(entry.candidates)) == len(entry.candidates)
    assert entry.replayed in KINDS
    if entry.replayed == "no":
        assert entry.why
        assert len(entry.candidates) in (1, 3, 4, 5, 6)
    else:
        assert not entry.why
        assert 3 <= len(entry.candidates) <= 6
        assert "." not in name.partition(":")[2], "values in mappings cannot be set for a replay"


def test_the_walk_finds_numbers_of_all_shapes_and_nothing_else(tmp_path, monkeypatch):
    source = """
import polars as pl
NUMBER, TEXT = 3, "a"
TYPED: float = 0.5
FLAG = True
NODES = (1.0, 2.0)
PARAMS = {"rate": 0.1, "name": "x", "on": True}
PARAMS |= {"more": 2}
HALF = pl.col("a") % 2
class Options:
    years: float = 2.0
    rows: int
    name: str = "a"
def f():
    INNER = 1
"""
    (tmp_path / "made_up_constants.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(listed, "ROOT", tmp_path)
    monkeypatch.setattr(listed, "WATCHED", ("made_up_constants.py",))
    found = {name.partition(":")[2]: value for name, value in find_constants().items()}
    assert found == {
        "NUMBER": 3,
        "TYPED": 0.5,
        "NODES": (1.0, 2.0),
        "PARAMS.rate": 0.1,
        "PARAMS.more": 2,
        "Options.years": 2.0,
    }


def test_values_hold_in_modules_that_import_them_and_are_put_back_even_after_a_fault():
    before, name = all_series.TOTALS, "forecasting.evaluation.ensemble_weights.all_series:TOTALS"

    def fails():
        with with_values({name: 0.7}):
            assert all_series.TOTALS == fit.TOTALS == value_of(name) == 0.7
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert all_series.TOTALS == fit.TOTALS == before
