"""The small chain after its first night, and copies of it to go on with."""

from collections.abc import Callable

import pytest

from forecasting.steps.registry import Outcome
from tests import chain
from tests.chain import Job

FAST = ["ladder", chain.LIGHT]
QUICK = {"windows": 2, "step": chain.H, "calibration": 1}


@pytest.fixture(scope="session")
def ran() -> tuple[Job, dict[str, Outcome]]:
    """Ingested, backtested, trained, predicted; not to be written into."""
    return chain.ran()


@pytest.fixture(scope="session")
def fast() -> Callable[[], Job]:
    """Copies of a job with the ladder and a small LightGBM only, no prices and promotions, run to the forecasts."""
    return chain.shared("fast", models=FAST, backtest=QUICK, **chain.NO_LEVERS)[0].copy
