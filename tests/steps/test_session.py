"""A session opens each table once, and a cut travels to other processes by reference."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.services.store import Store
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import LAST, H

SMALL = 20_000
"""Bytes of what is sent to a worker, however much the panel holds."""


@pytest.fixture(scope="module")
def config() -> Config:
    return chain.ran()[0].config()


@pytest.fixture
def scanned(config, monkeypatch) -> list[str]:
    """The names of the tables that are scanned, in order."""
    names: list[str] = []
    scan = Store.scan
    monkeypatch.setattr(Store, "scan", lambda self, name, /, **how: (names.append(name), scan(self, name, **how))[1])
    return names


def test_a_session_reads_loads_and_meta_once_however_often_it_is_used(config, scanned):
    session = open_session(config)
    for _ in range(3):
        assert session.panel.buckets == (0,)
        assert session.vintages.height == 1
        assert session.bucket_count == 1
    assert {name: scanned.count(name) for name in ("loads", "meta", "vintages")} == dict.fromkeys(
        ("loads", "meta", "vintages"), 1
    )


def test_a_session_reads_only_what_is_needed(config, scanned):
    open_session(config)
    assert scanned == ["loads", "meta"]


def frame_elsewhere(cut: Cut) -> tuple[pl.DataFrame, pl.DataFrame]:
    return cut.frame(0), cut.groups


def test_a_cut_is_small_when_it_travels_and_reads_the_same_rows_elsewhere(config):
    cut = Cut(open_session(config).panel, LAST, H)
    here = frame_elsewhere(cut)
    assert cut.group_data is cut.group_data  # what was made here stays here
    assert here[0].estimated_size() > SMALL < here[1].estimated_size()
    assert len(pickle.dumps(cut)) < SMALL
    found = pickle.loads(pickle.dumps(cut)).shared_frames()  # or each process would look for it in all buckets
    assert set(found) == {"closed groups", "newest rows"}
    assert found["newest rows"]["n"].sum() == here[0].filter(pl.col("ds") <= LAST)["unique_id"].n_unique()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(frame_elsewhere, cut).result()
    for mine, other in zip(here, there, strict=True):
        assert_frame_equal(mine, other)
