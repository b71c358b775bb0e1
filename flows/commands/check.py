"""`demandcast check data|model CONFIG`: both print what is found; exit code 2 when a check fails.

`model` looks at registered versions (see `check_model`). `data` reads the source but loads nothing into the store, and
with --out also writes findings and series as .json or .html, or the series alone as .parquet. `verdicts(report)` counts
the series of a DataCheck by verdict, one row each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from flows.arguments import File, Sets, check_ending, load_config, print_line
from flows.html import html_page
from forecasting.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from forecasting.steps.data_check import DataCheck, Finding

Out = Annotated[Path | None, Parameter(help="Write the report to this .json or .html file, or the series to .parquet.")]
Strict = Annotated[bool, Parameter(help="Warnings end with exit code 2, too.")]

Version = Annotated[int | None, Parameter(help="Only this version; champion and challenger if left out.")]

check = App(name="check", help="Check the data without loading them, or the model. Exit code 2 when a check fails.")


@check.command
def data(config: File, /, *, out: Out = None, strict: Strict = False, set_: Sets = ()) -> None:
    """Check the source against its contracts (schema, volume, ranges, readability, freshness, keys) and its quality."""
    job = load_config(config, set_)
    check_ending(out, WRITERS)
    from forecasting.services import console
    from forecasting.steps.data_check import FAILED, WARNING, check_data
    from forecasting.steps.session import open_session

    report = check_data(open_session(job))
    to_mend = report.to_mend()
    numbers = {finding: f"see {n} below" for n, finding in enumerate(to_mend, 1)}
    checks = [(f"{f.check:<12} {f.verdict:<8}", numbers.get(f, f.message)) for f in report.findings]
    console.print_fields(f"data of {job.name}", checks)
    if report.series.height:
        console.print_table(verdicts(report), f"{report.series.height:,} series by what follows for the models")
    if to_mend:
        console.print_fields("what to do, in order of harm", _numbered(to_mend))
    if out:
        WRITERS[out.suffix](report, out)
        print_line(f"report: {out}")
    refused = {FAILED, WARNING} if strict else {FAILED}
    if failed := [f"{f.check} ({n})" for n, f in enumerate(to_mend, 1) if f.verdict in refused]:
        raise UserError(f"{config}: the data do not pass: {', '.join(failed)}; the numbered lines say what to do")


@check.command
def model(config: File, /, *, version: Version = None, set_: Sets = ()) -> None:
    """Check that registered versions are whole, hold nothing that runs code, and forecast as when they were trained."""
    job = load_config(config, set_)
    from forecasting.services import console
    from forecasting.steps.lifecycle import model_check
    from forecasting.steps.session import open_session

    session, failed = open_session(job), []
    for number in [version] if version else model_check.serving_versions(session):
        found = model_check.check_model(session, number)
        fields = [(f"{f.check:<12} {f.verdict:<8}", f.message) for f in found]
        console.print_fields(f"version {number} of {job.name}", fields)
        failed += [f"version {number}: {f.message}" for f in found if f.verdict == model_check.FAILED]
    if failed:
        raise UserError(f"{config}: {'; '.join(failed)}")


def _numbered(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """(`1 quarantine: warning`, its message) of each finding."""
    return [(f"{n} {f.check}: {f.verdict}", f.message) for n, f in enumerate(findings, 1)]


def verdicts(report: DataCheck) -> pl.DataFrame:
    """Series and their sales by verdict, the most frequent first, with an example."""
    import polars as pl

    volume = (pl.col("n") * pl.col("mean")).sum() / (report.series["n"] * report.series["mean"]).sum()
    counted = report.series.group_by("verdict").agg(
        series=pl.len(),
        share_of_sales=volume,
        gaps=pl.col("gaps").sum(),
        outliers=pl.col("outliers").sum(),
        example=pl.col("unique_id").min(),
    )
    return counted.sort("series", "verdict", descending=[True, False])


def _json(report: DataCheck, out: Path) -> None:
    content = {"findings": report.table().to_dicts(), "account": report.account, "series": report.series.to_dicts()}
    out.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")


def _html(report: DataCheck, out: Path) -> None:
    parts = [report.table(), *([verdicts(report), report.series] if report.series.height else [])]
    out.write_text(html_page("check data", parts), encoding="utf-8")


def _parquet(report: DataCheck, out: Path) -> None:
    report.series.write_parquet(out)


WRITERS = {".json": _json, ".html": _html, ".parquet": _parquet}
