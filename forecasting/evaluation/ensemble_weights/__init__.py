"""Weights of an ensemble: `fit_weights` fits them to earlier backtests, by segment of series and by horizon.

It takes rows of `backtests`, segments [unique_id, segment] and the names of the members, and returns the columns of
models/weights: `weight` for the mean and `middle` for the median, never negative, each with sum 1 per segment and group
of steps. The rows must be of windows that were finished at the time, which is not checked.

For errors e of the members the mean squared error of a combination with weights w is w'Sw, S being the mean of ee'. It
is made smallest over w >= 0 with sum 1, after S was shrunk towards a multiple of the identity, for which the simple
mean is best (Ledoit & Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", applied to
forecast errors as in Granger & Ramanathan 1984). How far, windows decide: what all series of a window share is drawn
once per window, so that a thousand series of one window know little more than a hundred (the design effect of clusters,
Kish 1965, "Survey Sampling"). Segments and steps borrow from all series and all steps in the same way.

To S comes a share of the same moments of the errors of the totals: what is ordered and staffed for many series together
needs means that add up, and members that lean to one side hardly show in the errors of single series.

These weights are for the mean. The median has other weights, learned on the members' own medians where windows say
that these are better medians than their means, for which the mean absolute error is smallest: least squares, each error
weighing the inverse of its last size (Schlossmacher 1973, "An iterative technique for absolute deviations curve
fitting").
"""

from forecasting.evaluation.ensemble_weights.fit import fit_weights

__all__ = ["fit_weights"]
