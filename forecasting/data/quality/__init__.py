"""Data quality: defects and verdicts of each series, and the freshness of the sales."""

from forecasting.data.quality.series_quality import add_verdicts, count_defects

__all__ = ["add_verdicts", "count_defects"]
