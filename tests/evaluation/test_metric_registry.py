"""A metric is one entry: the scores table, the facts of a backtest and the printed summary follow it."""

import re
from datetime import date, timedelta

import polars as pl
import pytest

from flows import summary
from forecasting.evaluation.metrics import METRICS, Metric, format_value, in_display_order, label, score
from forecasting.evaluation.metrics.reference import metrics_reference
from forecasting.evaluation.scores import build_scores
from forecasting.steps.backtest.scoring import overall_scores
from tests.conftest import ROOT

START = date(2024, 1, 1)


def backtests() -> pl.DataFrame:
    """Two models on one series with intervals of 80 %."""
    days = [START + timedelta(days=i) for i in range(4)]
    rows = pl.DataFrame({"ds": days, "y": [10.0, 0.0, 20.0, 30.0], "yhat": [12.0, 1.0, 15.0, 33.0]})
    common = {"unique_id": pl.lit("a"), "cutoff": pl.lit(START - timedelta(days=1)), "recipe": pl.lit("r")}
    common |= {"grain": pl.lit("series"), "block": pl.lit(4, pl.Int32), "mase_scale": pl.lit(2.0)}
    common |= {"rmsse_scale": pl.lit(4.0), "lo-80": pl.col("yhat") - 4, "hi-80": pl.col("yhat") + 4}
    return pl.concat([rows.with_columns(model=pl.lit(m), **common) for m in ("A", "B")])


def scores() -> pl.DataFrame:
    return build_scores(backtests(), pl.DataFrame({"unique_id": ["a"], "segment": ["smooth"]}))


def printed() -> str:
    facts = {"cutoffs": [str(START)], "recipe": "r", "seconds": {}, "failures": [], "scores": overall_scores(scores())}
    record = {"step": "backtest", "facts": facts, "reused": False, "seconds": 1.0}
    return summary.text([record], "job.yaml", "lake/tiny")


@pytest.fixture
def further_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    worst = (pl.col("yhat") - pl.col("y")).abs().max()
    entry = Metric("worst error", "largest absolute error", "lower", rows=worst, shown="summary")
    monkeypatch.setitem(METRICS, "worst_error", entry)


@pytest.mark.usefixtures("further_metric")
def test_a_further_entry_is_scored_reported_and_printed() -> None:
    found = scores().filter(pl.col("metric") == "worst_error")
    assert set(found["model"]) == {"A", "B"}
    assert found["value"].unique().to_list() == [5.0]
    assert [row["worst_error"] for row in overall_scores(scores())] == [5.0, 5.0]
    head = next(line for line in printed().splitlines() if line.split()[:1] == ["model"])
    assert head.split()[-2:] == ["worst", "error"]


@pytest.mark.usefixtures("further_metric")
def test_a_further_entry_per_series_counts_where_it_is_undefined(monkeypatch: pytest.MonkeyPatch) -> None:
    by_scale = (pl.col("yhat") - pl.col("y")).abs().max() / pl.col("mase_scale").first()
    monkeypatch.setitem(METRICS, "scaled_worst", Metric("scaled", "worst over scale", "lower", series=by_scale))
    values = dict(score(backtests()).select("metric", "value").iter_rows())
    assert values["scaled_worst"] == 2.5
    assert values["scaled_worst_excluded"] == 0


def test_without_it_there_is_none() -> None:
    assert "worst error" not in printed()
    assert "worst_error" not in set(scores()["metric"])


def test_every_score_has_an_entry() -> None:
    plain = [m for m in score(backtests())["metric"] if not m.endswith("_excluded")]
    assert in_display_order(plain) == sorted(plain, key=in_display_order(plain).index)
    assert set(in_display_order(plain)) == set(plain)


def test_every_entry_is_described_in_words_and_shown_somewhere() -> None:
    for name, metric in METRICS.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        assert metric.label, name
        assert metric.description, name
        assert not metric.description.endswith("."), name
        assert metric.rows is None or metric.series is None, name


@pytest.mark.parametrize(
    ("name", "value", "heading", "shown"),
    [
        ("wape", 0.183333, "WAPE", "18.3%"),
        ("coverage-95", 0.95, "in 95 %", "95.0%"),
        ("gain", 0.0123, "gain", "+0.0123"),
        ("mae", 12345.6, "MAE", "12,346"),
        ("rmsse", None, "RMSSE", "-"),
        ("model", "Naive", "model", "Naive"),
    ],
)
def test_labels_and_formats(name: str, value: float | str | None, heading: str, shown: str) -> None:
    assert (label(name), format_value(name, value)) == (heading, shown)


def test_nobody_else_decides_how_a_metric_is_shown() -> None:
    """A list of metric names outside of the registry would be a further place to edit."""
    lists = re.compile(
        r'"(?:wape|bias|mae|rmse|mase|rmsse|wql|skill)",\s*"(?:wape|bias|mae|rmse|mase|rmsse|wql|skill)"'
    )
    files = [f for room in ("forecasting", "flows", "dashboard") for f in (ROOT / room).rglob("*.py")]
    found = [f.relative_to(ROOT).as_posix() for f in files if lists.search(f.read_text(encoding="utf-8"))]
    searches = {"forecasting/steps/tuning/options.py"}  # what a search may minimise
    # the columns of their tables
    listed = {"forecasting/steps/lifecycle/listing.py", "flows/commands/operations/models.py"}
    listed |= {"forecasting/data/schemas/forecast_tables.py"}
    assert set(found) <= searches | listed | {"forecasting/evaluation/breakdown.py"}


def test_the_reference_of_metrics_is_up_to_date() -> None:
    file = ROOT / "docs" / "METRICS.md"
    assert file.read_text(encoding="utf-8") == metrics_reference(), "write it again: see metrics/reference.py"
