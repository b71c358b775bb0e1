"""`demandcast init SOURCE...`: `init` proposes a config for files or a query, shows what is understood, and writes it.

It asks in a terminal; `--yes` takes the proposal. Without both it prints the config and writes nothing. `converse`
takes the function that asks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.arguments import Sets, print_line
from forecasting.errors import Option, UserError

if TYPE_CHECKING:
    from forecasting.steps.proposal import Proposal, Request

Places = Annotated[
    str,
    Parameter(help="Files, folders, patterns, s3://..., or the address of a database (env:NAME: in a variable)."),
]
Query = Annotated[str, Parameter(help="The query on a database: one SELECT.")]
Out = Annotated[Path | None, Parameter(help="The file to write; NAME.yaml in this folder if left out.")]
Yes = Annotated[bool, Parameter(help="Take the proposal without asking, and write it.")]
KEY = re.compile(r"\b(source\.(?!path)|columns\.|clean\.|limits\.)")
"""Keys of the config in an error, which can be given."""
QUESTION = """\
Enter writes it; key=value changes it (source.columns.ds=, source.columns.y=, source.columns.unique_id=[a, b], freq=,
h=, or any other key); q leaves.
> """


def init(*places: Places, query: Query = "", out: Out = None, yes: Yes = False, set_: Sets = ()) -> None:
    """Look at files and propose a config for them."""
    from forecasting.config import parse_overrides
    from forecasting.steps.proposal import Request

    if not places:
        raise UserError("name the files with the sales, such as `demandcast init sales.csv`")
    request = Request(places, query, parse_overrides(set_))
    if sys.stdin.isatty() and not yes:
        return converse(request, out, input)
    proposal = proposed(request)
    show(proposal)
    if yes:
        write(proposal, out)
    else:
        print_line(f"\n{proposal.text(())}\nnothing is written: --yes writes it")


def proposed(request: Request) -> Proposal:
    """The proposal; raises UserError with the option that settles what is in doubt."""
    from forecasting.steps.proposal import propose

    try:
        return propose(request)
    except UserError as error:
        hint = "give a key by --set, such as --set h=8" if KEY.search(error.what) else ""
        raise UserError(error.what, mend=error.mend or hint) from None


def converse(request: Request, out: Path | None, ask: Callable[[str], str]) -> None:
    """Show a proposal, take changes and show it again until it is accepted and written, or left."""
    while True:
        proposal = None
        try:
            proposal = proposed(request)
            show(proposal)
        except UserError as error:
            print_line(f"in doubt: {error.what}")
        answer = ask(QUESTION).strip()
        if answer.lower() in ("q", "quit"):
            return print_line("nothing is written")
        if answer:
            request = _changed(request, answer)
        elif proposal:
            return write(proposal, out)


def _changed(request: Request, answer: str) -> Request:
    """The request with a key that was given as key=value; the same one where that cannot be read."""
    from forecasting.config import parse_overrides

    try:
        return replace(request, settings={**request.settings, **parse_overrides([answer])})
    except UserError as error:
        print_line(str(error))
        return request


def show(proposal: Proposal) -> None:
    """Print the first and last rows as they are understood, their sums, and what is in doubt."""
    from forecasting.services import console

    reading, (first, last) = proposal.reading, proposal.reading.span
    console.print_table(reading.ends(), "the first and last rows, as understood")
    facts = {"series": reading.series, "sales from": f"{first} to {last}", "total of sales": f"{reading.total:,.10g}"}
    facts |= {"coming": f"{reading.coming} days after the last sale have rows"} if reading.coming else {}
    console.print_fields("in all", list({"lines": reading.lines, **facts}.items()))
    if proposal.doubts:
        console.print_fields("in doubt", _numbered(proposal.doubts))
    if read := [r.message for r in reading.remarks if r.harm == "none"]:
        console.print_fields("read as", _numbered(read))


def _numbered(sentences: Sequence[str]) -> list[tuple[str, str]]:
    return [(str(n), sentence) for n, sentence in enumerate(sentences, 1)]


def write(proposal: Proposal, out: Path | None) -> None:
    """Write the config; raises UserError where another file would be overwritten."""
    file = out or Path(f"{proposal.config.name}.yaml")
    text = proposal.text([f"A job proposed from its files. To run it:  demandcast run {file}"])
    if file.exists() and file.read_text(encoding="utf-8", errors="replace") != text:
        raise UserError("there is such a file, which is kept", where=Option("out", file), mend="give another name")
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=Option("out", file)) from None
    print_line(f"written: {file}\nnext:    demandcast run {file}")
