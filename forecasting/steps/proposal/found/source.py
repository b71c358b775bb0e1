"""Where the rows are: `find_source` takes a Request and returns a Found: the tables, and the section `source`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from forecasting.config import Config
from forecasting.config.sections import Source
from forecasting.data.sources.layouts import sql
from forecasting.data.sources.readers.raw_bytes import Part, Readable
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.readers.workbook import WORKBOOKS
from forecasting.errors import UserError
from forecasting.steps.proposal.found.renamed import merge_renamed
from forecasting.steps.proposal.found.sampling import Sample, open_source, sample_of
from forecasting.steps.proposal.found.tables import Table, group_tables, place_of
from forecasting.steps.proposal.found.wide import Named, lengthen, wide_column
from forecasting.steps.proposal.request import VARIABLE, Request

LAYOUTS = {"m5": {"calendar", "sell_prices"}, "favorita": {"holidays_events", "oil", "items"}}
"""Layout -> names of files that tell it."""


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
    _refuse_known_layout(samples)
    tables, aliases = merge_renamed(samples, group_tables(samples))
    source, name = _place(tables[0], samples, request)
    source |= {"aliases": aliases} if aliases else {}
    wide = wide_column(tables[0])
    if wide:
        long = lengthen(tables[0], wide)
        return Found(long, tuple(tables[1:]), {**source, "wide": wide.column}, name, wide.named)
    return Found(tables[0], tuple(tables[1:]), source, name)


def _refuse_known_layout(samples: Sequence[Sample]) -> None:
    """Raise UserError for the files of a competition, whose layout has a source of its own."""
    stems = {_stem(sample.file) for sample in samples}
    for kind, names in LAYOUTS.items():
        if names <= stems:
            raise UserError(
                f"{samples[0].file} and the others are in the layout of the competition {kind}, which is read by "
                f"source: {{kind: {kind}}}: configs/{kind}.yaml is a job for it"
            )


def _place(table: Table, samples: Sequence[Sample], request: Request) -> tuple[dict[str, Any], str]:
    """The keys of `source` that say where a table is, and a name for it."""
    files = {s.file: s.table.file for s in samples}
    wholes = {name: str(_whole(file)) for name, file in files.items()}
    place = place_of(
        list(dict.fromkeys(wholes[f] for f in table.files)), list(dict.fromkeys(wholes.values())), request.places
    )
    parts = [part for f in table.files if isinstance(part := files[f], Part)]
    others = [f for f in files if f not in table.files and wholes[f] in {wholes[name] for name in table.files}]
    sheets = [part.inner for part in parts if place.lower().endswith(WORKBOOKS)] if others else []
    return {"path": place} | ({"sheets": sheets} if sheets else {}), _stem(place)


def _whole(file: Readable | str) -> Readable | str:
    """The file that holds a sheet or a member of an archive, or the file itself."""
    return _whole(file.container) if isinstance(file, Part) else file


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
