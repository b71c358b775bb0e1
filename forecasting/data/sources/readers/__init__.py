"""Readers of raw files: text, Parquet and Delta tables, and the parsing of their cells (numbers, dates)."""
