"""What `python -m benchmarks.accuracy` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.processes import BESIDE, ROOT


def parse(given: list[str] | None) -> argparse.Namespace:
    """The arguments, paths made absolute."""
    parser = argparse.ArgumentParser(prog="benchmarks.accuracy", description=__doc__)
    place = {"type": lambda text: Path(text).absolute()}
    parser.add_argument("--only", metavar="D4,D6", help="these codes alone; docs/ACCURACY.md stays as it is")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a key of every config for a trial, as in `demandcast run`; docs/ACCURACY.md stays as it is",
    )
    parser.add_argument("--data", default=BESIDE / "data", **place, help="the folder of the data sets of PEERS.md")
    parser.add_argument("--more", default=BESIDE / "more", **place, help="further data sets, with their README.md")
    evaluate = BESIDE / "benchmarks" / "evaluate.py"
    parser.add_argument("--evaluate", default=evaluate, **place, help="the scorer; PEERS.md and actuals/ lie beside it")
    parser.add_argument("--out", default=ROOT / "data" / "bench-accuracy", **place, help="where results go")
    parser.add_argument("--doc", **place, help="the file to write (default: docs/ACCURACY.md, see --only and --set)")
    parser.add_argument("--resume", action="store_true", help="results of the same code and config in --out are kept")
    parser.add_argument("--mlforecast-python", **place, help="an interpreter that has mlforecast, to compare the cost")
    return parser.parse_args(given)
