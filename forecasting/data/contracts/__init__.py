"""Data contracts: which raw rows may enter, when a load is refused, and what every stored table must hold.

`check_load` takes the raw rows of a load and returns a CheckedLoad: good rows, quarantine, account of lines. A row that
breaks a rule goes to the quarantine as it came; when too many do, the load is refused (UserError). `validate_table`
returns a frame as it is or raises ValueError. Neither writes anything.
"""

from forecasting.data.contracts.load import CheckedLoad, check_load
from forecasting.data.contracts.quarantine import QUARANTINE_SCHEMA
from forecasting.data.contracts.stored_tables import validate_table

__all__ = ["QUARANTINE_SCHEMA", "CheckedLoad", "check_load", "validate_table"]
