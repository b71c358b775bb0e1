"""Drift between two samples, column by column, measured with Evidently (the only module that imports it).

`measure_drift` takes a reference frame, a current one and the kind of each column, and returns a DriftReport (HTML
page, table, share of drifted columns). Up to 1,000 reference values a statistical test is used, as Evidently chooses
it; with more values any p-value is small, so a distance is used: Wasserstein in reference standard deviations for
numbers, the population stability index for categories (0.1 is the usual rule of thumb for both).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from forecasting.services.column_differences import most_changed
from forecasting.services.drift_page import round_data

Kind = Literal["data", "target", "prediction"]
MOST_BYTES = 5_000_000  # of a page; the library that draws takes 3.6 million of them
SMALL = 1_000  # reference values up to which a p-value is used
CATEGORIES = 5  # a number with at most so many distinct values is a category
THRESHOLDS = {"ks": 0.05, "chisquare": 0.05, "z": 0.05, "wasserstein": 0.1, "psi": 0.1}
LABELS = {
    "ks": "K-S p-value",
    "chisquare": "chi-square p-value",
    "z": "Z-test p-value",
    "wasserstein": "Wasserstein distance / std",
    "psi": "population stability index",
}
TABLE = pl.Schema(
    {
        "column": pl.String,
        "kind": pl.String,
        "method": pl.String,
        "score": pl.Float64,
        "threshold": pl.Float64,
        "drifted": pl.Boolean,
    }
)


@dataclass(frozen=True)
class DriftReport:
    """Drift of all columns: an HTML page without network resources, a table, and the share that drifted.

    table: [column, kind, method, score, threshold, drifted], one row per column. A p-value below its threshold or a
    distance at or above it is drift. A column that cannot be measured has a null score and the reason as its method:
    "no values" (in one or both samples; in one only, it counts as drifted) or "constant" (one value in both).
    share: drifted columns / all columns, 0 without columns. not_drawn: columns that are in the table and not on the
    page, those that have changed least.
    """

    html: str
    table: pl.DataFrame
    share: float
    not_drawn: tuple[str, ...] = ()


def measure_drift(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    columns: Mapping[str, Kind],
    sample: int = 20_000,
    seed: int = 0,
    most: int = 20,
) -> DriftReport:
    """Drift of the named columns from `reference` to `current`, on at most `sample` random rows of each.

    A column that is missing in a frame has no values there. Nulls, NaN and infinities are left out. The page draws the
    target, the prediction and the columns that have changed most, `most` in all: with every column it would grow beyond
    what a browser likes.
    """
    pairs = {
        name: _same_type(*(_sample_values(frame, name, sample, seed) for frame in (reference, current)))
        for name in columns
    }
    methods = {name: _method(*pair) for name, pair in pairs.items()}
    measured = {name: method for name, method in methods.items() if method in THRESHOLDS}
    first = [name for name in measured if columns[name] != "data"]
    drawn = (first + most_changed({name: pairs[name] for name in measured if name not in first}))[:most]
    html, scores = _report(pairs, {name: measured[name] for name in drawn}) if drawn else (NO_VALUES_PAGE, {})
    while len(html) > MOST_BYTES and len(drawn) > 1:  # columns of many categories
        drawn = drawn[: len(drawn) // 2]
        html, scores = _report(pairs, {name: measured[name] for name in drawn})
    others = [name for name in measured if name not in drawn]
    for part in (others[i : i + most] for i in range(0, len(others), most)):
        scores |= _measure(pairs, {name: measured[name] for name in part})
    rows = [
        {"column": name, "kind": kind, "method": LABELS.get(methods[name], methods[name])}
        | (scores.get(name) or _no_score(*pairs[name]))
        for name, kind in columns.items()
    ]
    table = pl.DataFrame(rows, schema=TABLE)
    return DriftReport(html, table, float(table["drifted"].mean() or 0.0), tuple(others))  # type: ignore[arg-type]


NO_VALUES_PAGE = (
    "<!doctype html><title>Drift</title><p>No column has values in both samples, so nothing could be compared.</p>"
)


def _sample_values(frame: pl.DataFrame, name: str, sample: int, seed: int) -> pl.Series:
    """A sample of the column without nulls, NaN and infinities: numbers as Float64, everything else as String."""
    if name not in frame.columns:
        return pl.Series(name, [], pl.Float64)
    rows = frame[name].sample(min(sample, frame.height), seed=seed)
    if rows.dtype.is_temporal():
        rows = rows.to_physical()
    if rows.dtype.is_numeric():
        rows = rows.cast(pl.Float64)
        return rows.filter(rows.is_finite().fill_null(False))
    return rows.cast(pl.String).drop_nulls()


def _same_type(reference: pl.Series, current: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Both samples as numbers; as categories when one is text, or there are few distinct values."""
    numbers = all(values.dtype.is_numeric() or values.is_empty() for values in (reference, current))
    if numbers and pl.concat([_as_numbers(reference), _as_numbers(current)]).n_unique() > CATEGORIES:
        return _as_numbers(reference), _as_numbers(current)
    return reference.cast(pl.String), current.cast(pl.String)


