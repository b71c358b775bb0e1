"""Remarks reach the user: sorted by harm, through several files, in the account of a load and in its summary."""

from dataclasses import replace

import polars as pl

from forecasting.data import contracts, sources
from forecasting.data.buckets import Portions
from forecasting.remarks import Remark, remark_facts
from forecasting.steps.registry import STEPS, Section

UNDERSTOOD = Remark("numbers", "units: commas part thousands", "none")
LOST = Remark("files", "b.csv was left out", "numbers")
UNKNOWN = Remark("drivers", "price is not known for the coming days", "forecast")


def test_the_most_harmful_come_first_and_none_twice():
    facts = remark_facts([UNDERSTOOD, UNKNOWN, LOST, LOST])
    assert [fact["message"] for fact in facts] == [LOST.message, UNKNOWN.message, UNDERSTOOD.message]
    assert facts[0] == {"check": "files", "message": "b.csv was left out", "harm": "numbers"}


def test_the_remarks_of_all_files_are_in_the_account_of_a_load(table_config):
    config = table_config("ds,y\n2024-01-01,1\n2024-01-02,2\n")
    raw = sources.load(config)
    later = replace(raw, rows=Portions.of(raw.long.with_columns(pl.col("ds").dt.offset_by("1w"))), remarks=(LOST,))
    both = sources.concat([replace(raw, remarks=(UNDERSTOOD,)), later])
    assert contracts.check_load(both, config).account["remarks"] == remark_facts([LOST, UNDERSTOOD])


def test_every_step_prints_the_remarks_among_its_facts(monkeypatch):
    step = STEPS["monitor"]
    own = Section("Monitoring", ("nothing new",))
    monkeypatch.setattr(step.module(), "summarize", lambda facts: [own])
    assert step.summarize({}) == [own]
    assert step.summarize({"remarks": remark_facts([UNKNOWN])}) == [own, Section("Worth knowing", (UNKNOWN.message,))]


def test_formats_of_several_files_and_loads_are_kept_by_source_and_column(table_config):
    config = table_config("ds,y\n2024-01-01,1\n2024-01-02,2\n")
    raw = sources.load(config)
    loads = [replace(raw, formats={"source": formats}) for formats in ({"y": "1,234.5"}, {"ds": "%Y-%m-%d"})]
    both = sources.concat(loads)
    assert both.formats == {"source": {"y": "1,234.5", "ds": "%Y-%m-%d"}}
    later = config.with_stored_formats(sources.merge_formats(both.formats, {"tables.prices": {"p": "1.234,5"}}))
    assert dict(later.stored_formats) == {"y": "1,234.5", "ds": "%Y-%m-%d"}
    assert not config.stored_formats
    assert dict(later.with_source_file("p.csv", None, "tables.prices").stored_formats) == {"p": "1.234,5"}
