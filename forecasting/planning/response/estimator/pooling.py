"""Partial pooling: effects of many units drawn together as far as they are alike, which the units themselves tell.

`pool` takes the information and the score of each unit (cross products of a regression) and the groups that it belongs
to, and returns Pooled effects with their covariances. A unit's effect is the mean of all + what its groups add + its
own; all but the mean are normal with variances that are estimated (empirical Bayes: MacKay's fixed point, "Bayesian
interpolation", 1992). The mean has no prior, and no sign is preferred.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.planning.response.estimator.arrays import Floats
from forecasting.planning.response.estimator.units import Groups

FIRST, LEAST, MOST = 0.3**2, 1e-4, 9.0
"""Variances to begin with, and the least and greatest that are believed."""
USUAL = 1.0
"""Variances of units' own effects that are usual. The prior of their standard deviation falls beyond like a
half-Cauchy's (Gelman, "Prior distributions for variance parameters in hierarchical models", 2006), so that few units
that are hardly known are not taken to differ at will."""
DEVIATIONS = tuple(0.01 * 1.6**k for k in range(13))
"""Standard deviations of own effects that are tried in the end: each is the same factor above the one before."""
ROUNDS, MORE_ROUNDS = 40, 8
"""Rounds of the search for the variances, from FIRST and from those of a pooling before."""


@dataclass(frozen=True)
class Variances:
    """Variances by lever: of effects `own` to units of the same groups, and `between` the groups of each factor
    (factors x levers).
    """

    own: Floats
    between: Floats

    def with_own(self, lever: int, variance: float) -> Variances:
        """The same with another variance of the own effects of a lever."""
        own = self.own.copy()
        own[lever] = variance
        return Variances(own, self.between)


@dataclass(frozen=True)
class Pooled:
    """Effects of units: `effect` units x levers, `covariance` units x levers x levers.

    `variances` are those with which they were drawn together; `inverse` is the covariance of the coefficients
    (coefficients x levers, twice).
    """

    effect: Floats
    covariance: Floats
    variances: Variances
    inverse: Floats

    def mean_error(self, groups: Groups, share: Floats) -> Floats:
        """The standard error of the mean effect of units by lever; `share` is what each unit has of it, in all 1."""
        coefficients = groups.members.T @ share
        common = np.einsum("a,akbk,b->k", coefficients, self.inverse, coefficients)
        own, alike = np.diagonal(self.covariance, axis1=1, axis2=2), float((share**2).sum())
        return np.asarray(np.sqrt((share**2) @ own + (1 - alike) * common))


def pool(information: Floats, score: Floats, groups: Groups, before: Pooled | None = None) -> Pooled:
    """The effects: `information` units x levers x levers, `score` units x levers.

    The variances are searched from those of the pooling `before`.

    >>> information = np.array([1e6, 1e6, 0.0]).reshape(3, 1, 1)
    >>> pooled = pool(information, 1e6 * np.array([[-1.0], [-2.0], [0.0]]), Groups.of(3, ()))
    >>> pooled.effect.ravel().round(2).tolist()
    [-1.0, -2.0, -1.5]
    """
    levers = score.shape[1]
    variances = Variances(np.full(levers, FIRST), np.full((len(groups.sizes), levers), FIRST))
    if before is not None:
        variances = before.variances
    for _ in range(ROUNDS if before is None else MORE_ROUNDS):
        variances = _Fit.of(information, score, groups, variances).better_variances()
    return _Fit.of(information, score, groups, variances).pooled()


def over_variances(information: Floats, score: Floats, groups: Groups, mode: Pooled) -> Pooled:
    """The mean of the effects over how much those of units may differ, each deviation as far as it is likely; `mode` is
    pooled with the likeliest.

    Few units that are hardly known do not tell how much they differ, and one value for it would make intervals too
    narrow where it happens to be small, and effects too wild where it happens to be large.

    >>> scores = 25 * np.array([[-1.0], [-1.1], [-1.4], [-1.5]])
    >>> evidence = np.full((4, 1, 1), 25.0), scores, Groups.of(4, ())
    >>> over_variances(*evidence, pool(*evidence)).effect.ravel().round(2).tolist()
    [-1.12, -1.17, -1.33, -1.38]
    """
    effect, covariance, inverse = mode.effect.copy(), mode.covariance.copy(), mode.inverse.copy()
    for lever in range(score.shape[1]):
        fits = [
            _Fit.of(information, score, groups, mode.variances.with_own(lever, deviation**2))
            for deviation in DEVIATIONS
        ]
        priors = [np.log(deviation / (1 + deviation**2 / USUAL)) for deviation in DEVIATIONS]
        logs = np.array([fit.log_likelihood for fit in fits]) + priors
        share = np.exp(logs - logs.max())
        share /= share.sum()
        found = [fit.pooled() for fit in fits]
        mean, spread = _spread(share, np.stack([of.effect for of in found]), "gni,gnj->gnij")
        effect += mean - mode.effect
        covariance += np.tensordot(share, [of.covariance for of in found], 1) + spread - mode.covariance
        _, spread = _spread(share, np.stack([fit.coefficients for fit in fits]), "gai,gbj->gaibj")
        inverse += np.tensordot(share, [of.inverse for of in found], 1) + spread - mode.inverse
    return Pooled(effect, covariance, mode.variances, inverse)


def _spread(share: Floats, values: Floats, product: str) -> tuple[Floats, Floats]:
    """The mean of values, and their covariance around it."""
    mean = np.tensordot(share, values, 1)
    return mean, np.tensordot(share, np.einsum(product, values - mean, values - mean), 1)


@dataclass(frozen=True)
class _Fit:
    """The effects given the variances."""

    groups: Groups
    variances: Variances
    kept: Floats
    coefficients: Floats
    inverse: Floats
    own: Floats
    given: Floats
    shared: Floats
    log_likelihood: float

    @classmethod
    def of(cls, information: Floats, score: Floats, groups: Groups, variances: Variances) -> _Fit:
        """Henderson's mixed model equations, the units' own effects eliminated."""
        levers, prior = score.shape[1], np.diag(variances.own)
        kept = np.asarray(np.linalg.inv(np.eye(levers) + prior @ information), dtype=np.float64)
        weighted = information @ kept
        reduced = np.einsum("nji,nj->ni", kept, score)
        side = groups.members.T @ reduced
        matrix = (groups.pairs @ weighted.reshape(-1, levers**2)).reshape(groups.count, groups.count, levers, levers)
        precision = np.repeat(1 / variances.between, groups.sizes, axis=0)
        precision[0] = groups.mean
        size = groups.count * levers
        inverse = np.asarray(np.linalg.inv(matrix.swapaxes(1, 2).reshape(size, size) + np.diag(precision.ravel())))
        likelihood = np.linalg.slogdet(kept)[1].sum() + np.linalg.slogdet(inverse)[1] + np.log(precision).sum()
        likelihood += (variances.own * score * reduced).sum() + side.ravel() @ inverse @ side.ravel()
        coefficients = (inverse @ side.ravel()).reshape(groups.count, levers)
        inverse = inverse.reshape(groups.count, levers, groups.count, levers)
        expected = coefficients[groups.index].sum(1)
        missed = score - np.einsum("nij,nj->ni", information, expected)
        effect = np.einsum("i,nji,nj->ni", variances.own, kept, missed)
        given = prior - prior @ weighted @ prior
        shared = sum(inverse[a, :, b, :] for a in groups.index.T for b in groups.index.T)
        return cls(groups, variances, kept, coefficients, inverse, effect, given, np.asarray(shared), likelihood / 2)

    def better_variances(self) -> Variances:
        """The next variances of units and of groups."""
        own, between = self.variances.own, self.variances.between
        rest = np.eye(own.size) - self.kept
        left = self.given + rest @ self.shared @ rest.transpose(0, 2, 1)
        known = np.clip(1 - np.diagonal(left, axis1=1, axis2=2) / own, 0, 1).sum(0)
        new = between.copy()
        errors = np.diagonal(np.diagonal(self.inverse, axis1=0, axis2=2), axis1=0, axis2=1)  # coefficients x levers
        for factor, part in list(enumerate(self.groups.parts()))[1:]:
            determined = np.clip(1 - errors[part] / between[factor], 0, 1).sum(0)
            new[factor] = (self.coefficients[part] ** 2).sum(0) / np.maximum(determined, 1e-3)
        # one less, as of a prior that rises with the deviation (Chung et al., "A nondegenerate penalized likelihood
        # estimator for variance parameters", 2013): few units that look alike by chance are not taken to be the same
        count = np.maximum(np.maximum(known - 1, known / 4) + 2 * own / (own + USUAL), 1e-3)
        return Variances(np.clip((self.own**2).sum(0) / count, LEAST, MOST), np.clip(new, LEAST, MOST))

    def pooled(self) -> Pooled:
        """Effects and their covariances."""
        expected = self.coefficients[self.groups.index].sum(1)
        covariance = self.given + self.kept @ self.shared @ self.kept.transpose(0, 2, 1)
        return Pooled(expected + self.own, covariance, self.variances, self.inverse)
