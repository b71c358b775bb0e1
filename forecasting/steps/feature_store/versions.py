"""Builds and their versions: rows are written under the identity of their build, and registered when all are there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.schemas import feature_rows_table
from forecasting.services import log
from forecasting.services.console import track
from forecasting.services.store import Store
from forecasting.steps import identity, session
from forecasting.steps.feature_store import profile
from forecasting.steps.registry import Outcome

Kinds = dict[str, pl.DataType]
Make = Callable[[int], pl.DataFrame]
CODE = ("data", "features")
TYPES: Kinds = {"Float32": pl.Float32(), "String": pl.String()}


@dataclass(frozen=True)
class Order:
    """What to build: the table that registers it, what its row says, its features, and what makes a bucket's rows."""

    registry: Literal["features", "training_sets"]
    row: dict[str, Any]
    columns: Kinds
    make: Make

    @property
    def name(self) -> str:
        return str(self.row["name"])


def build_version(config: Config, panel: Panel, order: Order, *, force: bool = False) -> Outcome:
    """Build the rows and register them as the next version of their name.

    The same data, recipe and code are not built again without `force`; rows with equal values are no new version. A
    feature table is compared with its newest version, a training set with all.
    """
    store = with_features(session.open_store(config), order.columns)
    origin = _origin(config, store, order)
    known = _known(store, order, build=origin["build"])
    if known and not force:
        return _outcome(order, known, reused=True)
    if force:  # rows of a build never change: those made once more get a place of their own
        origin["build"] += f"-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    with log.step("features", table=order.name):
        facts = write(store, panel, origin["build"], order.make)
    known = _known(store, order, content=facts["content"])
    if known and known["build"] != origin["build"]:
        forget(store, origin["build"])
    if known:
        return _outcome(order, known, reused=True)
    return _outcome(order, _register(store, panel, order, origin | facts))


def _known(store: Store, order: Order, **equals: str) -> dict[str, Any] | None:
    """The version with this build or content; of a feature table only the newest counts, for it is what readers get."""
    versions = registered(store, order.registry, order.name)
    asked = versions if order.registry == "training_sets" else versions.head(1)
    return next(asked.filter(*(pl.col(c) == v for c, v in equals.items())).iter_rows(named=True), None)


def _register(store: Store, panel: Panel, order: Order, facts: dict[str, Any]) -> dict[str, Any]:
    """Keep the statistics of a build, then make it a version."""
    stats = profile.of_build(store, panel, facts["build"], list(order.columns))
    store.replace("feature_stats", stats, build=facts["build"])
    row = facts | order.row | {"built_at": datetime.now(UTC)}
    return row | {"version": store.append_numbered(order.registry, row, name=order.name)}


def _outcome(order: Order, row: dict[str, Any], **reused: bool) -> Outcome:
    kept = ("name", "version", "lead", "rows", "first", "last", "cutoff", "data_version")
    facts = {name: row[name] for name in kept} | {"features": len(order.columns)}
    return Outcome(order.registry, {k: str(v) if hasattr(v, "isoformat") else v for k, v in facts.items()}, **reused)


def _origin(config: Config, store: Store, order: Order) -> dict[str, Any]:
    """data_version, recipe and code of a build, its columns, and the identity of all of that."""
    recipe, code = identity.hashed(config, Config.keys_that_change("features")), identity.code_of(CODE)
    columns = json.dumps({name: str(kind) for name, kind in order.columns.items()})
    asked = {k: str(v) for k, v in sorted(order.row.items()) if k != "feature_version"}
    build = _hash(f"{identity.data_key(store)} {recipe} {code} {columns} {asked}")
    origin = {"data_version": identity.data_version(store), "recipe": recipe, "code": code}
    return origin | {"columns": columns, "build": build}


def write(store: Store, panel: Panel, build: str, make: Make) -> dict[str, Any]:
    """Write the rows of all buckets, one in memory at a time; rows, first, last and a hash of their content."""
    done = panel.engine.map(partial(_write_bucket, store, build, make), panel.buckets)
    parts = list(track(done, "buckets", len(panel.buckets)))
    days = [day for part in parts for day in part["days"] if day]
    content = _hash(" ".join(part["content"] for part in parts))
    spans = {"first": min(days, default=None), "last": max(days, default=None)}
    return {"rows": sum(part["rows"] for part in parts), "content": content} | spans


def _write_bucket(store: Store, build: str, make: Make, bucket: int) -> dict[str, Any]:
    rows = make(bucket).sort("unique_id", "ds")
    store.replace("feature_rows", rows.with_columns(build=pl.lit(build)), build=build, bucket=bucket)
    content = hashlib.sha256(rows.hash_rows(seed=0).to_numpy().tobytes()).hexdigest()
    return {"rows": rows.height, "days": (rows["ds"].min(), rows["ds"].max()), "content": content}


def forget(store: Store, build: str) -> None:
    """Take the rows of a build away; readers at work keep what they have opened."""
    store.replace("feature_rows", store.tables["feature_rows"].empty(), build=build)


def with_features(store: Store, columns: Kinds) -> Store:
    """The store whose table `feature_rows` has these features."""
    return replace(store, tables={**store.tables, "feature_rows": feature_rows_table(columns)})


def registered(store: Store, registry: str, name: str) -> pl.DataFrame:
    """The versions of a name, the newest first."""
    return store.scan(registry, name=name).collect().sort("version", descending=True)


def rows_of(store: Store, row: dict[str, Any]) -> pl.LazyFrame:
    """The rows of a registered version, lazily, in the columns that it was built with."""
    columns = {name: TYPES[kind] for name, kind in json.loads(row["columns"]).items()}
    return with_features(store, columns).scan("feature_rows", build=row["build"]).drop("build")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