def _as_numbers(values: pl.Series) -> pl.Series:
    return values.cast(pl.Float64)


def _method(reference: pl.Series, current: pl.Series) -> str:
    distinct = pl.concat([reference, current]).n_unique()
    if reference.is_empty() or current.is_empty():
        return "no values"
    if distinct == 1:
        return "constant"
    small = reference.len() <= SMALL
    if reference.dtype.is_numeric():
        return "ks" if small else "wasserstein"
    return ("z" if distinct == 2 else "chisquare") if small else "psi"


def _no_score(reference: pl.Series, current: pl.Series) -> dict[str, Any]:
    return {"score": None, "threshold": None, "drifted": reference.is_empty() != current.is_empty()}


def _report(
    pairs: Mapping[str, tuple[pl.Series, pl.Series]], methods: Mapping[str, str]
) -> tuple[str, dict[str, dict[str, Any]]]:
    """Evidently's HTML page, and {score, threshold, drifted} by column."""
    snapshot = _snapshot(pairs, methods)
    return round_data(snapshot.get_html_str(as_iframe=False)), _scores(snapshot.dict())


def _measure(pairs: Mapping[str, tuple[pl.Series, pl.Series]], methods: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """{score, threshold, drifted} by column, without a page."""
    return _scores(_snapshot(pairs, methods).dict())


def _snapshot(pairs: Mapping[str, tuple[pl.Series, pl.Series]], methods: Mapping[str, str]) -> Any:
    """Evidently's comparison of the columns."""
    os.environ.setdefault("DO_NOT_TRACK", "true")  # read when evidently is imported
    from evidently import Report
    from evidently.presets import DataDriftPreset

    preset = DataDriftPreset(
        columns=list(methods),
        per_column_method=dict(methods),
        per_column_threshold={name: THRESHOLDS[method] for name, method in methods.items()},
    )
    with warnings.catch_warnings():
        # a category missing in the reference divides by zero, which gives p = 0 as intended
        warnings.simplefilter("ignore")
        reference, current = (_dataset({name: pairs[name][side] for name in methods}) for side in (0, 1))
        return Report([preset], include_tests=True).run(current, reference)


def _dataset(columns: Mapping[str, pl.Series]) -> Any:
    """Evidently's data set of the columns; shorter columns are padded with nulls, which it ignores."""
    from evidently import DataDefinition, Dataset

    frame = pl.concat([values.alias(name).to_frame() for name, values in columns.items()], how="horizontal_extend")
    numbers = [name for name, values in columns.items() if values.dtype.is_numeric()]
    categories = [name for name in columns if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    return Dataset.from_pandas(frame.to_pandas(), definition)


def _scores(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    metrics = {metric["config"].get("column"): metric for metric in report["metrics"]}
    verdicts = {test["metric_config"]["params"].get("column"): test["status"] for test in report["tests"]}
    return {
        name: {
            "score": float(metric["value"]),
            "threshold": metric["config"]["threshold"],
            "drifted": str(verdicts[name]).endswith("FAIL"),
        }
        for name, metric in metrics.items()
        if name is not None
    }
