"""The summary of a load: `summarize_load` makes one Section of the facts of the step ingest ({name: JSON value}).

It tells what became of every line, of further tables and of the files of a landing folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forecasting.data.quality.freshness import freshness_messages
from forecasting.steps.registry import Facts, Section

FILES = {
    "files_read": "files read",
    "files_already_loaded": "files skipped, already loaded",
    "files_without_columns": "files skipped, without the columns of the config",
}
"""Facts that list files of a landing folder, in words."""


def summarize_load(facts: Facts) -> list[Section]:
    """One section: the account of the lines, the rows of the panel, further tables, files, freshness, cleaning."""
    f, dropped = facts, sum(facts["dropped"].values())
    lines = [
        f"{f['lines']:,} lines in = {f['aggregated']:,} aggregated + {f['quarantined']:,} quarantined"
        f" + {f['duplicates']:,} duplicates + {dropped:,} dropped",
        f"{f['keys']:,} rows in the panel = {f['observed']:,} observed + {f['filled']:,} filled{_closed(f)}",
        f"{f['series']:,} series, {f['first']} to {f['last']}; data version {f['data_version']},"
        f" {f['rows_written']:,} rows written",
    ]
    for heading, rules in (("quarantined", f["quarantined_by_rule"]), ("dropped", f["dropped"])):
        if rules:
            lines.append(f"{heading}: {_counts(rules)}")
    lines += _tables(f.get("tables", {}), f.get("rows_from_tables", 0))
    lines += _files(f)
    lines += freshness_messages(f.get("freshness", {}))
    if f.get("cleaned"):  # loads of before there was any cleaning have no such count
        lines.append(f"cleaned: {_counts(f['cleaned'])}")
    return [Section("Data", tuple(lines))]


def _closed(facts: Facts) -> str:
    """How many of the filled rows lie in periods that are closed by their rhythm."""
    return f" ({facts['filled_closed']:,} of them closed)" if facts.get("filled_closed") else ""


def _tables(tables: Mapping[str, Facts], extra_rows: int) -> Iterator[str]:
    """What further tables brought, and which keys they and the sales have not in common."""
    for name, table in tables.items():
        parts = [f"{table['rows']:,} of {table['lines']:,} rows used"]
        if table["unmatched"]:
            parts.append(f"no match for {table['unmatched']:,} rows of the sales, the first is {table['example']}")
        if table["unmatched_keys"]:
            parts.append(f"{table['unmatched_keys']:,} keys of the sales are missing")
        if table["unused_keys"]:
            parts.append(f"{table['unused_keys']:,} of its keys are never sold")
        yield f"table {name}: {'; '.join(parts)}"
    if extra_rows:
        yield f"{extra_rows:,} rows are for days that only further tables contain"


def _files(facts: Facts) -> Iterator[str]:
    """What became of the files of a landing folder, and of rows that were marked as deleted."""
    for key, heading in FILES.items():
        if names := facts.get(key):
            yield f"{len(names):,} {heading}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
    if facts.get("deleted"):
        yield f"{facts['deleted']:,} rows deleted"


def _counts(rules: Mapping[str, int]) -> str:
    """`below_y_min 10, number 2`, the most frequent first."""
    return ", ".join(f"{rule} {count:,}" for rule, count in sorted(rules.items(), key=lambda r: -r[1]))
