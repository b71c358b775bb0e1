"""Has a change of the code moved a figure? Every export of four jobs, column by column, against a kept reference.

    python -m benchmarks.bit_equality record     writes benchmarks/bit_equality.json from the code as it is
    python -m benchmarks.bit_equality check      runs the jobs and names every column that is not bit-equal

Rows are joined on their keys (sorted by them), so their order in a file does not matter. A numeric column is equal when
all its 64 bits are. Columns and texts that were renamed on purpose stand in benchmarks/renamed.yaml and are read by
their names in the reference. A reference holds for one kind of processor and one set of package versions: record it
with the old code on the machine that checks the new one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
REFERENCE, RENAMED = HERE / "bit_equality.json", HERE / "renamed.yaml"
DATA = ROOT.parent / "shared" / "data"

JOBS: dict[str, tuple[str, list[str]]] = {
    "demo": ("demo", []),
    "demo in 3 buckets": ("demo", ["store.buckets=3"]),
    "champagne": ("champagne", [f"source.path={DATA}/champagne"]),
    "dominicks_oj": ("dominicks_oj", [f"source.path={DATA}/dominicks_oj"]),
}
"""Name of the check -> the config and what is set over it."""
SCENARIOS = {"demo": ("store = 'S1'", "price*=0.9", "2026-01-05:2026-01-11")}
EXPORTS = ("forecasts", "sums", "backtests", "scores", "quarantine", "series")
LAKE = ("panel", "groups")
"""Tables that no export writes, read from the lake."""
KEYS = (
    "unique_id",
    "group",
    "ds",
    "cutoff",
    "model",
    "grain",
    "periods",
    "segment",
    "horizon",
    "metric",
    "file",
    "line",
)
OF_THE_RUN = ("recipe", "version", "first_seen", "loaded")
"""Identities and times of writing, which differ from run to run or with the code."""

Digests = dict[str, dict[str, str]]


def main() -> None:
    """Record or check; exit code 1 when a column differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("record", "check"))
    parser.add_argument("--jobs", nargs="*", default=list(JOBS), choices=list(JOBS))
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    args = parser.parse_args()
    found = {job: digests_of_job(job) for job in args.jobs}
    if args.what == "record":
        machine = {"processor": platform.machine(), "python": platform.python_version()}
        args.reference.write_text(json.dumps({"machine": machine, "digests": found}, indent=1) + "\n", encoding="utf-8")
        return
    reference = json.loads(args.reference.read_text(encoding="utf-8"))["digests"]
    lines = [line for job in args.jobs for line in differences(job, reference[job], found[job])]
    print("\n".join(lines) or "every column of every export is bit-equal")
    raise SystemExit(bool(lines))


def digests_of_job(job: str) -> Digests:
    """Digest of every column of every table of a job, run from nothing in a folder of its own."""
    config, settings = JOBS[job]
    with tempfile.TemporaryDirectory(prefix="bit-equality-") as folder:
        home = Path(folder)
        places = [f"store.root={home}/lake", f"tracking.uri=sqlite:///{home}/mlflow.db"]
        sets = [word for pair in (*settings, *places) for word in ("--set", pair)]
        file = str(ROOT / "configs" / f"{config}.yaml")
        run("run", file, *sets)
        return {name: digests(frame, name) for name, frame in frames(job, config, file, sets, home)}


def frames(job: str, config: str, file: str, sets: list[str], home: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """Every export of a job that has run, by its name; an empty table is a frame without rows."""
    for table in EXPORTS:
        out = home / f"{table}.parquet"
        done = run("export", table, file, "--out", str(out), *sets, check=table != "quarantine")
        yield table, pl.read_parquet(out) if done else pl.DataFrame()
    if job in SCENARIOS:
        where, change, dates = SCENARIOS[job]
        out = home / "scenario.parquet"
        run("scenario", file, "--where", where, "--change", change, "--dates", dates, "--out", str(out), *sets)
        yield "scenario", pl.read_parquet(out)
    for table in LAKE:
        yield table, pl.read_delta(str(home / "lake" / config / table))


def run(*words: str, check: bool = True) -> bool:
    """Run a command of demandcast; whether it ended well. Raises SystemExit with its last words if `check` says so."""
    command = [sys.executable, "-c", "from flows.cli import main; main()", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and check:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr[-3000:]}")
    return not done.returncode


def digests(frame: pl.DataFrame, table: str) -> dict[str, str]:
    """SHA-256 of every column in the order of the keys, and the number of rows."""
    frame = as_in_the_reference(frame, table)
    kept = frame.drop(OF_THE_RUN, strict=False)
    rows = kept.sort([c for c in KEYS if c in kept.columns], nulls_last=True)
    return {"rows": str(rows.height)} | {c: digest(rows[c]) for c in sorted(rows.columns)}


def as_in_the_reference(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """The frame with the names and texts that it had when the reference was recorded."""
    renamed: dict[str, Any] = yaml.safe_load(RENAMED.read_text(encoding="utf-8")) if RENAMED.exists() else {}
    columns = {new: old for old, new in (renamed.get("columns") or {}).get(table, {}).items()}
    frame = frame.rename({new: old for new, old in columns.items() if new in frame.columns})
    for column, texts in (renamed.get("texts") or {}).items():
        if column in frame.columns:
            for old, new in texts.items():
                frame = frame.with_columns(pl.col(column).str.replace_all(new, old))
    return frame.drop((renamed.get("added") or {}).get(table, []), strict=False)


def digest(values: pl.Series) -> str:
    """SHA-256 over type and values; nulls have a mark of their own, so that they are not 0."""
    bare = values.cast(pl.String) if values.dtype == pl.Categorical else values
    body = hashlib.sha256(str(bare.dtype).encode())
    body.update(bare.is_null().to_numpy().tobytes())
    if bare.dtype.is_numeric():
        body.update(bare.fill_null(0).to_numpy().tobytes())
    else:
        body.update("\n".join(map(str, bare.to_list())).encode())
    return body.hexdigest()[:16]


def differences(job: str, before: Digests, after: Digests) -> Iterator[str]:
    """A line for every column that differs, is missing or is new."""
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table, {}), after.get(table, {})
        for column in sorted(old.keys() | new.keys()):
            if old.get(column) != new.get(column):
                state = "differs" if column in old and column in new else "is missing" if column in old else "is new"
                yield f"{job}: {table}.{column} {state}"


if __name__ == "__main__":
    main()
