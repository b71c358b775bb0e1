"""`demandcast check data`: a table, a report, an exit code, and nothing written."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.cli import main
from forecasting.errors import UserError
from forecasting.steps.data_check import check_data
from forecasting.steps.session import open_session
from tests import chain


def job(rows: pl.DataFrame | None = None, **keys) -> chain.Job:
    sample = chain.sample().filter(pl.col("store") == "S1") if rows is None else rows
    return chain.make(sample, models=["ladder"], levels_of_aggregation=[[]], **keys)


def verdicts(made: chain.Job, **overrides) -> dict[str, str]:
    return {f.check: f.verdict for f in check_data(open_session(made.config(**overrides)), date(2024, 7, 1)).findings}


def run(made: chain.Job, *words: str) -> int:
    try:
        main(["check", "data", str(made.folder / "job.yaml"), *words])
    except SystemExit as end:
        return int(end.code)
    return 0


def test_sound_data_pass_and_nothing_is_written(capsys):
    made = job()
    before = sorted(made.folder.rglob("*"))
    assert run(made, "--strict") == 0
    output = capsys.readouterr().out
    assert "volume" in output
    assert "nothing was loaded before" in output
    assert "series by what follows for the models" in output
    assert sorted(made.folder.rglob("*")) == before


def test_every_remark_is_printed(tmp_path, capsys):
    lines = [f"a;1;{date(2024, 1, 1) + timedelta(i)};{'1,250' if i % 3 else 880};$7" for i in range(60)]
    (tmp_path / "sales.csv").write_text("\n".join(["store;item;ds;y;price", *lines]) + "\n")
    columns = {"known_ahead": "price", "price": "price"}
    made = chain.make(chain.sample().head(0), models=["ladder"], columns=columns, future={}, levels_of_aggregation=[[]])
    run(made, "--set", f"source.path={tmp_path / 'sales.csv'}")
    output = capsys.readouterr().out
    assert "y: '1,250' is read as 1250 (commas between thousands)" in output
    assert "price: '$7' is read as 7 (in USD)" in output


@pytest.mark.parametrize(
    ("sales", "help"),
    [
        (lambda i: f"a,1,2024-01-{i // 10 + 1:02},{i}", "source.kind: transactions adds them up"),
        (lambda i: f"a,1,{date(2024, 1, 1) + timedelta(i)},{i} pcs", "Say how by an example, source.format"),
    ],
)
def test_when_every_row_breaks_a_rule_the_check_says_which(sales, help, tmp_path, capsys):
    (tmp_path / "sales.csv").write_text("\n".join(["store,item,ds,y", *map(sales, range(100))]) + "\n")
    made = chain.make(chain.sample().head(0), models=["ladder"], columns={}, future={}, levels_of_aggregation=[[]])
    assert run(made, "--set", f"source.path={tmp_path / 'sales.csv'}") == 2
    assert help in " ".join(capsys.readouterr().out.split())


BAD = {
    "keys": ("a,1,2024-01-05,3", "warning"),
    "ranges": ("a,1,2024-01-05,-3", "warning"),
    "readability": ("a,1,2024-01-05,three", "warning"),
}


@pytest.mark.parametrize("check", BAD)
def test_a_bad_row_is_a_warning_and_too_many_a_failure(check, tmp_path, capsys):
    first = date(2024, 1, 1)
    lines = [f"a,1,{first + timedelta(i)},{i % 7 + 1}" for i in range(60)]
    row, verdict = BAD[check]
    lines = ["store,item,ds,y", *(lines if check == "keys" else [x for x in lines if "01-05" not in x]), row]
    (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n")
    made = chain.make(chain.sample().head(0), models=["ladder"], columns={}, future={}, levels_of_aggregation=[[]])
    where = {"source__path": str(tmp_path / "sales.csv"), "clean__y_min": 0}
    found = verdicts(made, **where | {"limits__quarantined": 0.5})
    assert found[check] == verdict
    assert {name for name, v in found.items() if v != "ok"} == {check, "quarantine"}
    where["limits__quarantined"] = 0
    assert verdicts(made, **where)["quarantine"] == "failed"
    sets = [word for key, v in where.items() for word in ("--set", f"{key.replace('__', '.')}={v}")]
    assert run(made, *sets) == 2
    assert "quarantine" in capsys.readouterr().err
    assert run(made, *sets, "--set", "limits.quarantined=0.5") == 0
    assert run(made, *sets, "--set", "limits.quarantined=0.5", "--strict") == 2


@pytest.mark.parametrize(
    ("overrides", "failed"),
    [
        ({"source__path": "nowhere"}, "schema"),
        ({"columns__static": ["colour"]}, "schema"),
        ({"limits__dates": ["2030-01-01", "2031-01-01"]}, "dates"),
        ({"limits__max_age": 3}, "freshness"),
    ],
)
def test_what_fails_is_named(overrides, failed):
    found = verdicts(job(), **overrides)
    assert [name for name, verdict in found.items() if verdict == "failed"] == [failed]


def test_a_column_without_a_value_is_a_warning():
    made = job(chain.sample().with_columns(stock=pl.lit(None, pl.Float64)))
    assert verdicts(made)["columns"] == "warning"


def test_a_tenth_of_the_usual_rows_is_refused_by_the_check_and_by_the_load():
    limit = {"quarantined": 0.01, "volume": [0.5, 2.0]}
    made = job(limits=limit)
    made.run(["ingest"])
    assert verdicts(made)["volume"] == "ok"
    sales = chain.sample().filter(pl.col("store") == "S1")
    sales.sort("ds").tail(sales.height // 10).write_parquet(made.folder / "sales.parquet")
    assert verdicts(made)["volume"] == "failed"
    versions = chain.versions(made)
    with pytest.raises(UserError, match=r"limits.volume: \d+ lines are 10.0% of the"):
        made.run(["ingest"])
    assert chain.versions(made) == versions
    pl.concat([sales, sales.with_columns(store=pl.lit("S2")), sales.with_columns(store=pl.lit("S3"))]).write_parquet(
        made.folder / "sales.parquet"
    )
    assert verdicts(made)["volume"] == "failed"


@pytest.mark.parametrize("ending", ["json", "html", "parquet"])
def test_the_report_is_written(ending, tmp_path, capsys):
    out = tmp_path / f"report.{ending}"
    made = job()
    assert run(made, "--out", str(out)) == 0
    ids = {"S1/I01", "S1/I02", "S1/I03", "S1/I04"}
    if ending == "json":
        report = json.loads(out.read_text())
        assert {row["unique_id"] for row in report["series"]} == ids
        assert {f["verdict"] for f in report["findings"]} == {"ok"}
        assert report["account"]["lines"] == chain.sample().filter(pl.col("store") == "S1").height
    elif ending == "parquet":
        assert set(pl.read_parquet(out)["unique_id"]) == ids
    else:
        assert all(name in out.read_text() for name in ids)


def test_another_ending_is_refused(capsys):
    assert run(job(), "--out", "report.docx") == 2
    assert ".json, .html, .parquet" in capsys.readouterr().err
    assert not Path("report.docx").exists()
