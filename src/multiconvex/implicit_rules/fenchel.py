"""How far states are from solving their equation, as a function that is convex in parts."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multiconvex.checks import check_positive
from multiconvex.implicit_rules.certificates import unit_weights


class FenchelGradients(NamedTuple):
    """Derivatives of a Fenchel divergence in the states and in the weights of the rule."""

    X: np.ndarray
    D: np.ndarray
    E: np.ndarray
    f: np.ndarray


@dataclass(frozen=True, eq=False)
class FenchelDivergence:
    r"""Fenchel divergence of states :math:`x` from the rectified :math:`z`.

    .. math:: \mathcal F(X, Z) = \frac1m \sum_{i=1}^m \sum_{j=1}^h \lambda_j
              \left( \tfrac12 x_{ij}^2 + \tfrac12 [z_{ij}]_+^2 - x_{ij} z_{ij} \right),
              \qquad Z = X D^T + U E^T + 1 f^T .

    For :math:`X \ge 0` each term is :math:`\tfrac12 (x - [z]_+)^2 + x [-z]_+`: it is nonnegative,
    and zero exactly where :math:`x = [z]_+`.

    Parameters
    ----------
    lam : float or array_like of shape (h,), default 1.0
        Weights :math:`\lambda` of the units.

    Raises
    ------
    ValueError
        When a weight is not positive.

    Notes
    -----
    Guarantee: convex in (D, E, f) for fixed X. Convex in X for every E, f and U exactly where
    :math:`\Lambda - (\Lambda D + D^T \Lambda)` is positive semidefinite, which
    :attr:`multiconvex.Certificate.lmi_eigenvalue` tells.

    Cost: O(m h (h + n)) for the value with its gradients.

    Chapter: :doc:`/chapters/learning/training_implicit_models`

    References
    ----------
    B. Travacca, L. El Ghaoui and S. Moura, "Implicit optimization: models and methods", IEEE
    Conference on Decision and Control, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> divergence = FenchelDivergence()
    >>> Z = np.array([[1.0, -2.0]])
    >>> divergence.value(np.maximum(Z, 0.0), Z), divergence.value(np.array([[1.0, 0.5]]), Z)
    (0.0, 1.125)
    """

    lam: float | np.ndarray = 1.0

    def __post_init__(self):
        if np.ndim(self.lam) == 0:
            check_positive("lam", self.lam)

    def value(self, X, Z):
        """Return the divergence of states X (m, h) from the rectified Z (m, h)."""
        kept = np.maximum(Z, 0.0)
        terms = 0.5 * X * X + 0.5 * kept * kept - X * Z
        return float(np.sum(terms @ unit_weights(self.lam, X.shape[1]))) / len(X)

    def gradients(self, X, D, E, f, U):
        """Return the :class:`FenchelGradients` at states X of the rule with weights D, E, f."""
        Z = preactivations(X, D, E, f, U)
        scale = unit_weights(self.lam, X.shape[1]) / len(X)
        in_Z = (np.maximum(Z, 0.0) - X) * scale
        in_X = (X - Z) * scale + in_Z @ D
        return FenchelGradients(in_X, in_Z.T @ X, in_Z.T @ U, in_Z.sum(axis=0))

    def curvature(self, D, active):
        r"""Return the Hessian in the state of one sample, times m.

        .. math:: \Lambda - \Lambda D - D^T \Lambda + D^T \Lambda P D,

        where :math:`P` keeps the units whose :math:`z` is positive.

        Parameters
        ----------
        D : ndarray, shape (h, h)
        active : ndarray of bool, shape (h,)

        Returns
        -------
        ndarray, shape (h, h)
        """
        lam = unit_weights(self.lam, len(D))
        coupling = lam[:, None] * D
        return np.diag(lam) - coupling - coupling.T + D[active].T @ coupling[active]


def preactivations(X, D, E, f, U):
    """Return Z = X D^T + U E^T + f, of shape (m, h)."""
    return X @ D.T + U @ E.T + f
