r"""The volume that the columns of a factor span, and the ridge that lies above it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SpanVolume:
    r"""Weighted volume of a factor.

    .. math:: \tfrac{\lambda}{2} v(F), \qquad v(F) = \log\det(I + F^T F / \delta) .

    It is concave in the Gram matrix :math:`F^T F` and neither convex nor concave in ``F``. Its
    tangent there is a ridge that lies above it,

    .. math:: v(F) \le \operatorname{tr}(F P F^T) + c, \qquad P = (\bar F^T \bar F + \delta I)^{-1},

    with equality at :math:`F = \bar F`: no step that lowers an objective with the ridge can raise
    the one with the volume.

    Attributes
    ----------
    weight, delta : float
        :math:`\lambda` and :math:`\delta`.
    """

    weight: float
    delta: float

    def logarithm(self, F):
        """Return v, which is 0 where ``F`` vanishes."""
        return float(np.linalg.slogdet(self._shifted_gram(F) / self.delta)[1])

    def value(self, F):
        return 0.5 * self.weight * self.logarithm(F)

    def ridge(self, F):
        r"""Return :math:`\lambda P`, to be added to the Gram matrix of a regression."""
        return self.weight * np.linalg.inv(self._shifted_gram(F))

    def _shifted_gram(self, F):
        return F.T @ F + self.delta * np.eye(F.shape[1], dtype=F.dtype)
