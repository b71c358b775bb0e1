"""One module or package per layout of raw data; a config names it as `source.kind`.

Every layout has `load(config) -> RawData`; `layout_module` returns the module that config.source.kind names. Three
names of a layout are optional:

- `load_in_parts(config, shelf)` does not need memory for all rows: large tables lie in portions on the shelf.
- `source_options(config)` checks source.options of a layout that reads no files; raises UserError.
- `NEW_FILES` allows `source.reads: new_files`. It is "replace" when rows of a later file replace those of an earlier
  one with the same key, and "add" when they add up.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Literal

from forecasting.config import Config

NewFiles = Literal["replace", "add"]


def kinds() -> list[str]:
    """The names of all sources, sorted: the modules of this package."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def layout_module(config: Config) -> ModuleType:
    """The module of config.source.kind; raises UserError when there is none of this name."""
    if config.source.kind not in kinds():
        raise config.fault("source.kind", f"{config.source.kind!r} is not a source; there are {', '.join(kinds())}")
    return import_module(f"{__name__}.{config.source.kind}")


def new_files_rule(config: Config) -> NewFiles | None:
    """What rows of a new file do to earlier rows of the same key; None when the source cannot be read file by file."""
    rule: NewFiles | None = getattr(layout_module(config), "NEW_FILES", None)
    return rule


def kinds_that_read_new_files() -> list[str]:
    """The names of the sources that allow `source.reads: new_files`."""
    return [kind for kind in kinds() if hasattr(import_module(f"{__name__}.{kind}"), "NEW_FILES")]
