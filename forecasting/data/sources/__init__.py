"""Raw data in, one long frame out: `load` reads what config.source describes and returns RawData, writing nothing.

The frame RawData.long has unique_id, ds, y, drivers of the config, and the tags file, line, fault, fault_value. A
source is one module (or package) in `layouts` with `load(config) -> RawData`. `check_available` only looks whether the
source and the side tables (config.tables) are there; `load` does not read side tables.
"""

from __future__ import annotations

from forecasting.config import Config
from forecasting.data.buckets import Shelf
from forecasting.data.sources.column_formats import TEXT_FORMAT
from forecasting.data.sources.layouts import kinds, layout_module
from forecasting.data.sources.new_files import (
    concat,
    files_add_up,
    is_source_file,
    landing_files,
    reading_only,
    skipped_files,
)
from forecasting.data.sources.raw_data import DELETED, KEYS, TAGS, Formats, RawData, merge_formats
from forecasting.data.sources.source_files import path_kind

__all__ = [
    "DELETED",
    "KEYS",
    "TAGS",
    "TEXT_FORMAT",
    "Formats",
    "RawData",
    "check_available",
    "concat",
    "files_add_up",
    "is_source_file",
    "kinds",
    "landing_files",
    "load",
    "merge_formats",
    "reading_only",
    "skipped_files",
]


def load(config: Config, shelf: Shelf | None = None) -> RawData:
    """The raw rows of config.source, without the columns of config.tables; raises UserError when the kind is unknown
    or the source cannot be read.

    With a `shelf`, the rows of large tables lie on it in portions, as far as the source can be read part by part.
    """
    layout = layout_module(config)
    in_parts = None if shelf is None else getattr(layout, "load_in_parts", None)
    raw: RawData = in_parts(config, shelf) if in_parts else layout.load(config)
    return raw


def check_available(config: Config) -> None:
    """Raise UserError when the source or a side table does not exist; no data are read.

    A layout that reads no files has a function `source_options`, which is checked in place of source.path.
    """
    getattr(layout_module(config), "source_options", path_kind)(config)
    for name in config.tables:
        path_kind(config.for_table(name))
