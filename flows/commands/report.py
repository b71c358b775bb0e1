"""`demandcast report CONFIG`: `report` prints the accuracy of the newest backtest as tables; it runs no backtest.

Takes the job's file; --levers prints how sales respond to price and promotion instead; --out also writes all tables to
a .json, .html or .xlsx file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.arguments import File, Sets, check_ending, load_config, print_line
from flows.html import html_page
from forecasting.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from forecasting.steps.session import Session

Out = Annotated[Path | None, Parameter(help="Write all tables to this .json, .html or .xlsx file, too.")]
Levers = Annotated[bool, Parameter(help="How sales respond to price, promotion and other levers, instead of accuracy.")]
Tables = Mapping[str, "pl.DataFrame"]

TITLES = {
    "models": "All models, over all windows",
    "comparisons": "Which differences are more than chance (gain in WAPE, 95 % interval)",
    "parts": "The model that serves, by segment, horizon and promotion",
    "worst": "The series with the largest errors",
}
"""Tables that are printed, with their titles; the file of --out has all tables."""
LEVER_TITLES = {
    "groups": "Response of sales by group: elasticity, or uplift as a share, with its 90 % interval (an association)",
    "series": "Response of sales by series, those whose lever changed most, with the range and the last value seen",
}
SHOWN = 40
"""Series that are printed; the file of --out has all."""
SAME_FORMAT = {
    **dict.fromkeys(("share_of_sales", "share_of_error", "reference_wape"), "wape"),
    **dict.fromkeys(("lo", "hi"), "gain"),
}
"""Columns that are shown like a metric."""


def report(config: File, /, *, levers: Levers = False, out: Out = None, set_: Sets = ()) -> None:
    """How good the forecasts are: by segment, horizon and promotion, the worst series, and what is more than chance."""
    job = load_config(config, set_)
    check_ending(out, WRITERS)
    from forecasting.steps.session import open_session

    tables = (_report_levers if levers else _report_accuracy)(open_session(job))
    if out:
        _write(tables, out)
        print_line(f"report: {out}")


def _report_accuracy(session: Session) -> Tables:
    from forecasting.services import console
    from forecasting.steps.reports.accuracy import report_accuracy

    tables = report_accuracy(session)
    for name, title in TITLES.items():
        console.print_table(tables[name], title, _formats(tables[name]))
    return tables


def _report_levers(session: Session) -> Tables:
    from forecasting.services import console
    from forecasting.steps.reports.lever_report import report_levers

    tables = report_levers(session)
    console.print_table(tables["groups"], LEVER_TITLES["groups"])
    most = tables["series"].sort("changes", descending=True, maintain_order=True).head(SHOWN)
    console.print_table(most, LEVER_TITLES["series"])
    return tables


def _formats(table: pl.DataFrame) -> dict[str, str]:
    """The format of every column that is a metric or like one."""
    from forecasting.evaluation.metrics import format_spec

    found = {name: format_spec(SAME_FORMAT.get(name, name)) for name in table.columns}
    return {name: spec for name, spec in found.items() if spec} | dict.fromkeys(("y", "yhat"), "{:,.0f}")


def _write(tables: Tables, out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        WRITERS[out.suffix](tables, out)
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror or error}); choose another place") from None


def _json(tables: Tables, out: Path) -> None:
    content = {name: table.to_dicts() for name, table in tables.items()}
    out.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")


def _html(tables: Tables, out: Path) -> None:
    out.write_text(html_page("report", list(tables.values())), encoding="utf-8")


def _xlsx(tables: Tables, out: Path) -> None:
    from xlsxwriter import Workbook

    with Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name, table in tables.items():
            table.write_excel(book, name, autofit=True, freeze_panes=(1, 0))


WRITERS: dict[str, Callable[[Tables, Path], None]] = {".json": _json, ".html": _html, ".xlsx": _xlsx}
