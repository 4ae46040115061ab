r"""Experiments of the chapter on projected and compressed CP.

Every fit minimises :math:`\tfrac12 \|X - \sum_q a_q \otimes b_q \otimes \cdots\|_F^2` over
nonnegative factors, as :func:`multiconvex.cp` does.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex import nnls
from multiconvex.studies._compressed_fits import (
    CompressedFit,
    FluorescenceFits,
    Race,
    fit_fluorescence,
    plant,
    race_on_a_large_tensor,
    silence_a_row,
)
from multiconvex.studies._cone_projections import (
    Cone,
    ProjectionTrials,
    measure_projections,
    project_in_the_plane,
)
from multiconvex.studies._projected_sweeps import Wandering, count_rises, follow_sweeps

__all__ = [
    "CompressedFit",
    "Cone",
    "FluorescenceFits",
    "PlaneRegression",
    "ProjectionTrials",
    "Race",
    "Wandering",
    "count_rises",
    "fit_fluorescence",
    "follow_sweeps",
    "measure_projections",
    "plant",
    "project_in_the_plane",
    "race_on_a_large_tensor",
    "regress_in_the_plane",
    "silence_a_row",
]

FREE = np.array([-0.5, -0.2])
"""The least-squares solution of the regression in the plane, after the source."""


@dataclass(frozen=True, eq=False)
class PlaneRegression:
    """A regression in the plane: two unknowns, seen through a rotation and a stretch.

    Attributes
    ----------
    degrees, stretch : float
    matrix : ndarray, shape (2, 2)
    free, projected, best : ndarray, shape (2,)
        Least squares, its projection on the orthant, and nonnegative least squares.
    limit : float
        Second coordinate of ``best`` where the stretch goes to zero.
    """

    degrees: float
    stretch: float
    matrix: np.ndarray
    free: np.ndarray
    projected: np.ndarray
    best: np.ndarray
    limit: float

    def cost(self, x):
        """Return half of the squared residual at points of shape (2, ...)."""
        gap = np.tensordot(
            self.matrix, np.asarray(x) - self.free.reshape(2, *[1] * (np.ndim(x) - 1)), 1
        )
        return 0.5 * np.sum(gap**2, axis=0)

    @property
    def ratio(self):
        """How many times the least cost the projection costs."""
        return float(self.cost(self.projected) / self.cost(self.best))


def regress_in_the_plane(degrees=15.0, stretch=0.01):
    """Rotate the plane, shrink the second axis, and solve with signs and without."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.diag([1.0, stretch]) @ turn
    best = nnls(matrix, matrix @ FREE, tol=1e-14).x
    limit = -FREE[0] / np.tan(angle) + FREE[1]
    return PlaneRegression(
        degrees, stretch, matrix, FREE, np.maximum(FREE, 0.0), best, float(limit)
    )
