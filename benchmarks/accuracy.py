"""How good the default pipeline is on public data, beside the best of others: `make bench-accuracy`.

Every data set of PEERS.md is ingested and backtested with the config of its name, as a user would, in a process of its
own. The forecasts of the model that would serve are scored by evaluate.py, which scored the peers, too. Horizon and
windows are those of the protocol. Writes docs/ACCURACY.md; results stay in --out, and --resume goes on from there.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from benchmarks import document, peers, tables, verdict
from benchmarks.peers import Field, Protocol
from benchmarks.verdict import Cost, Result

ROOT = Path(__file__).resolve().parent.parent
SINGLE = 3
"""So many of the best single models are told of for information."""
KEYS = {"h": "h", "backtest.windows": "windows", "backtest.step": "step"}
"""What the protocol says in the place of the config, and how the protocol calls it."""


def main(arguments: list[str] | None = None) -> None:
    """Run, print, write docs/ACCURACY.md where all data sets were asked for."""
    args = _arguments(arguments)
    figures = args.evaluate.parent / "PEERS.md"
    for what, path in (("scorer", args.evaluate), ("figures of the peers", figures), ("data", args.data)):
        if not path.exists():
            stop(f"the {what} of the benchmark should be at {path}: give --evaluate and --data")
    known = peers.read(figures)
    results = []
    for code in codes(args.only, known):
        results.append(result(known.protocols[code], args))
        print(f"\n{tables.accuracy(results, known)}\n", flush=True)
    told = document.text(results, known)
    print(told)
    doc = args.doc or (None if args.only else ROOT / "docs" / "ACCURACY.md")
    if doc:
        doc.write_text(told, encoding="utf-8")


def codes(only: str | None, known: Field) -> list[str]:
    """The codes that were asked for, all without `only`."""
    asked = only.split(",") if only else list(known.protocols)
    strange = [code for code in asked if code not in known.protocols]
    if strange:
        stop(f"{strange[0]} is no code of PEERS.md: it has {', '.join(known.protocols)}")
    return asked


def stop(sentence: str) -> NoReturn:
    """Say what is missing; exit code 2."""
    print(sentence, file=sys.stderr)
    raise SystemExit(2)


def result(protocol: Protocol, args: argparse.Namespace) -> Result:
    """The result of one data set: measured, or, with --resume, that of the same code and config before."""
    kept = args.out / protocol.code / "result.json"
    key = identity(ROOT / "configs" / f"{protocol.data}.yaml", protocol)
    if args.resume and kept.exists():
        told = json.loads(kept.read_text(encoding="utf-8"))
        if told["key"] == key:
            return from_json(told["result"])
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-accuracy-") as lake:
        found = one(protocol, args, Path(lake))
    kept.write_text(json.dumps({"key": key, "result": asdict(found)}, indent=1), encoding="utf-8")
    return found


def one(protocol: Protocol, args: argparse.Namespace, lake: Path) -> Result:
    """Run and score one data set; its tables live in the folder `lake`."""
    out = args.out / protocol.code
    job = job_of(protocol, args.data, out, lake)
    (out / "job.json").write_text(json.dumps(job), encoding="utf-8")
    print(f"{protocol.code} {protocol.data} ...", flush=True)
    ours = [sys.executable, "-m", "benchmarks.pipeline"]
    cost = measured([*ours, "run", str(out / "job.json")], lake)
    told = json.loads((out / "told.json").read_text(encoding="utf-8"))
    theirs = None
    if python := trees_python(args):
        measured([*ours, "frame", str(out / "job.json")], lake)
        theirs = measured([python, str(ROOT / "benchmarks" / "mlforecast_cost.py"), str(out)], lake)
    truth = pl.read_parquet(args.evaluate.parent / "actuals" / f"{protocol.code}.parquet")
    others = [m for m in told["models"] if m not in (told["champion"], "SeasonalNaive")][:SINGLE]
    others += ["mlforecast"] if theirs else []
    scores = {
        m: scored(args.evaluate, out / f"{m}.parquet", protocol.code)
        for m in dict.fromkeys([told["champion"], "SeasonalNaive", *others])
    }
    return Result(
        protocol.code,
        protocol.data,
        told["champion"],
        scores[told["champion"]],
        scores["SeasonalNaive"],
        verdict.clustered(pl.read_parquet(out / f"{told['champion']}.parquet"), truth),
        cost,
        theirs,
        {m: scores[m] for m in others},
        {step: told[step] for step in ("ingest", "backtest")},
        told["seconds"],
        (len(told["cutoffs"]), len(told["calibration"])),
        changed(protocol),
        f"{datetime.now(UTC):%Y-%m-%d}",
    )


def job_of(protocol: Protocol, data: Path, out: Path, lake: Path) -> dict[str, Any]:
    """The config of the data set's name, with its data, places and the protocol's windows."""
    keys = {key: getattr(protocol, name) for key, name in KEYS.items()}
    places = {"store.root": str(lake / "lake"), "tracking.uri": f"sqlite:///{lake}/mlflow.db"}
    places |= {"tracking.artifacts": str(lake / "mlartifacts"), "source.path": str(data / protocol.data)}
    return {"config": str(ROOT / "configs" / f"{protocol.data}.yaml"), "set": places | keys, "out": str(out)}


def changed(protocol: Protocol) -> tuple[str, ...]:
    """Where the protocol asks for other windows than the config does."""
    from forecasting.config import load

    config = load(ROOT / "configs" / f"{protocol.data}.yaml")
    own = {
        "h": config.h,
        "backtest.windows": config.backtest.windows,
        "backtest.step": config.backtest.step or config.h,
    }
    asked = {key: getattr(protocol, name) for key, name in KEYS.items()}
    return tuple(f"{key} {asked[key]} (the config says {own[key]})" for key in KEYS if asked[key] != own[key])


def measured(command: list[str], cwd: Path) -> Cost:
    """Run a process to its end; raises SystemExit with the end of what it said when it fails."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    started = time.perf_counter()
    with (cwd / "said.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": path})
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        said = log.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said[-3000:]}")
    unit = 1024 if sys.platform == "linux" else 1024**2  # ru_maxrss is in KB on Linux, in bytes elsewhere
    seconds = time.perf_counter() - started
    return Cost(round(seconds, 1), round(used.ru_utime + used.ru_stime, 1), used.ru_maxrss / unit)


