"""A small share of the series of many buckets is prepared at once, and is a share of all of them."""

import polars as pl
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.data.cut import Cut, forget_bucket, frame_once
from forecasting.models.lightgbm.training_rows import Matrix
from tests.models.conftest import CUTOFF, H, make_panel, small_config

FEW = {"lightgbm": {"trees": 3, "rows": 400, "params": {"min_data_in_leaf": 5, "num_leaves": 7}}}


def test_few_series_of_many_buckets_are_prepared_at_once(rows, monkeypatch):
    config, prepared = small_config(models=["ladder", FEW], blocks=[7, H]), []
    prepare = Matrix.prepare

    def watched(self, cut, frame):
        prepared.append(frame.select("unique_id", "ds"))
        return prepare(self, cut, frame)

    monkeypatch.setattr(Matrix, "prepare", watched)
    cut = Cut(make_panel(config, rows, 6), CUTOFF, H)
    fitted = next(m for m in models.build(config) if m.family == "lightgbm").fit(cut)
    available = sum(cut.frame(b).filter(pl.col("ds") <= CUTOFF)["y"].count() for b in range(6))
    at_once = int(available / 400)
    assert at_once > 1
    assert len(prepared) == -(-6 // at_once), "once for both blocks"
    used, series = pl.concat(prepared), rows["unique_id"].n_unique()
    assert used.unique().height == used.height
    assert used["unique_id"].n_unique() == int(series * 400 / available), "a share of all, though none of a bucket"
    assert set(fitted.boosters) == {7, H}


def test_a_walk_does_not_push_out_what_is_cached(rows, config):
    cut = Cut(make_panel(config, rows, 3), CUTOFF, H)
    held = cut.frame(0)
    assert frame_once(cut, 0) is held
    assert_frame_equal(frame_once(cut, 1), Cut(cut.panel, CUTOFF, H).frame(1))
    assert list(cut._cache.held()) == [(0, "frame")]
    forget_bucket(cut, 0)
    assert list(cut._cache.held()) == []
