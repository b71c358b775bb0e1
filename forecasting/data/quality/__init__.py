"""The quality of the data: per-series statistics and verdicts, and how fresh the sales are."""

from forecasting.data.quality.series_quality import add_verdicts, count_defects

__all__ = ["add_verdicts", "count_defects"]
