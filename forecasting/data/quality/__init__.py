"""Data quality: defects and verdicts of each series, and (in the module freshness) the age of the sales.

`count_defects` takes rows of the panel and returns one row of counts per series; `add_verdicts` takes the table
`series` and adds periods, life and verdict. Both return frames and write nothing.
"""

from forecasting.data.quality.series_quality import add_verdicts, count_defects

__all__ = ["add_verdicts", "count_defects"]
