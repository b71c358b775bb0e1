"""The commands `run`, `ingest`, `backtest`, ...: `step_command(step)` makes the one of a registered Step.

A command takes the job's file and the options of `Job`, runs the Prefect flow of its name in this process and prints a
summary. `run` is the main job: all steps of the pipeline.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from flows.arguments import Cutoff, DataVersion, File, Force, Sets, load_config, print_line, with_data_version
from forecasting.errors import UserError
from forecasting.steps.registry import Step


@Parameter(name="*")
@dataclass(frozen=True)
class Job:
    """The options of every step: overrides of the config, the last day, the data version, and whether to repeat."""

    set_: Sets = ()
    cutoff: Cutoff = None
    data_version: DataVersion = None
    force: Force = False


def run(config: File, /, *, job: Job = Job()) -> None:
    """The main job: ingest, backtest, train, predict, shadow and monitor."""
    _run_flow("pipeline", config, job)


def step_command(step: Step) -> Callable[..., None]:
    """The command that runs the step, with the step's options where it has any."""
    command = _with_options(step.name, step.options) if step.options else _without_options(step.name)
    command.__doc__ = step.description
    return command


def _without_options(name: str) -> Callable[..., None]:
    def command(config: File, /, *, job: Job = Job()) -> None:
        _run_flow(name, config, job)

    return command


def _with_options(name: str, kind: type[Any]) -> Callable[..., None]:
    default = kind()

    # the annotation is a variable of this function, so annotations of this file must not be postponed
    def command(config: File, /, *, options: Annotated[kind, Parameter(name="*")] = default, job: Job = Job()) -> None:
        _run_flow(name, config, job, options=asdict(options))

    return command


def _run_flow(flow: str, file: Path, job: Job, **options: Any) -> None:
    """Check the config, run the flow in this process and print its summary; raises what the flow's task raised."""
    config = load_config(file, job.set_, job.data_version)
    from flows import summary
    from flows.orchestration import launch
    from forecasting.config import parse_overrides

    overrides = parse_overrides(with_data_version(job.set_, job.data_version))
    given = {"config": str(file), "overrides": overrides, "cutoff": job.cutoff, "force": job.force}
    records = launch.run(flow, config, **given, **options)
    print_line(summary.text(records, str(file), f"{config.store.root.rstrip('/')}/{config.name}"))
    if worse := [text for record in records for text in record["facts"].get("worse", ())]:
        raise UserError(f"{file}: past forecasts are worse than the baseline: {'; '.join(worse)}")
