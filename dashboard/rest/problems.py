"""Problems as RFC 9457 describes them: `add_problem_handlers` makes every error of an app such an answer.

A `Problem` says what is wrong in one sentence and, in `errors`, which field it is about. Whatever a client sends, the
answer is a 4xx; a 500 is a fault of the program, whose reason is in its log only.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from dashboard.error_text import error_text
from forecasting.errors import Option, UserError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
PLACES = {"body", "query", "path", "header"}
"""Where FastAPI says that a parameter stands; the field is what follows."""


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="The field, as in `ds` or `values.price`.")
    detail: str


class Problem(BaseModel):
    """An error, as in RFC 9457."""

    type: str = Field(default="about:blank", description="The kind of problem; about:blank: that of the status.")
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["ds: the forecast covers 2024-05-15 to 2024-05-28, and not 2030-01-01"])
    instance: str | None = Field(default=None, description="The path that was requested.")
    errors: list[FieldError] = Field(default=[], description="The fields that are wrong.")


class Refusal(Exception):
    """A request that is not answered: its status, why, and the field that is wrong, if it is one."""

    def __init__(self, status: int, detail: str, field: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.headers = status, detail, field, headers


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for its documentation; 422 is always one of them."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in (*statuses, 422)}


def problem(
    request: Request, status: int, detail: str, errors: list[FieldError], headers: Mapping[str, str] | None = None
) -> Response:
    """The problem as an answer."""
    title = HTTPStatus(status).phrase
    content = Problem(title=title, status=status, detail=detail, instance=request.url.path, errors=errors)
    return Response(content.model_dump_json(), status, headers, MEDIA_TYPE)


def add_problem_handlers(api: FastAPI) -> None:
    """Answer errors of this app by problems."""

    @api.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        errors = [FieldError(field=error.field, detail=error.detail)] if error.field else []
        detail = f"{error.field}: {error.detail}" if error.field else error.detail
        return problem(request, error.status, detail, errors, error.headers)

    @api.exception_handler(UserError)
    async def mistaken(request: Request, error: UserError) -> Response:
        return user_problem(request, error)

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [FieldError(field=_field(e["loc"]), detail=e["msg"]) for e in error.errors()]
        detail = "; ".join(f"{e.field}: {e.detail}" if e.field else e.detail for e in errors)
        return problem(request, 422, detail, errors)

    @api.exception_handler(HTTPException)
    async def refused_by_router(request: Request, error: HTTPException) -> Response:
        if error.status_code == 400:  # a body that cannot be decoded is a wrong field as any other
            return problem(request, 422, f"body: {error.detail}", [FieldError(field="body", detail=error.detail)])
        detail = {404: f"there is no {request.url.path}", 405: f"{request.url.path} takes no {request.method}"}
        stated = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
        return problem(request, error.status_code, stated or detail.get(error.status_code, ""), [], error.headers)

    @api.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem(request, 500, "this could not be answered; the log of the server has the reason", [])


def user_problem(request: Request, error: UserError) -> Response:
    """The problem of a mistake: of the field that it names, or, where a step has to run first, of the job's state."""
    if error.needs:
        return problem(request, 409, error_text(error), [])
    named = error.where.name if isinstance(error.where, Option) else ""
    text = error.what if named else error_text(error)
    errors = [FieldError(field=named, detail=text)] if named else []
    return problem(request, 422, f"{named}: {text}" if named else text, errors)


def _field(location: tuple[Any, ...]) -> str:
    parts = location[1:] if location and location[0] in PLACES else location
    return ".".join(map(str, parts)) or ".".join(map(str, location))
