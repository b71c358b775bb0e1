"""Readers of delimited text: bytes to UTF-8, where the header is, the shape of every line, the cells of a table."""
