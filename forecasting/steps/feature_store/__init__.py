"""The feature store: the features of the models as tables of their own, offline, online and as training sets.

Rows lie in the table `feature_rows` under the identity of the build that made them and are never changed; a row in
`features` or `training_sets`, written last, gives them a name and a version and makes them visible.
"""

from forecasting.steps.feature_store.build import build
from forecasting.steps.feature_store.online import online
from forecasting.steps.feature_store.queries import current, describe, listed, rows, versioned
from forecasting.steps.feature_store.training import training_set

__all__ = ["build", "current", "describe", "listed", "online", "rows", "training_set", "versioned"]
