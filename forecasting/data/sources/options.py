"""The options of a source, checked by its own model."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from forecasting.config import Config

Model = TypeVar("Model", bound=BaseModel)


def checked(config: Config, model: type[Model]) -> Model:
    """source.options as the model; the UserError names the option."""
    try:
        return model(**config.source.options)
    except ValidationError as e:
        error = e.errors()[0]
        option = ".".join(str(p) for p in error["loc"])
        known = ", ".join(model.model_fields)
        said = error["msg"].removeprefix("Value error, ")
        said = "is missing: the source needs it" if error["type"] == "missing" else said
        message = f"is not an option; there are {known}" if error["type"] == "extra_forbidden" else said
        raise config.fault(f"source.options.{option}", message) from None
