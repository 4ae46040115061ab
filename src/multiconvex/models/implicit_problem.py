"""The training of an implicit rule as a problem that is convex in each of three blocks."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array, check_positive
from multiconvex.implicit_rules.certificates import unit_weights
from multiconvex.implicit_rules.fenchel import FenchelDivergence
from multiconvex.implicit_rules.sets import (
    Intersection,
    MonotoneSet,
    SpectralBall,
    WellPosedSet,
    WellPosedWeights,
)
from multiconvex.penalties import NonNegative, NoPenalty
from multiconvex.problem import Block, MultiblockProblem

READOUT, WEIGHTS, STATES = range(3)
_COLLINEAR = 1e-10


class ImplicitProblem(MultiblockProblem):
    r"""Fit an implicit rule whose states need not solve their equation.

    .. math:: \min_{A, B, c, D, E, f, \, X \ge 0} \;
              \tfrac{1}{2m} \|X A^T + U B^T + 1 c^T - Y\|_F^2 + \mathcal F_\lambda(X, Z)
              + \tfrac{\rho}{2} \bigl(\|A\|_F^2 + \|B\|_F^2\bigr)
              + \tfrac{\kappa}{2} \|\Lambda^{1/2} (D - D_0)\|_F^2,

    where :math:`Z = X D^T + U E^T + 1 f^T`, :math:`\mathcal F_\lambda` is the
    :class:`~multiconvex.FenchelDivergence` of X from :math:`[Z]_+`, and :math:`D` is in a set on
    which :math:`\Lambda - (\Lambda D + D^T \Lambda) \succeq 0`. Three blocks: ``"readout"`` is
    :math:`[A \; B \; c]` of shape (p, h + n + 1), ``"weights"`` is :math:`[D \; E \; f]` of shape
    (h, h + n + 1), and ``"states"`` is X of shape (m, h).

    Without :math:`\rho` the problem says nothing. Multiplying X, E and f by t and dividing A by t
    leaves the first term as it is and multiplies the second by :math:`t^2`, so that its infimum
    is that of arbitrary states. The last term keeps D away from the boundary of its set, where
    projections are dear.

    Parameters
    ----------
    U : ndarray, shape (m, n)
    Y : ndarray, shape (m, p)
    anchor : ndarray, shape (h, h)
        The matrix :math:`D_0`.
    lam : float or array_like of shape (h,), default 1.0
        Weights :math:`\lambda > 0` of the units in the divergence.
    ridge : float, default 1.0
        The weight :math:`\rho`.
    tether : float, default 0.0
        The weight :math:`\kappa`.
    allowed : WellPosedSet, optional
        Where :math:`\Lambda^{1/2} D \Lambda^{-1/2}` must be, besides the set of the inequality. By
        default the matrices of norm at most 0.95.

    Raises
    ------
    ValueError
        When shapes do not agree, or numbers are not finite or not positive.

    Notes
    -----
    Guarantee: convex in each block.

    Cost: O(m h (h + n + p)) for the loss or one gradient.

    Chapter: :doc:`/chapters/learning/training_implicit_models`

    With a column for each sample the source has :math:`X^T` and so on; its two terms have the same
    factors 1/(2m) and 1/m.

    References
    ----------
    B. Travacca, L. El Ghaoui and S. Moura, "Implicit optimization: models and methods", IEEE
    Conference on Decision and Control, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ImplicitProblem
    >>> U = np.array([[1.0], [-1.0]])
    >>> problem = ImplicitProblem(U, np.abs(U), np.zeros((2, 2)), ridge=0.1)
    >>> rule = np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, -1.0, 0.0]])
    >>> problem.loss((np.array([[1.0, 1.0, 0.0, 0.0]]), rule, np.eye(2)))
    0.1
    """

    def __init__(self, U, Y, anchor, *, lam=1.0, ridge=1.0, tether=0.0, allowed=None):
        U, Y = check_pairs(U, Y)
        self.anchor = check_array("anchor", anchor, ndim=2).astype(float, copy=False)
        hidden = len(self.anchor)
        if self.anchor.shape != (hidden, hidden):
            raise ValueError(f"anchor must be square, got shape {self.anchor.shape}.")
        check_positive("ridge", ridge, allow_zero=True)
        check_positive("tether", tether, allow_zero=True)
        self.inputs, self.targets = np.hstack([U, np.ones((len(U), 1))]), Y
        self.lam = unit_weights(lam, hidden)
        self.ridge, self.tether = ridge, tether
        allowed = InMetric(Intersection(allowed or SpectralBall(0.95), MonotoneSet()), self.lam)
        width = hidden + self.inputs.shape[1]
        self.blocks = (
            Block("readout", (Y.shape[1], width), NoPenalty()),
            Block("weights", (hidden, width), WellPosedWeights(allowed)),
            Block("states", (len(U), hidden), NonNegative()),
        )
        self.divergence = FenchelDivergence(self.lam)

    def loss(self, x):
        readout, weights, X = x
        features = self._features(X)
        misfit = features @ readout.T - self.targets
        drift = weights[:, : len(weights)] - self.anchor
        return (
            0.5 * float(np.vdot(misfit, misfit)) / len(X)
            + self.divergence.value(X, features @ weights.T)
            + 0.5 * self.ridge * float(np.sum(readout[:, :-1] ** 2))
            + 0.5 * self.tether * float(self.lam @ np.sum(drift * drift, axis=1))
        )

    def gradient(self, x, k):
        return (self._slope_of_readout, self._slope_of_weights, self._slope_of_states)[k](*x)

    def lipschitz(self, x, k):
        readout, weights, X = x
        hidden = len(weights)
        if k == STATES:
            A, D = readout[:, :hidden], weights[:, :hidden]
            rest = np.eye(hidden) - D
            return float(np.linalg.norm(A.T @ A + (rest.T * self.lam) @ rest, 2)) / len(X)
        features = self._features(X)
        steepest = float(np.linalg.eigvalsh(features.T @ features)[-1]) / len(X)
        if k == READOUT:
            return steepest + self.ridge
        return float(self.lam.max()) * (steepest + self.tether)

    def normal_equations(self, x, k):
        """Return Gram matrix and right-hand side of the readout, which is a ridge regression."""
        if k != READOUT:
            raise ValueError("Only the readout is a least-squares problem: use another update.")
        features = self._features(x[STATES])
        gram = features.T @ features / len(features)
        gram[np.diag_indices(len(gram) - 1)] += self.ridge
        return gram, self.targets.T @ features / len(features)

    def weight_metric(self, x):
        r"""Return what majorises the loss in the weights, given the states.

        With :math:`V = [E \; f]` and the coordinates :math:`V' = V + D C`, where
        :math:`C = X^T \tilde U (\tilde U^T \tilde U)^{-1}` regresses the states on the inputs,

        .. math:: \tfrac{L}{2} \|\Lambda^{1/2} \Delta D \Lambda^{-1/2}\|_F^2
                  + \tfrac12 \sum_j \lambda_j \| \Delta v'_j \|_G^2

        lies above the second-order terms of the loss.

        Returns
        -------
        C : ndarray, shape (h, n + 1)
        inverse : ndarray, shape (n + 1, n + 1)
            Of :math:`G = \tilde U^T \tilde U / m`.
        L : float
        """
        X = x[STATES]
        m = len(X)
        gram = self.inputs.T @ self.inputs / m
        inverse = np.linalg.pinv(gram, rcond=_COLLINEAR, hermitian=True)
        cross = X.T @ self.inputs / m
        C = cross @ inverse
        curvature = X.T @ X / m - C @ cross.T
        curvature[np.diag_indices(len(curvature))] += self.tether
        roots = np.sqrt(self.lam)
        return C, inverse, float(np.linalg.eigvalsh(roots[:, None] * curvature * roots)[-1])

    def _features(self, X):
        return np.hstack([X, self.inputs])

    def _slope_of_readout(self, readout, weights, X):
        features = self._features(X)
        slope = (features @ readout.T - self.targets).T @ features / len(X)
        slope[:, :-1] += self.ridge * readout[:, :-1]
        return slope

    def _slope_of_weights(self, readout, weights, X):
        features, hidden = self._features(X), len(weights)
        excess = np.maximum(features @ weights.T, 0.0) - X
        slope = (excess * (self.lam / len(X))).T @ features
        slope[:, :hidden] += self.tether * self.lam[:, None] * (weights[:, :hidden] - self.anchor)
        return slope

    def _slope_of_states(self, readout, weights, X):
        features, hidden = self._features(X), len(weights)
        Z = features @ weights.T
        excess = (np.maximum(Z, 0.0) - X) * self.lam
        misfit = features @ readout.T - self.targets
        slope = (X - Z) * self.lam
        slope += excess @ weights[:, :hidden]
        slope += misfit @ readout[:, :hidden]
        return slope / len(X)


@dataclass(frozen=True, eq=False)
class InMetric(WellPosedSet):
    r"""Matrices D with :math:`\Lambda^{1/2} D \Lambda^{-1/2}` in a set.

    ``prox`` returns the nearest of them where distances are measured after the same scaling, which
    costs no more than it does in the set itself.
    """

    scaled: WellPosedSet
    lam: np.ndarray

    def gauge(self, x):
        return self.scaled.gauge(x * self._ratios())

    def _project(self, x):
        ratios = self._ratios()
        return self.scaled.prox(x * ratios, 0.0) / ratios

    def _ratios(self):
        roots = np.sqrt(self.lam)
        return roots[:, None] / roots


def check_pairs(U, Y):
    """Return inputs and targets as float64 tables with the same number of rows."""
    U = check_array("U", U, ndim=2).astype(float, copy=False)
    Y = check_array("Y", Y, ndim=2).astype(float, copy=False)
    if len(U) != len(Y):
        raise ValueError(
            f"U has {len(U)} rows and Y has {len(Y)}: give one row of each for every sample."
        )
    return U, Y
