"""Bundles: everything that answers later, in one folder of text, JSON and Parquet."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from forecasting import models
from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.schemas import tables
from forecasting.errors import UserError
from forecasting.services.bundle import Signature
from forecasting.services.registry import Registry
from forecasting.steps import context
from forecasting.steps.produce import Trained


@dataclass(frozen=True)
class Bundle:
    """Trained models, the quantiles of their errors, and the routing: which model is the champion."""

    trained: Trained
    quantiles: pl.DataFrame
    champion: str
    facts: dict[str, Any]

    def save(self, folder: Path, config: Config) -> None:
        """Write routing.json, config.json, quantiles.parquet and one folder per model."""
        places = []
        for i, (name, fitted) in enumerate(self.trained.fitted.items()):
            fitted.save(folder / f"model-{i}")
            places.append({"name": name, "family": fitted.family, "on": self.trained.on[name], "folder": f"model-{i}"})
        routing = {"champion": self.champion, "models": places, "facts": self.facts}
        (folder / "routing.json").write_text(json.dumps(routing, indent=1), encoding="utf-8")
        (folder / "config.json").write_text(config.model_dump_json(indent=1), encoding="utf-8")
        self.quantiles.write_parquet(folder / "quantiles.parquet")


def load(folder: Path) -> Bundle:
    """The bundle that `save` wrote into the folder; nothing is unpickled."""
    routing = json.loads((folder / "routing.json").read_text(encoding="utf-8"))
    fitted = {m["name"]: models.load(m["family"], folder / m["folder"]) for m in routing["models"]}
    trained = Trained(fitted, {m["name"]: m["on"] for m in routing["models"]}, {})
    return Bundle(trained, pl.read_parquet(folder / "quantiles.parquet"), routing["champion"], routing["facts"])


def register(bundle: Bundle, config: Config, panel: Panel, run_id: str, identity: str) -> int:
    """Save the bundle, put it into the registry and return its version; the same identity is not stored twice."""
    with tempfile.TemporaryDirectory() as folder:
        bundle.save(Path(folder), config)
        inputs = panel.scan(panel.buckets[0]).collect_schema()
        signature = Signature(inputs, tables(config)["forecasts"].schema)
        tags = {name: str(bundle.facts[name]) for name in ("recipe", "data_version", "code", "cutoff")}
        tags["champion"] = bundle.champion
        return context.open_registry(config).register(Path(folder), run_id, identity, signature, tags)


def fetch(config: Config, version: int) -> Bundle:
    """The bundle of a version, every file checked."""
    return _fetched(context.open_registry(config), version)


@lru_cache(maxsize=4)
def _fetched(registry: Registry, version: int) -> Bundle:
    with tempfile.TemporaryDirectory() as folder:
        return load(registry.fetch(version, Path(folder)))


def version_for(config: Config, cutoff: date) -> int:
    """The version that answers at a cutoff: the champion; before its cutoff, the newest that was trained by then.

    Raises UserError when nothing was trained by that day.
    """
    known = context.open_registry(config).versions()
    tags = [json.loads(text) for text in known["tags"]]
    table = known.with_columns(cutoff=pl.Series([t["cutoff"] for t in tags], dtype=pl.String).str.to_date())
    usable = table.filter(pl.col("cutoff") <= cutoff)
    champion = usable.filter(pl.col("aliases").list.contains("champion"))
    found = champion if champion.height else usable.sort("cutoff", "version", descending=True)
    if found.is_empty():
        raise UserError(
            f"{config.name}: no model was trained by {cutoff}; run `demandcast train` with this config first"
        )
    return int(found["version"][0])


def config_of(config: Config, version: int) -> Config:
    """The config that a version was trained with, on the tables and the registry of this one."""
    with tempfile.TemporaryDirectory() as folder:
        path = context.open_registry(config).fetch(version, Path(folder))
        old = Config.model_validate_json((path / "config.json").read_text(encoding="utf-8"))
    return old.model_copy(update={"store": config.store, "tracking": config.tracking})
