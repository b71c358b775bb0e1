"""The sections of a config, one file per subject: their keys, types, defaults and descriptions."""

from forecasting.config.sections.access import Access, Oidc
from forecasting.config.sections.calendar import Calendar, Events
from forecasting.config.sections.cleaning import Clean, Outliers
from forecasting.config.sections.dask_cluster import DaskCluster
from forecasting.config.sections.models import AUTO, FAMILIES, Backtest, Models, ModelSpec
from forecasting.config.sections.schedules import Schedules
from forecasting.config.sections.serving import Serving
from forecasting.config.sections.source import Columns, Limits, SideTable, Source
from forecasting.config.sections.storage import StoreConfig, Tracking

__all__ = [
    "AUTO",
    "FAMILIES",
    "Access",
    "Backtest",
    "Calendar",
    "Clean",
    "Columns",
    "DaskCluster",
    "Events",
    "Limits",
    "ModelSpec",
    "Models",
    "Oidc",
    "Outliers",
    "Schedules",
    "Serving",
    "SideTable",
    "Source",
    "StoreConfig",
    "Tracking",
]
