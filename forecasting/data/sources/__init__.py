"""Raw data in, one long frame out. A source is one module in `layouts` with `load(config) -> Loaded`."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

from forecasting.config import Config
from forecasting.data.sources import layouts
from forecasting.data.sources.landing import accepts, adds, files, only, together
from forecasting.data.sources.loaded import DELETED, KEYS, TAGS, Loaded
from forecasting.data.sources.readers.files import is_there

__all__ = ["DELETED", "KEYS", "TAGS", "Loaded", "accepts", "adds", "files", "kinds", "load", "look", "only", "together"]


def kinds() -> list[str]:
    """The names of the sources: the modules of `layouts`."""
    return sorted(m.name for m in pkgutil.iter_modules(layouts.__path__))


def load(config: Config) -> Loaded:
    """Read what config.source names and join the further tables of config.tables to it; raises UserError when the kind
    is unknown or nothing can be read.
    """
    loaded: Loaded = _module(config).load(config)
    from forecasting.data.side_tables import join_tables  # which is built of the readers of this package

    return join_tables(loaded, config)


def look(config: Config) -> None:
    """Raise the UserError of a source or further table that is plainly not there; nothing is read.

    Sources without files have a function `options`, which is asked instead.
    """
    module = _module(config)
    getattr(module, "options", is_there)(config)
    for name in config.tables:
        is_there(config.of_table(name))


def _module(config: Config) -> ModuleType:
    if config.source.kind not in kinds():
        raise config.fault("source.kind", f"{config.source.kind!r} is not a source; there are {', '.join(kinds())}")
    return import_module(f"{layouts.__name__}.{config.source.kind}")
