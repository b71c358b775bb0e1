"""The parts of the step monitor: past forecasts and what was sold, drift, verdicts, reports, and what follows."""
