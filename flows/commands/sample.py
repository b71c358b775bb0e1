"""`demandcast sample --out DIR`: `sample` writes made-up sales and a config (sample.yaml) into DIR.

Takes the numbers of stores, items and days, a seed, and the kind of file; prints both paths and the command to run
next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from flows.arguments import print_line


def sample(
    *,
    out: Annotated[Path, Parameter(help="The folder to write into.")],
    stores: int = 5,
    items: int = 20,
    days: int = 730,
    seed: int = 7,
    kind: Annotated[Literal["csv", "parquet"], Parameter(help="One CSV, or a folder of Parquet files.")] = "csv",
) -> None:
    """Write made-up sales of a retail chain and a config for them, to play with."""
    from flows.sample import sales_of, write

    file = write(out, kind, stores=stores, items=items, days=days, seed=seed)
    print_line(f"written: {sales_of(out, kind)} and {file}\nnext:    demandcast run {file}")
