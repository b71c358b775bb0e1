"""`demandcast reproduce RUN_ID [CONFIG]`: `reproduce` makes a published forecast again and compares it bit for bit.

Without a config it looks for the job among the config files of this folder and of configs/. Exit code 2 and a sentence
when the forecast differs; the store is only read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.arguments import Sets, load_config
from forecasting.errors import UserError

if TYPE_CHECKING:
    from forecasting.steps.lifecycle.rebuild import Run
    from forecasting.steps.session import Session

RunId = Annotated[str, Parameter(help="The id that the summary of a forecast tells, or the run_id of a version.")]
Job = Annotated[Path | None, Parameter(help="The job's YAML file; looked for here and in configs/ if left out.")]


def reproduce(run_id: RunId, config: Job = None, /, *, set_: Sets = ()) -> None:
    """Fit and forecast again from the data, code, config and seeds of a run, and compare bit for bit."""
    session, run = _find(run_id, config, set_)
    from forecasting.services import console
    from forecasting.steps.lifecycle import reproduce as made_again

    compared = made_again.reproduce(session, run)
    console.print_fields(f"forecast of {session.config.name}", compared.findings)
    if compared.difference:
        raise UserError(f"run {run.id} does not come out again: {compared.difference}")


def _find(run_id: str, config: Path | None, sets: tuple[str, ...]) -> tuple[Session, Run]:
    """The session of the job that has the run, and the run; raises UserError where none has."""
    from forecasting.steps.lifecycle.reproduce import describe_runs, find_run
    from forecasting.steps.session import open_session

    if config:
        session = open_session(load_config(config, sets))
        if run := find_run(session, run_id):
            return session, run
        raise UserError(f"{config}: there is no run {run_id}; the newest are: {describe_runs(session)}")
    files = sorted({*Path().glob("*.y*ml"), *Path("configs").glob("*.y*ml")})
    for file in files:
        try:
            session = open_session(load_config(file, sets))
            run = find_run(session, run_id)
        except UserError:  # no job's file, or one of another store
            continue
        if run:
            return session, run
    raise UserError(f"no job of the {len(files)} config files here has a run {run_id}; name its config after the id")
