"""The sections of a config, one file per subject: their keys, types, defaults and descriptions."""

from forecasting.config.sections.access import Access, Oidc
from forecasting.config.sections.calendar import Calendar, Events
from forecasting.config.sections.cleaning import Clean, Outliers
from forecasting.config.sections.dask_cluster import DaskCluster
from forecasting.config.sections.models import AUTO, FAMILIES, Backtest, Models, ModelSpec
from forecasting.config.sections.monitoring import ALERT_KINDS, AlertKind, Alerts, Event, Monitoring, Retrain, Severity
from forecasting.config.sections.schedules import Schedules
from forecasting.config.sections.serving import Serving
from forecasting.config.sections.source import Columns, Limits, SideTable, Source
from forecasting.config.sections.storage import StoreConfig, Tracking

__all__ = [
    "ALERT_KINDS",
    "AUTO",
    "FAMILIES",
    "Access",
    "AlertKind",
    "Alerts",
    "Backtest",
    "Calendar",
    "Clean",
    "Columns",
    "DaskCluster",
    "Event",
    "Events",
    "Limits",
    "ModelSpec",
    "Models",
    "Monitoring",
    "Oidc",
    "Outliers",
    "Retrain",
    "Schedules",
    "Serving",
    "Severity",
    "SideTable",
    "Source",
    "StoreConfig",
    "Tracking",
]
