r"""Replace a factor by the atoms of several dictionaries that look most like its columns."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.picked_atoms import PickedAtoms
from multiconvex.updates.active_set import pivot_rows
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class AtomTransport(Update):
    r"""Nonnegative least squares, then the closest atoms that limits allow.

    For a block :math:`W` whose columns must be distinct atoms, at most :math:`d_i` of them from
    dictionary i (:class:`PickedAtoms`): minimise over nonnegative matrices instead,

    .. math:: \hat W \in \arg\min_{W \ge 0} \; \tfrac12 \langle W G, W \rangle - \langle B, W
              \rangle,

    scale the columns of :math:`\hat W` to unit norm, and project on the constraint. Cosines with
    the atoms add up to what the choice is worth, and a transportation problem finds the best one
    [1]_. ``G, B = problem.normal_equations(x, k)``.

    Notes
    -----
    Guarantee: the closest choice to the scaled columns; the objective may increase, hence
    :class:`multiconvex.KeepBest`.

    Cost: one product with the data, O(m r^2) for the regression, O(m N r) for the cosines with all
    N atoms.

    Chapter: :doc:`/chapters/theory/several_dictionaries`

    References
    ----------
    .. [1] J. E. Cohen and N. Gillis, "Spectral unmixing with multiple dictionaries", IEEE
       Geoscience and Remote Sensing Letters 15, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import FactorProblem, NonNegative
    >>> atoms = PickedAtoms((np.eye(3), np.ones((3, 1))), counts=(1, 1))
    >>> H = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> W = np.array([[1.0, 0.0], [1.0, 0.9], [1.0, 0.1]])
    >>> problem = FactorProblem(W @ H.T, 2, (atoms, NonNegative()))
    >>> picked, _ = AtomTransport()(problem, (np.ones((3, 2)), H), 0, None)
    >>> picked.round(2)
    array([[0.58, 0.  ],
           [0.58, 1.  ],
           [0.58, 0.  ]])
    """

    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (PickedAtoms,)

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        free = np.empty_like(x[k])
        pivot_rows(gram, rhs, x[k], 16.0 * np.finfo(free.dtype).eps, free)
        norms = np.linalg.norm(free, axis=0)
        free /= np.where(norms > 0, norms, 1.0)
        return problem.blocks[k].penalty.prox(free, 0.0), memory
