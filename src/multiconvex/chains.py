r"""Penalties of labels: what the probabilities of consecutive samples have to do with each other.

A matrix of labels ``z`` has one row for each sample and one column for each label; its rows are
nonnegative and sum to one. Samples are in order of time, and ``breaks`` lists the rows where a new
sequence begins: nothing connects such a row to the one before it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from multiconvex.chain_kernels import distance_from_simplex, lowest, potts, sequence_bounds
from multiconvex.checks import check_array, check_count, check_positive
from multiconvex.kl_chain import solve_sequences, total_divergence

_SLACK = 1e-9


class LabelPenalty(ABC):
    """What every penalty of labels offers."""

    @abstractmethod
    def value(self, z):
        """Return the penalty at ``z``, infinite where a row is not in the simplex."""

    @abstractmethod
    def minimize(self, losses, z):
        r"""Return the labels that minimise the losses plus the penalty.

        .. math:: \min_{z} \; \sum_{t, k} r_{tk} z_{tk} + g(z) \quad\text{over rows of the simplex}

        Parameters
        ----------
        losses : ndarray of shape (m, K)
            Loss :math:`r_{tk}` of each sample under each label.
        z : ndarray of shape (m, K)
            Where to start, for methods that start somewhere; never written to.

        Returns
        -------
        ndarray of shape (m, K)

        Raises
        ------
        ValueError
            If the losses are not finite, or a break is outside the samples.
        """


@dataclass(frozen=True)
class IndependentLabels(LabelPenalty):
    r"""No connection between samples: each takes the label of its lowest loss.

    .. math:: g(z) = 0 \quad\text{on rows of the simplex.}

    Notes
    -----
    Guarantee: a global minimiser, one-hot, the lowest label where there are ties.

    Cost: O(m K).

    Chapter: :doc:`/chapters/latent_structure/discrete_latent_factor_models`

    Examples
    --------
    >>> import numpy as np
    >>> IndependentLabels().minimize(np.array([[2.0, 1.0], [3.0, 3.0]]), np.full((2, 2), 0.5))
    array([[0., 1.],
           [1., 0.]])
    """

    def value(self, z):
        return _outside(z)

    def minimize(self, losses, z):
        return lowest(check_array("losses", losses, ndim=2))


@dataclass(frozen=True)
class _ChainPenalty(LabelPenalty):
    """A weight on the terms between consecutive samples, none where a sequence begins."""

    weight: float
    breaks: tuple[int, ...] = ()

    def __post_init__(self):
        check_positive("weight", self.weight, allow_zero=True)
        object.__setattr__(self, "breaks", _check_breaks(self.breaks))


@dataclass(frozen=True)
class KLSmoothness(_ChainPenalty):
    r"""Labels whose probabilities drift: Kullback-Leibler divergence between consecutive rows.

    .. math:: g(z) = \lambda \sum_t \sum_k d(z_{tk}, z_{t+1,k}), \qquad
              d(u, v) = u \log(u / v) - u + v, \quad 0 \log 0 = 0

    on rows of the simplex [1]_. The penalty is jointly convex, infinite at a change from one sure
    label to another, and quadratic near equality: rows come close to each other but are seldom
    equal. Use :class:`multiconvex.TotalVariation` for labels that stay and then jump.

    Parameters
    ----------
    weight : float
        :math:`\lambda`, in the units of the losses.
    breaks : sequence of int, default ()
        Rows where a new sequence begins.

    Notes
    -----
    Guarantee: a global minimiser, to 1e-10 of how far the objective is above the sum of the lowest
    losses (or 1e-16 of the average spread of losses, whichever is larger). Every entry is positive,
    so that the penalty is finite, and the objective is never above that of the starting labels.
    With weight 0 the labels are those of :class:`multiconvex.IndependentLabels`.

    Cost: some 25 Newton steps of O(m K^3) from afar, half as many from near the minimiser.

    Chapter: :doc:`/chapters/latent_structure/choices_that_forget`

    References
    ----------
    .. [1] H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete
       latent factor models prototyping", 2025, equation (6.13).

    Examples
    --------
    >>> import numpy as np
    >>> losses = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> KLSmoothness(1.0).minimize(losses, np.full((2, 2), 0.5)).round(3)
    array([[0.661, 0.339],
           [0.418, 0.582]])
    """

    def value(self, z):
        if self.weight == 0.0 or _outside(z) > 0.0:
            return _outside(z)
        bounds = sequence_bounds(self.breaks, len(z))
        return self.weight * total_divergence(np.maximum(z, 0.0), bounds)

    def minimize(self, losses, z):
        if self.weight == 0.0:
            return IndependentLabels().minimize(losses, z)
        losses = _plain_losses(losses)
        bounds = sequence_bounds(self.breaks, len(losses))
        start = _feasible_start(z, losses.shape)
        solution = solve_sequences(losses, float(self.weight), start, bounds)
        before = np.vdot(losses, start) + self.value(start)
        after = np.vdot(losses, solution) + self.value(solution)
        return solution if after <= before else start


@dataclass(frozen=True)
class TotalVariation(_ChainPenalty):
    r"""Labels that stay and then jump: each change of label costs the weight.

    .. math:: g(z) = \frac{\lambda}{2} \sum_t \sum_k |z_{t+1,k} - z_{tk}|

    on rows of the simplex. The linear program has one-hot solutions, which dynamic programming
    finds: this is the Potts model on a chain.

    Parameters
    ----------
    weight : float
        :math:`\lambda`, what one change of label costs.
    breaks : sequence of int, default ()
        As in :class:`KLSmoothness`.

    Notes
    -----
    Guarantee: a global minimiser, one-hot; ties stay, and go to the lowest label.

    Cost: O(m K).

    Chapter: :doc:`/chapters/latent_structure/choices_that_forget`

    Examples
    --------
    >>> import numpy as np
    >>> losses = np.array([[0.0, 3.0], [1.0, 0.0], [0.0, 3.0]])
    >>> TotalVariation(1.0).minimize(losses, np.full((3, 2), 0.5)).argmax(axis=1)
    array([0, 0, 0])
    """

    def value(self, z):
        jumps = np.abs(np.diff(z, axis=0)).sum(axis=1)
        jumps[sequence_bounds(self.breaks, len(z))[1:-1] - 1] = 0.0
        return _outside(z) + 0.5 * self.weight * float(jumps.sum())

    def minimize(self, losses, z):
        losses = _plain_losses(losses)
        bounds = sequence_bounds(self.breaks, len(losses))
        return _one_hot(potts(losses, float(self.weight), bounds), losses.shape[1])


def _plain_losses(losses):
    """Return checked losses in the one layout and precision that kernels are compiled for."""
    return np.array(check_array("losses", losses, ndim=2), dtype=float)


def _feasible_start(z, shape):
    """Return ``z`` without negative rounding, or equal probabilities where it is not feasible."""
    if z.shape != shape:
        raise ValueError(f"z must have the shape of the losses, {shape}, got {z.shape}.")
    if _outside(z) > 0.0:
        return np.full(shape, 1.0 / shape[1])
    return np.maximum(z, 0.0, dtype=float, order="C")


def _outside(z):
    """Return 0 for rows in the simplex, up to rounding, and infinity otherwise."""
    return 0.0 if distance_from_simplex(z) <= _SLACK else np.inf


def _one_hot(labels, n_labels):
    return np.eye(n_labels)[labels]


def _check_breaks(breaks):
    """Return the breaks as a tuple of increasing positive integers."""
    breaks = tuple(check_count("each of breaks", row) for row in breaks)
    if any(later <= row for row, later in pairwise(breaks)):
        raise ValueError(f"breaks must be increasing row numbers, got {breaks}.")
    return breaks
