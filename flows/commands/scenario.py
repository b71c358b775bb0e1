"""`demandcast scenario CONFIG --change ... --dates ...`: forecasts under changed prices, promotions, ...

`scenario` takes the job's file, changes like "price*=0.9" and the first and last day; it prints the forecasts with and
without the changes, and what these add, or writes them to files. With --optimise it tries values of one column. Nothing
is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from flows.arguments import File, Sets, load_config, print_line
from forecasting.errors import UserError

if TYPE_CHECKING:
    from forecasting.config import Config
    from forecasting.steps.scenario.optimise import Question

Where = Annotated[str | None, Parameter(help="Which series, like \"store = 'CA_1'\"; all of them if left out.")]
Changes = Annotated[
    tuple[str, ...], Parameter(help='Like "price*=0.9", "promo=1" or "new=S1/I99 like S1/I13"; repeatable.')
]
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


@Parameter(name="*")
@dataclass(frozen=True)
class WhatIf:
    """Changes of the plan: of which series, on which days, and beside which forecast they are put."""

    change: Changes = ()
    dates: Dates = None
    where: Where = None
    cutoff: Cutoff = None


@Parameter(name="*")
@dataclass(frozen=True)
class Search:
    """Which column is searched for its best value, between which values, and what for."""

    optimise: Optimise = None
    between: Between = None
    maximise: Goal = "revenue"


@Parameter(name="*")
@dataclass(frozen=True)
class Written:
    """The files that are written."""

    out: Out = None
    sums: Sums = None


def scenario(
    config: File,
    /,
    *,
    what_if: WhatIf = WhatIf(),
    search: Search = Search(),
    written: Written = Written(),
    set_: Sets = (),
) -> None:
    """What if: change coming days and forecast again, or search the best price; stored forecasts stay as they are."""
    from flows.scenario import Files, parse_dates, report_scenario, report_search

    span = parse_dates(what_if.dates) if what_if.dates else None
    if bool(what_if.change) == bool(search.optimise):
        raise UserError("give --change (what if?) or --optimise (which value is best?)")
    job = load_config(config, set_)
    if search.optimise:
        print_line(report_search(job, what_if.where, _question(job, search, span), written.out))
        return
    files = Files(written.out, written.sums)
    print_line(report_scenario(job, what_if.where, what_if.change, span, files, what_if.cutoff))


def _question(job: Config, search: Search, span: tuple[date, date] | None) -> Question:
    """What is searched; raises UserError for a price without values to try."""
    from flows.scenario import parse_between
    from forecasting.steps.scenario.optimise import Question

    column = str(search.optimise)
    if search.between is None and column == job.columns.price:
        raise UserError("--optimise: give --between as well, the multiples of the present price to try, as in 0.7:1.1")
    return Question(column, parse_between(search.between or "0:1"), search.maximise, span)
