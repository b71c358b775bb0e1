"""Train: fit the recipe on all history, register the bundle, and decide which version is the champion."""

from forecasting.steps.train.step import summarize, train

__all__ = ["summarize", "train"]
