"""A window before the first season says nothing of models that have seen one: neither weights nor medians follow it."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.data.cut import Cut
from forecasting.data.windows import comparable_from
from forecasting.steps.forecasting.calibration import learn_quantiles
from forecasting.steps.forecasting.origin import Origin
from forecasting.steps.forecasting.training import learn_weights
from tests.models.conftest import CUTOFF, LAST, START, H, make_panel, small_config

OLDER = LAST - timedelta(2 * H)
HISTORY = (OLDER - START).days + 1
"""Days that the older window knows."""


def cut_with(season: int, rows: pl.DataFrame) -> Cut:
    return Cut(make_panel(small_config(season_length=season), rows), LAST, H)


def past() -> pl.DataFrame:
    """One window in which A is right on the whole, with errors that are mostly small and seldom large, and B is not."""
    rng, parts = np.random.default_rng(2), []
    for model, bias in (("A", 0.0), ("B", 30.0)):
        for i in range(60):
            y = 90 + rng.exponential(10, H)
            days = [OLDER + timedelta(d + 1) for d in range(H)]
            facts = {"unique_id": f"s{i}", "ds": days, "y": y, "yhat": [100 + bias] * H, "model": model}
            parts.append(pl.DataFrame(facts | {"step": range(1, H + 1)}))
    same = {"cutoff": OLDER, "grain": "series", "block": H, "scale": 10.0, "mase_scale": 10.0, "rmsse_scale": 100.0}
    return pl.concat(parts).with_columns(**{k: pl.lit(v) for k, v in same.items()}, closed=pl.lit(value=False))


@pytest.mark.parametrize(("season", "counts"), [(HISTORY - H, True), (HISTORY - H + 1, False), (1000, True)])
def test_weights_and_medians_follow_windows_of_comparable_models_only(rows, season, counts):
    """With a season of 1,000 days neither that window nor the cutoff has one behind it."""
    cut = cut_with(season, rows)
    weights = dict(
        learn_weights(past().lazy(), cut, ["A", "B"]).by_segment.filter(segment="all")["model", "weight"].rows()
    )
    table = learn_quantiles(past().lazy(), {}, Origin(cut, cut)).filter(pl.col("block").is_not_null())
    assert (weights["A"] > 0.6) == counts
    assert counts or weights == {"A": 0.5, "B": 0.5}
    moved = table.filter(model="A")["skew"]
    assert (moved < -0.1).all() if counts else (moved == 0).all()
    assert (table["lo-80"] < table["hi-80"]).all(), "bounds rest on it all the same: nothing else is known"


def test_windows_are_comparable_from_a_season_and_the_horizon_on(rows):
    assert comparable_from(cut_with(50, rows).panel, LAST) == START + timedelta(50 + H - 1)
    assert comparable_from(cut_with(50, rows).panel, START + timedelta(50 + H - 1)) == START + timedelta(50 + H - 1)
    assert comparable_from(cut_with(50, rows).panel, START + timedelta(50 + H - 2)) == START
    assert comparable_from(cut_with(7, rows.clear()).panel, CUTOFF) == CUTOFF
