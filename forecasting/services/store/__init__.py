"""The job's tables: reading and writing (store), unpublished loads (draft), published forecasts (vintages), upkeep."""

from forecasting.services.store.store import Store

__all__ = ["Store"]
