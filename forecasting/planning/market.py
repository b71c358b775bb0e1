"""Markets, the series that customers choose among: `market_columns` takes a Config and a schema, returns columns.

Series with the same values in these columns are in one market, such as a category of a store.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from forecasting.config import Config


def market_columns(config: Config, schema: Mapping[str, pl.DataType]) -> tuple[str, ...]:
    """The static columns whose values make a market, within which other series are compared: those of the levels of
    aggregation; without any all static columns.

    >>> keys = {"name": "shop", "source": {"path": "sales.csv"}, "freq": "1d", "h": 7}
    >>> keys["columns"] = {"static": ["store", "category", "size"]}
    >>> config = Config.model_validate(keys | {"levels_of_aggregation": [[], ["store", "category"]]})
    >>> market_columns(config, {"store": pl.String(), "category": pl.String(), "size": pl.String()})
    ('store', 'category')
    """
    levels = dict.fromkeys(c for level in config.levels_of_aggregation for c in level)
    return tuple(c for c in levels or config.static_columns if c in schema)
