"""The part of docs/ACCURACY.md that benchmarks.accuracy writes: what it found, and how to find it again."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import report
from benchmarks.accuracy import tables, verdict
from benchmarks.accuracy.peers import Field
from benchmarks.accuracy.verdict import Result

TEXT = """## Beside the best of other tools

Measured on {date}: {machine}.

    make bench-accuracy                                   all data sets
    make bench-accuracy ARGS="--only D4,D6"               some of them, nothing is written here
    make bench-accuracy ARGS="--set models=[ladder]"      with other keys, nothing is written here
    make bench-accuracy ARGS="--resume"                   goes on after a stop
    make bench-accuracy ARGS="--mlforecast-python FILE"   beside the cost of mlforecast, which FILE (a Python) has

It needs the data, the scorer `evaluate.py` and two lists of what others reached, `PEERS.md` and a `README.md` beside
further data, which are no part of this repository: `--data`, `--more` and `--evaluate` say where they lie.

Each data set is ingested and backtested with `configs/<data>.yaml`, which share one recipe. Reported is the model that
would serve: the best of the recipe on these windows where it beats the naive ladder, as `demandcast train` chooses
it. All figures are those of `evaluate.py`, the peers' as well. "Best peer" is the one of the lowest WAPE (D7: RMSSE,
D8: MASE), for both ratios.

### Aims

{aims}

### The best peer of each data set

{accuracy}

"first" is the metric of the first ratio: WAPE, but where WAPE says little that of totals (D7, rare sellers) or MASE
(D8, series that are no parts of one business). WAPE and MASE are taken of the median, the others on the mean. Skill is
the share of SeasonalNaive's WAPE that is saved.

### Intervals

{intervals}

"+-" is the standard error of the coverage, a window being one cluster: what all series share differs from window to
window. One window has none; its coverage is held to 2 points alone.

### Cost

{costs}

The whole pipeline, imports included: ingest, and a backtest that fits every model of the recipe on the windows above
and on the older ones (after the +) that feed intervals and weights. The rival fits and predicts on the windows above
alone, imports included: mlforecast LightGBM with the best settings of others as far as the list of peers gives them
(`benchmarks/accuracy/mlforecast_cost.py`), statsforecast AutoETS, AutoCES and Theta on one core
(`benchmarks/accuracy/statsforecast_cost.py`). "a window" divides each side by the windows it fits. "with intervals" is
mlforecast with `PredictionIntervals` over as many calibration windows as ours are made from: one more fit before each
window, and forecasts of the older ones. MB is the peak of the largest process.

### The models behind it

{models}

The best of the recipe and the season before; seconds are those of fitting on all windows. mlforecast and Ens3, where
they are listed, are what is timed above; mlforecast is not the peer itself, whose code is not published.

### Windows that differ from the config's own

{notes}
"""


def text(results: Sequence[Result], known: Field) -> str:
    """The whole part."""
    days = sorted({r.when for r in results})
    notes = [f"- {r.code} {r.data}: {note}" for r in results for note in r.changed]
    return TEXT.format(
        date=" to ".join(dict.fromkeys((days[0], days[-1]))),
        machine=report.machine(),
        accuracy=tables.accuracy(results, known),
        aims=tables.aimed(verdict.aims(results, known)),
        intervals=tables.intervals(results, known),
        costs=tables.costs(results, known),
        models=tables.models(results),
        notes="\n".join(notes) or "- none",
    )
