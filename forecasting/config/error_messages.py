"""Mistakes in a config in words: `error_messages` takes Pydantic's ValidationError and yields UserErrors.

There is one per mistake, for the first five. Each names the dotted key, what is wrong and how to correct it, with file
and line from the Origin of the config. KeyConflict carries a conflict between keys through Pydantic to here.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from forecasting.config.yaml_file import Key, Origin
from forecasting.errors import UserError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MOST = 5
"""So many mistakes are reported at once."""

MESSAGES = {
    "string_type": "must be text (put a number in quotes)",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must begin with a letter or digit and hold only letters, digits, - and _",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "tuple_type": "must be a list in brackets, such as [a, b]",
    "dict_type": "must be a section with keys and values",
    "model_type": "must be a section with keys and values",
}


class KeyConflict(ValueError):
    """A combination of keys that cannot work, reported at one of them."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def error_messages(e: ValidationError, config: type[BaseModel], origin: Origin) -> Iterator[UserError]:
    """One error per mistake, the first few; a missing key that an unknown key was meant to be is not reported."""
    errors = sorted(e.errors(include_url=False), key=lambda err: err["type"] == "missing")  # those have no line
    unknown = {_path(err): _nearest_key(config, _path(err)) for err in errors if err["type"] == "extra_forbidden"}
    meant = {(*path[:-1], near) for path, near in unknown.items()}
    for err in [err for err in errors if err["type"] != "missing" or _path(err) not in meant][:MOST]:
        path = _path(err)
        message = _unknown_key(unknown[path]) if path in unknown else _message(err)
        yield UserError(f"{'.'.join(path)}: {message}", where=origin.place(path))


def _path(err: ErrorDetails) -> Key:
    cause = err.get("ctx", {}).get("error")
    return tuple(cause.key.split(".")) if isinstance(cause, KeyConflict) else tuple(str(part) for part in err["loc"])


def _message(err: ErrorDetails) -> str:
    if err["type"] == "missing":
        return "is missing: every config needs it"
    if err["type"] == "value_error":
        return str(err["ctx"]["error"])
    message = MESSAGES.get(err["type"]) or err["msg"].replace("Input should be", "must be")
    return f"{message}, and it is {_value(err)}"


def _value(err: ErrorDetails) -> str:
    return "empty" if err["input"] in (None, "") else repr(err["input"])


def _unknown_key(near: str) -> str:
    return f"is not a key of the config; {f'did you mean `{near}`?' if near else 'take it out'}"


def _nearest_key(config: type[BaseModel], path: Key) -> str:
    """The key of the section that is most like the unknown one; empty when none is."""
    section: Any = config
    for part in path[:-1]:
        inner = get_args(section)  # of a list its items, of a mapping its values
        section = inner[-1 if get_origin(section) is dict else 0] if inner else section.model_fields[part].annotation
    return next(iter(get_close_matches(path[-1], list(section.model_fields), n=1)), "")
