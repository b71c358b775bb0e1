"""Raw rows of tables: `load_tables` and `read_rows` take a config and open tables and return RawData.

`stacks` reads tables part by part, `reading` makes one load of the parts.
"""

from forecasting.data.sources.table_rows.reading import load_tables, read_rows

__all__ = ["load_tables", "read_rows"]
