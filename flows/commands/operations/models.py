"""`demandcast models list|promote|rollback CONFIG`: one function per subcommand, each takes the job's file.

`list_` prints the registered versions; the others change which one forecasts, by hand, and keep the reason.
"""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from flows.arguments import File, Sets, load_config, print_line

if TYPE_CHECKING:
    from forecasting.steps.lifecycle.champions import Promotion
    from forecasting.steps.session import Session

Out = Annotated[Path | None, Parameter(help="Write to this .parquet, .csv or .xlsx file instead.")]
Reason = Annotated[str, Parameter(help="Why: it is kept in the registry.")]
SHOWN = ("version", "role", "cutoff", "model", "wape", "bias", "live_wape", "why")
"""Columns that are printed; a file of --out has all."""
FORMATS = {"wape": "{:.1%}", "bias": "{:+.1%}", "live_wape": "{:.1%}"}

models = App(name="models", help="Versions of the model: list them, promote one by hand, or go back.")


@models.command(name="list")
def list_(config: File, /, *, out: Out = None, set_: Sets = ()) -> None:
    """All versions: up to when they know the sales, who is champion and challenger, scores, and why."""
    session = _open(config, set_)
    from forecasting.services import console
    from forecasting.steps.export import write_file
    from forecasting.steps.lifecycle.listing import list_versions

    versions = list_versions(session)
    if versions.is_empty():
        print_line(f"{session.config.name} has no versions yet: demandcast run {config}")
    elif out:
        write_file(session.config, "models", versions, out)
        print_line(f"{versions.height:,} rows written to {out}")
    else:
        console.print_table(versions.select(SHOWN), f"versions of {session.config.name}", FORMATS)


@models.command
def promote(
    config: File,
    /,
    *,
    version: Annotated[int, Parameter(help="The version that forecasts from now on.")],
    reason: Reason,
    set_: Sets = (),
) -> None:
    """Make a version champion by hand; the one before becomes the challenger."""
    session = _open(config, set_)
    from forecasting.steps.lifecycle import champions

    _say(champions.promote(session, version, reason), config)


@models.command
def rollback(config: File, /, *, reason: Reason, set_: Sets = ()) -> None:
    """Make the version champion again that the present one has replaced."""
    session = _open(config, set_)
    from forecasting.steps.lifecycle import champions

    _say(champions.rollback(session, reason), config)


def _open(config: Path, sets: tuple[str, ...]) -> Session:
    job = load_config(config, sets)
    from forecasting.steps.session import open_session

    return open_session(job, user=getuser())


def _say(promotion: Promotion, config: Path) -> None:
    before = "" if promotion.before is None else f", version {promotion.before} is the challenger"
    print_line(
        f"version {promotion.version} is the champion{before}; its forecasts are published by: "
        f"demandcast predict {config}"
    )
