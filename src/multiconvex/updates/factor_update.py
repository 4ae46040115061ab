"""The exact step on the labels of a discrete latent factor model."""

from dataclasses import dataclass
from typing import ClassVar

from multiconvex.updates.base import Update


@dataclass(frozen=True)
class FactorUpdate(Update):
    r"""The minimiser over the labels, the parameters being fixed.

    .. math:: z \leftarrow \arg\min_z \; \langle z, r\rangle + R_z(z), \qquad
              z_i \in \text{simplex},

    with the losses :math:`r_{ik} = f_k(x_i, y_i; \theta_k)` that ``problem.label_losses(x)``
    returns. Without a penalty this is an argmin; chains have their own exact solvers.

    Notes
    -----
    Guarantee: exact, so never increases the objective.

    Cost: O(m K) without a penalty or with total variation, O(m K^3) a Newton step with the
    divergence per sweep.

    Chapter: :doc:`/chapters/latent_structure/discrete_latent_factor_models`

    References
    ----------
    H. Zhu, S. Yan, J. Hoffmann and J. Boedecker, "Multi-convex programming for discrete latent
    factor models prototyping", 2025, problem (F) of (4.6).

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ConstrainedKMeans
    >>> X = np.array([[0.0], [0.1], [4.0], [4.1]])
    >>> ConstrainedKMeans(2, random_state=0).fit(X).result_.z.sum(axis=1)
    array([1., 1., 1., 1.])
    """

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("label_losses",)

    def __call__(self, problem, x, k, memory):
        return problem.blocks[k].penalty.minimize(problem.label_losses(x), x[k]), memory
