"""Where the rows are: `find_source` takes a Request and returns a Found: the tables, and the section `source`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from forecasting.config import Config
from forecasting.config.sections import Source
from forecasting.data.sources.layouts import sql
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.errors import UserError
from forecasting.steps.proposal.found.sampling import open_source, sample_of
from forecasting.steps.proposal.found.tables import Table, group_tables, place_of
from forecasting.steps.proposal.found.wide import Named, lengthen, wide_column
from forecasting.steps.proposal.request import VARIABLE, Request


@dataclass(frozen=True)
class Found:
    """The table of the sales, other tables, and the keys of `source` that say where they are.

    `named` are the columns of the date and the sales where they are known, as in a table that was wide.
    """

    sales: Table
    others: tuple[Table, ...]
    source: Mapping[str, Any] = field(default_factory=dict)
    name: str = "sales"
    named: Named | None = None


def find_source(request: Request) -> Found:
    """The tables at the places of a request; raises UserError when there is none that could hold sales."""
    if request.is_database:
        return _of_query(request)
    samples = [sample for place in request.places for sample in open_source(place)]
    tables = group_tables(samples)
    place = place_of(tables[0].files, [s.file for s in samples], request.places)
    wide = wide_column(tables[0])
    if wide:
        source = {"path": place, "wide": wide.column}
        return Found(lengthen(tables[0], wide), tuple(tables[1:]), source, _stem(place), wide.named)
    return Found(tables[0], tuple(tables[1:]), {"path": place}, _stem(place))


def _stem(place: str) -> str:
    """The name of a file or folder without its ending."""
    stem = PurePath(place.rstrip("/").replace("*", "")).name.split(".")[0]
    return stem or "sales"


def _of_query(request: Request) -> Found:
    """The rows of a query; the address comes from the environment, or is one without a password."""
    if not request.query or len(request.places) != 1:
        raise UserError("a database needs one address and a query, such as SELECT day, item, units FROM sales")
    place = request.places[0]
    options = {"query": request.query}
    address = {} if place.startswith(VARIABLE) else {"path": place}
    options |= {"url_env": place.removeprefix(VARIABLE)} if place.startswith(VARIABLE) else {}
    source: dict[str, Any] = {"kind": "sql", **address, "options": options}
    config = Config(name="proposal", source=Source.model_validate(source), freq="1d", h=1)
    frame = sql.query_result(config, sql.source_options(config))
    if frame.is_empty():
        raise UserError("the query has no rows as its result: mend it")
    table = TypedTable(sql.FILE, tuple(frame.columns), frame.height, frame.lazy(), "the result of a query")
    return Found(group_tables([sample_of(table)])[0], (), source)
