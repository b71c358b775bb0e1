"""Partial pooling: effects of many units drawn together as far as they are alike, which the units themselves tell.

`pool` takes the information and the score of each unit (cross products of a regression) and the groups that it belongs
to, and returns Pooled effects with their covariances. A unit's effect is the mean of all + what its groups add + its
own; all but the mean are normal with variances that are estimated (empirical Bayes: MacKay's fixed point, "Bayesian
interpolation", 1992). The mean has no prior, and no sign is preferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from forecasting.planning.response.estimator.arrays import Floats, Ints

FIRST, LEAST, MOST = 0.3**2, 1e-4, 9.0
"""Variances to begin with, and the least and greatest that are believed."""
ROUNDS, MORE_ROUNDS = 40, 8
"""Rounds of the search for the variances, from FIRST and from those of a pooling before."""
FREE, FIXED = 1e-9, 1e9
"""Precision of a mean that is learned, and of one that is 0."""


@dataclass(frozen=True)
class Groups:
    """The groups of each unit: `index` is units x factors, numbers of coefficients; `sizes` how many each factor has.

    The first factor is the mean of all units.
    """

    index: Ints
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, units: int, codes: Sequence[Ints]) -> Groups:
        """The groups of units by codes, one array per factor, each numbered from 0."""
        sizes = (1, *(int(code.max()) + 1 for code in codes))
        moved = (code + start for code, start in zip(codes, np.cumsum(sizes), strict=False))
        return cls(np.stack([np.zeros(units, np.int64), *moved], axis=1), sizes)

    @property
    def count(self) -> int:
        """How many coefficients there are."""
        return sum(self.sizes)

    @cached_property
    def members(self) -> sparse.csr_matrix:
        """1 where a unit has a coefficient: units x coefficients."""
        units, factors = self.index.shape
        place = np.repeat(np.arange(units), factors), self.index.ravel()
        return sparse.csr_matrix((np.ones(self.index.size), place), shape=(units, self.count))

    def parts(self) -> list[slice]:
        """The coefficients of each factor."""
        ends = np.cumsum(self.sizes)
        return [slice(int(end - size), int(end)) for end, size in zip(ends, self.sizes, strict=True)]


@dataclass(frozen=True)
class Pooled:
    """Effects of units: `effect` units x levers, `covariance` units x levers x levers.

    `own` are the variances of effects between units of the same groups, `between` those between the groups of each
    factor (factors x levers); `inverse` is the covariance of the coefficients (coefficients x levers, twice).
    """

    effect: Floats
    covariance: Floats
    own: Floats
    between: Floats
    inverse: Floats

    def mean_error(self, groups: Groups, share: Floats) -> Floats:
        """The standard error of the mean effect of units by lever; `share` is what each unit has of it, in all 1."""
        coefficients = groups.members.T @ share
        common = np.einsum("a,akbk,b->k", coefficients, self.inverse, coefficients)
        own, alike = np.diagonal(self.covariance, axis1=1, axis2=2), float((share**2).sum())
        return np.asarray(np.sqrt((share**2) @ own + (1 - alike) * common))


def pool(
    information: Floats, score: Floats, groups: Groups, *, mean: float = FREE, before: Pooled | None = None
) -> Pooled:
    """The effects: `information` units x levers x levers, `score` units x levers; `mean` is FREE or FIXED at 0.

    The variances are searched from those of the pooling `before`.

    >>> information = np.array([1e6, 1e6, 0.0]).reshape(3, 1, 1)
    >>> pooled = pool(information, 1e6 * np.array([[-1.0], [-2.0], [0.0]]), Groups.of(3, ()))
    >>> pooled.effect.ravel().round(2).tolist()
    [-1.0, -2.0, -1.5]
    """
    levers = score.shape[1]
    own, between = np.full(levers, FIRST), np.full((len(groups.sizes), levers), FIRST)
    if before is not None:
        own, between = before.own, before.between
    for _ in range(ROUNDS if before is None else MORE_ROUNDS):
        own, between = _Fit.of(information, score, groups, own, between, mean).variances(own, between)
    return _Fit.of(information, score, groups, own, between, mean).pooled(own, between)


@dataclass(frozen=True)
class _Fit:
    """The effects given the variances."""

    groups: Groups
    kept: Floats
    coefficients: Floats
    inverse: Floats
    own: Floats
    given: Floats
    shared: Floats

    @classmethod
    def of(cls, information: Floats, score: Floats, groups: Groups, own: Floats, between: Floats, mean: float) -> _Fit:
        """Henderson's mixed model equations, the units' own effects eliminated."""
        levers, prior = score.shape[1], np.diag(own)
        kept = np.asarray(np.linalg.inv(np.eye(levers) + prior @ information), dtype=np.float64)
        weighted = information @ kept
        reduced = np.einsum("nji,nj->ni", kept, score)
        members, matrix = groups.members, np.zeros((groups.count, levers, groups.count, levers))
        side = members.T @ reduced
        for i in range(levers):
            for j in range(levers):
                matrix[:, i, :, j] = (members.T @ members.multiply(weighted[:, i, j, None])).toarray()
        precision = np.repeat(1 / between, groups.sizes, axis=0)
        precision[0] = mean
        size = groups.count * levers
        inverse = np.asarray(np.linalg.inv(matrix.reshape(size, size) + np.diag(precision.ravel())), dtype=np.float64)
        coefficients = (inverse @ side.ravel()).reshape(groups.count, levers)
        inverse = inverse.reshape(groups.count, levers, groups.count, levers)
        expected = coefficients[groups.index].sum(1)
        missed = score - np.einsum("nij,nj->ni", information, expected)
        effect = np.einsum("i,nji,nj->ni", own, kept, missed)
        given = prior - prior @ weighted @ prior
        shared = sum(inverse[a, :, b, :] for a in groups.index.T for b in groups.index.T)
        return cls(groups, kept, coefficients, inverse, effect, given, np.asarray(shared))

    def variances(self, own: Floats, between: Floats) -> tuple[Floats, Floats]:
        """The next variances of units and of groups."""
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
        count = np.maximum(np.maximum(known - 1, known / 4), 1e-3)
        return np.clip((self.own**2).sum(0) / count, LEAST, MOST), np.clip(new, LEAST, MOST)

    def pooled(self, own: Floats, between: Floats) -> Pooled:
        """Effects and their covariances."""
        expected = self.coefficients[self.groups.index].sum(1)
        covariance = self.given + self.kept @ self.shared @ self.kept.transpose(0, 2, 1)
        return Pooled(expected + self.own, covariance, own, between, self.inverse)
