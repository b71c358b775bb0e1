"""The sections of a config, one file per subject: their keys, types, defaults and descriptions."""

from forecasting.config.sections.calendar import Calendar, Events
from forecasting.config.sections.cleaning import Clean, Outliers
from forecasting.config.sections.models import FAMILIES, Backtest, ModelSpec
from forecasting.config.sections.source import Columns, Limits, SideTable, Source
from forecasting.config.sections.storage import StoreConfig, Tracking

__all__ = [
    "FAMILIES",
    "Backtest",
    "Calendar",
    "Clean",
    "Columns",
    "Events",
    "Limits",
    "ModelSpec",
    "Outliers",
    "SideTable",
    "Source",
    "StoreConfig",
    "Tracking",
]
