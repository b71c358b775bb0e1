"""DerivedKeys: properties that follow from the keys of a config alone, such as season, step, block ends.

They read no data; Config inherits them. Season, step and block ends count periods of the frequency.
"""

from __future__ import annotations

from forecasting.config.keys import Keys
from forecasting.frequency import FREQS, Frequency


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
    def block_ends(self) -> tuple[int, ...]:
        """Last step of each horizon block; the last one is h."""
        return self.blocks or self.frequency.blocks(self.h)

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The columns of the source that are joined to unique_id; empty when there are fewer than two."""
        ids = (self.source.columns or {}).get("unique_id", ())
        return ids if len(ids) > 1 else ()

    @property
    def static_columns(self) -> tuple[str, ...]:
        """columns.static and the joined id columns: all that is the same on every day of a series."""
        return tuple(dict.fromkeys((*self.id_columns, *self.columns.static)))
