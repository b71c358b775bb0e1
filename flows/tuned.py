"""What tuning has found, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def lines(f: Mapping[str, Any]) -> Iterator[str]:
    """How long was searched, what came of it, and whether that is more than noise."""
    metric = f["metric"].upper()
    yield f"{f['trials']:,} trials, {f['pruned']:,} of them broken off; windows from {f['cutoffs'][-1]} to the reported"
    yield f"{metric} {f['before']:.4f} as the config is, {f['after']:.4f} as trial {f['best']} has it"
    if f["trials"] < f["asked"]:
        yield f"the time was over before {f['asked']:,} trials were finished: the same command goes on with them"
    if f["gain"]:
        gain, lo, hi = f["gain"]
        yield f"gain in WAPE {gain:+.4f}, 95 % interval {lo:+.4f} to {hi:+.4f}, over {f['units']}"
    yield f["said"]
    yield f"to be reviewed: {f['out']}"


def rows(f: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The options that change."""
    for name, value in f["changes"].items():
        yield {"option": name, "is": _cell(f["today"][name]), "could be": _cell(value)}


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
