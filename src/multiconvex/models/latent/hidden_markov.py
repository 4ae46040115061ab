r"""Hidden Markov models by blocks: exact alternatives to labels with a penalty.

The labels :math:`k_0, \dots, k_{m-1}` of a sequence form a Markov chain with initial probabilities
:math:`\pi` and transitions :math:`P`, and sample t has the negative log-likelihood
:math:`r_{tk}(\theta)` under label k. For a distribution q over label paths, with the probabilities
:math:`q_t(i, j)` of a pair of labels in rows t - 1 and t and :math:`q_t(j)` of one label,

.. math:: F(\theta, P, \pi, q) = \sum_{t, j} q_t(j)\, r_{tj}(\theta)
          - \sum_{t > 0} \sum_{i, j} q_t(i, j) \log P_{ij} - \sum_j q_0(j) \log \pi_j - H(q)
          + R(\theta) - c \sum_{ij} \log P_{ij} - c \sum_j \log \pi_j

is the free energy. It is convex in each block and its minimum over q is the negative log-likelihood
(plus the penalties), so that the expectation-maximisation algorithm is block descent [1]_. Without
the entropy H the minimum over q is one path: Viterbi training.

References
----------
.. [1] R. M. Neal and G. E. Hinton, "A view of the EM algorithm that justifies incremental, sparse,
   and other variants", in Learning in Graphical Models, 1998.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import xlogy

from multiconvex.chain_kernels import forward_backward, sequence_bounds, viterbi
from multiconvex.checks import check_array, check_blocks, check_positive
from multiconvex.engine import alternate
from multiconvex.memo import IdentityMemo
from multiconvex.models.latent.problem import Emission, EmissionPenalty
from multiconvex.penalties import Simplex
from multiconvex.problem import Block, MultiblockProblem
from multiconvex.stopping import RelativeDecrease
from multiconvex.updates.base import Update

_SIMPLEX = Simplex()
_SLACK = 1e-9


def hidden_markov_em(
    emission,
    theta,
    transition,
    initial,
    *,
    breaks=(),
    pseudo_count=0.0,
    max_iter=200,
    tol=1e-8,
    callback=None,
):
    r"""Fit a hidden Markov model by expectation-maximisation.

    .. math:: \min_{\theta, P, \pi} \; -\log \sum_{k_0, \dots, k_{m-1}} \pi_{k_0}
              \prod_{t > 0} P_{k_{t-1} k_t} \prod_t e^{-r_{t k_t}(\theta)} + R(\theta)
              - c \sum_{ij} \log P_{ij} - c \sum_j \log \pi_j

    as block descent on the free energy: parameters, transition and initial probabilities, then the
    posterior distribution of the labels.

    Parameters
    ----------
    emission : Emission
        ``values(theta)`` are the negative log-likelihoods (m, K) of the samples and
        ``fit(weights, theta)`` is their exact weighted fit. Losses that are not normalised stand
        for densities up to a constant.
    theta : ndarray
        Initial parameters, of shape ``emission.shape``.
    transition : ndarray of shape (K, K)
        Initial :math:`P`; rows sum to one. An entry that is 0 stays 0 if ``pseudo_count`` is 0.
    initial : ndarray of shape (K,)
        Initial :math:`\pi`. One sequence says little about it: give ``breaks`` or a pseudo-count.
    breaks : sequence of int, default ()
        Rows where a new sequence begins.
    pseudo_count : float, default 0
        :math:`c`, the transitions of each kind that are added to those of the data (a Dirichlet
        prior).
    max_iter : int, default 200
    tol : float, default 1e-8
        Stop when a sweep lowers the objective by less than this fraction.
    callback : callable, optional
        As in :func:`multiconvex.alternate`.

    Returns
    -------
    Result
        With the blocks ``parameters``, ``transition``, ``initial`` and ``pairs`` (m, K, K), the
        posterior probabilities of pairs of labels. ``pairs.sum(axis=1)`` are those of the labels.
        The objective is the negative log-likelihood plus the penalties.

    Raises
    ------
    ValueError
        If rows of the start do not sum to one, or an array has the wrong shape.

    Notes
    -----
    Guarantee: the objective never increases; it converges to a stationary value, which may be
    a local minimum.

    Cost: O(m K^2) per sweep, plus one weighted fit of each factor.

    Chapter: :doc:`/chapters/latent_structure/hidden_strategies`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex.models.latent.parameter_space import ParameterSpace
    >>> from multiconvex.models.latent.problem import SeparateFactors
    >>> from multiconvex.models.latent.sample_losses import CentreLoss
    >>> X = np.repeat([[0.0], [5.0], [0.0]], 20, axis=0)
    >>> emission = SeparateFactors([CentreLoss(X)] * 2, [ParameterSpace()] * 2)
    >>> start = np.array([[1.0], [2.0]]), np.full((2, 2), 0.5), np.full(2, 0.5)
    >>> result = hidden_markov_em(emission, *start)
    >>> result.blocks["transition"].round(3)
    array([[0.974, 0.026],
           [0.05 , 0.95 ]])
    """
    paths = PathEntropy(tuple(breaks))
    problem = HiddenMarkovProblem(emission, paths, PseudoCounts(pseudo_count))
    return _fit(problem, theta, transition, initial, tol, max_iter, callback)


def viterbi_training(
    emission,
    theta,
    transition,
    initial,
    *,
    breaks=(),
    pseudo_count=1.0,
    max_iter=200,
    tol=1e-8,
    callback=None,
):
    r"""Fit a hidden Markov model and its single best path of labels together.

    .. math:: \min_{\theta, P, \pi, k} \; \sum_t r_{t k_t}(\theta) - \sum_{t > 0} \log P_{k_{t-1}
              k_t} - \log \pi_{k_0} + R(\theta) - c \sum_{ij} \log P_{ij} - c \sum_j \log \pi_j

    Parameters
    ----------
    emission, theta, transition, initial, breaks, max_iter, tol, callback
        As in :func:`hidden_markov_em`; the initial probabilities must be positive.
    pseudo_count : float, default 1
        :math:`c > 0`: without it a change of label that was never made could never be made.

    Returns
    -------
    Result
        With the blocks of :func:`hidden_markov_em`; the pairs are those of one path.

    Raises
    ------
    ValueError
        As :func:`hidden_markov_em`, and if ``pseudo_count`` or a start probability is 0.

    Notes
    -----
    Guarantee: the objective never increases, and a finite number of sweeps reaches a path that is
    the best for its own parameters.

    Cost: as expectation-maximisation, O(m K^2) and one weighted fit of each factor per sweep.

    Chapter: :doc:`/chapters/latent_structure/hidden_strategies`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex.models.latent import parameter_space, problem, sample_losses
    >>> X = np.array([[0.0], [0.3], [5.0], [5.2], [4.9], [0.1]])
    >>> losses = [sample_losses.CentreLoss(X)] * 2
    >>> emission = problem.SeparateFactors(losses, [parameter_space.ParameterSpace()] * 2)
    >>> equal = np.full((2, 2), 0.5)
    >>> result = viterbi_training(emission, X[[0, 3]], equal, equal[0])
    >>> result.blocks["pairs"].sum(axis=1).argmax(axis=1)
    array([0, 0, 1, 1, 1, 0])
    """
    check_positive("pseudo_count", pseudo_count)
    for name, start in (("transition", transition), ("initial", initial)):
        if np.min(start) <= 0.0:
            raise ValueError(
                f"{name} must be positive, got a lowest entry of {np.min(start)}: a path cannot "
                "begin to use what has probability 0."
            )
    paths = SinglePath(tuple(breaks))
    problem = HiddenMarkovProblem(emission, paths, PseudoCounts(pseudo_count))
    return _fit(problem, theta, transition, initial, tol, max_iter, callback)


def _fit(problem, theta, transition, initial, tol, max_iter, callback):
    first = problem.blocks[:3]
    names = [block.name for block in first]
    start = check_blocks((theta, transition, initial), [block.shape for block in first], names)
    for name, rows in zip(names[1:], start[1:]):
        if _SIMPLEX.value(np.atleast_2d(rows)) > 0.0:
            raise ValueError(
                f"{name} must hold nonnegative probabilities that sum to one, got sums of "
                f"{rows.sum(axis=-1)} and a lowest entry of {rows.min()}: divide by the sums."
            )
    return alternate(
        problem,
        (*start, problem.infer(start)),
        BlockMinimum(),
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
    )


@dataclass(frozen=True)
class PseudoCounts:
    r"""Rows of probabilities with a Dirichlet prior, :math:`g(P) = -c \sum \log P_{ij}`."""

    count: float

    def __post_init__(self):
        check_positive("pseudo_count", self.count, allow_zero=True)

    def value(self, x):
        if self.count == 0.0 or x.min() <= 0.0:
            return np.inf if self.count > 0.0 else _SIMPLEX.value(np.atleast_2d(x))
        return _SIMPLEX.value(np.atleast_2d(x)) - self.count * float(np.log(x).sum())

    def minimize(self, counts):
        """Return the rows that minimise the penalty minus ``counts * log P``."""
        counts = counts + self.count
        totals = counts.sum(axis=-1, keepdims=True)
        equal = np.full_like(counts, 1.0 / counts.shape[-1])
        return np.divide(counts, totals, out=equal, where=totals > 0.0)


@dataclass(frozen=True)
class PathPenalty(ABC):
    """A penalty of distributions over label paths, given by their pairs (m, K, K).

    ``pairs[t, i, j]`` is the probability of label ``i`` in row ``t - 1`` and ``j`` in row ``t``; in
    the first row of a sequence it is the diagonal matrix of the probabilities of the labels.
    """

    breaks: tuple[int, ...] = ()

    def starts(self, m):
        """Return which of ``m`` rows begin a sequence."""
        first = np.zeros(m, dtype=bool)
        first[sequence_bounds(self.breaks, m)[:-1]] = True
        return first

    def value(self, pairs):
        """Return the penalty, infinite where the pairs are not those of any distribution."""
        m = len(pairs)
        first, marginals = self.starts(m), pairs.sum(axis=1)
        previous = np.where(first[:, None], marginals, np.roll(marginals, 1, axis=0))
        off_diagonal = pairs[first] * (1.0 - np.eye(pairs.shape[1]))
        error = max(
            -pairs.min(),
            np.abs(marginals.sum(axis=1) - 1.0).max(),
            np.abs(pairs.sum(axis=2) - previous).max(),
            off_diagonal.max(),
        )
        return np.inf if error > _SLACK else self.convex_part(pairs, first)

    @abstractmethod
    def convex_part(self, pairs, first):
        """Return the penalty of consistent pairs."""

    @abstractmethod
    def minimize(self, losses, transition, initial):
        """Return the pairs that minimise the penalty plus the expected cost of the path."""


class PathEntropy(PathPenalty):
    r"""The negative entropy of the path: the minimiser is the posterior distribution.

    .. math:: -H(q) = \sum_j q_0(j) \log q_0(j)
              + \sum_{t > 0} \sum_{i, j} q_t(i, j) \log \frac{q_t(i, j)}{q_{t-1}(i)}
    """

    def convex_part(self, pairs, first):
        previous = pairs[~first].sum(axis=2)
        later = xlogy(pairs[~first], pairs[~first]).sum() - xlogy(previous, previous).sum()
        return float(later + xlogy(pairs[first], pairs[first]).sum())

    def minimize(self, losses, transition, initial):
        bounds = sequence_bounds(self.breaks, len(losses))
        return forward_backward(losses, transition, initial, bounds)[2]


class SinglePath(PathPenalty):
    """No entropy: the minimiser is one path."""

    def convex_part(self, pairs, first):
        return 0.0

    def minimize(self, losses, transition, initial):
        m, n_labels = losses.shape
        bounds = sequence_bounds(self.breaks, m)
        path = viterbi(losses, -np.log(transition), -np.log(initial), bounds)
        previous = np.where(self.starts(m), path, np.roll(path, 1))
        pairs = np.zeros((m, n_labels, n_labels))
        pairs[np.arange(m), previous, path] = 1.0
        return pairs


@dataclass(frozen=True)
class BlockMinimum(Update):
    """The exact minimiser of a block, as ``problem.minimize_block(x, k)`` returns it.

    Notes
    -----
    Guarantee: exact, so never increases the objective.

    Cost: that of the problem.

    Chapter: :doc:`/chapters/latent_structure/hidden_strategies`
    """

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("minimize_block",)

    def __call__(self, problem, x, k, memory):
        return problem.minimize_block(x, k), memory


class HiddenMarkovProblem(MultiblockProblem):
    """Blocks ``parameters``, ``transition``, ``initial`` and ``pairs``; see the module.

    Parameters
    ----------
    emission : Emission
    paths : PathPenalty
    prior : PseudoCounts
    """

    def __init__(self, emission: Emission, paths: PathPenalty, prior: PseudoCounts):
        self.emission = emission
        m, n_labels = emission.n_samples, emission.n_factors
        self.blocks = (
            Block("parameters", emission.shape, EmissionPenalty(emission)),
            Block("transition", (n_labels, n_labels), prior),
            Block("initial", (n_labels,), prior),
            Block("pairs", (m, n_labels, n_labels), paths, extrapolate=False),
        )
        self._first = paths.starts(m)
        self._memo = IdentityMemo()

    def label_losses(self, theta):
        """Return the losses (m, K) at the parameters."""
        return self._memo("losses", (theta,), lambda: self._checked_losses(theta))

    def _checked_losses(self, theta):
        return check_array("the losses of the emission", self.emission.values(theta), ndim=2)

    def loss(self, x):
        theta, transition, initial, pairs = x
        begun, followed = self._counts(pairs)
        return float(
            np.vdot(pairs.sum(axis=1), self.label_losses(theta))
            - xlogy(followed, transition).sum()
            - xlogy(begun, initial).sum()
        )

    def _counts(self, pairs):
        """Return the expected numbers of sequences that begin with, and pairs of, labels."""
        return pairs[self._first].sum(axis=(0, 1)), pairs[~self._first].sum(axis=0)

    def infer(self, x):
        """Return the best pairs for the first three blocks of ``x``."""
        return self.blocks[3].penalty.minimize(self.label_losses(x[0]), x[1], x[2])

    def minimize_block(self, x, k):
        """Return the minimiser over block ``k``, the others being fixed."""
        if k == 0:
            return self.emission.fit(x[3].sum(axis=1), x[0])
        if k == 3:
            return self.infer(x)
        begun, followed = self._counts(x[3])
        return self.blocks[k].penalty.minimize(followed if k == 1 else begun)

    def residual(self, x):
        """Return the largest relative decrease that an exact step of one block still gives."""
        objective = self.objective(x)
        moved = [(*x[:k], self.minimize_block(x, k), *x[k + 1 :]) for k in range(len(x))]
        best = min(self.objective(y) for y in moved)
        return max(objective - best, 0.0) / (1.0 + abs(objective))
