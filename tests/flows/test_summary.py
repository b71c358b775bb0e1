"""What is told is what happened."""

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from flows import summary
from forecasting.steps.session import open_session

INGEST: dict[str, Any] = {
    "lines": 1020, "aggregated": 1000, "quarantined": 12, "quarantined_by_rule": {"number": 2, "below_y_min": 10},
    "duplicates": 3, "dropped": {"empty_line": 1, "footer": 4}, "keys": 1100, "observed": 1000, "filled": 100,
    "series": 7, "first": "2025-01-01", "last": "2025-12-31", "data_version": 4, "rows_written": 1100,
}  # fmt: skip


def record(step: str, facts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"step": step, "facts": facts, "reused": False, "seconds": 1.25} | more


def score(model: str, wape: float | None, **more: Any) -> dict[str, Any]:
    return {"model": model, "grain": "series", "wape": wape, "bias": -0.031, "mae": 1234.5, "coverage-80": 0.8} | more


def backtest(*scores: dict[str, Any], **more: Any) -> dict[str, Any]:
    facts = {"cutoffs": ["2025-06-30"], "recipe": "f00", "seconds": {"ladder": 0.5}, "failures": [], "scores": scores}
    return record("backtest", facts | more)


def test_the_account_of_the_lines_is_told_with_its_rules() -> None:
    told = summary.text([record("ingest", INGEST)], "job.yaml", "lake/tiny")
    assert "1,020 lines in = 1,000 aggregated + 12 quarantined + 3 duplicates + 5 dropped" in told
    assert "1,100 rows in the panel = 1,000 observed + 100 filled" in told
    assert "quarantined: below_y_min 10, number 2" in told
    assert "dropped: footer 4, empty_line 1" in told


def test_what_tables_and_sales_do_not_know_of_each_other_is_told() -> None:
    stores = {"lines": 9, "rows": 8, "unmatched": 1200, "unmatched_keys": 2, "example": "store=S9", "unused_keys": 3}
    facts = INGEST | {"tables": {"stores": stores}, "rows_from_tables": 70}
    told = summary.text([record("ingest", facts)], "job.yaml", "lake/tiny")
    assert "table stores: 8 of 9 rows used; no match for 1,200 rows of the sales, the first is store=S9; 2 keys" in told
    assert "3 of its keys are never sold" in told
    assert "70 rows are for days that only further tables contain" in told


def test_what_was_not_done_again_says_so() -> None:
    assert "nothing new" in summary.text([record("ingest", INGEST, reused=True)], "job.yaml", "lake/tiny")
    assert "nothing new" not in summary.text([record("ingest", INGEST)], "job.yaml", "lake/tiny")


def test_models_are_ranked_and_columns_line_up() -> None:
    told = summary.text(
        [backtest(score("Naive", 0.5), score("Gone", None), score("Boosted trees", 0.2))], "job.yaml", "lake/tiny"
    )
    lines = told.splitlines()
    head = next(i for i, line in enumerate(lines) if line.split()[:2] == ["model", "WAPE"])
    rows = lines[head + 1 : head + 4]
    assert [row.split()[0] for row in rows] == ["Boosted", "Naive", "Gone"]
    assert [row.index("-3.1%") for row in rows] == [lines[head].index("bias") - 1] * 3
    assert "20.0%" in rows[0]
    assert " - " in rows[2]
    assert "1,234" in rows[0]


def test_aggregates_have_tables_of_their_own_after_the_series() -> None:
    scores = [score("Naive", 0.1, grain="store"), score("Naive", 0.2, grain="total"), score("Naive", 0.3)]
    told = summary.text([backtest(*scores)], "job.yaml", "lake/tiny")
    titles = [line for line in told.splitlines() if line.startswith("Scores")]
    assert titles == ["Scores of the series", "Scores of the total", "Scores by store"]


def test_failures_are_counted_and_named() -> None:
    failed = [{"model": "SARIMAX", "unique_id": f"S{i}", "reason": "too short"} for i in range(5)]
    told = summary.text([backtest(score("Naive", 0.5), failures=failed)], "job.yaml", "lake/tiny")
    assert "5 fits failed" in told
    assert "SARIMAX on S0: too short" in told


def test_markdown_tables_are_tables() -> None:
    told = summary.markdown([backtest(score("a|b", 0.5), score("Naive", 0.2))])
    table = [line for line in told.splitlines() if line.startswith("|")]
    bars = [line.count("|") for line in table]
    assert len(table) == 4
    assert len(set(bars)) == 1


@pytest.fixture(scope="module")
def told(piped: SimpleNamespace) -> str:
    return summary.text(piped.first, str(piped.file), "lake/tiny")


def test_a_real_run_tells_what_the_store_holds(told: str, piped: SimpleNamespace) -> None:
    store = open_session(piped.config).store
    panel = store.scan("panel").collect()
    filled = panel.filter(pl.col("flag") == "filled").height
    forecasts = store.scan("forecasts").filter(pl.col("grain") == "series").collect()
    assert f"{panel.height:,} rows in the panel" in told
    assert f"{filled:,} filled" in told
    assert f"{panel['unique_id'].n_unique():,} series" in told
    assert f"{forecasts['ds'].min()} to {forecasts['ds'].max()}" in told


def test_a_real_run_tells_every_score_the_gate_times_and_what_to_do_next(told: str, piped: SimpleNamespace) -> None:
    facts = {record["step"]: record["facts"] for record in piped.first}
    for row in facts["backtest"]["scores"]:
        assert any(line.split()[:2] == [row["model"], f"{row['wape']:.1%}"] for line in told.splitlines()), row
    assert facts["train"]["reason"] in told
    for step in ("ingest", "backtest", "train", "predict", "monitor"):
        assert f"{step} " in told.split("Time\n")[1]
    assert f"demandcast serve {piped.file}" in told
    assert "lake/tiny/forecasts" in told


def test_past_forecasts_that_came_true_are_scored() -> None:
    scores = {"cutoff": "2025-06-30", "version": 3, "model": "LightGBM", "n": 700, "wape": 0.31, "bias": 0.02}
    days = {"current": ["2025-06-03", "2025-06-30"], "reference": ["2024-06-04", "2024-07-01"]}
    facts = {"share": 0.5, "drifted": ["price"], "report": "lake/tiny/x.html", "realised": [scores]} | days
    told = summary.text([record("monitor", facts)], "job.yaml", "lake/tiny")
    assert "2025-06-03 to 2025-06-30 against 2024-06-04 to 2024-07-01: 50.0% of the columns drifted: price" in told
    assert any(line.split() == ["LightGBM", "2025-06-30", "31.0%", "2.0%"] for line in told.splitlines())
