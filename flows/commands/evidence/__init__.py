"""Commands that say why: `explain` (a forecast, or its change), `events` (what happened before). Nothing is stored."""
