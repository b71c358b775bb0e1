"""The number of the config format, and the refusal of configs that a newer program has written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forecasting.config.yaml_file import Origin
from forecasting.errors import UserError

FORMAT = 1
"""Raise it when a key changes its meaning or goes, and translate the older format in `load`; a new key needs none."""


def refuse_newer_format(raw: Mapping[str, Any], origin: Origin) -> None:
    """Raise UserError for a config of a newer format: its keys may mean something else here."""
    number = raw.get("format", FORMAT)
    if isinstance(number, int) and not isinstance(number, bool) and number > FORMAT:
        raise UserError(
            f"format: this config is of format {number}, and this program reads formats up to {FORMAT}",
            where=origin.place(("format",)),
            mend="install a newer version",
        )
