"""How the columns of a source are written, by the config, earlier loads and the cells: `conclude_numbers`.

It takes raw cells and the roles of their columns, and returns NumberColumns: formats, remarks and what is stored.
"""

from forecasting.data.sources.column_formats.column import TEXT_FORMAT, Role
from forecasting.data.sources.column_formats.numbers import NumberColumns, conclude_numbers

__all__ = ["TEXT_FORMAT", "NumberColumns", "Role", "conclude_numbers"]
