"""Side tables (stores, items, prices, promotions, stock): read, checked against a contract, joined to raw rows."""

from forecasting.data.side_tables.joined_data import JoinedData, SideTables, join_side_tables, load_with_side_tables

__all__ = ["JoinedData", "SideTables", "join_side_tables", "load_with_side_tables"]
