"""The feature store: the features of the models as versioned tables, offline, online and as training sets.

Rows lie in the table `feature_rows` under the identity of the build that made them and are never changed; a row in
`features` or `training_sets`, written last, gives them a name and a version and makes them visible.
"""

from forecasting.steps.feature_store.offline import build_feature_tables
from forecasting.steps.feature_store.online import publish_online_table
from forecasting.steps.feature_store.queries import (
    describe_features,
    find_version,
    list_versions,
    read_newest_rows,
    read_online_rows,
    scan_version,
    table_name,
    transpose,
    version_facts,
)
from forecasting.steps.feature_store.training_sets import build_training_set

__all__ = [
    "build_feature_tables",
    "build_training_set",
    "describe_features",
    "find_version",
    "list_versions",
    "publish_online_table",
    "read_newest_rows",
    "read_online_rows",
    "scan_version",
    "table_name",
    "transpose",
    "version_facts",
]
