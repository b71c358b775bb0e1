"""Every table that exists: its key, its columns, its partitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.features.calendar import events
from forecasting.io.table import Table

QUALITY_COUNTS = ("gaps", "longest_zeros", "jumps", "outliers", "negatives", "fractions")
"""What is counted of each series, between its first and its last observed day."""
AGGREGATE_BUCKET = -1
"""The bucket of aggregated series."""

LOADED_TABLES = ("panel", "series", "groups", "quarantine", "meta", "events", "files", "contributions")
"""The tables that a load writes: a row in `loads`, committed last, makes their versions visible, all at once."""

Columns = Mapping[str, Any]


def interval_columns(level: Iterable[int]) -> list[str]:
    """Column names of the interval bounds: lo-80, hi-80, ..."""
    return [f"{side}-{percent}" for percent in level for side in ("lo", "hi")]


def tables(config: Config, drivers: Mapping[str, pl.DataType] | None = None) -> dict[str, Table]:
    """All tables of a config; `drivers` are the types of its known-ahead, known-after and static columns."""
    kinds: Columns = dict(drivers or {})
    statics = {c: kinds[c] for c in config.static_columns if c in kinds}
    every = [_panel(kinds), _series(statics), _quarantine(), _groups(), _meta(), _events()]
    every += [_loads(), _files(), _contributions(kinds)]
    every += [_backtests(config), _scores(), _forecasts(config), _vintages(), _drift(), _runs()]
    every += [_features(), _training_sets(), feature_rows_table({}), _feature_stats(), _actions()]
    return {t.name: t for t in every}


def _table(name: str, key: str, columns: Columns, partition: str = "") -> Table:
    return Table(name, tuple(key.split()), pl.Schema(columns), tuple(partition.split()))


def _panel(kinds: Columns) -> Table:
    columns = {"unique_id": pl.String, "ds": pl.Date, "bucket": pl.Int32, "y": pl.Float64, "y_raw": pl.Float64}
    return _table("panel", "unique_id ds", columns | {"flag": pl.String} | dict(kinds), "bucket")


def _series(statics: Columns) -> Table:
    columns = {"unique_id": pl.String, "bucket": pl.Int32} | dict(statics)
    facts = {"start": pl.Date, "first": pl.Date, "last": pl.Date, "n": pl.Int64, "mean": pl.Float64}
    facts |= dict.fromkeys(("zeros", "cv", "trend"), pl.Float64)
    counted = dict.fromkeys(QUALITY_COUNTS, pl.Int64)
    return _table("series", "unique_id", columns | facts | {"demand_class": pl.String} | counted)


def _quarantine() -> Table:
    columns = {"file": pl.String, "line": pl.Int64, "row": pl.String, "rule": pl.String, "value": pl.String}
    seen = {"loaded": pl.Date, "first_seen": pl.Datetime("us", "UTC")}
    return _table("quarantine", "file line rule", columns | seen, "loaded")


def _groups() -> Table:
    columns = {"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64, "price": pl.Float64}
    return _table("groups", "group ds", columns)


def _meta() -> Table:
    return _table("meta", "key", {"key": pl.String, "value": pl.String})


def _loads() -> Table:
    """Published loads: the versions of LOADED_TABLES (null: not written), the newest day with sales, the rules by which
    the panel was made, and the files that were read, as JSON.
    """
    columns = {"load": pl.Int64, "published_at": pl.Datetime("us", "UTC"), "last": pl.Date, "rules": pl.String}
    facts = {"rows_written": pl.Int64, "read": pl.String}
    return _table("loads", "load", columns | facts | dict.fromkeys(LOADED_TABLES, pl.Int64))


def _files() -> Table:
    """Files of a landing folder by their names in it; `modified` in ns; `load` is the last one that read the file."""
    columns = {"file": pl.String, "size": pl.Int64, "modified": pl.Int64, "content": pl.String, "load": pl.Int64}
    return _table("files", "file", columns | {"loaded_at": pl.Datetime("us", "UTC"), "same_as": pl.String})


def _contributions(kinds: Columns) -> Table:
    """What each file adds to a row, for sources whose files may hold lines of the same day."""
    columns = {"file": pl.String, "unique_id": pl.String, "ds": pl.Date, "y": pl.Float64}
    return _table("contributions", "file unique_id ds", columns | dict(kinds))


def _forecast_columns(config: Config) -> dict[str, Any]:
    """What a forecast row holds, whoever asks."""
    columns = {"unique_id": pl.String, "ds": pl.Date, "cutoff": pl.Date, "model": pl.String, "grain": pl.String}
    values = dict.fromkeys(("yhat", "q50", *interval_columns(config.level)), pl.Float64)
    steps = {"step": pl.Int32, "block": pl.Int32, "interval": pl.String, "source": pl.String, "bucket": pl.Int32}
    steps |= {"cold_start": pl.Boolean}  # null in rows that were written before there was this column
    return columns | values | steps


def _events() -> Table:
    """Own events by day; `table` is their name in the config, and `place` is empty where they count everywhere."""
    return _table("events", "table place ds name", events.SCHEMA)


def _backtests(config: Config) -> Table:
    truth = {"y": pl.Float64, "mase_scale": pl.Float64, "rmsse_scale": pl.Float64, "scale": pl.Float64}
    columns = _forecast_columns(config) | truth | {"recipe": pl.String, "reported": pl.Boolean, "closed": pl.Boolean}
    return _table("backtests", "unique_id ds cutoff model recipe", columns, "cutoff bucket")


def _scores() -> Table:
    columns = {"model": pl.String, "recipe": pl.String, "cutoff": pl.Date, "grain": pl.String, "segment": pl.String}
    values = {"horizon": pl.String, "metric": pl.String, "value": pl.Float64}
    key = ("model", "recipe", "cutoff", "grain", "segment", "horizon", "metric")
    return Table("scores", key, pl.Schema(columns | values), optional=("cutoff",))  # null: over all cutoffs


def _forecasts(config: Config) -> Table:
    columns = _forecast_columns(config) | {"version": pl.Int64, "closed": pl.Boolean, "scale": pl.Float64}
    return _table("forecasts", "unique_id ds cutoff model version", columns, "cutoff bucket")


def _vintages() -> Table:
    columns = {"cutoff": pl.Date, "version": pl.Int64, "champion": pl.String, "recipe": pl.String}
    facts = {"data_version": pl.Int64, "published_at": pl.Datetime("us", "UTC"), "rows": pl.Int64}
    return _table("vintages", "cutoff version", columns | facts)


def _drift() -> Table:
    columns = {"cutoff": pl.Date, "column": pl.String, "kind": pl.String, "method": pl.String, "score": pl.Float64}
    verdict = {"threshold": pl.Float64, "drifted": pl.Boolean, "run_at": pl.Datetime("us", "UTC")}
    return _table("drift", "cutoff column kind", columns | verdict)


def _runs() -> Table:
    """What each step did: the account of lines, the gate's reason, the times; `facts` is JSON."""
    columns = {"step": pl.String, "run_at": pl.Datetime("us", "UTC"), "cutoff": pl.Date, "facts": pl.String}
    return _table("runs", "step run_at", columns)


