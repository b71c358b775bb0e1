"""Arguments that several commands share, and `load_config(file, sets, data_version)`, which returns the job's Config.

`sets` are overrides such as "h=14". `File`, `Sets`, `Cutoff`, ... are annotations of a command's parameters.
`check_ending` refuses an --out file of another format; `print_line` writes to stdout.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from forecasting.columns import as_users_write
from forecasting.errors import UserError

if TYPE_CHECKING:
    from forecasting.config import Config

File = Annotated[Path, Parameter(help="The job's YAML file; built-in ones are in configs/.")]
Sets = Annotated[
    tuple[str, ...],
    Parameter("--set", help="key=value, overrides the key of the file, for example --set h=14; repeatable."),
]
Cutoff = Annotated[date | None, Parameter(help="Work as if this day (YYYY-MM-DD) were the last one with data.")]
DataVersion = Annotated[int | None, Parameter(help="Read the data as this load left them; the newest if left out.")]
Force = Annotated[bool, Parameter(help="Do the work again, also where nothing has changed.")]


def load_config(file: Path, sets: Sequence[str], data_version: int | None = None) -> Config:
    """The config of the file with the overrides of the command; raises UserError."""
    from forecasting.config import load, parse_overrides

    return load(file, parse_overrides(with_data_version(sets, data_version)))


def with_data_version(sets: Sequence[str], data_version: int | None) -> tuple[str, ...]:
    """The overrides and, where one is given, the load to read."""
    return tuple(sets) if data_version is None else (*sets, f"data_version={data_version}")


def check_ending(out: Path | None, endings: Iterable[str]) -> None:
    """Raise UserError for a file whose ending names no format that can be written."""
    if out and out.suffix not in endings:
        raise UserError(f"--out {out}: the ending decides the format; use one of {', '.join(endings)}")


def print_line(text: str) -> None:
    """Print the text to stdout at once, columns by the names that a user knows."""
    sys.stdout.write(f"{as_users_write(text)}\n")
    sys.stdout.flush()
