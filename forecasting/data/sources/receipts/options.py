"""The options of invoice lines."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from forecasting.config import Config

COMPUTED = {"unit_price": "price", "revenue": "price", "returned": None, "invoices": "invoice", "lines": None}
"""The columns that come out of lines, and the option that each needs."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone: give a name such as Europe/London or UTC") from None
    return name


def _pattern(text: str) -> str:
    try:
        pl.select(pl.lit("").str.contains(text))
    except pl.exceptions.PolarsError:
        raise ValueError(f"{text!r} is no regular expression: put a backslash before ( ) [ ] . * + ?") from None
    return text


Zone = Annotated[str, AfterValidator(_zone)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class Options(BaseModel):
    """What source.options may hold for transactions.

    `invoice` and `price` name columns of the file. Days are those of `time_zone` (none: as written), times without an
    offset those of `stored_in`. `no_goods` are patterns of whole item codes (postage, bank charges). An invoice whose
    number begins with `cancelled` is subtracted as if returned, or dropped. Negative quantities are `net` (subtracted
    in the period in which they came back), `separate` (only told in `returned`) or dropped. `free`: lines at a price
    of 0; `repeats`: lines of one invoice with equal item, day, quantity and price after the first; `partial`: the
    first and last week or month when the lines do not cover it; `min_lines`: items with fewer are dropped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    invoice: str | None = None
    price: str | None = None
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


def fits(config: Config, o: Options, drivers: dict[str, str]) -> None:
    """Raise UserError when options or drivers ask for what the lines cannot tell."""
    needs = {"free": "price"} if o.free == "drop" else {}
    needs |= {"repeats": "invoice"} if o.repeats == "drop" else {}
    needs |= {"cancelled": "invoice"} if o.cancelled else {}
    needs |= {"stored_in": "time_zone"} if o.stored_in else {}
    for option, needed in needs.items():
        if getattr(o, needed) is None:
            raise config.fault(f"source.options.{option}", f"needs source.options.{needed}: name it too")
    whole = {"partial": o.partial == "drop", "min_lines": o.min_lines > 1}
    for option in (option for option, asked in whole.items() if asked and config.source.reads == "new_files"):
        raise config.fault(
            f"source.options.{option}",
            "looks at all lines, and with source.reads: new_files a load sees those of new files only: take one out",
        )
    for column, key in drivers.items():
        _driver(config, o, column, key)


def _driver(config: Config, o: Options, column: str, key: str) -> None:
    needed, roles = COMPUTED.get(column), config.columns
    if column not in COMPUTED and column in (*roles.known_ahead, *roles.known_after):
        raise config.fault(
            key,
            f"{column} cannot be added up: of lines there come {', '.join(COMPUTED)}; other columns of the file can "
            "be static, and what is known of days comes from a table of its own (tables)",
        )
    if column in COMPUTED and column not in roles.known_after:
        raise config.fault(
            key, f"{column} is known only after the sale: name it in columns.known_after; a price list can be a table"
        )
    if needed and getattr(o, needed) is None:
        raise config.fault(key, f"{column} needs source.options.{needed}: name the column of the file")
