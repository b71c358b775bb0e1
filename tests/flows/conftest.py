"""One small job, run once through Prefect for all tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from forecasting.config import Config, load
from forecasting.data.schemas import tables
from forecasting.steps.session import open_session

JOB: dict[str, Any] = {
    "name": "tiny",
    "source": {"kind": "synthetic", "options": {"stores": 2, "items": 3, "days": 400, "seed": 1}},
    "freq": "1d",
    "h": 14,
    "columns": {"known_ahead": ["price", "promo", "open"], "static": ["store", "item", "category"], "open": "open"},
    "levels_of_aggregation": [[], ["store"]],
    "backtest": {"windows": 1, "step": 14, "calibration": 1},
    "models": ["ladder"],
}

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def make_job(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Write a config with a store of its own; keyword arguments replace sections."""

    def make(**sections: Any) -> Path:
        folder = tmp_path_factory.mktemp("job")
        places = {
            "store": {"root": str(folder / "lake")},
            "tracking": {"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": str(folder / "mlartifacts")},
        }
        file = folder / "tiny.yaml"
        file.write_text(yaml.safe_dump(JOB | places | sections))
        return file

    return make


@pytest.fixture(scope="session")
def harness() -> Iterator[None]:
    """A Prefect server of the tests' own, with an empty database."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def piped(harness: None, make_job: Make) -> SimpleNamespace:
    """The pipeline run twice: the file, its config, the records of both runs and the tables' versions after each."""
    from flows.orchestration.deployments import FLOWS

    file = make_job()
    config, pipeline = load(file), FLOWS["pipeline"]
    first = pipeline(str(file))
    after_first = versions(config)
    second = pipeline(str(file))
    return SimpleNamespace(
        file=file, config=config, first=first, second=second, versions=(after_first, versions(config))
    )


def versions(config: Config) -> dict[str, int | None]:
    """The Delta version of every table but `runs`, which is a diary: each run adds its line."""
    store = open_session(config).store
    return {name: store.version(name) for name in tables(config) if name != "runs"}
