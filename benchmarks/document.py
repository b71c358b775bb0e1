"""docs/ACCURACY.md: what benchmarks.accuracy found, and how to find it again."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks import tables, verdict
from benchmarks.peers import Field
from benchmarks.verdict import Result

PACKAGES = ("polars", "lightgbm", "statsforecast", "numpy", "scipy")
TEXT = """# Accuracy on public data

Written by `make bench-accuracy`; do not edit. {date}, {machine}; {packages}.

    make bench-accuracy                                   all data sets
    make bench-accuracy ARGS="--only D4,D6"               some of them, nothing is written here
    make bench-accuracy ARGS="--resume"                   goes on after a stop
    make bench-accuracy ARGS="--mlforecast-python FILE"   beside the cost of mlforecast, which FILE (a Python) has

It needs the data, the scorer `evaluate.py` and the figures of others, `PEERS.md`, which are no part of this
repository: `--data` and `--evaluate` say where they lie.

Each data set is ingested and backtested with `configs/<data>.yaml`, which share one recipe. Told is the model that
would serve: the best of the recipe on these windows where it beats the naive ladder, as `demandcast train` chooses
it. All figures are those of `evaluate.py`, the peers' as well. "Best peer" is the one of the lowest WAPE.

## Beside the best peer

{accuracy}

Skill is the share of SeasonalNaive's WAPE that is saved. WAPE is judged on the median, the others on the mean.

## Aims

{aims}

## Intervals

{intervals}

"+-" is the standard error of the coverage, a series at a cutoff being one cluster.

## Cost

{costs}

The whole pipeline, imports included: ingest, and a backtest that fits every model of the recipe on the windows above
and on the older ones (after the +) that feed intervals and weights. mlforecast fits LightGBM, with the best
settings of others as far as PEERS.md tells them, and predicts, on the windows above alone, imports included
(`benchmarks/mlforecast_cost.py`). MB is the peak of the largest process.

## The models behind it

{models}

The best of the recipe and the season before; seconds are those of fitting on all windows. mlforecast, where it is
told of, is what is timed above: not the peer itself, whose code nobody has told.

## Windows that differ from the config's own

{notes}
"""


def text(results: Sequence[Result], known: Field) -> str:
    """The whole file."""
    days = sorted({r.when for r in results})
    notes = [f"- {r.code} {r.data}: {note}" for r in results for note in r.changed]
    return TEXT.format(
        date=" to ".join(dict.fromkeys((days[0], days[-1]))),
        machine=machine(),
        packages=", ".join(f"{name} {version(name)}" for name in PACKAGES),
        accuracy=tables.accuracy(results, known),
        aims=tables.aimed(verdict.aims(results, known)),
        intervals=tables.intervals(results, known),
        costs=tables.costs(results, known),
        models=tables.models(results),
        notes="\n".join(notes) or "- none",
    )


def machine() -> str:
    """Processors, memory, system and Python; nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} processors, {memory:.0f} GB, {system}"
