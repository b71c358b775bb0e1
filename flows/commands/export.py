"""`demandcast export TABLE CONFIG --out FILE`: `export` writes a table of the store to a .parquet, .csv or .xlsx file.

Takes the table's name, the job's file and perhaps a cutoff; prints how many rows were written. The store is only read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from flows.arguments import DataVersion, File, Sets, load_config, print_line
from forecasting.data.schemas import EXPORTS
from forecasting.errors import UserError

Table = Literal[tuple(EXPORTS)]
"""The tables that may be exported, as their entries say."""
Out = Annotated[Path, Parameter(help="The file to write: .parquet, .csv or .xlsx.")]
Cutoff = Annotated[date | None, Parameter(help="The forecasts, or scores, of this cutoff; the newest if left out.")]
Over = Annotated[str | None, Parameter(help="Of sums: over how many periods, like 7,14; the horizon if left out.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Chosen:
    """Which rows are written."""

    cutoff: Cutoff = None
    over: Over = None
    data_version: DataVersion = None


def export(what: Table, config: File, /, *, out: Out, chosen: Chosen = Chosen(), set_: Sets = ()) -> None:
    """Write a table to a file."""
    periods = _periods(chosen.over) if chosen.over else ()
    job = load_config(config, set_, chosen.data_version)
    from forecasting.steps.export import export_table
    from forecasting.steps.session import open_session

    rows = export_table(open_session(job), what, out, chosen.cutoff, periods)
    print_line(f"{rows:,} rows written to {out}")


def _periods(text: str) -> tuple[int, ...]:
    """The numbers of a text like 7,14; raises UserError."""
    parts = text.replace(" ", "").split(",")
    if not all(part.isdecimal() for part in parts):
        raise UserError(f"--over {text}: must be numbers of periods, like 7,14")
    return tuple(map(int, parts))
