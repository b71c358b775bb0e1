"""Data check: `check_data` reads the source of a job without loading it, and returns its findings as a DataCheck.

`panel_rows` and `check_panel` are its parts about the panel that the rows would make.
"""

from forecasting.steps.data_check.check import check_data, panel_rows
from forecasting.steps.data_check.findings import FAILED, OK, WARNING, DataCheck, Finding
from forecasting.steps.data_check.load_findings import check_panel

__all__ = ["FAILED", "OK", "WARNING", "DataCheck", "Finding", "check_data", "check_panel", "panel_rows"]
