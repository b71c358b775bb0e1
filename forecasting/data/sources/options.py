"""Options of a source: `parse_options` takes a config and a Pydantic model and returns source.options as that model.

Raises UserError for the first option that is unknown, missing or invalid. Each layout has its own model.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from forecasting.config import Config

Options = TypeVar("Options", bound=BaseModel)


def parse_options(config: Config, model: type[Options]) -> Options:
    """source.options as the model; raises UserError for the first option that is unknown, missing or invalid."""
    try:
        return model(**config.source.options)
    except ValidationError as e:
        error = e.errors()[0]
        option = ".".join(str(p) for p in error["loc"])
        raise config.fault(f"source.options.{option}", _reason(error["type"], error["msg"], model)) from None


def _reason(kind: str, message: str, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        return f"is not an option; there are {', '.join(model.model_fields)}"
    return "is missing: the source needs it" if kind == "missing" else message.removeprefix("Value error, ")
