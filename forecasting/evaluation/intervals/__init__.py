"""Prediction intervals from the errors of earlier backtests: split conformal prediction on scaled residuals.

`fit_quantiles` takes rows of `backtests` of finished windows and returns a quantile table; `add_bounds` takes forecasts
and this table and returns them with q50, lo-L and hi-L for each interval of L percent, and `interval`, which names how
the bounds were found.

Cold starts bring their bounds (`cold start`, see models/cold_start). For all other rows the first of three that has
bounds is taken (see labels): `horizon block`, signed quantiles of the model, grain, block and band of volume; `all
horizons`, symmetric quantiles of |residual| over all blocks of the model and grain; `model`, the model's bounds or,
without them, a normal bound from the in-sample error.

How it was chosen, by scaled interval score (SIS, 80 %), coverage by quarter of volume, and the error of q50, on a
seasonal naive and a mean of recent seasons over six sets of real sales (stores by day, groceries by week, intermittent
items by day, departments by day, promoted juice by week, spare parts by month), three windows each:

- The scale: in-sample seasonal error alone makes rare sellers too narrow and large ones too wide (spare parts cover
  65 % to 93 % from the smallest to the largest quarter), the square root of the forecast the other way round (91 % to
  71 %). The geometric mean of the seasonal and the step error times the root of forecast over mean beat the
  seasonal error on all six (SIS 6.5 for 7.1, 5.5 for 5.8, 3.2 for 3.4, 3.3 for 3.5, 4.60 for 4.63, 2.80 for 2.85).
  With boosters for the seasonal naive, the power 0.7 of forecast over mean beat the root, and sizes of the last year
  those of all history (SIS 1.34 for 1.35, 2.75 for 2.79, 4.72 for 4.80, 3.98 for 4.02, 2.01 for 2.01, 5.68 for 5.88;
  spare parts, which sell less every year, cover 81 % for 85 %).
- Bands: up to five by forecast, each with enough residuals, lower SIS a little and even out the quarters.
- Shocks (see shocks): all series of a window err together, and tomorrow's common error is another one. What windows
  have in common is a random effect, and bounds hold for its spread. With known laws, one, two, three and five windows
  and a shock of a quarter, half and all of what series have of their own, 80 and 95 % cover 79 to 82.5 and 93 to 96 %;
  without shocks bounds are 0 to 3 % wider than the best. Of skewed errors with the largest shocks 77 to 81 and 92 to
  94 %. Before, the residuals were added once more with their window's common error turned round: 76 and 91 % with one
  window. Real sales, two windows of errors (before): SIS 5.68 (5.94), 3.74 (3.93), 3.61 (3.72), 11.4 (11.6), 5.24
  (5.16), 5.36 (5.82); stores by day cover 81 and 94 % (77 and 91 %).
- The floor: sales turned round stay at or above it, days without sales are not turned, and q50 moves into the bounds
  rather than the bounds out to q50. Items by day cover 80 % (before: 84 %), spare parts 84 % (87 %), a web shop's items
  82 % (86 %), at nearly the same SIS (4.91 for 4.87, 5.77 for 5.76, 7.87 for 7.79). Giving the upper bound the whole
  alpha where the lower one stands at the floor covers as well, but SIS rises to 5.2, 6.0 and 7.9.
- Error scale (see error_scale), with boosters for the seasonal naive and one window of errors: SIS 1.33 for 1.36, 2.63
  for 2.76, 4.74 for 4.75, 4.01 for 4.02, 1.92 for 2.05, 5.61 for 5.68; WQL falls by 2 to 6 % on three sets and rises by
  1.5 % on items by day. Prices and promotions as further inputs brought nothing; the mean error of each series in the
  window before instead of boosters, half as much. Counts of rare sellers are covered a little more often than promised
  (97 % for 95 %, without boosters 96 %) at the same SIS, as the bounds jump from one count to the next.
- Windows: all that `backtest.calibration` allows and the history has, however many errors one holds. Of stores by day,
  one window covers 79 and 92 %, three 81 and 95 %, and SIS falls from 3.69 to 3.49.
- Adaptive levels (see adaptive): departments by day cover 80 % (before: 85 %) at the same SIS, the others hardly move;
  with a step of 1 they fell to 76 %.
- Demand classes in addition to the bands brought nothing (SIS 5.82 for 5.80, 4.00 for 4.01, 7.91 for 7.91) and are left
  out.
- q50 takes only the skew (median less mean of the scaled residuals) and not the bias: the bias of one window is mostly
  its shock, and correcting for it made the median of store sales worse (WAPE 0.138 for 0.117, with the skew 0.113). It
  takes as much of the skew as has paid where it was not learned (see medians). WAPE of q50 over that of yhat with one
  window (before: all of it): tourism by month 1.00 (1.03; the newest window 1.00 for 1.08), other monthly series 1.00
  (1.03), groceries 0.96 (0.97), departments by day 0.99 (1.00), spare parts 0.83 (0.81). Shares by block instead of
  band reach 0.87 for spare parts, and half of what paid in one window instead of the shock turned round 0.91.
"""

from forecasting.evaluation.intervals.adaptive import adapt_alphas
from forecasting.evaluation.intervals.bounds import add_bounds
from forecasting.evaluation.intervals.quantiles import fit_adapted_quantiles, fit_quantiles
from forecasting.evaluation.intervals.residuals import (
    enough_series,
    expected_error,
    finished_windows,
    newest_windows,
    series_scales,
)

__all__ = [
    "adapt_alphas",
    "add_bounds",
    "enough_series",
    "expected_error",
    "finished_windows",
    "fit_adapted_quantiles",
    "fit_quantiles",
    "newest_windows",
    "series_scales",
]
