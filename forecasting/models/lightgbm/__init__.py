"""LightGBM: one global model per horizon block, trained on all series at once; `build` makes it from its config entry.

`LightGBM.fit` takes a Cut (what was known on a cutoff, future rows included) and returns a FittedLightGBM, whose
`predict` returns one forecast row per future row of a bucket; `load` takes the folder that it was saved into.
"""

from forecasting.models.lightgbm.fitted import FittedLightGBM, load
from forecasting.models.lightgbm.model import LightGBM, build

__all__ = ["GLOBAL", "FittedLightGBM", "LightGBM", "build", "load"]

GLOBAL = True
"""One model of all series, which forecasts later cutoffs nearly as well as one that is trained there."""
