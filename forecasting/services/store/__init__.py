"""The job's tables: reading and writing (store), unpublished loads (draft), published forecasts (vintages), upkeep.

`Store` reads a table by its name as a lazy frame and writes frames to it; a vintage is a published forecast, a cutoff
and a version.
"""

from forecasting.services.store.store import Store

__all__ = ["Store"]
