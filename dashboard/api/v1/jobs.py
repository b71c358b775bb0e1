"""`routes(context)`: GET /jobs/{id} tells how far long work is, DELETE cancels it, /jobs/{id}/result has its result.

`accepted(job, response)` is the answer 202 to a request that became a job.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from dashboard.rest.context import Context
from dashboard.rest.jobs import Job, State
from dashboard.rest.problems import Refusal, responses

PREFIX = "/api/v1/jobs"
JobId = Annotated[str, Path(description="The id that 202 answered with", max_length=64)]


class JobBody(BaseModel):
    """Work in the background."""

    id: str
    operation: str
    state: State
    done: int = Field(description="Parts of the work that are done.")
    parts: int = Field(description="Parts of the work in all.")
    detail: str = Field(description="Why it failed, in one sentence.")
    created: datetime
    ended: datetime | None
    result: str | None = Field(description="Where the result is, once it is done.")


def job_body(job: Job) -> JobBody:
    """The state of a job."""
    result = f"{PREFIX}/{job.id}/result" if job.state == "done" else None
    fields = {name: getattr(job, name) for name in JobBody.model_fields if name != "result"}
    return JobBody(**fields, result=result)


def accepted(job: Job, response: Response) -> JobBody:
    """The body of the answer 202, whose header Location is the job."""
    response.status_code = 202
    response.headers["Location"] = f"{PREFIX}/{job.id}"
    return job_body(job)


def routes(context: Context) -> APIRouter:
    """GET and DELETE /jobs/{job_id}, GET /jobs/{job_id}/result."""
    router = APIRouter(tags=["jobs"])

    @router.get("/jobs/{job_id}", responses=responses(404))
    async def job(job_id: JobId) -> JobBody:
        """How far a job is."""
        return job_body(context.jobs.find(job_id))

    @router.delete("/jobs/{job_id}", responses=responses(404))
    async def cancel(job_id: JobId) -> JobBody:
        """Cancel a job; one that is over stays as it is."""
        return job_body(context.jobs.cancel(job_id))

    @router.get("/jobs/{job_id}/result", responses=responses(404, 409))
    def result(job_id: JobId) -> Any:
        """The result of a job that is done, in the form in which the request would have been answered at once."""
        found = context.jobs.find(job_id)
        if found.state != "done":
            raise Refusal(409, f"the job is {found.state}: {found.detail}" if found.detail else f"it is {found.state}")
        return found.result()

    return router
