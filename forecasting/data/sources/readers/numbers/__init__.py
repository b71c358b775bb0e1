"""Numbers as people write them: how a column is written is concluded from all its cells, then the cells are parsed.

`evidence_of` counts the cells of a column by what they tell, the functions of `decisions` conclude from that, and
`parse_numbers` takes a column and its NumberFormat and returns Float64 and a mask of bad cells.
"""

from forecasting.data.sources.readers.numbers.anatomy import same_currency
from forecasting.data.sources.readers.numbers.decisions import (
    NumberFormatError,
    decide_decimal,
    decide_unit,
    holds_flags,
    is_doubtful,
    mark_of,
)
from forecasting.data.sources.readers.numbers.evidence import Evidence, evidence_of
from forecasting.data.sources.readers.numbers.notation import PLAIN, NumberFormat, format_like
from forecasting.data.sources.readers.numbers.parsing import holds_nothing, parse_numbers
from forecasting.data.sources.readers.numbers.words import ALWAYS_NUMBERS

__all__ = [
    "ALWAYS_NUMBERS",
    "PLAIN",
    "Evidence",
    "NumberFormat",
    "NumberFormatError",
    "decide_decimal",
    "decide_unit",
    "evidence_of",
    "format_like",
    "holds_flags",
    "holds_nothing",
    "is_doubtful",
    "mark_of",
    "parse_numbers",
    "same_currency",
]
