"""From the cells of a date column to periods: which day a cell means, and one row per series and period."""
