"""The part of docs/ACCURACY.md that benchmarks.constants writes: ratios with constants that never saw a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log

from benchmarks.accuracy.peers import metrics_of
from benchmarks.constants.units import Finding
from benchmarks.report import machine, table

METRICS = ("first", "RMSSE")
MOST = 0.02
"""So much worse the geometric means may be with constants that were chosen without a data set."""
TEXT = """## Constants that never saw the data set

Measured on {machine}, in {seconds:.0f} s.

    make bench-accuracy                                   keeps rows of all windows
    make bench-constants                                  chooses constants anew from them
    make bench-constants ARGS="--only D4,D6"              of some data sets, nothing is written here

`benchmarks/constants/constants.yaml` lists every number of recipe, combination and bounds with its candidates; {count}
of them are chosen anew from stored forecasts of all models, by replaying older windows alone: of windows that were over
before the first reported one, each is combined and calibrated with what those before it teach. One unit of data sets
is left out at a time, and what the others choose is applied to its reported windows. Of each data set every so many
series are replayed, so that there are about {rows:,} rows of all models. The ratios are those of `make bench-accuracy`
("plain"), times what the chosen constants do to the errors of the replayed rows ("left out"); a data set that another
model than the combination serves keeps its own. A choice looks at MASE, RMSSE and WAPE of totals for weights, at
interval scores and coverage for bounds; it starts from today's values and takes what lowers the mean over the data
sets, however little. Constants that decide what is fitted cannot be replayed; the list says why.

{units}

{means}

Chosen in the place of today's value:

{chosen}
"""
Ratios = Mapping[str, Mapping[str, float]]


def text(found: Sequence[Finding], plain: Ratios, served: Mapping[str, bool], facts: Mapping[str, float]) -> str:
    """The whole part. `plain` are the ratios to the best peer by code, `served` names which codes the combination
    serves; `facts` are seconds, count (of constants) and rows (kept).
    """
    pairs = {code: left_out(f.errors[code], plain[code], served[code], code) for f in found for code in f.unit}
    rows = [_row(f, code, plain[code], pairs[code]) for f in found for code in f.unit]
    head = [
        "unit",
        "code",
        "first, plain",
        "left out",
        "+-",
        "RMSSE, plain",
        "left out",
        "+-",
        "80 %, plain",
        "left out",
    ]
    return TEXT.format(
        machine=machine(),
        units=table([*head, "95 %, plain", "left out"], rows),
        means="\n".join(_mean(name, plain, pairs) for name in METRICS),
        chosen="\n".join(f"- without {', '.join(f.unit)}: {_values(f)}" for f in found),
        **facts,
    )


def left_out(factors: Mapping[str, float], plain: Mapping[str, float], served: bool, code: str) -> dict[str, float]:
    """The ratios of a data set with the chosen constants.

    >>> left_out({"wape": 1.1, "rmsse": 0.5}, {"first": 0.9, "RMSSE": 0.8}, True, "D1")
    {'first': 0.99, 'RMSSE': 0.4}
    """
    names = {"first": metrics_of(code).first, "RMSSE": "rmsse"}
    return {name: round(plain[name] * (factors.get(names[name], 1.0) if served else 1.0), 6) for name in METRICS}


def geometric_means(name: str, plain: Ratios, pairs: Ratios) -> tuple[float, float]:
    """The geometric means of the plain ratios and of those with the chosen constants, of the codes of `pairs`."""
    plainly, out = (exp(sum(log(by[code][name]) for code in pairs) / len(pairs)) for by in (plain, pairs))
    return plainly, out


def _mean(name: str, plain: Ratios, pairs: Ratios) -> str:
    plainly, out = geometric_means(name, plain, pairs)
    met = "yes" if out - plainly <= MOST else "no"
    worse = f"{out - plainly:+.3f}; at most {MOST} worse: {met}"
    return f"- geometric mean of the {name} ratios: plain {plainly:.3f}, left out {out:.3f} ({worse})"


def _row(found: Finding, code: str, plain: Mapping[str, float], out: Mapping[str, float]) -> list[str]:
    ratios = [
        cell
        for name in METRICS
        for cell in (f"{plain[name]:.3f}", f"{out[name]:.3f}", f"{out[name] - plain[name]:+.3f}")
    ]
    bounds = found.bounds.get(code)
    cover = [f"{side[f'cov{level}']:.3f}" for level in (80, 95) for side in bounds] if bounds else ["-"] * 4
    return [", ".join(found.unit), code, *ratios, *cover]


def _values(found: Finding) -> str:
    return (
        ", ".join(
            f"{name.partition(':')[2]} of {name.partition(':')[0].rpartition('.')[2]} {value}"
            for name, value in found.chosen.items()
        )
        or "none"
    )
