"""Help on single keys of the config: `explain` takes a dotted key and returns KeyHelp, its own and that of keys below.

It is made from the same declarations as docs/CONFIG.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from pydantic.fields import FieldInfo

from forecasting.config.declarations import CHANGES
from forecasting.config.keys import Keys
from forecasting.config.reference.document import default_text, sections, type_text
from forecasting.errors import UserError


@dataclass(frozen=True)
class KeyHelp:
    """A dotted key, its type and default as YAML writes it, what it means, and what follows from a change."""

    key: str
    type: str
    default: str
    description: str
    changes: str


def explain(key: str) -> list[KeyHelp]:
    """The help on a key (`clean.gaps`, `tables.prices.on`, `models.0.most`), followed by that on the keys below it.

    Raises UserError for a key that does not exist; the message names the nearest ones.
    """
    every = {_plain(entry.key): entry for entry in _every_key()}
    wanted = next((name for name in every if _is_meant(name, key)), None)
    if wanted is None:
        raise UserError(f"there is no key {key!r} in a config{_nearest(key, list(every))}")
    return [every[wanted], *(entry for name, entry in every.items() if name.startswith(f"{wanted}."))]


def top_level_keys() -> list[KeyHelp]:
    """The help on the top-level keys, in the order of the config."""
    return [_help(name, field, name) for name, field in Keys.model_fields.items()]


def _every_key() -> list[KeyHelp]:
    """The help on all keys, a section before its keys."""
    found = top_level_keys()
    for path, section in sections("", Keys):
        top = _plain(path).split(".")[0]
        found += [_help(f"{path}.{name}", field, top) for name, field in section.model_fields.items()]
    return found


def _help(key: str, field: FieldInfo, top: str) -> KeyHelp:
    changes = "; ".join(CHANGES[change] for change in Keys.changes_of(top))
    return KeyHelp(key, type_text(field.annotation), default_text(field).strip("`"), field.description or "", changes)


def _plain(key: str) -> str:
    """The key without the mark of lists."""
    return key.replace("[]", "")


def _is_meant(name: str, key: str) -> bool:
    """Whether a user's key means the declared one: `<name>` stands for any name, and indices do not count."""
    parts = [part for part in _plain(key).strip(".").split(".") if not part.isdigit()]
    declared = name.split(".")
    return len(parts) == len(declared) and all(d in (p, "<name>") for d, p in zip(declared, parts, strict=True))


def _nearest(key: str, names: list[str]) -> str:
    last = key.split(".")[-1]
    same_end = [name for name in names if name.split(".")[-1] == last]
    close = get_close_matches(key, names, n=3, cutoff=0.6)
    found = list(dict.fromkeys([*same_end, *close]))[:4]
    return f": did you mean {' or '.join(found)}?" if found else ": all keys are listed when none is given"
