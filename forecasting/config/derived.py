"""DerivedKeys: properties that follow from the keys of a config alone, such as season, step, block ends.

They read no data; Config inherits them. Season, step and block ends count periods of the frequency.
"""

from __future__ import annotations

from collections.abc import Mapping

from forecasting.columns import column_name, user_name
from forecasting.config.keys import Keys
from forecasting.frequency import FREQS, Frequency

CALIBRATION = 2
"""Calibration windows where neither the config nor a recipe says how many."""


class DerivedKeys(Keys):
    """The keys of a config and what follows from them."""

    @property
    def frequency(self) -> Frequency:
        return FREQS[self.freq]

    @property
    def season(self) -> int:
        """Periods in a season."""
        return self.season_length or self.frequency.season

    @property
    def step(self) -> int:
        """Periods between two cutoffs of the backtest."""
        return self.backtest.step or self.h

    @property
    def calibration(self) -> int:
        """Older windows whose errors calibrate the intervals, where the history has so many."""
        return CALIBRATION if self.backtest.calibration is None else self.backtest.calibration

    @property
    def block_ends(self) -> tuple[int, ...]:
        """Last step of each horizon block; the last one is h."""
        return self.blocks or self.frequency.blocks(self.h)

    @property
    def booster_ends(self) -> tuple[int, ...]:
        """Last step of each block that has boosters of its own; the last one is h."""
        return self.blocks or self.frequency.booster_blocks(self.h)

    @property
    def named_columns(self) -> Mapping[str, tuple[str, ...]]:
        """The source's columns for unique_id, ds, y and deleted; by these names where the config names none."""
        return self.source.columns or {key: (column_name(key),) for key in ("unique_id", "ds", "y")}

    @property
    def id_names(self) -> list[str] | None:
        """The columns that make up unique_id, as the user calls them; None where the config names none."""
        named = (self.source.columns or {}).get("unique_id")
        return None if named is None else [user_name(column) for column in named]

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The columns of the source that are joined to unique_id; empty when there are fewer than two."""
        ids = (self.source.columns or {}).get("unique_id", ())
        return ids if len(ids) > 1 else ()

    @property
    def panel_names(self) -> Mapping[str, str]:
        """The columns of the panel by the names that the user knows them by."""
        keys = {key: self.named_columns.get(key, ()) for key in ("unique_id", "ds", "y")}
        names = {user_name(named[0]): key for key, named in keys.items() if len(named) == 1}
        roles = self.columns
        alone = (roles.price, roles.cost, roles.promo, roles.open, roles.stock)
        drivers = (*self.static_columns, *roles.known_ahead, *roles.known_after, *filter(None, alone))
        return {key: key for key in keys} | names | {user_name(column): column for column in drivers}

    @property
    def static_columns(self) -> tuple[str, ...]:
        """columns.static and the joined id columns: all that is the same on every day of a series."""
        return tuple(dict.fromkeys((*self.id_columns, *self.columns.static)))
