"""The exact step on the parameters of a discrete latent factor model."""

from dataclasses import dataclass
from typing import ClassVar

from multiconvex.updates.base import Update


@dataclass(frozen=True)
class ParameterUpdate(Update):
    r"""The minimiser over the parameters, the labels being fixed.

    .. math:: \theta \leftarrow \arg\min_\theta \; \sum_i \sum_k z_{ik} f_k(x_i, y_i; \theta_k)
              + R_\theta(\theta)

    as ``problem.fit_parameters(x)`` returns it: one convex problem for each factor where nothing
    couples them. A factor that lost all its samples starts again from those fitted worst.

    Notes
    -----
    Guarantee: never increases the objective; exact.

    Cost: one weighted fit for each factor per sweep.

    Chapter: :doc:`/chapters/latent_structure/discrete_latent_factor_models`

    References
    ----------
    H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete latent
    factor models prototyping", 2025, problem (P) of (4.6).

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ConstrainedKMeans
    >>> X = np.array([[0.0], [0.2], [4.0], [4.2]])
    >>> centres = ConstrainedKMeans(2, random_state=0).fit(X).cluster_centers_
    >>> np.sort(centres.ravel())
    array([0.1, 4.1])
    """

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("fit_parameters",)

    def __call__(self, problem, x, k, memory):
        return problem.fit_parameters(x), memory
