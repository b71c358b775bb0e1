"""Scores by the published package, in an environment of its own, and those that the leaderboard publishes."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

METRICS = ("SQL", "MASE", "WAPE", "WQL")
SCORED = re.compile(r"^(?P<model>.+) (?P<scores>\{.*\}) windows \d+ missing \d+$", re.MULTILINE)


@dataclass(frozen=True)
class Published:
    """One row of the leaderboard: scores by metric; seconds as published."""

    place: int
    model: str
    scores: dict[str, float]
    seconds: str


def read(file: Path) -> list[Published]:
    """The rows of a file like LEADERBOARD.md, best first; raises SystemExit where it has no such table."""
    found: list[Published] = []
    head: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = [cell.strip() for cell in line.strip("| ").split("|")]
        if not line.startswith("|"):
            head = []
        elif row[0] == "place":
            head = row
        elif head and row[0].isdigit():
            cells = dict(zip(head, row, strict=True))
            seconds = next((value for name, value in cells.items() if name.startswith("seconds")), "-")
            scores = {metric: float(cells[metric]) for metric in METRICS}
            found.append(Published(int(cells["place"]), cells["model"], scores, seconds))
    if not found:
        raise SystemExit(f"{file} must hold a table of the leaderboard (place, model, {', '.join(METRICS)}, seconds)")
    return sorted(found, key=lambda p: p.place)


def scored(python: Path, scorer: Path, files: tuple[Path, Path], season: int) -> dict[str, dict[str, float]]:
    """The scores by model of `files` (backtests, panel); `python` is one that has fev."""
    command = [str(python), str(scorer), *map(str, files), str(season)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the forecasts cannot be scored: {done.stderr[-2000:]}")
    return {found["model"]: ast.literal_eval(found["scores"]) for found in SCORED.finditer(done.stdout)}


def version(python: Path) -> str:
    """The version of fev."""
    command = [str(python), "-c", "import importlib.metadata as m; print(m.version('fev'))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def place(sql: float, published: Sequence[Published]) -> tuple[int, int]:
    """The best and the worst place that a score may have; they differ where the list leaves places out."""
    before = [p.place for p in published if p.scores["SQL"] < sql]
    behind = [p.place for p in published if p.scores["SQL"] >= sql]
    first = max(before, default=0) + 1
    return first, max(first, min(behind, default=first))
