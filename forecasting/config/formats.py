"""Numbers of formats: what a newer program has written (a config, a store, a bundle) is refused with a UserError.

`refuse_newer` compares two numbers, `refuse_newer_config` takes the raw keys of a config; both return nothing. A bundle
is one folder with the fitted models and the quantile table of a training. Older formats are not translated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forecasting.config.yaml_file import Origin
from forecasting.errors import Place, UserError

CONFIG_FORMAT = 1
"""Raise it when a key changes its meaning or goes, and translate the older format in `load`; a new key needs none."""


def refuse_newer(what: str, number: int, supported: int, where: Place | str = "") -> None:
    """Raise UserError when `what` (a config, a store, a bundle) has a format number above the supported one."""
    if number > supported:
        raise UserError(
            f"{what} has format {number}, and this program reads formats up to {supported}",
            where=where,
            mend="install a newer version of it",
        )


def refuse_newer_config(raw: Mapping[str, Any], origin: Origin) -> None:
    """Raise UserError for a config of a newer format, before its keys are checked: they may mean something else."""
    number = raw.get("format", CONFIG_FORMAT)
    if isinstance(number, int) and not isinstance(number, bool):
        refuse_newer("format: this config", number, CONFIG_FORMAT, origin.place(("format",)))
