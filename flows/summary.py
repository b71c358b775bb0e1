"""The summary of a run from the records of its steps: `text` for the terminal, `markdown` for Prefect; both return str.

Each step words its own sections from its facts (what it recorded of its run, {name: JSON value}).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flows.tables import aligned, markdown_table
from forecasting.steps.registry import STEPS, Section

Record = Mapping[str, Any]
"""One step of a run: {step, facts, reused, seconds}."""


def text(records: Sequence[Record], config: str, store: str) -> str:
    """The summary as plain text; `config` is the job's file and `store` the place of its tables."""
    sections = [*_sections(records), _times(records), _next_commands(config, store)]
    return "\n\n".join("\n".join([s.title, *(f"  {line}" for line in (*s.lines, *aligned(s.rows)))]) for s in sections)


def markdown(records: Sequence[Record]) -> str:
    """The summary as Markdown, without the times and the next commands."""
    parts = []
    for section in _sections(records):
        parts.append(f"## {section.title}")
        parts.append("\n".join(f"- {line}" for line in section.lines))
        parts.append("\n".join(markdown_table(section.rows)))
    return "\n\n".join(filter(None, parts))


def _sections(records: Sequence[Record]) -> Iterator[Section]:
    for record in records:
        first, *others = STEPS[record["step"]].summarize(record["facts"])
        if record["reused"]:
            first = replace(first, title=f"{first.title} (nothing new: kept as it was)")
        yield from (first, *others)


def _times(records: Sequence[Record]) -> Section:
    steps = ", ".join(f"{r['step']} {r['seconds']:.1f} s" for r in records)
    return Section("Time", (f"{steps}; together {sum(r['seconds'] for r in records):.1f} s",))


def _next_commands(config: str, store: str) -> Section:
    lines = (
        f"demandcast serve {config}",
        f"demandcast export forecasts {config} --out forecasts.csv",
        f"or with any Delta Lake reader: {store}/forecasts",
    )
    return Section("To see the forecasts", lines)
