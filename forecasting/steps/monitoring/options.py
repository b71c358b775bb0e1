"""Options of the step `monitor`: MonitorOptions has new_data, baseline, report_dir and alert_log.

Imports little, because the command line loads it to print its help.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MonitorOptions:
    """A file of sales to look at instead of the loaded ones, scores to compare with, and where the findings go."""

    new_data: str | None = None
    """A file like those of the source, with sales that are not loaded: past forecasts are judged by it, nothing is
    stored."""
    baseline: str | None = None
    """A scores.json of an earlier check; exit code 2 when forecasts are worse by more than monitoring.tolerance."""
    report_dir: str | None = None
    """A folder for report.html, report.json and scores.json."""
    alert_log: str | None = None
    """A file to which a line of JSON is added for each alert that is opened or closed."""
