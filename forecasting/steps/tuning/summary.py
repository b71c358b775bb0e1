"""Summary of a search: `summarize_search` makes one Section of the facts of the step `tune` ({name: JSON value}).

It tells trials, errors before and after, the gain with its interval, and has a table of the changed options.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forecasting.steps.registry import Facts, Section


def summarize_search(facts: Facts) -> list[Section]:
    """One section: trials and errors as sentences, and a table [option, now, proposed]: one row per changed option."""
    rows = ({"option": n, "now": _cell(facts["today"][n]), "proposed": _cell(v)} for n, v in facts["changes"].items())
    return [Section("Tuning", tuple(_lines(facts)), tuple(rows))]


def _lines(f: Facts) -> Iterator[str]:
    metric = f["metric"].upper()
    windows = f"windows from {f['cutoffs'][-1]} to the reported ones"
    yield f"{f['trials']:,} trials, {f['pruned']:,} of them stopped early; {windows}"
    yield f"{metric} {f['before']:.4f} with the config as it is, {f['after']:.4f} with the options of trial {f['best']}"
    if f["trials"] < f["planned"]:
        yield f"the time limit came before {f['planned']:,} trials were finished: the same command continues the search"
    if f["gain"]:
        gain, lo, hi = f["gain"]
        yield f"gain in WAPE {gain:+.4f}, 95 % interval {lo:+.4f} to {hi:+.4f}, over {f['units']}"
    yield f["conclusion"]
    yield f"to be reviewed: {f['out']}"


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
