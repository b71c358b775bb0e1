"""Whether a published forecast comes out again: `reproduce` takes a Session and a Run, and returns a Comparison.

`find_run` finds a recorded forecast by its id, or by that of the tracked backtest after which its version was trained.
A Comparison says what was the same, and names what differs: data, code, libraries, files, rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from forecasting.services.store.vintages import scan_published
from forecasting.steps import identity, run_log
from forecasting.steps.lifecycle.rebuild import Rebuilt, Run, rebuild
from forecasting.steps.session import Session

KEY = ["unique_id", "ds", "model"]
SHOWN = 5
"""Names of files, or runs, that are listed."""


@dataclass(frozen=True)
class Comparison:
    """What was compared, as (subject, sentence), and the sentence that says how forecasts differ; empty where they are
    the same, bit for bit.
    """

    findings: tuple[tuple[str, str], ...]
    difference: str


def list_runs(session: Session) -> list[Run]:
    """The recorded forecasts whose vintage is published, the newest cutoff first."""
    runs = run_log.facts_by_key(session.store, "predict").values()
    found = {(facts["cutoff"], facts["version"]): facts for facts in runs}
    rows = session.vintages.select("cutoff", "version", "data_version").iter_rows()
    return [
        Run(identity.run_id("predict", facts["key"]), cutoff, version, data_version, facts)
        for cutoff, version, data_version in rows
        if (facts := found.get((str(cutoff), version)))
    ]


def find_run(session: Session, run: str) -> Run | None:
    """The recorded forecast with this id, or the newest of the version that was trained after this tracked run."""
    tracked = dict(session.registry.versions().select("version", "run_id").iter_rows())
    return next((known for known in list_runs(session) if run in (known.id, tracked.get(known.version))), None)


def describe_runs(session: Session) -> str:
    """The newest recorded forecasts in one phrase."""
    runs = list_runs(session)[:SHOWN]
    return ", ".join(f"{run.id} (made on {run.cutoff} by version {run.version})" for run in runs) or "none"


def reproduce(session: Session, run: Run) -> Comparison:
    """Rebuild the forecast and compare it with the stored one; raises UserError where the data are not kept."""
    again = rebuild(session, run)
    stored = scan_published(session.store, cutoff=run.cutoff).filter(pl.col("version") == run.version).collect()
    difference = describe_difference(stored, again.rows)
    same = f"{stored.height:,} rows of {stored['model'].n_unique()} models come out again, bit for bit"
    findings = [
        ("run", f"{run.id}, made on {run.cutoff} by version {run.version}"),
        ("data", f"load {run.data_version}"),
        *_circumstances(run),
        ("backtests", "as the training read them" if again.same_backtests else "not kept as the training read them"),
        ("bundle", _describe_files(again)),
        ("forecasts", difference or same),
    ]
    return Comparison(tuple(findings), difference)


def describe_difference(stored: pl.DataFrame, again: pl.DataFrame) -> str:
    """How rows of `forecasts` differ from those made again: how many of which models, in which columns, and how far;
    empty where all are equal to the last bit.
    """
    values = [c for c in stored.columns if c not in KEY]
    both = stored.join(again, on=KEY, how="full", suffix="_again", coalesce=True)
    differs = {c: ~pl.col(c).eq_missing(pl.col(f"{c}_again")) for c in values}
    off = both.filter(pl.any_horizontal(differs.values()))
    if off.is_empty():
        return ""
    columns = [c for c, test in differs.items() if off.filter(test).height]
    far = (pl.col("yhat_again") - pl.col("yhat")).abs().max()
    models = ", ".join(sorted(off["model"].unique()))
    return (
        f"{off.height:,} of {both.height:,} rows differ, of {models}, in {', '.join(columns)}; yhat by up to "
        f"{off.select(far).item() or 0.0:g}"
    )


def _circumstances(run: Run) -> Iterator[tuple[str, str]]:
    """The code and the libraries of then and of now."""
    then, now = run.facts.get("code"), identity.code_of()
    yield "code", "the same" if then == now else f"another version: {then or 'not recorded'} then, {now} now"
    yield "libraries", _compare(run.facts.get("environment", {}), identity.environment())


def _compare(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if not then:
        return "not recorded"
    other = [f"{name} {then.get(name)} then, {now.get(name)} now" for name in now if then.get(name) != now.get(name)]
    return "; ".join(other) or "the same"


def _describe_files(again: Rebuilt) -> str:
    """Whether the files of the bundle came out again."""
    if not again.other_files:
        return f"trained again: all {again.files} files are the same"
    named = ", ".join(again.other_files[:SHOWN])
    more = f" and {len(again.other_files) - SHOWN} more" if len(again.other_files) > SHOWN else ""
    return f"trained again: {len(again.other_files)} of {again.files} files differ: {named}{more}"
