"""The accuracy report of a job: its figures are those of the backtest rows."""

import json

import polars as pl
import pytest

from flows.cli import main
from forecasting.errors import UserError
from forecasting.steps.reports.accuracy import report_accuracy
from forecasting.steps.session import open_session
from tests import chain


@pytest.fixture(scope="module")
def job():
    return chain.ran()[0]


@pytest.fixture(scope="module")
def tables(job):
    return report_accuracy(open_session(job.config()))


@pytest.fixture(scope="module")
def served(job):
    """The champion's rows of single series, as the table holds them."""
    champion = chain.ran()[1]["train"].facts["champion"]
    rows = job.table("backtests").filter(pl.col("reported"), grain="series", model=champion)
    return rows.filter(pl.col("y").is_not_null())


def wape(rows):
    return (rows["q50"] - rows["y"]).abs().sum() / rows["y"].abs().sum()


def test_parts_add_up_and_are_measured_on_their_rows(tables, served):
    parts = tables["parts"]
    assert set(parts["model"]) == set(served["model"])
    assert set(parts["by"]) == {"demand_class", "volume", "xyz", "lifecycle", "horizon", "promotion"}
    shares = parts.group_by("by").agg(pl.col("share_of_sales", "share_of_error").sum())
    assert all(v == pytest.approx(1) for row in shares.rows() for v in row[1:])
    overall = wape(served)
    for _, part in parts.group_by("by"):
        assert (part["share_of_sales"] * part["wape"]).sum() == pytest.approx(overall)


def test_promotion_is_that_of_the_day(job, tables, served):
    days = job.table("panel").select("unique_id", "ds", "promo")
    on = served.join(days, on=["unique_id", "ds"]).filter(pl.col("promo") > 0)
    promoted = tables["parts"].filter(by="promotion", part="on")
    assert promoted["wape"].item() == pytest.approx(wape(on))


def test_every_step_has_a_row(tables, served):
    assert tables["steps"]["part"].to_list() == [str(k) for k in range(1, chain.H + 1)]
    first = tables["steps"].filter(part="1")["wape"].item()
    assert first == pytest.approx(wape(served.filter(step=1)))


def test_the_worst_are_worst(tables, served):
    errors = served.group_by("unique_id").agg(e=(pl.col("q50") - pl.col("y")).abs().sum()).sort("e", descending=True)
    assert tables["worst"]["unique_id"][0] == errors["unique_id"][0]
    assert tables["worst"]["share_of_error"][0] == pytest.approx(errors["e"][0] / errors["e"].sum())


def test_wins_are_compared_with_the_ladder_and_the_champion(job, tables, served):
    comparisons = tables["comparisons"]
    assert served["model"][0] in set(comparisons["reference"])
    assert set(comparisons["verdict"]) <= {"better", "worse", "no difference"}
    kept = job.table("scores").filter(metric="gain", model=served["model"][0])
    assert kept["value"].item() == pytest.approx(comparisons.filter(model=served["model"][0])["gain"].item())


def test_wrmsse_is_among_the_scores(job):
    facts = chain.ran()[1]["backtest"].facts
    assert all(s["wrmsse"] > 0 for s in facts["scores"] if s["grain"] == "total")
    assert facts["wrmsse"]["SeasonalNaive"] > 0
    assert "Sums" not in facts["wrmsse"]  # it forecasts aggregates only


@pytest.mark.parametrize("ending", ["json", "html", "xlsx"])
def test_the_command_writes_what_it_shows(job, tmp_path, capsys, ending):
    out = tmp_path / f"report.{ending}"
    main(["report", str(job.folder / "job.yaml"), "--out", str(out)])
    assert "more than chance" in capsys.readouterr().out
    assert out.stat().st_size > 1000
    if ending == "json":
        assert set(json.loads(out.read_text())) == {"models", "comparisons", "parts", "steps", "worst"}


def test_levers_are_shown_as_planners_speak_of_them(job, tmp_path, capsys):
    out = tmp_path / "levers.json"
    main(["report", str(job.folder / "job.yaml"), "--levers", "--out", str(out)])
    assert "Response of sales by group" in capsys.readouterr().out
    shown = json.loads(out.read_text())
    stored = job.table("levers").filter(lever="promo", grain="total").row(0, named=True)
    promo = next(row for row in shown["groups"] if (row["lever"], row["grain"]) == ("promo", "total"))
    assert promo["measure"] == "uplift"
    assert promo["estimate"] == pytest.approx(2.718281828 ** stored["estimate"] - 1)
    assert {row["unique_id"] for row in shown["series"]} == set(job.table("series")["unique_id"])


def test_without_a_backtest_the_error_names_the_step():
    with pytest.raises(UserError, match="the step backtest has to run first"):
        report_accuracy(open_session(chain.make().config()))
