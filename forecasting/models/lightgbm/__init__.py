"""LightGBM: one global model per horizon block, trained on all series at once."""

from forecasting.models.lightgbm.model import FittedLightGBM, LightGBM, build, load

__all__ = ["FittedLightGBM", "LightGBM", "build", "load"]
