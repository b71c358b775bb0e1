"""Whose cost ours is compared with in the same run: mlforecast, or StatsForecast where no peer is mlforecast."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from benchmarks.accuracy.peers import Field

HERE = Path(__file__).resolve().parent
FORECASTS = {"mlforecast": ["mlforecast"], "statsforecast": ["Ens3_mean", "Ens3_median"]}
"""The files of forecasts that a rival writes."""


def of(code: str, known: Field) -> str:
    """The rival on a data set."""
    return "mlforecast" if known.trees(code) else "statsforecast"


def command(rival: str, trees_python: Path | None, folder: Path, *windows: int) -> list[str] | None:
    """The process that fits the rival on the frame of a folder, mlforecast with intervals made from so many `windows`
    where they are given; None where mlforecast is not to be had.
    """
    has_it = importlib.util.find_spec(rival)
    python = trees_python if rival == "mlforecast" and trees_python else Path(sys.executable) if has_it else None
    arguments = [str(folder), *map(str, windows)]
    return [str(python), str(HERE / f"{rival}_cost.py"), *arguments] if python else None
