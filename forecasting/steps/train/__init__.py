"""The step train: `train` fits the recipe at a cutoff, registers the bundle, and decides on its promotion."""

from forecasting.steps.train.step import summarize, train

__all__ = ["summarize", "train"]
