"""The benchmark of `make bench-accuracy`: run the data sets, score them beside the peers, report.

Every data set of the lists of peers is ingested and backtested with the config of its name, as a user would, in a
process of its own. The forecasts of the model that would serve are scored by evaluate.py, which scored the peers, too.
Horizon and windows are those of the protocol. Writes its part of docs/ACCURACY.md; results stay in --out, and --resume
goes on from there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import report
from benchmarks.accuracy import arguments, document, peers, rivals, tables, verdict
from benchmarks.accuracy.peers import Field, Protocol
from benchmarks.accuracy.verdict import Result
from benchmarks.processes import ROOT, Cost, identity, measured, overrides, places, stop

SINGLE = 3
"""So many of the best single models are listed for information."""
KEYS = {"h": "h", "backtest.windows": "windows", "backtest.step": "step"}
"""What the protocol says in the place of the config, and how the protocol calls it."""


def main(given: list[str] | None = None) -> None:
    """Run, print, write docs/ACCURACY.md where all data sets are run as they are."""
    args = arguments.parse(given)
    known = field(args)
    results = []
    for code in codes(args.only, known):
        results.append(result(known.protocols[code], known, args))
        print(f"\n{tables.accuracy(results, known)}\n", flush=True)
    chapter = document.text(results, known)
    print(chapter)
    doc = args.doc or (None if args.only or args.set else report.FILE)
    if doc:
        report.put(doc, "bench-accuracy", chapter)


def field(args: argparse.Namespace) -> Field:
    """Protocols and peers of both lists; stops where one of them, or the scorer, is missing."""
    lists = {args.evaluate.parent / "PEERS.md": args.data, args.more / "README.md": args.more}
    needed = {"scorer": args.evaluate, "data": args.data}
    needed |= {f"list of peers {path.name}": path for path in lists}
    for what, path in needed.items():
        if not path.exists():
            stop(f"the {what} of the benchmark should be at {path}: give --evaluate, --data and --more")
    return peers.read(lists)


def codes(only: str | None, known: Field) -> list[str]:
    """The selected codes, all without `only`."""
    selected = only.split(",") if only else list(known.protocols)
    strange = [code for code in selected if code not in known.protocols]
    if strange:
        stop(f"{strange[0]} is no code of the lists of peers: they have {', '.join(known.protocols)}")
    return selected


def result(protocol: Protocol, known: Field, args: argparse.Namespace) -> Result:
    """The result of one data set: measured, or, with --resume, that of the same code and config before."""
    kept = args.out / protocol.code / "result.json"
    key = identity(ROOT / "configs" / f"{protocol.data}.yaml", protocol, args.set)
    if args.resume and kept.exists():
        stored = json.loads(kept.read_text(encoding="utf-8"))
        if stored["key"] == key:
            return from_json(stored["result"])
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-accuracy-") as lake:
        found = one(protocol, known, args, Path(lake))
    kept.write_text(json.dumps({"key": key, "result": asdict(found)}, indent=1), encoding="utf-8")
    return found


def one(protocol: Protocol, known: Field, args: argparse.Namespace, lake: Path) -> Result:
    """Run and score one data set; its tables live in the folder `lake`."""
    out = args.out / protocol.code
    (out / "job.json").write_text(json.dumps(job_of(protocol, args.set, out, lake)), encoding="utf-8")
    print(f"{protocol.code} {protocol.data} ...", flush=True)
    ours = [sys.executable, "-m", "benchmarks.pipeline"]
    cost = measured([*ours, "run", str(out / "job.json")], lake)
    measured([*ours, "windows", str(out / "job.json")], lake)
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    rival = rivals.of(protocol.code, known)
    theirs, calibrated = rival_costs(rival, args.mlforecast_python, out, lake, len(summary["calibration"]))
    others = [m for m in summary["models"] if m not in (summary["champion"], "SeasonalNaive")][:SINGLE]
    others += rivals.FORECASTS[rival] if theirs else []
    scores = {
        m: scored(args.evaluate, out / f"{m}.parquet", protocol.code)
        for m in dict.fromkeys([summary["champion"], "SeasonalNaive", *others])
    }
    truth = pl.read_parquet(args.evaluate.parent / "actuals" / f"{protocol.code}.parquet")
    rmse, within = verdict.judge_rows(pl.read_parquet(out / f"{summary['champion']}.parquet"), truth)
    return Result(
        protocol.code,
        protocol.data,
        summary["champion"],
        scores[summary["champion"]],
        scores["SeasonalNaive"],
        rmse,
        within,
        cost,
        rival,
        theirs,
        calibrated,
        {m: scores[m] for m in others},
        {step: summary[step] for step in ("ingest", "backtest")},
        summary["seconds"],
        (len(summary["cutoffs"]), len(summary["calibration"])),
        changed(protocol),
        f"{datetime.now(UTC):%Y-%m-%d}",
    )


def rival_costs(
    rival: str, python: Path | None, out: Path, lake: Path, windows: int
) -> tuple[Cost | None, Cost | None]:
    """What the other tool costs, and mlforecast with conformal intervals over so many windows; None if not measured."""
    command = rivals.command(rival, python, out)
    if not command:
        return None, None
    measured([sys.executable, "-m", "benchmarks.pipeline", "frame", str(out / "job.json")], lake)
    plain = measured(command, lake)
    if rival != "mlforecast":
        return plain, None
    with_intervals = rivals.command(rival, python, out, max(2, windows))  # it takes two windows at least
    return plain, measured(with_intervals or command, lake)


def job_of(protocol: Protocol, changes: list[str], out: Path, lake: Path) -> dict[str, Any]:
    """The config of the data set's name, with its data, places, the protocol's windows, and what --set asks for."""
    keys: dict[str, Any] = {key: getattr(protocol, name) for key, name in KEYS.items()}
    keys |= places(lake) | {"source.path": str(protocol.folder)} | overrides(changes)
    return {"config": str(ROOT / "configs" / f"{protocol.data}.yaml"), "set": keys, "out": str(out)}


def changed(protocol: Protocol) -> tuple[str, ...]:
    """Where the protocol asks for other windows than the config does."""
    from forecasting.config import load

    config = load(ROOT / "configs" / f"{protocol.data}.yaml")
    own = {
        "h": config.h,
        "backtest.windows": config.backtest.windows,
        "backtest.step": config.backtest.step or config.h,
    }
    wanted = {key: getattr(protocol, name) for key, name in KEYS.items()}
    return tuple(f"{key} {wanted[key]} (the config says {own[key]})" for key in KEYS if wanted[key] != own[key])


def scored(evaluate: Path, file: Path, code: str) -> dict[str, float]:
    """What the scorer says of a file of forecasts."""
    done = subprocess.run([sys.executable, str(evaluate), str(file), code, "--json"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{file.stem} on {code} cannot be scored: {done.stderr[-1000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def from_json(stored: dict[str, Any]) -> Result:
    """The result as it was before it was kept: JSON knows no tuples and no classes."""
    costs = {key: Cost(**stored[key]) if stored[key] else None for key in ("cost", "theirs", "calibrated")}
    within = {level: [(n, hit) for n, hit in windows] for level, windows in stored["within"].items()}
    tuples = {key: tuple(stored[key]) for key in ("windows", "changed")}
    return Result(**(stored | costs | tuples | {"within": within}))  # type: ignore[arg-type]
