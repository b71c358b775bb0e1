"""Deployments of jobs on a Prefect server: `deploy(jobs, overrides)` creates or updates them, one per job and step.

A job is a config file and its Config. They are named `<step>/<job>`, run in the folder in which they were deployed, and
take schedules from the config. `Deployed` says of each when it runs; no flow is run here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import EntrypointType, RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker
from pydantic import ValidationError

from flows.orchestration.crash_watch import HEARTBEAT, TAG, watch_for_crashes
from flows.orchestration.deployments import FLOWS, PIPELINE_NAME
from flows.orchestration.server import configured_server
from forecasting.config import Config
from forecasting.steps.registry import STEPS

POOL = "demandcast"
"""The work pool from which a worker takes the runs."""
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)


@dataclass(frozen=True)
class Deployed:
    """A deployment: its name, and the cron schedule with its time zone; None where it runs only when started."""

    name: str
    schedule: str | None


def deploy(jobs: Mapping[Path, Config], overrides: Mapping[str, Any], pool: str = POOL) -> list[Deployed]:
    """Create or update the deployments of all jobs, and the work pool where there is none.

    Raises UserError where no server is named or responds, where two configs have the same name, and for schedules that
    cannot be; then nothing is deployed.
    """
    _check_names(jobs)
    planned = [made for file, job in jobs.items() for made in _deployments(file, job, overrides)]
    configured_server().wait_until_ready()
    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(pool)
        except ObjectNotFound:
            template = ProcessWorker.get_default_base_job_template()
            client.create_work_pool(WorkPoolCreate(name=pool, type="process", base_job_template=template))
        watch_for_crashes(client)
    for deployment in planned:
        deployment.apply(work_pool_name=pool)
    return [Deployed(deployment.full_name, _schedule_text(deployment)) for deployment in planned]


def _check_names(jobs: Mapping[Path, Config]) -> None:
    """Raise UserError for two files with one name: they would share tables, and one would replace the other here."""
    first: dict[str, Path] = {}
    for file, job in jobs.items():
        if (other := first.setdefault(job.name, file)) != file:
            raise job.fault("name", f"{other} has the name {job.name} already: give each job a name of its own")


def _deployments(file: Path, job: Config, overrides: Mapping[str, Any]) -> list[RunnerDeployment]:
    """One deployment per step of the job, and one of the pipeline."""
    for key, known in {"cron": FLOWS, "hours": STEPS}.items():
        if unknown := sorted(set(getattr(job.schedules, key)) - set(known)):
            raise job.fault(f"schedules.{key}", f"there is no step {unknown[0]}: name one of {', '.join(known)}")
    place = {"working_dir": str(Path.cwd()), "env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT)}}
    parameters = {"config": str(file.absolute())} | ({"overrides": dict(overrides)} if overrides else {})
    return [
        flow.to_deployment(
            name=job.name,
            schedule=_schedule(job, name),
            parameters=parameters,
            tags=[TAG, job.name],
            description=flow.description,
            concurrency_limit=ONE_AT_A_TIME,
            job_variables=place,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for name, flow in FLOWS.items()
    ]


def _schedule(job: Config, name: str) -> CronSchedule | None:
    """When a flow of the job runs: as its config says, else as the registry of steps says; None: only by hand."""
    if name in job.schedules.cron:
        cron = job.schedules.cron[name]
    elif name == PIPELINE_NAME or not STEPS[name].scheduled or _is_in_scheduled_pipeline(job, name):
        cron = None
    else:
        cron = STEPS[name].schedule
    try:
        return CronSchedule(cron=cron, timezone=job.schedules.timezone) if cron else None
    except ValidationError:
        raise job.fault(f"schedules.cron.{name}", f"{cron!r} is no cron: five fields, like 30 2 * * *") from None


def _is_in_scheduled_pipeline(job: Config, name: str) -> bool:
    """Whether the pipeline of the job is scheduled and does this step, too."""
    return bool(job.schedules.cron.get(PIPELINE_NAME)) and STEPS[name].in_pipeline


def _schedule_text(deployment: RunnerDeployment) -> str | None:
    schedules = [entry.schedule for entry in deployment.schedules or ()]
    return next((f"{s.cron} {s.timezone}" for s in schedules if isinstance(s, CronSchedule)), None)
