"""docs/ACCURACY.md and other documents that several benchmarks write: each puts its part between marks and leaves the
others alone.

`table` and `machine` are what the parts have in common.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.processes import ROOT

FILE = ROOT / "docs" / "ACCURACY.md"
TITLE = "# Accuracy on public data\n"
PACKAGES = ("polars", "lightgbm", "statsforecast", "numpy", "scipy")


def put(file: Path, part: str, text: str, title: str = TITLE) -> None:
    """Write the part of one `make` target into the file, which a title begins; what stands outside its marks stays."""
    before = file.read_text(encoding="utf-8") if file.exists() else title
    first, last = marks(part)
    whole = f"{first}\n\n{text.strip()}\n\n{last}"
    own = re.compile(f"{re.escape(first)}.*?{re.escape(last)}", re.DOTALL)
    after, found = own.subn(lambda _: whole, before)
    file.write_text(after if found else f"{before.rstrip()}\n\n{whole}\n", encoding="utf-8")


def marks(part: str) -> tuple[str, str]:
    """The lines around a part; Markdown does not show them."""
    return f"<!-- {part}: written by `make {part}`, do not edit -->", f"<!-- end of {part} -->"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with even columns."""
    lines = [list(head), *[list(row) for row in rows]]
    width = [max(len(line[i]) for line in lines) for i in range(len(head))]
    drawn = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, width, strict=True)) + " |" for line in lines]
    return "\n".join([drawn[0], "|" + "|".join("-" * (w + 2) for w in width) + "|", *drawn[1:]])


def machine() -> str:
    """Processors, memory, system, Python and packages; nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{os.cpu_count()} processors, {memory:.0f} GB, {system}; {packages}"
