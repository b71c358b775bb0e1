"""The YAML of configs/ as one frozen object: `load` takes a file and overrides, checks all, and returns a Config.

Every mistake is a UserError that names its key and its line. `keys` and `sections` declare the keys, `job` holds Config
and `load`, `cross_checks` the combinations that cannot work, `yaml_file` the file as written, `error_messages` the
wording of mistakes, `reference` makes docs/CONFIG.md.
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
