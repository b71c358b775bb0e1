"""`demandcast scenario CONFIG --change ... --dates ...`: forecasts under changed prices, promotions, ...

`scenario` takes the job's file, changes like "price*=0.9" and the first and last day; it prints the forecasts with and
without the changes, or writes them to --out. Nothing is stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.arguments import File, Sets, load_config, print_line

Where = Annotated[str | None, Parameter(help="Which series, like \"store = 'CA_1'\"; all of them if left out.")]
Changes = Annotated[tuple[str, ...], Parameter(help='Like "price*=0.9" or "promo=1"; repeatable.')]
Dates = Annotated[str, Parameter(help="First and last day of the change, like 2016-05-23:2016-05-29.")]
Out = Annotated[Path | None, Parameter(help="A .parquet, .csv or .xlsx file; without it a table is shown.")]


def scenario(
    config: File, /, *, change: Changes, dates: Dates, where: Where = None, out: Out = None, set_: Sets = ()
) -> None:
    """What if: change coming days and forecast again; the stored forecasts stay as they are."""
    job = load_config(config, set_)
    from flows.scenario import parse_dates, report_scenario

    print_line(report_scenario(job, where, list(change), parse_dates(dates), out))
