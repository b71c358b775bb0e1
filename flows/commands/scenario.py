"""`demandcast scenario CONFIG --change ... --dates ...`: forecasts under changed prices, promotions, ...

`scenario` takes the job's file, changes like "price*=0.9" and the first and last day; it prints the forecasts with and
without the changes, and what these add, or writes them to files. With --optimise it tries values of one column. Nothing
is stored.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from flows.arguments import File, Sets, load_config, print_line
from forecasting.errors import UserError

Where = Annotated[str | None, Parameter(help="Which series, like \"store = 'CA_1'\"; all of them if left out.")]
Changes = Annotated[tuple[str, ...], Parameter(help='Like "price*=0.9" or "promo=1"; repeatable.')]
Dates = Annotated[
    str | None,
    Parameter(help="First and last day of the change, like 2016-05-23:2016-05-29; the whole horizon if left out."),
]
Out = Annotated[Path | None, Parameter(help="A .parquet, .csv or .xlsx file for the rows of all days.")]
Sums = Annotated[Path | None, Parameter(help="A file like that of --out for the sums of each series.")]
Cutoff = Annotated[
    date | None, Parameter(help="Compare with the forecast that was published from this day; the newest if left out.")
]
Optimise = Annotated[str | None, Parameter(help="A column with a known response, like price: which value is best?")]
Between = Annotated[
    str | None, Parameter(help="Values to try, like 0.7:1.1: of a price times the present one, of others as they are.")
]
Goal = Annotated[
    Literal["units", "revenue", "margin"], Parameter(help="What --optimise wants most of (margin needs columns.cost).")
]


def scenario(
    config: File,
    /,
    *,
    change: Changes = (),
    dates: Dates = None,
    where: Where = None,
    out: Out = None,
    sums: Sums = None,
    cutoff: Cutoff = None,
    optimise: Optimise = None,
    between: Between = None,
    maximise: Goal = "revenue",
    set_: Sets = (),
) -> None:
    """What if: change coming days and forecast again, or search the best price; stored forecasts stay as they are."""
    from flows.scenario import Files, parse_dates, report_scenario, report_search

    span = parse_dates(dates) if dates else None
    if bool(change) == bool(optimise):
        raise UserError("give --change (what if?) or --optimise (which value is best?)")
    job = load_config(config, set_)
    if not optimise:
        print_line(report_scenario(job, where, change, span, Files(out, sums), cutoff))
        return
    if between is None and optimise == job.columns.price:
        raise UserError("--optimise: give --between as well, the multiples of the present price to try, as in 0.7:1.1")
    print_line(report_search(job, where, optimise, between or "0:1", maximise, span, out))
