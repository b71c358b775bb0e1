"""A Recipe: the models chosen for a panel, their blocks and windows, and of every candidate why it was chosen or not.

`Recipe.applied_to` takes the Config that asked for it and returns one with these models; `to_json` and `from_json` turn
a recipe into a mapping and back, in which form runs and bundles keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from forecasting.config import Config, ModelSpec
from forecasting.config.keys import BUDGET


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate is part of the recipe, why (one sentence), and its units in a window."""

    model: str
    chosen: bool
    why: str
    units: float


@dataclass(frozen=True)
class Recipe:
    """`models` are entries as in a config, `blocks` those that the config asks for, `calibration` the number of
    older windows. `units` is what a backtest is foreseen to cost, of the `budget`; `windows` are all that are fitted.
    `facts` are those that decided, as JSON values.
    """

    models: tuple[ModelSpec, ...]
    blocks: tuple[int, ...] | None
    calibration: int
    windows: int
    units: float
    budget: float
    verdicts: tuple[Verdict, ...]
    facts: Mapping[str, Any]

    def applied_to(self, config: Config) -> Config:
        """The config with these models in the place of `auto`."""
        windows = config.backtest.model_copy(update={"calibration": self.calibration})
        chosen = {"models": self.models, "blocks": self.blocks, "backtest": windows, "budget": BUDGET}
        return config.model_copy(update=chosen)

    def to_json(self) -> dict[str, Any]:
        """The recipe as a mapping that can be written as JSON."""
        blocks = self.blocks and list(self.blocks)
        lists = {"models": [spec.model_dump(mode="json") for spec in self.models], "blocks": blocks}
        return asdict(self) | lists | {"verdicts": [asdict(verdict) for verdict in self.verdicts]}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_json` gave."""
        models = tuple(ModelSpec.model_validate(spec) for spec in stored["models"])
        verdicts = tuple(Verdict(**verdict) for verdict in stored["verdicts"])
        blocks = stored["blocks"] and tuple(stored["blocks"])
        return Recipe(**{**stored, "models": models, "verdicts": verdicts, "blocks": blocks})
