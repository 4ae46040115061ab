r"""The fitting problem of a discrete latent factor model.

.. math:: \min_{\theta, z} \; \sum_i \sum_k z_{ik} f_k(x_i, y_i; \theta_k) + R_\theta(\theta)
          + R_z(z) \quad\text{subject to}\quad z_i \in \text{simplex}.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import numpy as np

from multiconvex.chain_kernels import lightest
from multiconvex.chains import IndependentLabels, LabelPenalty
from multiconvex.memo import IdentityMemo
from multiconvex.models.latent.parameter_space import ParameterSpace, Spaces
from multiconvex.models.latent.sample_losses import SampleLoss
from multiconvex.problem import Block, MultiblockProblem

_EMPTY = 1e-9


class Emission(ABC):
    """The losses of all factors together, with the penalty on their parameters.

    Attributes
    ----------
    n_samples, n_factors : int
    sizes : tuple of int
        Number of parameters of each factor.
    """

    n_samples: int
    n_factors: int
    sizes: tuple[int, ...]

    @property
    @abstractmethod
    def shape(self):
        """Return the shape of the block of parameters, one row for each factor."""

    @abstractmethod
    def values(self, thetas):
        """Return the losses (m, K) of all samples under all factors."""

    @abstractmethod
    def fit(self, weights, thetas):
        """Return the parameters that minimise the losses weighted by ``weights`` (m, K)."""

    @abstractmethod
    def restrict(self, rows):
        """Return the losses of some samples only."""

    @property
    def common_loss(self):
        """The loss that all factors share, None where there is none."""
        return None

    @abstractmethod
    def penalty(self, thetas):
        """Return the penalty on the parameters, infinite outside their constraints."""


class SeparateFactors(Emission):
    """Factors that share no parameter: one loss and one space each.

    Factors may differ in the number of their parameters: rows of the block are filled up with 0.

    Parameters
    ----------
    losses : sequence of SampleLoss
    spaces : sequence of ParameterSpace
    """

    def __init__(self, losses: list[SampleLoss], spaces: list[ParameterSpace]):
        for loss, space in zip(losses, spaces):
            if not loss.accepts(space):
                raise TypeError(
                    "This loss takes linear inequalities only: drop the ridge and the norm, or "
                    "choose a smooth loss such as Power(1.1)."
                )
        self.losses, self.spaces = tuple(losses), Spaces(spaces)
        self.n_samples, self.n_factors = losses[0].n_samples, len(losses)
        self.sizes = tuple(loss.n_parameters for loss in losses)
        self._alike = all(loss is losses[0] for loss in losses)

    @property
    def common_loss(self):
        return self.losses[0] if self._alike else None

    def restrict(self, rows):
        parts = {loss: loss.restrict(rows) for loss in self.losses}
        return SeparateFactors([parts[loss] for loss in self.losses], self.spaces)

    @property
    def shape(self):
        return (self.n_factors, max(self.sizes))

    def values(self, thetas):
        if self._alike:
            return self.losses[0].values(thetas)
        columns = [
            loss.values(theta[None, :size])[:, 0]
            for loss, theta, size in zip(self.losses, thetas, self.sizes)
        ]
        return np.column_stack(columns)

    def fit(self, weights, thetas):
        if self._alike:
            return self.losses[0].fit_all(weights, self.spaces, thetas)
        fitted = np.zeros_like(thetas)
        for k, (loss, space, size) in enumerate(zip(self.losses, self.spaces, self.sizes)):
            fitted[k, :size] = loss.fit(weights[:, k], space, thetas[k, :size])
        return fitted

    def penalty(self, thetas):
        common = self.spaces.common
        if self._alike and common is not None:
            return common.value_of_rows(thetas)
        rows = zip(self.spaces, thetas, self.sizes)
        return sum(space.value(theta[:size]) for space, theta, size in rows)


def shared(things):
    """Return the list with one object in place of those of equal type and contents."""
    kept = []
    for thing in things:
        kept.append(next((other for other in kept if _equal(thing, other)), thing))
    return kept


def _equal(one, other):
    if type(one) is not type(other):
        return False
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


@dataclass(frozen=True)
class EmissionPenalty:
    """The penalty of the block of parameters."""

    emission: Emission

    def value(self, x):
        return self.emission.penalty(x)


class LatentFactorProblem(MultiblockProblem):
    """Blocks ``parameters`` (K, n) and ``z`` (m, K); see the module.

    Parameters
    ----------
    emission : Emission
    label_penalty : LabelPenalty, default IndependentLabels()
    """

    def __init__(self, emission: Emission, label_penalty: LabelPenalty | None = None):
        self.emission = emission
        labels = label_penalty or IndependentLabels()
        self.blocks = (
            Block("parameters", emission.shape, EmissionPenalty(emission)),
            Block("z", (emission.n_samples, emission.n_factors), labels, extrapolate=False),
        )
        self._memo = IdentityMemo()

    def label_losses(self, x):
        """Return the losses (m, K) at the parameters of ``x``."""
        return self._memo("losses", (x[0],), lambda: self.emission.values(x[0]))

    def loss(self, x):
        return float(np.vdot(x[1], self.label_losses(x)))

    def pooled_parameters(self):
        """Return the parameters of factors that all share every sample equally."""
        m, K = self.blocks[1].shape
        return self.emission.fit(np.full((m, K), 1.0 / K), np.zeros(self.emission.shape))

    def fit_parameters(self, x):
        """Return the parameters that are best for the labels of ``x``; re-seed empty factors.

        A factor that no sample belongs to costs nothing wherever it is, its penalty apart: it is
        fitted to the samples that the others fit worst.
        """
        thetas, z = x
        fitted = self.emission.fit(z, thetas)
        few = _EMPTY * len(z)
        if lightest(z) > few:
            return fitted
        return self._reseed(fitted, z, np.flatnonzero(z.sum(axis=0) <= few))

    def _reseed(self, thetas, z, empty):
        count = max(1, len(z) // (2 * z.shape[1]))
        worst = np.argsort(-self.emission.values(thetas).min(axis=1), kind="stable")
        weights = z.copy()
        for place, k in enumerate(empty):
            weights[worst[place * count : (place + 1) * count], k] = 1.0
        seeded = thetas.copy()
        seeded[empty] = self.emission.fit(weights, thetas)[empty]
        return seeded if self.emission.penalty(seeded) <= self.emission.penalty(thetas) else thetas

    def residual(self, x):
        """Return the largest relative decrease that an exact step of one block still gives."""
        objective = self.objective(x)
        fitted = (self.emission.fit(x[1], x[0]), x[1])
        labelled = (x[0], self.blocks[1].penalty.minimize(self.label_losses(x), x[1]))
        best = min(self.objective(fitted), self.objective(labelled))
        return max(objective - best, 0.0) / (1.0 + abs(objective))
