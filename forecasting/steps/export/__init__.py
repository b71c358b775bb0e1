"""Exports: `export_table` writes a table of a job as Parquet, CSV or Excel file; `read_table` returns its rows."""

from forecasting.steps.export.files import write_file
from forecasting.steps.export.formats import csv_text, escape_formulas
from forecasting.steps.export.tables import export_table, read_table

__all__ = ["csv_text", "escape_formulas", "export_table", "read_table", "write_file"]
