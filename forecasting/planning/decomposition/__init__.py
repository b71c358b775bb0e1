"""A named decomposition of sales: level, trend, season, holiday, opening, price and promotion of each series.

`read_design` takes a frame of a cut and returns a Design (arrays); `fit_pooled` what its series have in common;
`decompose` takes a Design and that and returns the logarithms of all effects, by row. Sales are counted as the product
of the effects, estimated by Poisson pseudo-likelihood, so that days without a sale stay in; what a series cannot tell
alone is shrunk to its groups as far as the groups are alike (empirical Bayes). Nothing is forecast here.
"""

from forecasting.planning.decomposition.design import Design, read_design
from forecasting.planning.decomposition.fit import EFFECTS, decompose, fit_pooled
from forecasting.planning.decomposition.pooled import Pooled

__all__ = ["EFFECTS", "Design", "Pooled", "decompose", "fit_pooled", "read_design"]
