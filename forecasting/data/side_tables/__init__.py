"""Side tables (stores, items, prices, promotions, stock): read, checked against a contract, joined to raw rows.

`load_with_side_tables` takes the config, `join_side_tables` RawData and the config; both return RawData whose rows also
have the columns of the tables (JoinedData, where the config names any). Nothing is written.
"""

from forecasting.data.side_tables.joined_data import JoinedData, SideTables, join_side_tables, load_with_side_tables

__all__ = ["JoinedData", "SideTables", "join_side_tables", "load_with_side_tables"]
