"""Rollups: small tables about a published forecast, so that pages over many series need not read all rows of it.

`write_rollups` makes them of a vintage that is about to be published, and writes `rollups` (one row per series) and
`totals` (sums of series by group and period). `read_series_rollups` and `scan_totals` return them; of a vintage from
before there were such tables the former are computed.
"""

from forecasting.steps.rollups.build import write_rollups
from forecasting.steps.rollups.read import read_series_rollups, scan_totals

__all__ = ["read_series_rollups", "scan_totals", "write_rollups"]
