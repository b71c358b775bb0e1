"""`routes(context)`: GET /models, the versions of the job's models in the registry, and which of them is served."""

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dashboard.rest.context import Context
from dashboard.rest.problems import responses


class ModelVersion(BaseModel):
    """One training: a bundle of models."""

    version: int
    aliases: list[str] = Field(description="champion, challenger, or none.")
    served: bool = Field(description="Whether the published forecast is of this version.")
    model: str | None = Field(description="The model of the bundle whose rows are served.")
    cutoff: str | None = Field(description="The last day that it was trained on.")
    gate: str | None = Field(description="Why it was promoted, or why not.")
    recipe: str | None
    data_version: str | None
    created: datetime
    run_id: str | None = Field(description="Its run in MLflow.")


class Models(BaseModel):
    """All versions, the newest first."""

    items: list[ModelVersion]


def routes(context: Context) -> APIRouter:
    """GET /models."""
    router = APIRouter(tags=["models"])

    @router.get("/models", responses=responses(409))
    def models() -> Models:
        """The versions of the models, the newest first, with the reason of their promotion."""
        session = context.current.session()
        served = session.vintages["version"][0] if session.vintages.height else None
        rows = session.registry.versions().iter_rows(named=True)
        return Models(items=[_version(row, served) for row in rows])

    return router


def _version(row: dict[str, Any], served: int | None) -> ModelVersion:
    tags = json.loads(row["tags"])
    known = {name: tags.get(name) for name in ("cutoff", "gate", "recipe", "data_version")}
    kept = {name: row[name] for name in ("version", "aliases", "created", "run_id")}
    return ModelVersion(**kept, **known, served=row["version"] == served, model=tags.get("champion"))