def scored(evaluate: Path, file: Path, code: str) -> dict[str, float]:
    """What the scorer says of a file of forecasts."""
    done = subprocess.run([sys.executable, str(evaluate), str(file), code, "--json"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{file.stem} on {code} cannot be scored: {done.stderr[-1000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def trees_python(args: argparse.Namespace) -> str | None:
    """An interpreter that has mlforecast, if there is one."""
    if args.mlforecast_python:
        return str(args.mlforecast_python)
    return sys.executable if importlib.util.find_spec("mlforecast") else None


def identity(config: Path, protocol: Protocol) -> str:
    """A hash of the code, the config and the protocol."""
    files = sorted((ROOT / "forecasting").rglob("*.py"))
    said = "".join(f.read_text(encoding="utf-8") for f in (config, *files)) + repr(protocol)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def from_json(told: dict[str, Any]) -> Result:
    costs = {key: Cost(**told[key]) if told[key] else None for key in ("cost", "theirs")}
    return Result(**(told | costs | {key: tuple(told[key]) for key in ("windows", "changed")}))  # type: ignore[arg-type]


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = ROOT.parent / "shared"
    place = {"type": lambda text: Path(text).absolute()}
    parser.add_argument("--only", metavar="D4,D6", help="these codes alone; docs/ACCURACY.md stays as it is")
    parser.add_argument("--data", default=beside / "data", **place, help="the folder of the data sets")
    evaluate = beside / "benchmarks" / "evaluate.py"
    parser.add_argument("--evaluate", default=evaluate, **place, help="the scorer; PEERS.md and actuals/ lie beside it")
    parser.add_argument(
        "--out", default=ROOT / "data" / "bench-accuracy", **place, help="where forecasts and results go"
    )
    parser.add_argument("--doc", **place, help="the file to write (default: docs/ACCURACY.md unless --only is given)")
    parser.add_argument("--resume", action="store_true", help="results of the same code and config in --out are kept")
    parser.add_argument("--mlforecast-python", **place, help="an interpreter that has mlforecast, to compare the cost")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
