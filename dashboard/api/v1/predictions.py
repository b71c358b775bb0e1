"""`routes(context)`: POST /predict, the forecast of one series and day, and POST /predict/batch, of a CSV file of them.

A row may give other values of known-ahead columns than planned. Every row that is served is logged.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any

import polars as pl
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from dashboard.rest import caching
from dashboard.rest.bodies import EXAMPLE_ROW, ForecastRow, Origin, row_values
from dashboard.rest.context import Context
from dashboard.rest.problems import Refusal, responses
from forecasting.steps.serving import answer_one, batch_csv
from forecasting.steps.serving.served import Served

IN_MEMORY = 4_000_000
AT_ONCE = 1
"""Files that are answered at the same time; others wait, and single predictions do not."""
COMPUTING = os.cpu_count() or 1
"""Single predictions that are computed at the same time: with more threads than processors all are answered later."""
CSV_EXAMPLE = "unique_id,ds,price\nS1/tea,2024-05-20,1.79\n"
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string", "examples": [CSV_EXAMPLE]}}},
    }
}  # fmt: skip

Value = float | int | bool | str | None
EXAMPLE = {"unique_id": "S1/tea", "ds": "2024-05-20", "values": {"price": 1.79, "promo": 1}}

EXAMPLE_ORIGIN = {"cutoff": "2024-05-14", "version": 3, "model": "Combination", "answered_by": "champion"}


class Ask(BaseModel):
    """One series, one day of the horizon, and what is different from the plan."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    unique_id: str = Field(max_length=1000)
    ds: date = Field(description="A period of the horizon: after the cutoff, and at most h periods later.")
    values: dict[str, Value] = Field(
        default={}, description="Known-ahead columns with the values that they have instead; null: as planned."
    )


class Prediction(ForecastRow, Origin):
    """The forecast of one series in one period, and what made it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_ROW | EXAMPLE_ORIGIN]})

    answered_by: str = Field(description="champion, or challenger: see `serving.challenger_share`.")


def routes(context: Context) -> APIRouter:
    """POST /predict and /predict/batch."""
    router = APIRouter(tags=["predictions"])
    _add_predict(router, context)
    _add_batch(router, context)
    return router


def _add_predict(router: APIRouter, context: Context) -> None:
    limiter = CapacityLimiter(COMPUTING)

    @router.post("/predict", responses=responses(409))
    async def predict(ask: Annotated[Ask, Body()], response: Response) -> Prediction:
        """The forecast of one series on one day, perhaps with other values of known-ahead columns than planned."""
        answer, tag = await to_thread.run_sync(_predict, context, ask, limiter=limiter)
        response.headers.update(caching.headers(tag))
        return answer


def _predict(context: Context, ask: Ask) -> tuple[Prediction, str]:
    """The logged answer, and its ETag."""
    served, challenger = context.current.rivals()
    values = {name: value for name, value in ask.values.items() if value is not None}
    held = (served.identity, challenger.identity if challenger else "")
    key = (*held, ask.unique_id, ask.ds, json.dumps(values, sort_keys=True))
    row, answer = context.answers.get(key) or _answer(served, challenger, ask, values)
    if not answer.fallback:  # the models may answer the next time
        context.answers.put(key, (row, answer))
    context.record(served, row, "predict")
    return answer, caching.etag(*key)


def _add_batch(router: APIRouter, context: Context) -> None:
    limiter = CapacityLimiter(AT_ONCE)

    @router.post(
        "/predict/batch",
        openapi_extra=UPLOAD,
        response_class=StreamingResponse,
        responses=responses(409, 413, 415) | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def predict_batch(request: Request) -> Response:
        """Forecasts of the rows of a CSV file: unique_id, ds (2024-05-20), and any known-ahead columns.

        The answer has a row per line, in their order, with the number of the line; a wrong line has no forecast and an
        `error`, the others are answered. Empty values are as planned. What the lines say of coming days holds
        together, as one plan; a day that is given again with other values belongs to a further plan.
        """
        if request.headers.get("content-type", "").split(";")[0].strip().lower() not in ("text/csv", "application/csv"):
            raise Refusal(415, "send the file as it is, with Content-Type: text/csv")
        file = await _receive(request, context.config.serving.upload)
        served, challenger = await to_thread.run_sync(context.current.rivals)
        parts = await to_thread.run_sync(batch_csv.open_batch, served, file, challenger)
        lines = _csv(context, served, parts)
        return StreamingResponse(_in_threads(lines, limiter, file), media_type="text/csv; charset=utf-8")


def _answer(
    served: Served, challenger: Served | None, ask: Ask, values: dict[str, Any]
) -> tuple[pl.DataFrame, Prediction]:
    """The row to log and the body to answer with."""
    rows = answer_one.answer_one(served, ask.unique_id, ask.ds, values, challenger)
    row = rows.row(0, named=True)
    origin = {"cutoff": served.cutoff} | {name: row[name] for name in ("version", "model", "answered_by")}
    return rows, Prediction.model_construct(**row_values(row, served.config.level), **origin)


async def _receive(request: Request, megabytes: int) -> IO[bytes]:
    """The body of a request in a file; raises Refusal (413) when it is too large."""
    file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > megabytes * 1_000_000:
            file.close()
            raise Refusal(413, f"the file is larger than {megabytes} MB (serving.upload): send it in parts")
        file.write(chunk)
    file.seek(0)
    return file


def _csv(context: Context, served: Served, parts: Iterator[pl.DataFrame]) -> Iterator[bytes]:
    """The answers as CSV, each logged before it is sent."""
    yield batch_csv.csv_header(served).encode()
    for rows in parts:
        context.record(served, rows, "predict/batch")
        yield batch_csv.csv_lines(rows, served).encode()


async def _in_threads(lines: Iterator[bytes], limiter: CapacityLimiter, file: IO[bytes]) -> AsyncIterator[bytes]:
    """The parts of an answer, each computed in a thread of those that are meant for files."""
    try:
        while (part := await to_thread.run_sync(next, lines, None, limiter=limiter)) is not None:
            yield part
    finally:
        file.close()
