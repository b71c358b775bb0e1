"""`demandcast audit CONFIG`: who signed in, was refused, and wrote what, the newest first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.arguments import File, Sets, check_ending, load_config, print_line
from flows.commands.operations.users import open_accounts

Out = Annotated[Path | None, Parameter(help="Write to this .parquet, .csv or .xlsx file instead.")]
Limit = Annotated[int, Parameter(help="How many entries, from the newest on.")]


def audit(config: File, /, *, limit: Limit = 50, out: Out = None, set_: Sets = ()) -> None:
    """The newest entries of the audit log; times are UTC."""
    check_ending(out, (".parquet", ".csv", ".xlsx"))
    from forecasting.services import console
    from forecasting.services.accounts.audit import read_audit
    from forecasting.steps.export import write_file

    found = read_audit(open_accounts(config, set_), limit)
    if out:
        write_file(load_config(config, set_), "audit", found, out)
        print_line(f"{found.height:,} rows written to {out}")
    elif found.is_empty():
        print_line("nothing is entered yet")
    else:
        console.print_table(found, "audit log (times are UTC)", {})
