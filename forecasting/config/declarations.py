"""Base classes of the config: keys with a description (Section), top-level keys with what they change, too (TopLevel).

`changes("data")` returns the `json_schema_extra` of a key's Field; `keys_that_change("data")` the names of the keys
that declare so: what a step stored stays valid while these keys keep their values. A missing declaration is a TypeError
on import.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict

Change = Literal["data", "features", "tuning", "forecasts", "published", "nothing"]

CHANGES: dict[Change, str] = {
    "data": "how rows become the panel: the next load builds it again from its source",
    "features": "what a feature is: the feature store builds a new version",
    "tuning": "what a trial of the search is: older trials no longer count",
    "forecasts": "the recipe: backtest and training run again, and the new bundle has to win against the champion",
    "published": "which intervals and aggregates are published: training runs again with the same recipe",
    "nothing": "nothing that is stored becomes invalid",
}
"""What a change of a key can change, and what follows from it."""


class Section(BaseModel):
    """Base of every section: frozen, an unknown key is an error, numbers are finite (JSON knows no others).

    A key without a description is a TypeError when the class is made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        for name, field in cls.model_fields.items():
            if not field.description:
                raise TypeError(f"{cls.__name__}.{name} has no description: give its Field one")


class TopLevel(Section):
    """Base of the config itself: each key also declares what a change of it changes, see `changes`.

    A key that declares nothing is a TypeError when the class is made, so that it cannot silently reuse old results.
    """

    _declared: ClassVar[dict[str, tuple[Change, ...]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        cls._declared = {name: _declaration(cls, name) for name in cls.model_fields}

    @classmethod
    def keys_that_change(cls, what: Change) -> tuple[str, ...]:
        """The names of the keys that declare this change, in the order of the class."""
        return tuple(name for name, declared in cls._declared.items() if what in declared)

    @classmethod
    def changes_of(cls, key: str) -> tuple[Change, ...]:
        """What a top-level key declares to change."""
        return cls._declared[key]


def changes(*what: Change) -> dict[str, Any]:
    """The declaration of a key, for `Field(json_schema_extra=...)`; raises TypeError for none and unknown changes."""
    if not what or set(what) - set(get_args(Change)) or (len(what) > 1 and "nothing" in what):
        raise TypeError(f"a key changes one or more of {', '.join(get_args(Change))}, and not {what!r}")
    return {"changes": what}


def _declaration(cls: type[BaseModel], name: str) -> tuple[Change, ...]:
    extra = cls.model_fields[name].json_schema_extra
    declared = extra.get("changes") if isinstance(extra, dict) else None
    if not isinstance(declared, tuple):
        raise TypeError(f"{cls.__name__}.{name} does not declare what it changes: json_schema_extra=changes(...)")
    return declared
