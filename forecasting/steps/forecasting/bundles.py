"""Bundles: fitted models, quantile table, champion and config of one training, in a folder of text, JSON and Parquet.

`register` puts a Bundle into the model registry and returns its version, `fetch` returns the Bundle of a version, and
`version_at` the version that forecasts from a cutoff: the champion, or for an older day the newest trained by then.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.config.formats import refuse_newer
from forecasting.data.schemas import tables
from forecasting.errors import UserError
from forecasting.planning.response.levers import levers_in
from forecasting.services.tracking.registry import Registry
from forecasting.services.tracking.signature import Signature
from forecasting.steps.forecasting.training import Trained, load_trained, save_trained
from forecasting.steps.session import Session

GOLDEN, LEVERS = "golden.parquet", "levers.parquet"
BUNDLE_FORMAT = 1
"""The number in routing.json; a bundle without one has format 1. Raise it when older programs would misread it."""


@dataclass(frozen=True)
class Bundle:
    """Trained models, the quantiles of their errors, the routing (which model is champion), and the whole config.

    `golden` are forecasts of a few series at the cutoff, by which it is seen later whether the bundle still forecasts
    the same; `levers` is the response of sales to price and promotion (see planning/response). Both are None in
    bundles of before.
    """

    trained: Trained
    quantiles: pl.DataFrame
    champion: str
    facts: dict[str, Any]
    config: Config
    golden: pl.DataFrame | None = None
    levers: pl.DataFrame | None = None

    @cached_property
    def lever_columns(self) -> frozenset[str]:
        """The columns that the response answers for; none in bundles of before, and where no lever ever moved."""
        return frozenset() if self.levers is None else frozenset(lever.column for lever in levers_in(self.levers))

    def save(self, folder: Path) -> None:
        """Write routing.json, config.json, tables (quantiles, golden forecasts, levers) and one folder per model."""
        models = save_trained(self.trained, folder)
        routing = {"format": BUNDLE_FORMAT, "champion": self.champion, "models": models, "facts": self.facts}
        (folder / "routing.json").write_text(json.dumps(routing, indent=1), encoding="utf-8")
        (folder / "config.json").write_text(self.config.model_dump_json(indent=1), encoding="utf-8")
        self.quantiles.write_parquet(folder / "quantiles.parquet")
        if self.golden is not None:
            self.golden.write_parquet(folder / GOLDEN)
        if self.levers is not None:
            self.levers.write_parquet(folder / LEVERS)


def load(folder: Path) -> Bundle:
    """The bundle that `save` wrote into the folder; nothing is unpickled.

    Raises UserError when a newer program has written it.
    """
    routing = json.loads((folder / "routing.json").read_text(encoding="utf-8"))
    refuse_newer("the bundle", routing.get("format", 1), BUNDLE_FORMAT)
    trained = load_trained(routing["models"], folder)
    config = Config.model_validate_json((folder / "config.json").read_text(encoding="utf-8"))
    quantiles = pl.read_parquet(folder / "quantiles.parquet")
    golden, levers = (pl.read_parquet(p) if (p := folder / name).exists() else None for name in (GOLDEN, LEVERS))
    return Bundle(trained, quantiles, routing["champion"], routing["facts"], config, golden, levers)


def register(session: Session, bundle: Bundle, run_id: str, identity: str) -> int:
    """Save the bundle, put it into the registry and return its version; the same identity is not stored twice."""
    with tempfile.TemporaryDirectory() as folder:
        bundle.save(Path(folder))
        panel = session.panel
        inputs = panel.scan(panel.buckets[0]).collect_schema()
        signature = Signature(inputs, tables(bundle.config)["forecasts"].schema)
        tags = {name: str(bundle.facts[name]) for name in ("recipe", "data_version", "code", "cutoff")}
        tags["champion"] = bundle.champion
        return session.registry.register_bundle(Path(folder), run_id, identity, signature, tags)


def fetch(registry: Registry, version: int) -> Bundle:
    """The bundle of a version, every file checked."""
    return _fetch(registry, version)


@lru_cache(maxsize=4)
def _fetch(registry: Registry, version: int) -> Bundle:
    with tempfile.TemporaryDirectory() as folder:
        return load(registry.download_bundle(version, Path(folder)))


def version_at(session: Session, cutoff: date) -> int:
    """The version that forecasts from a cutoff: the champion; before its cutoff, the newest that was trained by then.

    Raises UserError when nothing was trained by that day, or when no version has passed the promotion.
    """
    config, versions = session.config, session.registry.versions()
    tags = [json.loads(text) for text in versions["tags"]]
    if tags and not versions["aliases"].list.contains("champion").any():
        raise UserError(f"{config.name}: there is no champion to forecast with. {tags[0].get('gate', '')}")
    table = versions.with_columns(cutoff=pl.Series([t["cutoff"] for t in tags], dtype=pl.String).str.to_date())
    usable = table.filter(pl.col("cutoff") <= cutoff)
    champion = usable.filter(pl.col("aliases").list.contains("champion"))
    found = champion if champion.height else usable.sort("cutoff", "version", descending=True)
    if found.is_empty():
        raise UserError(f"no model was trained by {cutoff}", where=config.name, needs="train")
    return int(found["version"][0])


def served_by(session: Session, bundle: Bundle, version: int) -> Session:
    """The session with the recipe that the bundle was trained by: a champion keeps its own, whatever is tried now.

    Raises UserError when the data no longer have a column that it needs.
    """
    config = session.config
    recipe = {key: getattr(bundle.config, key) for key in Config.keys_that_change("forecasts")}
    kinds = session.store.tables["panel"].schema
    roles = bundle.config.columns
    lost = [c for c in (*roles.known_ahead, *bundle.config.static_columns) if c not in kinds]
    if lost:
        raise config.fault(
            "columns",
            f"the champion, version {version}, needs {', '.join(lost)}, which the data no longer have: bring the "
            "column back, or start over under another name",
        )
    return session.with_config(config.model_copy(update=recipe))
