"""Exports: tables of a job as Parquet, CSV or Excel files that describe themselves."""

from forecasting.steps.export.files import write_file
from forecasting.steps.export.formats import csv_text, escape_formulas
from forecasting.steps.export.tables import export_table, read_table

__all__ = ["csv_text", "escape_formulas", "export_table", "read_table", "write_file"]
