"""The feature store: the features of the models as tables of their own, offline, online and as training sets.

Rows lie in the table `feature_rows` under the identity of the build that made them and are never changed; a row in
`features` or `training_sets`, written last, gives them a name and a version and makes them visible.
"""

from forecasting.steps.feature_store.build import build
from forecasting.steps.feature_store.online import online
from forecasting.steps.feature_store.queries import (
    current,
    describe,
    facts,
    listed,
    newest,
    rows,
    table_name,
    turned,
    versioned,
)
from forecasting.steps.feature_store.training import training_set

__all__ = [
    "build",
    "current",
    "describe",
    "facts",
    "listed",
    "newest",
    "online",
    "rows",
    "table_name",
    "training_set",
    "turned",
    "versioned",
]
