"""Readers of raw files: text, Parquet and Delta tables, and what their cells mean (numbers, dates)."""
