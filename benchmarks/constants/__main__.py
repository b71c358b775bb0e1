"""`python -m benchmarks.constants`: choose constants anew from rows that benchmarks.accuracy kept, and judge them.

Reads windows.parquet and result.json of every code in --out, prints, and writes its part of docs/ACCURACY.md where all
codes of the lists of peers are there and none was picked.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import polars as pl

from benchmarks import report
from benchmarks.accuracy import bench, verdict
from benchmarks.accuracy.peers import Field
from benchmarks.constants import document
from benchmarks.constants.choose import replayable
from benchmarks.constants.listed import read_list
from benchmarks.constants.replay import MODEL
from benchmarks.constants.units import leave_out
from benchmarks.pipeline import MOST_ROWS
from benchmarks.processes import BESIDE, ROOT, stop


def parse(given: list[str] | None) -> argparse.Namespace:
    """The arguments, paths made absolute."""
    parser = argparse.ArgumentParser(prog="benchmarks.constants", description=__doc__)
    place = {"type": lambda text: Path(text).absolute()}
    parser.add_argument("--only", metavar="D4,D6", help="these codes alone; docs/ACCURACY.md stays as it is")
    parser.add_argument(
        "--out", default=ROOT / "data" / "bench-accuracy", **place, help="results of benchmarks.accuracy"
    )
    parser.add_argument("--data", default=BESIDE / "data", **place, help="the folder of the data sets of PEERS.md")
    parser.add_argument("--more", default=BESIDE / "more", **place, help="further data sets, with their README.md")
    evaluate = BESIDE / "benchmarks" / "evaluate.py"
    parser.add_argument("--evaluate", default=evaluate, **place, help="the scorer; PEERS.md lies beside it")
    parser.add_argument("--doc", **place, help="the file to write (default: docs/ACCURACY.md, see --only)")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    """Choose, judge, print, and write."""
    args, started = parse(given), time.perf_counter()
    known = bench.field(args)
    codes = bench.codes(args.only, known)
    rows = {code: read_rows(args.out / code) for code in codes}
    plain, served = {}, {}
    for code in codes:
        plain[code], served[code] = read_result(args.out / code, known)
    entries, found = replayable(read_list()), []
    for finding in leave_out(rows, entries):
        found.append(finding)
        print(f"without {', '.join(finding.unit)}: {finding.chosen or 'as today'}; errors {finding.errors}", flush=True)
    facts = {"seconds": time.perf_counter() - started, "count": len(entries), "rows": MOST_ROWS}
    chapter = document.text(found, plain, served, facts)
    print(chapter)
    doc = args.doc or (None if args.only else report.FILE)
    if doc:
        report.put(doc, "bench-constants", chapter)


def read_rows(folder: Path) -> pl.DataFrame:
    """The rows of all windows that benchmarks.accuracy kept for a code; stops where there are none."""
    if not (folder / "windows.parquet").exists():
        stop(f"{folder} holds no windows.parquet: run make bench-accuracy first, without --resume")
    rows = pl.read_parquet(folder / "windows.parquet")
    if (rows["model"] == MODEL).sum() == 0:
        stop(f"the recipe in {folder} has no {MODEL}, which is what is replayed: run make bench-accuracy without --set")
    return rows


def read_result(folder: Path, known: Field) -> tuple[dict[str, float], bool]:
    """The ratios of a code to its best peer, and whether the combination serves."""
    result = bench.from_json(json.loads((folder / "result.json").read_text(encoding="utf-8"))["result"])
    return verdict.ratios(result, known), result.champion == MODEL


if __name__ == "__main__":
    main()
