"""`demandcast deploy CONFIG...`: `deploy` puts the jobs of these files on the Prefect server of PREFECT_API_URL.

One deployment per job and step is created or updated; it prints when each runs. Nothing is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.arguments import Sets, load_config, print_line
from forecasting.errors import UserError

Files = Annotated[Path, Parameter(help="The jobs' YAML files, as many as there are.")]
Pool = Annotated[str, Parameter(help="The work pool whose workers run them; made where it is missing.")]


def deploy(*configs: Files, pool: Pool = "demandcast", set_: Sets = ()) -> None:
    """Create or update the deployments of jobs, with schedules from their configs; runs happen in this folder."""
    if not configs:
        raise UserError("deploy: name the config file of a job, or of several")
    jobs = {file: load_config(file, set_) for file in configs}
    from flows.orchestration import deploy as server
    from forecasting.config import parse_overrides

    done = server.deploy(jobs, parse_overrides(set_), pool)
    width = max(len(deployment.name) for deployment in done)
    for deployment in done:
        print_line(f"{deployment.name:<{width}}  {deployment.schedule or 'when it is started'}")
    print_line(f"{len(done)} deployments; they run where this does: prefect worker start --pool {pool}")
