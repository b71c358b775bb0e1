"""`prefect_yaml()` returns the text of `prefect.yaml`, made from the registry of steps.

It has a deployment per step and one of the pipeline. `python -m flows.orchestration.prefect_yaml` writes the file
again; importing this module writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from forecasting.steps.registry import PIPELINE as MAIN_STEPS
from forecasting.steps.registry import STEPS

FILE = Path(__file__).parents[2] / "prefect.yaml"

HEAD = """\
# What runs when, on a Prefect server of your own. From this folder, with PREFECT_API_URL set:
#   prefect work-pool create demandcast --type process
#   prefect deploy --all
#   prefect worker start --pool demandcast
# Flow and deployment names are the names of the steps: prefect deployment run predict/predict --param cutoff=2025-12-01
# Every deployment takes config, overrides, cutoff and force; those of steps with options of their own take these as
# options, such as {trials: 100} of tune. To run another job, give another `config`.
# A step that fails for want of input or output tries again twice, and is stopped after the hours that its comment says;
# `demandcast deploy` also makes the server start runs again whose worker was killed (it finds them by the tag).
# Made from forecasting/steps/registry.py by: python -m flows.orchestration.prefect_yaml
name: demandcast
prefect-version: 3.8.8

definitions:
  work_pool: &work_pool {name: demandcast}
  parameters: &parameters {config: configs/demo.yaml}
  tags: &tags [demandcast]
  heartbeat: &heartbeat {env: {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: "30"}}
  one_at_a_time: &one_at_a_time {limit: 1, collision_strategy: ENQUEUE}

deployments:
"""

DEPLOYMENT = """\
  # {comment} At most {hours:g} hours.
  - name: {name}
    entrypoint: flows/orchestration/deployments.py:{name}
    parameters: *parameters
    tags: *tags
    work_pool: *work_pool
    job_variables: *heartbeat
    concurrency_limit: *one_at_a_time
    schedules: [{{cron: "{schedule}", timezone: UTC{paused}}}]
"""

PAUSED = ", active: false"
PIPELINE = DEPLOYMENT.format(
    comment="All of the main job in order. Paused, because the ones above do the same: for small jobs switch this on "
    "and those off.",
    name="pipeline",
    schedule="0 2 * * *",
    hours=sum(STEPS[name].hours for name in MAIN_STEPS),
    paused=PAUSED,
)


def prefect_yaml() -> str:
    """The text of `prefect.yaml`: a deployment per step, paused where its schedule is, and one for the main job."""
    steps = [
        DEPLOYMENT.format(
            comment=step.description,
            name=name,
            schedule=step.schedule,
            hours=step.hours,
            paused="" if step.scheduled else PAUSED,
        )
        for name, step in STEPS.items()
    ]
    return HEAD + "".join(steps) + PIPELINE


if __name__ == "__main__":
    FILE.write_text(prefect_yaml(), encoding="utf-8")
