"""Sections about models: ModelSpec (an entry of `models`: family, name, options), Models and Backtest (its windows).

ModelSpec also accepts short forms such as `ladder` (the naive models) and `{stats: AutoETS}`. The options stay a plain
dict here: each family checks its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    WrapSerializer,
    field_validator,
    model_validator,
)

from forecasting.config.declarations import Section
from forecasting.config.value_types import StrictInt

FAMILIES = {
    "naive": "ladder",
    "stats": "stats",
    "lightgbm": "LightGBM",
    "ensemble": "Ensemble",
    "reconcile": "MinTrace",
}
"""Model family (its module in forecasting/models) -> the name of a model that is given neither name nor class."""

AUTO = "auto"
"""The value of `models` by which they are chosen from the data."""


class Backtest(Section):
    """The backtest windows: past cutoffs from which h periods are forecast and scored."""

    windows: StrictInt = Field(default=2, ge=1, description="Number of windows on which scores are reported.")
    step: StrictInt | None = Field(default=None, ge=1, description="Periods between two cutoffs; null: h.")
    calibration: Annotated[StrictInt, Field(ge=0)] | None = Field(
        default=None,
        description="Number of older windows whose errors calibrate the intervals, as far as the history reaches; "
        "null: with `models: auto` as many as the budget allows, else 2.",
    )
    known_ahead: Literal["as_served", "recorded"] = Field(
        default="as_served",
        description="What a window sees of known-ahead columns: what would have been known on its day (as much as is "
        "known of the coming days now), or all that was recorded afterwards.",
    )


class ModelSpec(Section):
    """One model of the recipe; short forms are `ladder`, `AutoETS`, `{stats: AutoETS}` and `{lightgbm: {...}}`."""

    family: str = Field(
        description=f"The model family, one of {', '.join(FAMILIES)}; `ladder` is short for the naive one."
    )
    name: str = Field(
        min_length=1, description="The name in the column `model` of its rows; by default the class or family."
    )
    options: dict[str, Any] = Field(
        default={}, description="Options of the family, which checks them itself; see MODELS.md."
    )
    on: Literal["series", "aggregates"] = Field(
        default="series", description="Whether it is fitted on single series or on the aggregates of series."
    )
    most: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None, description="It is left out where the panel has more observed rows than this; null: never."
    )

    @field_validator("family")
    @classmethod
    def _exists(cls, family: str) -> str:
        if family not in FAMILIES:
            raise ValueError(_no_family(family))
        return family

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """The full form of the short ones; raises ValueError for what is none of them."""
        if isinstance(value, str):
            value = _named(value)
        if not isinstance(value, Mapping) or "family" in value:
            return value
        if len(value) != 1:
            raise ValueError(f"a model is `ladder` or one of the keys {', '.join(FAMILIES)} with its options below it")
        family, options = next(iter(value.items()))
        if family not in FAMILIES:
            raise ValueError(_no_family(str(family)))
        if not isinstance(options, str | Mapping | None):
            raise ValueError(f"{family} takes a mapping of options, not {options!r}")
        options = {"class": options} if isinstance(options, str) else dict(options or {})
        name = options.pop("name", None) or options.get("class") or FAMILIES[family]
        scope = {"on": options.pop("on", "series"), "most": options.pop("most", None)}
        return {"family": family, "name": name, "options": options} | scope


def _entries(value: Any) -> Any:
    """`auto` is no entry at all: the entries are chosen when the data are known."""
    if value == AUTO:
        return ()
    if isinstance(value, list | tuple) and not value:
        raise ValueError(f"must hold a model, or be {AUTO}: the models are then chosen from the data")
    return value


def _as_written(entries: tuple[ModelSpec, ...], write: SerializerFunctionWrapHandler) -> Any:
    return write(entries) if entries else AUTO


Models = Annotated[tuple[ModelSpec, ...], BeforeValidator(_entries), WrapSerializer(_as_written)]
"""The entries of `models`; empty where it is `auto`."""


def _named(name: str) -> dict[str, str | None]:
    """The entry of a model that is given by its name alone: a family, the usual name of one, or a class of `stats`."""
    families = {usual: family for family, usual in FAMILIES.items()}
    if name in FAMILIES or name in families:
        return {families.get(name, name): None}
    return {"stats": name} if re.match(r"[A-Z]\w*$", name) else {name: None}


def _no_family(family: str) -> str:
    names = ["ladder", *FAMILIES]
    close = get_close_matches(family, names, n=1)
    return f"{family!r} is no model; there are {', '.join(names)}" + (f": did you mean {close[0]}?" if close else "")
