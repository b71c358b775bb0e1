"""The inputs of boosters on their way into bins: the same from a file as from memory, and as large as was foreseen."""

import logging
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.models.lightgbm import training_inputs
from forecasting.steps.forecasting import training
from forecasting.steps.forecasting.origin import Origin
from forecasting.steps.forecasting.training import NO_BACKTESTS, train_models
from tests.models.conftest import H


def fitted(configure, cut):
    """Two heads with two seeds each, on a cut that has cached nothing; what each forecasts."""
    options = {"trees": 15, "seeds": 2, "params": {"min_data_in_leaf": 5, "num_leaves": 7}}
    heads = [{"lightgbm": {"name": name, "predicts": name, **options}} for name in ("mean", "median")]
    config = configure(models=["ladder", *heads], blocks=[2, H])
    at = replace(cut, panel=replace(cut.panel, config=config))
    found = [m.fit(at) for m in models.build(config) if m.family == "lightgbm"]
    return found, [f.predict(at, at.panel.buckets[0]) for f in found]


def test_boosters_that_read_a_file_are_those_that_read_memory(configure, cut, monkeypatch):
    held, told = fitted(configure, cut)
    files = []
    monkeypatch.setattr(training_inputs, "IN_MEMORY", 1000)
    monkeypatch.setattr(training_inputs, "BATCH", 7)
    kept = training_inputs._Rows
    monkeypatch.setattr(training_inputs, "_Rows", lambda *given: files.append(given) or kept(*given, batch_size=7))
    monkeypatch.setattr("lightgbm.Sequence.register", lambda _: None)
    streamed, again = fitted(configure, cut)
    assert len(files) == 2  # one for each block, whose bins both heads share
    for one, other in zip(held, streamed, strict=True):
        texts = ([b.model_to_string() for block in f.boosters.values() for b in block] for f in (one, other))
        assert next(texts) == next(texts)
    for one, other in zip(told, again, strict=True):
        assert_frame_equal(one, other, check_exact=True)


def test_rows_of_a_file_come_as_they_were_written():
    values = np.arange(30, dtype=np.float32).reshape(10, 3)
    parts = training_inputs.InputParts(rows=10**9, width=3)
    for part in (values[:4], values[4:4], values[4:]):
        parts.add(part)
    rows = training_inputs._Rows(parts._file, parts.length, 3)
    assert len(rows) == 10
    assert rows[np.int32(6)].tolist() == [18.0, 19.0, 20.0]
    assert rows[8:12].tolist() == values[8:].tolist()


@pytest.mark.parametrize(("many", "sampled"), [(9, 5), (10, 200_000)])
def test_of_many_rows_fewer_decide_on_the_borders_of_bins_unless_the_config_says_how_many(many, sampled, monkeypatch):
    monkeypatch.setattr(training_inputs, "MANY", many)
    monkeypatch.setattr(training_inputs, "SAMPLED_OF_MANY", 5)
    for own, found in (({}, sampled), ({"bin_construct_sample_cnt": 7}, 7)):
        parts = training_inputs.InputParts(rows=10, width=3)
        parts.add(np.arange(30, dtype=np.float32).reshape(10, 3))
        bins = parts.dataset(np.arange(10.0), [], {"verbosity": -1} | own)
        assert bins.params["bin_construct_sample_cnt"] == found


def test_lightgbm_does_not_warn_of_how_few_rows_decide_on_the_borders_of_bins(capfd, monkeypatch):
    monkeypatch.setattr(training_inputs, "IN_MEMORY", 1000)
    rows = training_inputs.MANY + 1
    parts = training_inputs.InputParts(rows, width=1)
    parts.add(np.arange(rows, dtype=np.float32).reshape(-1, 1))
    parts.dataset(np.zeros(rows), [], {"verbosity": -1}).construct()
    assert capfd.readouterr() == ("", "")


MEASURED = """
import numpy as np, lightgbm
from forecasting.models.lightgbm import boosters, training_inputs as inputs

def held(what):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) * 1024

inputs.IN_MEMORY, rows, width = LIMIT, 400_000, 50
rng = np.random.default_rng(0)
small = lightgbm.Dataset(rng.random((500, 3)), rng.random(500), params=boosters.FIXED)
lightgbm.train(boosters.FIXED, small, 1)  # libraries are there before the first look
before = held("VmRSS")
parts, ds = inputs.InputParts(rows, width), np.zeros(rows, np.int32)
y, zero, level = rng.random(rows), np.zeros(rows), np.ones(rows)
for _ in range(rows // 20_000):
    parts.add(rng.random((20_000, width), dtype=np.float32))
bins = parts.dataset(y, [], boosters.binning_params(boosters.Options({})))
bins.set_label(y * 2).set_weight(level / 2)
lightgbm.train(boosters.PARAMS | boosters.FIXED, bins, 2)
print((held("VmHWM") - before) / inputs.estimate_memory(rows, width))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("limit", [0, 2**40], ids=["file", "memory"])
def test_a_training_holds_about_as_much_as_was_foreseen(limit):
    code = MEASURED.replace("LIMIT", str(limit))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0.7 < float(done.stdout) < 1.3


def test_a_large_training_says_before_it_starts_how_much_it_will_hold(configure, cut, monkeypatch, caplog):
    config = configure(models=["ladder", {"lightgbm": {"trees": 2}}], blocks=[H])
    at = replace(cut, panel=replace(cut.panel, config=config))
    (model,) = (m for m in models.build(config) if m.family == "lightgbm")
    size = model.estimate_memory(at)
    assert size == training_inputs.estimate_memory(available(at), len(model.fit(at).inputs))
    monkeypatch.setattr(training, "LARGE", size)
    monkeypatch.setattr(logging.getLogger("demandcast"), "propagate", True)
    with caplog.at_level(logging.INFO, "demandcast"):
        trained = train_models([model], Origin(at, at), NO_BACKTESTS)
    # a record is seen twice where a test before has let the logger propagate
    foreseen = [r.fields["megabytes"] for r in caplog.records if r.message == "memory foreseen"]
    assert set(foreseen) == {round(size / 2**20)}
    assert trained.megabytes == {model.name: round(size / 2**20)}


def available(at):
    """Observed rows of two years up to the cutoff."""
    rows = pl.concat([at.frame(bucket) for bucket in at.panel.buckets])
    first = at.config.frequency.shift(at.cutoff, -at.config.frequency.training_periods(2))
    return rows.filter(pl.col("ds").is_between(first, at.cutoff, closed="right"))["y"].count()
