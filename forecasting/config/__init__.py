"""The YAML of configs/ as one frozen object; every mistake names its key and its line.

`sections` holds the keys, `job` the whole and `load`, `clashes` what cannot go together, `text` the file as it was
written, `sentences` what is said of a mistake.
"""

from forecasting.config.job import Config, load
from forecasting.config.sections import Backtest, Calendar, Clean, Columns, Limits, ModelSpec, Source, StoreConfig
from forecasting.config.yaml_file import parse_overrides

__all__ = [
    "Backtest",
    "Calendar",
    "Clean",
    "Columns",
    "Config",
    "Limits",
    "ModelSpec",
    "Source",
    "StoreConfig",
    "load",
    "parse_overrides",
]
