"""The quality of the data: per-series statistics and verdicts, and how fresh the sales are."""

from forecasting.data.quality.series_quality import counts, verdicts

__all__ = ["counts", "verdicts"]
