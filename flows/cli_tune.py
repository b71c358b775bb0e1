"""`demandcast tune CONFIG`: better options for LightGBM, written as a config to review."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli import Cutoff, File, Force, Load, Sets, _at, _run


@Parameter(name="*")
@dataclass(frozen=True)
class Search:
    """What the step `tune` is asked, by the names that it knows."""

    trials: Annotated[int, Parameter(help="Finished trials in all.", validator=Number(gte=1))] = 250
    timeout: Annotated[float, Parameter(help="Seconds after which no trial begins.", validator=Number(gt=0))] = 600.0
    metric: Annotated[Literal["wape", "mase", "rmsse"], Parameter(help="What is to be small.")] = "wape"
    windows: Annotated[int, Parameter(help="Backtest windows before the reported ones.", validator=Number(gte=1))] = 3
    storage: Annotated[
        str | None,
        Parameter(help="Where trials are kept: a folder or a PostgreSQL address; by default beside the tables."),
    ] = None
    out: Annotated[str | None, Parameter(help="The config to write; NAME.tuned.yaml beside CONFIG if left out.")] = None


def tune(
    config: File,
    /,
    *,
    search: Search = Search(),
    set_: Sets = (),
    cutoff: Cutoff = None,
    data_version: Load = None,
    force: Force = False,
) -> None:
    """Search options of LightGBM on windows before the reported ones; the best are written as a config to review.

    The same command goes on where it was ended or killed.
    """
    _run("tune", config, _at(set_, data_version), cutoff, force, asked=asdict(search))
