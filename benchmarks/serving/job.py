"""The job of the load test: `make_job(folder)` writes its config, runs it once and returns the config's path.

1,000 made-up daily series of two years, LightGBM and its combination with the ladder. A job that is there is kept.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from forecasting.config import load
from forecasting.steps import run_step
from forecasting.steps.session import open_session

STEPS = ("ingest", "backtest", "train", "predict")


def make_job(folder: Path, stores: int = 10, items: int = 100) -> Path:
    """The config of a job with a published forecast, made in `folder` unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "load.yaml"
    file.write_text(yaml.safe_dump(_keys(folder, stores, items)), encoding="utf-8")
    config = load(file)
    if open_session(config).vintages.is_empty():
        for step in STEPS:
            run_step(step, config)
    return file


def _keys(folder: Path, stores: int, items: int) -> dict[str, object]:
    """The keys of the config."""
    return {
        "name": "load",
        "source": {
            "kind": "synthetic",
            "options": {"stores": stores, "items": items, "days": 730, "start": "2024-01-01", "seed": 11},
        },
        "freq": "1d",
        "h": 28,
        "columns": {
            "known_ahead": ["price", "promo", "open"],
            "static": ["store", "item", "category"],
            "price": "price",
            "promo": "promo",
            "open": "open",
        },
        "levels_of_aggregation": [[], ["store"], ["category"]],
        "calendar": {"country": "DE"},
        "future": {"price": "last", "promo": 0, "open": "same_weekday"},
        "backtest": {"windows": 1, "step": 28, "calibration": 1},
        "models": ["ladder", {"lightgbm": {"trees": 120}}],
        "store": {"root": str(folder / "lake")},
        "tracking": {"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": str(folder / "mlartifacts")},
        "serving": {"spool": str(folder / "spool")},
    }
