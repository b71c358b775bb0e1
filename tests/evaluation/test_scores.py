"""The scores table and the skill against the naive ladder."""

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.evaluation.metrics import score
from forecasting.evaluation.scores import block_labels, build_scores, skill_scores

CUTOFFS = (date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31))
BLOCK = pl.when(pl.col("step") == 1).then(1).when(pl.col("step") <= 3).then(3).otherwise(4).cast(pl.Int32)
ERRORS = {"LightGBM": 1.0, "SeasonalNaive": 4.0, "HistoricAverage": 2.0}


@pytest.fixture
def backtests():
    rows = [
        {
            "unique_id": s,
            "cutoff": c,
            "ds": c + timedelta(days=k),
            "step": k,
            "model": m,
            "y": 10.0 * k,
            "yhat": 10.0 * k + e,
        }
        for m, e in ERRORS.items()
        for s in ("a", "b", "total")
        for c in CUTOFFS
        for k in (1, 2, 3, 4)
    ]
    frame = pl.DataFrame(rows).with_columns(BLOCK.alias("block"), recipe=pl.lit("r"), mase_scale=1.0, rmsse_scale=1.0)
    grain = pl.when(pl.col("unique_id") == "total").then(pl.lit("total")).otherwise(pl.lit("series"))
    return frame.with_columns(grain=grain, reported=pl.col("cutoff") > CUTOFFS[0])


SEGMENTS = pl.DataFrame({"unique_id": ["a", "b"], "segment": ["smooth", "lumpy"]})


def test_blocks_are_named_by_their_steps(backtests):
    labels = block_labels(backtests).filter(pl.col("grain") == "series")
    assert labels.select("block", "horizon").rows() == [(1, "1"), (3, "2-3"), (4, "4")]


def test_every_choice_of_cutoff_segment_and_horizon(backtests):
    table = build_scores(backtests, SEGMENTS).filter(metric="wape", model="LightGBM")
    series = table.filter(grain="series")
    # reported cutoffs or all (3) x two segments or all (3) x three blocks or all (4)
    assert series.height == 3 * 3 * 4
    assert set(series["cutoff"]) == {None, *CUTOFFS[1:]}
    assert set(series["segment"]) == {"all", "smooth", "lumpy"}
    assert table.filter(grain="total").height == 3 * 4  # an aggregate has no segment
    assert table.filter(pl.col("value") <= 0).is_empty()


def test_rows_agree_with_scores_of_the_same_rows(backtests):
    table = build_scores(backtests, SEGMENTS)
    cell = table.filter(
        pl.col("cutoff") == CUTOFFS[2], model="SeasonalNaive", grain="series", segment="lumpy", horizon="2-3"
    ).select("metric", "value")
    rows = backtests.filter(
        pl.col("cutoff") == CUTOFFS[2], pl.col("step").is_in([2, 3]), model="SeasonalNaive", unique_id="b"
    )
    assert cell.rows() == score(rows).rows()
    assert dict(cell.rows())["wape"] == pytest.approx(8 / 50)


def test_calibration_windows_are_not_scored(backtests):
    spoiled = backtests.with_columns(yhat=pl.when("reported").then("yhat").otherwise(1e9))
    assert build_scores(spoiled, SEGMENTS).equals(build_scores(backtests, SEGMENTS))


def test_skill_is_against_the_best_of_the_ladder_and_the_seasonal_naive(backtests):
    found = skill_scores(build_scores(backtests, SEGMENTS), ["SeasonalNaive", "HistoricAverage"])
    overall = found.filter(pl.col("cutoff").is_null(), grain="series", segment="all", horizon="all")
    by_model = {(r["model"], r["metric"]): r["value"] for r in overall.iter_rows(named=True)}
    assert by_model[("LightGBM", "skill")] == pytest.approx(1 - 1 / 2)
    assert by_model[("LightGBM", "skill_seasonal_naive")] == pytest.approx(1 - 1 / 4)
    assert by_model[("HistoricAverage", "skill")] == 0
    assert by_model[("SeasonalNaive", "skill")] == pytest.approx(-1)


def test_no_ladder_no_skill(backtests):
    alone = build_scores(backtests.filter(pl.col("model") == "LightGBM"), SEGMENTS)
    assert skill_scores(alone, ["SeasonalNaive"]).is_empty()
