"""Measurements of accuracy, cost, speed and memory; each part says how it is run."""

import forecasting  # noqa: F401  # before numpy, so that it has the threads that it has in production
