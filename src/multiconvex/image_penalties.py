r"""A constraint on what a compressed block stands for: its image under a tall matrix."""

from dataclasses import dataclass, field

import numpy as np

from multiconvex.checks import check_array
from multiconvex.penalties import Penalty
from multiconvex.quadratic import project_rows

_FEASIBLE = 1e-11
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class NonNegativeImage(Penalty):
    r"""Columns whose image under a matrix is nonnegative.

    .. math:: g(x) = 0 \quad\text{if } U x \ge 0, \qquad +\infty \text{ otherwise.}

    ``prox`` projects each column :math:`\hat x` on the cone :math:`\{x : U x \ge 0\}` by the
    dual method of Goldfarb and Idnani. The multipliers of the constraints solve a nonnegative
    regression, so that

    .. math:: \operatorname{proj}(\hat x) = \hat x + U^T z, \qquad
              z = \arg\min_{z \ge 0} \; \tfrac12 \| U^T z + \hat x \|_2^2 .

    Parameters
    ----------
    basis : ndarray, shape (m, n)
        The matrix :math:`U`; blocks have n rows, their images m.

    Attributes
    ----------
    inverse : ndarray, shape (n, m)
        The pseudo-inverse :math:`U^+`, which is :math:`U^T` for orthonormal columns.
    normals : ndarray
        The rows of :math:`U` that are not zero to rounding: those have no direction.

    Notes
    -----
    Guarantee: ``prox`` is exact, to rounding; ``one_step`` does not expand distances, and its
    value may lie outside the cone.

    Cost: ``prox`` O(m n) per constraint that it lets in or drops, for each column; ``one_step``
    O(m n) for each column.

    Chapter: :doc:`/chapters/algorithms/projected_compressed_cp`

    References
    ----------
    J. E. Cohen, R. Cabral Farias and P. Comon, "Fast decomposition of large nonnegative tensors",
    IEEE Signal Processing Letters 22, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> wedge = NonNegativeImage(np.array([[1.0, 0.0], [-1.0, 2.0]]))
    >>> wedge.prox(np.array([[2.0], [0.0]]), step=1.0).round(3).ravel()
    array([1.6, 0.8])
    """

    basis: np.ndarray
    inverse: np.ndarray = field(init=False)
    normals: np.ndarray = field(init=False)

    def __post_init__(self):
        basis = check_array("basis", self.basis, ndim=2)
        lengths = np.linalg.norm(basis, axis=1)
        kept = lengths > 16.0 * len(basis) * np.finfo(basis.dtype).eps * lengths.max()
        object.__setattr__(self, "basis", basis)
        object.__setattr__(self, "inverse", np.linalg.pinv(basis))
        object.__setattr__(self, "normals", np.ascontiguousarray(basis[kept], dtype=float))

    def __repr__(self):
        return f"NonNegativeImage(basis of shape {self.basis.shape})"

    def value(self, x):
        reach = np.linalg.norm(self.normals, axis=1)[:, None] * np.linalg.norm(x, axis=0)
        slack = max(_FEASIBLE, 16.0 * np.finfo(x.dtype).eps) * reach
        return 0.0 if np.all(self.normals @ x >= -slack) else np.inf

    def prox(self, x, step):
        rows = np.ascontiguousarray(x.T, dtype=float)
        cone = -self.normals, np.zeros(len(self.normals))
        projected = project_rows(rows, *cone)
        nothing = np.linalg.norm(projected, axis=1) <= _ROUNDING * np.linalg.norm(rows, axis=1)
        projected[nothing] = 0.0
        # The first pass is exact relative to x, the second relative to what is left of x.
        return np.ascontiguousarray(project_rows(projected, *cone).T, dtype=x.dtype)

    def one_step(self, x):
        r"""Return :math:`U^+ [U x]_+`, one step of alternating projections.

        The step goes to the nonnegative orthant and back to the range of :math:`U`.
        """
        return self.inverse @ np.maximum(self.basis @ x, 0.0)
