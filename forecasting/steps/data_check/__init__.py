"""Data check: `check_data` reads the source of a job without loading it, and returns its findings as a DataCheck."""

from forecasting.steps.data_check.check import check_data
from forecasting.steps.data_check.findings import FAILED, OK, WARNING, DataCheck, Finding

__all__ = ["FAILED", "OK", "WARNING", "DataCheck", "Finding", "check_data"]
