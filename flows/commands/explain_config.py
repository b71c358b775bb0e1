"""`demandcast explain-config [KEY]`: `explain_config` prints what a key of the config means, or all keys by name.

It reads no config and no data.
"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from flows.arguments import print_line

Key = Annotated[str, Parameter(help="A dotted key such as clean.outliers.rule; left out: the top-level keys.")]


def explain_config(key: Key = "", /) -> None:
    """Say what a key of the config means: its values, its default, and what a change of it changes."""
    from forecasting.config.reference import explain, top_level_keys

    if not key:
        for entry in top_level_keys():
            print_line(f"{entry.key:<24} {entry.description}")
        return
    entry, *below = explain(key)
    print_line(f"{entry.key}\n  {entry.description}\n  value:    {entry.type}\n  default:  {entry.default}")
    print_line(f"  a change: {entry.changes}")
    width = max((len(found.key) for found in below), default=0)
    for found in below:
        print_line(f"  {found.key:<{width}}  {found.description} ({found.type}; default {found.default})")
