"""Search options of LightGBM on windows before the reported ones; the best are written as a config to review."""

from datetime import date
from typing import Any, Literal

from prefect import flow

from flows.tasks import chain, run_name


@flow(name="tune", description=__doc__, flow_run_name=run_name, persist_result=False, result_serializer="json")
def tune(
    config: str,
    overrides: dict[str, Any] | None = None,
    cutoff: date | None = None,
    force: bool = False,
    trials: int = 250,
    timeout: float = 600,
    metric: Literal["wape", "mase", "rmsse"] = "wape",
    windows: int = 3,
    storage: str | None = None,
    out: str | None = None,
) -> object:
    asked = {"trials": trials, "timeout": timeout, "metric": metric, "windows": windows, "storage": storage, "out": out}
    return chain(["tune"], config=config, overrides=overrides or {}, cutoff=cutoff, force=force, asked=asked)
