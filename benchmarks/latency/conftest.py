"""The measured job: one of yours (--job CONFIG), which has forecasts, or one store of made-up sales (--items)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchmarks.processes import places
from flows.sample import write
from forecasting.config import Config, load
from forecasting.steps import run_step

STEPS = ("ingest", "backtest", "train", "predict")
MODELS = ["ladder", {"lightgbm": {"rows": 300_000}}]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of this folder."""
    parser.addoption("--job", type=Path, help="a config whose job has forecasts")
    parser.addoption("--items", type=int, default=3_000, help="items of the made-up store")


@pytest.fixture(scope="session")
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The config of a job that has been forecast."""
    if given := request.config.getoption("--job"):
        return load(given)
    home = tmp_path_factory.mktemp("latency")
    sample = write(home, "parquet", stores=1, items=request.config.getoption("--items"), days=730, seed=7)
    job = yaml.safe_load(sample.read_text(encoding="utf-8"))
    sample.write_text(yaml.safe_dump(job | {"models": MODELS, "backtest": {"windows": 1, "calibration": 1}}))
    made = load(sample, places(home))
    for step in STEPS:
        run_step(step, made)
    return made
