"""`demandcast sample --out DIR`: `sample` writes made-up sales (sales.csv) and a config (sample.yaml) into DIR.

Takes the numbers of stores, items and days, and a seed; prints both paths and the command to run next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.arguments import print_line


def sample(
    *,
    out: Annotated[Path, Parameter(help="The folder to write into.")],
    stores: int = 5,
    items: int = 20,
    days: int = 730,
    seed: int = 7,
) -> None:
    """Write made-up sales of a retail chain as a CSV and a config for them, to play with."""
    from flows.sample import write

    file = write(out, stores=stores, items=items, days=days, seed=seed)
    print_line(f"written: {file.parent / 'sales.csv'} and {file}\nnext:    demandcast run {file}")