def _features() -> Table:
    """Versions of feature tables; a row, written last, makes the rows of its `build` visible; `columns` is JSON."""
    columns = {"name": pl.String, "version": pl.Int64, "kind": pl.String, "description": pl.String, "key": pl.String}
    facts = {"event_time": pl.String, "lead": pl.Int32, "first": pl.Date, "last": pl.Date, "cutoff": pl.Date}
    return _table("features", "name version", columns | facts | _made())


def _training_sets() -> Table:
    """Versions of training sets: rows of the days first..last, as they were known on the last one."""
    columns = {"name": pl.String, "version": pl.Int64, "feature_version": pl.Int64, "lead": pl.Int32}
    days = {"first": pl.Date, "last": pl.Date, "cutoff": pl.Date}
    return _table("training_sets", "name version", columns | days | _made())


def _made() -> dict[str, Any]:
    """Where rows of features come from, and where they lie: `content` is a hash of their values."""
    origin = {"data_version": pl.Int64, "recipe": pl.String, "code": pl.String, "build": pl.String}
    return origin | {"columns": pl.String, "content": pl.String, "rows": pl.Int64, "built_at": pl.Datetime("us", "UTC")}


def feature_rows_table(features: Columns) -> Table:
    """Rows of all feature tables and training sets, by the build that made them; `features` are the further columns."""
    columns = {"build": pl.String, "bucket": pl.Int32, "unique_id": pl.String, "ds": pl.Date, "event_time": pl.Date}
    values = {"lead": pl.Int32, "y": pl.Float64, "level": pl.Float64}
    return _table("feature_rows", "build unique_id ds", columns | values | dict(features), "build bucket")


def _feature_stats() -> Table:
    """What the values of a feature look like in a build; `histogram` and `correlations` are JSON."""
    columns = {"build": pl.String, "feature": pl.String, "n": pl.Int64, "nulls": pl.Int64}
    values = ("mean", "std", "min", "q05", "q25", "q50", "q75", "q95", "max", "correlation")
    told = dict.fromkeys(values, pl.Float64) | {"histogram": pl.String, "correlations": pl.String}
    return _table("feature_stats", "build feature", columns | told)


def _actions() -> Table:
    """Entries that people write, such as saved scenarios; rows are only added, and of the rows about one `subject` of a
    `kind` that with the highest `version` holds. `payload` is JSON.
    """
    columns = {"id": pl.String, "kind": pl.String, "subject": pl.String, "version": pl.Int64, "operation": pl.String}
    written = {"author": pl.String, "time": pl.Datetime("us", "UTC"), "reason": pl.String, "payload": pl.String}
    return _table("actions", "kind subject version", columns | written)
