"""How the columns of a source are written, by the config, earlier loads and the cells: `conclude_numbers`.

It takes the cells of columns (`cells_of` raw rows) and their roles, and returns NumberColumns: formats, remarks and
what is stored.
"""

from forecasting.data.sources.column_formats.column import TEXT_FORMAT, Cells, Role, cells_of
from forecasting.data.sources.column_formats.numbers import NumberColumns, conclude_numbers

__all__ = ["TEXT_FORMAT", "Cells", "NumberColumns", "Role", "cells_of", "conclude_numbers"]
