"""`make bench-response`: estimate the response of chains whose truth is known, print, write docs/RESPONSE.md.

With --real (`make bench-response-real`) that of the data sets that lie beside the repository, in a chapter of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from time import perf_counter

import polars as pl

from benchmarks import report
from benchmarks.processes import ROOT
from benchmarks.response import document, real_chains
from benchmarks.response.chains import Chain, retailer, weak_demand, weekly
from benchmarks.response.components import components
from benchmarks.response.judge import common, judge, spillovers

FILE = ROOT / "docs" / "RESPONSE.md"
TITLE = "# How well the response to price and promotion is known\n"
SMALL = {"items": 12, "stores": 4, "weeks": 104}
CHAINS: dict[str, tuple[Callable[[int], Chain], int]] = {
    "retailer": (retailer, 5),
    "retailer, weak demand": (weak_demand, 10),
    "weekly": (weekly, 4),
}
"""Chains, and of how many seeds each."""
COMMON = {0.0: range(100, 112), -0.5: range(200, 212), -3.0: range(300, 312)}
"""Elasticities that all items have, and the seeds of the chains: others for each, for errors hardly depend on it."""
EXPLAINED = 3
"""Chains whose components are compared with their own."""
SPILLS: dict[str, tuple[Callable[[int], Chain], int]] = {
    "none": (partial(weekly, **SMALL), 20),
    "after -0.25, peers -0.6": (partial(weekly, dip=-0.25, lost=-0.6, **SMALL), 8),
}


def main(given: list[str] | None = None) -> None:
    """Estimate, print, and write the document where all seeds are drawn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, help="so many chains of each kind at most; nothing is written")
    parser.add_argument("--real", action="store_true", help="the data sets beside the repository instead of chains")
    parser.add_argument("--stores", type=int, help="with --real: every so manyth store; nothing is written")
    args = parser.parse_args(given)
    if args.real:
        real_chains.main(FILE, TITLE, args.stores)
        return
    began, effects = perf_counter(), []
    for name, (draw, count) in CHAINS.items():
        effects.append(judge(name, map(draw, _seeds(count, args.most))))
        print(effects[-1].filter(pl.col("series") > 0), flush=True)
    alike = pl.concat(
        common(elasticity, partial(retailer, elasticity=elasticity, items=12, stores=3), seeds[: args.most])
        for elasticity, seeds in COMMON.items()
    )
    print(alike, parts := components(_seeds(EXPLAINED, args.most)), flush=True)
    spills = {name: spillovers(draw, _seeds(count, args.most)) for name, (draw, count) in SPILLS.items()}
    chapter = document.text(pl.concat(effects), alike, parts, spills, perf_counter() - began)
    print(chapter)
    if args.most is None:
        report.put(FILE, "bench-response", chapter, TITLE)


def _seeds(count: int, most: int | None) -> range:
    return range(1, min(count, most or count) + 1)


if __name__ == "__main__":
    main()
