"""Commands that say why: `explain` (a forecast, or its change since the vintage before). Nothing is stored."""
