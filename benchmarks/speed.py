"""How long each step takes and how much memory it needs: `make bench`.

Made-up retail sales of growing size go through ingest, backtest, train and predict, each step in a process of its own,
so that its peak memory is its own. The last column divides the seconds by those of a fixed piece of arithmetic measured
just before, which makes runs on different or busy machines comparable.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks import increment

LINE = "{:>7} {:>9}  {:<12} {:>8} {:>9} {:>8} {:>12}"
STEPS = ("ingest", "ingest again", "backtest", "train", "predict")
CONFIG = """
name: bench
source: {{kind: synthetic, options: {{stores: {stores}, items: {items}, days: {days}}}}}
freq: 1d
h: 28
columns: {{known_ahead: [price, promo, open], known_after: [stock], static: [store, item, category],
          price: price, promo: promo, open: open, stock: stock}}
levels_of_aggregation: [[], [store]]
calendar: {{country: DE}}
future: {{price: last, promo: 0, open: same_weekday}}
backtest: {{windows: 1, calibration: 1}}
models: [ladder, {{lightgbm: {{}}}}]
"""


def main() -> None:
    """Print one table over all sizes."""
    args = _arguments()
    if args.one:
        print(json.dumps(one(Path(args.one[0]), args.one[1])))
        return
    if args.increment:
        increment.measured(5_000, 2_000, 3)
        return
    sizes = [(5, 20, 730), (10, 50, 730), (20, 200, 730)] if args.large else [(5, 20, 730)]
    print(LINE.format("series", "rows", "step", "seconds", "rows/s", "peak MB", "x reference"))
    for size in sizes:
        measured(*size)


def measured(stores: int, items: int, days: int) -> None:
    """Print one row per step: size, step, seconds, rows per second, peak MB, seconds in units of the reference."""
    series, rows = stores * items, stores * items * days
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "bench.yaml"
        config.write_text(CONFIG.format(stores=stores, items=items, days=days), encoding="utf-8")
        for step in STEPS:
            unit = reference()
            command = [sys.executable, "-m", "benchmarks.speed", "--one", str(config), step.split()[0]]
            path = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
            said = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": path}
            )
            told = json.loads(said.stdout.splitlines()[-1])
            seconds, mb = told["seconds"], told["mb"]
            row = (series, rows, step, f"{seconds:.1f}", round(rows / seconds), mb, f"{seconds / unit:.1f}")
            print(LINE.format(*row), flush=True)


def one(config: Path, step: str) -> dict[str, float]:
    """Run a step in this process; its seconds (imports left out) and the peak memory of process and children in MB."""
    from forecasting.config import load
    from forecasting.steps import run_step

    job = load(config)
    started = time.perf_counter()
    run_step(step, job)
    seconds = time.perf_counter() - started
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"seconds": round(seconds, 2), "mb": peak // 1024}


def reference() -> float:
    """Seconds of a fixed piece of work: the machine's speed at this moment."""
    started = time.perf_counter()
    values = pl.Series(range(3_000_000)).cast(pl.Float64)
    for _ in range(10):
        values = ((values * 1.0001).sqrt() + 1).sort(descending=True)
    return time.perf_counter() - started


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="also 500 and 4,000 series, 2.9 million rows")
    parser.add_argument("--increment", action="store_true", help="one new day on top of ten million rows, alone")
    parser.add_argument("--one", nargs=2, metavar=("CONFIG", "STEP"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
