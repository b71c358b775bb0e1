"""`make bench-response`: estimate the response of chains whose truth is known, print, write docs/RESPONSE.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from time import perf_counter

import polars as pl

from benchmarks import report
from benchmarks.processes import ROOT
from benchmarks.response import document
from benchmarks.response.chains import Chain, retailer, weak_demand, weekly
from benchmarks.response.judge import judge, spillovers

FILE = ROOT / "docs" / "RESPONSE.md"
TITLE = "# How well the response to price and promotion is known\n"
SMALL = {"items": 12, "stores": 4, "weeks": 104}
CHAINS: dict[str, tuple[Callable[[int], Chain], int]] = {
    "retailer": (retailer, 5),
    "retailer, elasticity 0": (partial(retailer, elasticity=0.0), 1),
    "retailer, elasticity -0.5": (partial(retailer, elasticity=-0.5), 1),
    "retailer, elasticity -3": (partial(retailer, elasticity=-3.0), 1),
    "retailer, weak demand": (weak_demand, 3),
    "weekly": (weekly, 2),
}
"""Chains, and of how many seeds each."""
SPILLS: dict[str, tuple[Callable[[int], Chain], int]] = {
    "none": (partial(weekly, **SMALL), 20),
    "after -0.25, peers -0.6": (partial(weekly, dip=-0.25, lost=-0.6, **SMALL), 8),
}


def main(given: list[str] | None = None) -> None:
    """Estimate, print, and write the document where all seeds are drawn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, help="so many chains of each kind at most; nothing is written")
    args = parser.parse_args(given)
    began, effects = perf_counter(), []
    for name, (draw, count) in CHAINS.items():
        effects.append(judge(name, map(draw, _seeds(count, args.most))))
        print(effects[-1].filter(pl.col("series") > 0), flush=True)
    spills = {name: spillovers(draw, _seeds(count, args.most)) for name, (draw, count) in SPILLS.items()}
    chapter = document.text(pl.concat(effects), spills, perf_counter() - began)
    print(chapter)
    if args.most is None:
        report.put(FILE, "bench-response", chapter, TITLE)


def _seeds(count: int, most: int | None) -> range:
    return range(1, min(count, most or count) + 1)


if __name__ == "__main__":
    main()
