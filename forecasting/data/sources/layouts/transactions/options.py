"""Options of the source `transactions`: the model `Options`, and `check_options` for what they need together.

`check_options` takes a config, Options and {driver: config key}; it returns nothing and raises UserError.
"""

from __future__ import annotations

from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from forecasting.columns import column_name
from forecasting.config import Config
from forecasting.config.value_types import Zone

COMPUTED = {"unit_price": "price", "revenue": "price", "returned": None, "invoices": "invoice", "lines": None}
"""Driver that is computed from lines -> the option that it needs, or None."""


def _valid_pattern(text: str) -> str:
    try:
        pl.select(pl.lit("").str.contains(text))
    except pl.exceptions.PolarsError:
        raise ValueError(f"{text!r} is no regular expression: put a backslash before ( ) [ ] . * + ?") from None
    return text


Column = Annotated[str, AfterValidator(column_name)]
Pattern = Annotated[str, AfterValidator(_valid_pattern)]


class Options(BaseModel):
    """source.options of the source `transactions`.

    `invoice` and `price` name columns of the file. Days are those of `time_zone` (none: as written); times without an
    offset are in the zone `stored_in`. `no_goods` are patterns of complete item codes (postage, bank charges). An
    invoice whose number begins with `cancelled` is subtracted like a return, or dropped. Negative quantities are `net`
    (subtracted in the period in which they were returned), `separate` (counted in `returned` only) or dropped. `free`:
    lines at a price of 0; `repeats`: lines of one invoice with equal item, day, quantity and price after the first;
    `partial`: the first and last week or month when the lines do not cover it; items with fewer than `min_lines` lines
    are dropped. `counts: lines` takes every line for one that was sold, whatever its column of the quantity holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    invoice: Column | None = None
    price: Column | None = None
    time_zone: Zone | None = None
    stored_in: Zone | None = None
    week: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    case: Literal["keep", "upper"] = "keep"
    no_goods: tuple[Pattern, ...] = ()
    cancelled: Annotated[str, Field(min_length=1)] | None = None
    cancellations: Literal["subtract", "drop"] = "subtract"
    returns: Literal["net", "separate", "drop"] = "net"
    free: Literal["keep", "drop"] = "keep"
    repeats: Literal["keep", "drop"] = "keep"
    partial: Literal["keep", "drop"] = "keep"
    min_lines: int = Field(default=1, ge=1)
    counts: Literal["quantity", "lines"] = "quantity"


def check_options(config: Config, options: Options, drivers: dict[str, str]) -> None:
    """Raise UserError when an option or a driver needs another option, or cannot be computed from lines.

    `drivers` maps each driver to the config key that names it.
    """
    required = {"free": "price"} if options.free == "drop" else {}
    required |= {"repeats": "invoice"} if options.repeats == "drop" else {}
    required |= {"cancelled": "invoice"} if options.cancelled else {}
    required |= {"stored_in": "time_zone"} if options.stored_in else {}
    for option, needed in required.items():
        if getattr(options, needed) is None:
            raise config.fault(f"source.options.{option}", f"needs source.options.{needed}: name it too")
    needs_all_lines = {"partial": options.partial == "drop", "min_lines": options.min_lines > 1}
    for option in (o for o, is_set in needs_all_lines.items() if is_set and config.source.reads == "new_files"):
        raise config.fault(
            f"source.options.{option}",
            "needs all lines, and with source.reads: new_files a load reads those of new files only: take one out",
        )
    for column, key in drivers.items():
        _check_driver(config, options, column, key)


def _check_driver(config: Config, options: Options, column: str, key: str) -> None:
    needed, roles = COMPUTED.get(column), config.columns
    if column not in COMPUTED and column in (*roles.known_ahead, *roles.known_after):
        raise config.fault(
            key,
            f"{column} cannot be added up: lines give {', '.join(COMPUTED)}; other columns of the file can be static, "
            "and columns that vary by day come from a table of their own (tables)",
        )
    if column in COMPUTED and column not in roles.known_after:
        raise config.fault(
            key, f"{column} is known only after the sale: name it in columns.known_after; a price list can be a table"
        )
    if needed and getattr(options, needed) is None:
        raise config.fault(key, f"{column} needs source.options.{needed}: name the column of the file")
