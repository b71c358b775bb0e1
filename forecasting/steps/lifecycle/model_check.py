"""Whether a registered version is sound: `check_model` takes a Session and a version and returns Findings.

Checksums of its files, what they hold, that the program can load them, and golden predictions: forecasts of a few
series that were kept at the training and are made again. Nothing is written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from forecasting.errors import UserError
from forecasting.services.tracking.bundle_files import check_contents
from forecasting.steps import identity
from forecasting.steps.data_check.findings import FAILED, OK, WARNING, Finding
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import GOLDEN, Bundle
from forecasting.steps.lifecycle.champions import challenger_of
from forecasting.steps.lifecycle.golden import TOLERANCE, compare_golden
from forecasting.steps.session import Session, open_session


def serving_versions(session: Session) -> list[int]:
    """Champion and challenger; raises UserError where there is neither."""
    named = (session.registry.aliased_version("champion"), challenger_of(session.registry))
    versions = [version for version in named if version is not None]
    if not versions:
        raise UserError("no version is champion or challenger", where=session.config.name, needs="train")
    return versions


def check_model(session: Session, version: int) -> list[Finding]:
    """The findings in order; a check that fails is the last one, since the others rest on it.

    Raises UserError when there is no such version.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), list[Finding]()
        steps: list[tuple[str, Callable[[Path], tuple[str, str]]]] = [
            ("checksums", lambda home: (OK, f"{_count_files(home)} files are those that were registered")),
            ("formats", lambda home: (OK, f"{check_contents(home)} files are text, JSON or Parquet; none runs code")),
            ("loading", lambda home: (OK, _describe(bundles.load(home)))),
            ("predictions", lambda home: _predict_again(session, bundles.load(home), version)),
        ]
        try:
            home = session.registry.download_bundle(version, folder)
        except UserError as error:
            return [Finding("checksums", FAILED, str(error))]
        for check, step in steps:
            found.append(_finding(check, step, home))
            if found[-1].verdict == FAILED:
                break
        return found


def _finding(check: str, step: Callable[[Path], tuple[str, str]], home: Path) -> Finding:
    try:
        return Finding(check, *step(home))
    except UserError as error:
        return Finding(check, FAILED, str(error))


def _count_files(home: Path) -> int:
    return sum(path.is_file() for path in home.rglob("*"))


def _describe(bundle: Bundle) -> str:
    """What was loaded, and whether the code that made it is the one that is here."""
    same = "by this code" if bundle.facts["code"] == identity.code_of() else "by another version of the code"
    loaded = f"{len(bundle.trained.fitted)} models load, {bundle.champion} forecasts"
    return f"{loaded}; trained up to {bundle.facts['cutoff']} {same}"


def _predict_again(session: Session, bundle: Bundle, version: int) -> tuple[str, str]:
    """The verdict on the golden predictions; a warning where they cannot be made again."""
    if bundle.golden is None:
        return WARNING, f"not compared: version {version} was trained by a program that kept no {GOLDEN}"
    load = bundle.facts["data_version"]
    try:
        data = open_session(session.config.model_copy(update={"data_version": load}))
    except UserError as error:
        return WARNING, f"not compared: {error}"
    compared, off = compare_golden(bundle, bundles.served_by(data, bundle, version))
    if off.is_empty():
        return OK, f"{compared:,} values of {GOLDEN} come out again, within {TOLERANCE:g} of each or of 1"
    first = off.row(0, named=True)
    value = f"{first['model']} forecasts {first['column']} {first['now']} instead of {first['kept']}"
    raise UserError(
        f"{GOLDEN} of the bundle: {value} for {first['unique_id']} on {first['ds']}; {off.height:,} of {compared:,} "
        "values differ: the code, a library or the stored data are not those of the training; train again"
    )
