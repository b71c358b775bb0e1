"""What makes two runs the same: `identity_of` hashes data, recipe, code, cutoff and bounds of a bundle.

`recipe_of` hashes the recipe (the config keys that change a forecast), `code_of` the source files that make forecasts;
all three return 16 hex digits. `data_version` returns a number, that of the load that is read.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from forecasting.config import Config
from forecasting.services.store import Store

CODE = ("data", "evaluation", "features", "models", "recipe")
"""The rooms whose code makes forecasts."""
ALL_CODE = (*CODE, "config", "io", "services", "steps")
"""The rooms whose code writes them: what one version has left unfinished no other one continues."""

LIBRARIES = ("polars", "numpy", "scipy", "scikit-learn", "lightgbm", "statsforecast", "utilsforecast", "holidays")
"""The libraries that compute forecasts."""


def data_version(store: Store) -> int:
    """The number of the load that is read; of tables that no load has written the panel's own version."""
    version = store.version("panel") if store.load is None else store.load
    return -1 if version is None else version


def recipe_of(config: Config) -> str:
    """Identity of what is done with the data: a hash of the keys of the config that change a forecast."""
    return hashed(config, Config.keys_that_change("forecasts"))


def hashed(config: Config, keys: Iterable[str]) -> str:
    """A hash of these keys of the config; where the files of own events lie does not count, as with the source."""
    files = {"calendar": {"events": {"__all__": {"path"}}}}
    kept = config.model_dump(mode="json", include=set(keys), exclude=files)
    return _hash(json.dumps(kept, sort_keys=True))


@lru_cache(maxsize=4)
def code_of(rooms: tuple[str, ...] = CODE) -> str:
    """Identity of the code that makes forecasts: a hash over the files of its rooms."""
    home = Path(__file__).parent.parent
    files = sorted(f for room in rooms for f in (home / room).rglob("*") if f.suffix in (".py", ".json"))
    return _hash("".join(f"{f.relative_to(home)}\n{f.read_text(encoding='utf-8')}" for f in files))


@lru_cache(maxsize=1)
def environment() -> dict[str, str]:
    """Versions of Python and of the libraries that forecasts are computed with, and the kind of processor."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    return found | {library: version(library) for library in LIBRARIES}


def identity_of(config: Config, store: Store, cutoff: date) -> str:
    """Identity of a bundle: data version, recipe, code, cutoff, and which bounds and aggregates it answers for."""
    published = config.model_dump(mode="json", include=set(Config.keys_that_change("published")))
    published["level"].sort()
    return _hash(f"{data_key(store)} {recipe_of(config)} {code_of()} {cutoff} {json.dumps(published, sort_keys=True)}")


def run_id(step: str, key: str) -> str:
    """The name of a piece of work, by its step and key: 12 hex digits. The same work again bears the same."""
    return _hash(f"{step} {key}")[:12]


def data_key(store: Store) -> str:
    """Identity of the data: the versions of all tables that forecasts read, as the load that is read names them."""
    return ".".join(str(store.version(table)) for table in ("panel", "series", "groups", "events"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
