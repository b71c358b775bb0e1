"""The part of docs/ACCURACY.md that benchmarks.leaderboard writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import report
from benchmarks.leaderboard import task
from benchmarks.leaderboard.scores import METRICS, Published, place
from benchmarks.processes import Cost

AIMS = {"SQL": 0.215, "WAPE": 0.087}
CHECKED = ("MASE", "WAPE")
"""Metrics of the median, in which the task's own seasonal naive is compared with the published one."""
TEXT = """## On a public leaderboard: {task} of fev-bench

Measured on {date}: {machine}.

    make bench-leaderboard                                  all {whole} windows; takes long
    make bench-leaderboard ARGS="--windows 1"               a trial, nothing is written here
    make bench-leaderboard ARGS="--resume"                  scores the kept forecasts of the same code and config

It needs the data, the scorer `leaderboard.py` and the published figures, `LEADERBOARD.md`, which are no part of this
repository: `--data` and `--scorer` say where they lie. Scores are those of the package fev {version}, which
`scripts/fev.sh` installs into an environment of its own.

`configs/{config}.yaml` is backtested on the windows of the task: {windows} of {h} days, the last one ending with the
data, `level` {level}, which with the median gives the nine quantiles. Reported is the model that would serve, the best
on these windows: {model}. Every value of the file counts, closed days as zeros. Known ahead are the columns that the
task names; the calendar of holidays of the config is public, but no part of the task.{trial}

{aims}

{table}

Lower is better; the order is that of SQL, the scaled quantile loss. By it {model} would be at place {place} of the
list, which leaves some places out. Our seconds are those of the whole pipeline on this machine, for {fitted} windows:
{older} older ones feed intervals and weights. Those of others are as published, with a GPU for pretrained models.

{check}
"""


TRIAL = " **This is a trial: scores of fewer than {whole} windows are not those of the task.**"


@dataclass(frozen=True)
class Run:
    """What was measured: the model that would serve, scores by model, values of the windows without a forecast, cost,
    reported and older windows, the version of fev, the day.
    """

    champion: str
    scores: dict[str, dict[str, float]]
    lost: int
    cost: Cost
    windows: tuple[int, int]
    version: str
    when: str


def text(run: Run, published: Sequence[Published]) -> str:
    """The whole part."""
    first, last = place(run.scores[run.champion]["SQL"], published)
    return TEXT.format(
        task=task.NAME,
        config=task.CONFIG,
        h=task.H,
        level=list(task.LEVEL),
        date=run.when,
        machine=report.machine(),
        windows=run.windows[0],
        whole=task.WINDOWS,
        fitted=sum(run.windows),
        older=run.windows[1],
        trial=TRIAL.format(whole=task.WINDOWS) if run.windows[0] < task.WINDOWS else "",
        version=run.version,
        model=run.champion,
        aims=aims(run),
        table=ranked(run, published),
        place=f"{first}" if first == last else f"{first} to {last}",
        check=check(run, published),
    )


def aims(run: Run) -> str:
    """Which aims are met, a value without a forecast being none."""
    own = run.scores[run.champion]
    rows = [[f"{m} at most {limit:g}", f"{own[m]:.4f}", _yes(own[m] <= limit)] for m, limit in AIMS.items()]
    rows.append(["a forecast of every value", f"{run.lost:,} without one", _yes(run.lost == 0)])
    met = sum(row[-1] == "yes" for row in rows)
    return f"Met: {met} of {len(rows)} aims.\n\n{report.table(['aim', 'found', 'met'], rows)}"


def _yes(met: bool) -> str:
    return "yes" if met else "no"


def ranked(run: Run, published: Sequence[Published]) -> str:
    """Ours among the published models, by SQL."""
    seconds = {run.champion: f"{run.cost.wall:,.0f} (cpu {run.cost.cpu:,.0f})"}
    rows = [(p.scores, [str(p.place), p.model], p.seconds) for p in published]
    rows += [(s, ["", f"**ours: {m}**"], seconds.get(m, "-")) for m, s in run.scores.items() if m != task.NAIVE]
    rows = [
        [*name, *(f"{s[m]:.4f}" for m in METRICS), took] for s, name, took in sorted(rows, key=lambda r: r[0]["SQL"])
    ]
    return report.table(["place", "model", *METRICS, "seconds"], rows)


def check(run: Run, published: Sequence[Published]) -> str:
    """Whether windows and values are the leaderboard's, checked by its seasonal naive."""
    theirs = next((p for p in published if p.model.lower() == "seasonal naive"), None)
    if theirs is None:
        return "The list has no seasonal naive by which windows and values could be checked."
    own = run.scores[task.NAIVE]
    pairs = ", ".join(f"{m} {own[m]:.4f} (published {theirs.scores[m]:.4f})" for m in CHECKED)
    same = all(abs(own[m] - theirs.scores[m]) < 1e-3 for m in CHECKED)
    end = (
        "windows and values are those of the leaderboard"
        if same
        else "these are NOT the leaderboard's windows or values"
    )
    return f"The seasonal naive of the task, made from the same file, has {pairs}: {end}."
