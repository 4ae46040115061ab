r"""Groups of features and weights of all tasks in one objective, block by block."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count, check_positive
from multiconvex.engine import alternate
from multiconvex.models.group_structure import GroupStructure
from multiconvex.models.memberships import start_memberships
from multiconvex.nested.group_tasks import penalty_weights, stack_tasks
from multiconvex.penalties import NonNegative, NoPenalty, Simplex
from multiconvex.problem import Block, MultiblockProblem
from multiconvex.stopping import RelativeDecrease
from multiconvex.updates import Update


class JointGroupProblem(MultiblockProblem):
    r"""Weights, norms and memberships as three blocks.

    .. math:: \sum_t \Bigl[ \tfrac12 \|y_t - X_t w_t\|^2 + \tfrac{\mu}{2} \|w_t\|^2
              + \tfrac{\lambda}{2} \sum_l \Bigl( \frac{\|\theta_l * w_t\|^2 + \epsilon^2}{\eta_{tl}}
              + \eta_{tl} \Bigr) \Bigr]

    Over :math:`\eta` the last sum is :math:`2 \sum_l \sqrt{\|\theta_l * w_t\|^2 + \epsilon^2}`.
    """

    def __init__(self, X, Y, n_groups, *, lam, ridge, smoothing):
        n_tasks, _, n_features = X.shape
        self.blocks = (
            Block("coef", (n_tasks, n_features), NoPenalty()),
            Block("norms", (n_tasks, n_groups), NonNegative()),
            Block("theta", (n_features, n_groups), Simplex()),
        )
        self._lam, self._smoothing2 = lam, smoothing**2
        self._gram = X.transpose(0, 2, 1) @ X + ridge * np.eye(n_features)
        self._rhs = np.einsum("tnp,tn->tp", X, Y)
        self._half_energy = 0.5 * float(np.vdot(Y, Y))

    def loss(self, x):
        coef, norms, theta = x
        fit = np.einsum("tp,tpq,tq->", coef, self._gram, coef) / 2.0 - np.vdot(self._rhs, coef)
        with np.errstate(divide="ignore"):
            return float(
                self._half_energy
                + fit
                + 0.5 * self._lam * (self._squares(coef, theta) / norms + norms).sum()
            )

    def gradient(self, x, k):
        coef, norms, theta = x
        if k == 0:
            return np.einsum("tpq,tq->tp", self._curvature(norms, theta), coef) - self._rhs
        if k == 1:
            return 0.5 * self._lam * (1.0 - self._squares(coef, theta) / norms**2)
        return self._shares(coef, norms) * theta

    def lipschitz(self, x, k):
        """Return a bound on the second derivatives, which for the norms holds at ``x`` only."""
        coef, norms, theta = x
        if k == 0:
            return float(np.linalg.eigvalsh(self._curvature(norms, theta))[:, -1].max())
        if k == 1:
            return float(self._lam * (self._squares(coef, theta) / norms**3).max())
        return float(self._shares(coef, norms).max())

    def minimizer(self, x, k):
        r"""Return the block that minimises the objective, the others being fixed.

        Weights of a ridge regression; the norms themselves; and memberships in inverse proportion
        to their cost :math:`c_{pl} = \lambda \sum_t w_{tp}^2 / \eta_{tl}`.
        """
        coef, norms, theta = x
        if k == 0:
            return np.linalg.solve(self._curvature(norms, theta), self._rhs[:, :, None])[:, :, 0]
        if k == 1:
            return np.sqrt(self._squares(coef, theta))
        shares = self._shares(coef, norms)
        used = shares.max(axis=1) > 0.0
        new = theta.copy()
        new[used] = 1.0 / shares[used]
        return new / new.sum(axis=1, keepdims=True)

    def _squares(self, coef, theta):
        return coef**2 @ theta**2 + self._smoothing2

    def _shares(self, coef, norms):
        return self._lam * (coef**2).T @ (1.0 / norms)

    def _curvature(self, norms, theta):
        curvature = self._gram.copy()
        diagonal = np.einsum("tpp->tp", curvature)
        diagonal += self._lam * (1.0 / norms) @ (theta**2).T
        return curvature


@dataclass(frozen=True)
class ClosedForm(Update):
    """The minimiser over a block, where the problem knows it."""

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("minimizer",)

    def __call__(self, problem, x, k, memory):
        return problem.minimizer(x, k), memory


def joint_groups(
    X,
    Y,
    n_groups,
    *,
    lam="auto",
    ridge="auto",
    smoothing=1e-3,
    init="random",
    max_iter=500,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Fit weights and groups of features together, block by block, on the same data.

    .. math:: \min_{w, \; \theta \in \Delta^P} \; \sum_{t=1}^T \Bigl[ \tfrac12 \|y_t - X_t w_t\|_2^2
              + \tfrac{\mu}{2} \|w_t\|_2^2 + \lambda \sum_{l=1}^L
              \sqrt{\|\theta_l * w_t\|_2^2 + \epsilon^2} \Bigr]

    What :func:`multiconvex.learn_groups` is compared with: objectives of this kind have been used
    to group tasks [1]_. Each square root is the minimum of a quadratic over its own scale, which
    makes three blocks, each with a solution in closed form.

    Parameters
    ----------
    X, Y
        As in :func:`multiconvex.group_lasso`.
    n_groups : int
        L.
    lam, ridge : "auto" or float
        :math:`\lambda` and :math:`\mu`, both positive; as in :func:`multiconvex.group_lasso`.
    smoothing : float, default 1e-3
        :math:`\epsilon`, positive.
    init : "random" or ndarray, shape (P, L)
        Memberships at the start: equal but for noise, or given.
    max_iter, tol
        Most sweeps, and the relative decrease of the objective below which the fit stops.
    callback : callable, optional
        As in :func:`multiconvex.alternate`.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    GroupStructure

    Raises
    ------
    ValueError
        For data of different numbers of tasks, rows or features, or a smoothing of zero.

    Notes
    -----
    Guarantee: the objective never increases. Its minima over the memberships say nothing of the
    data: since :math:`\sum_l \|\theta_l * w\| \ge \|\sum_l \theta_l * w\| = \|w\|`, all features in
    one group, or all in all groups alike, are best for any weights.

    Cost: O(T P^3) per sweep.

    Chapter: :doc:`/chapters/learning/groups_of_features`

    References
    ----------
    .. [1] Z. Kang, K. Grauman and F. Sha, "Learning with whom to share in multi-task feature
       learning", ICML 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import joint_groups
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.standard_normal((20, 10, 6)), rng.standard_normal((20, 10))
    >>> result = joint_groups(X, Y, 2, random_state=0)
    >>> bool(np.all(np.diff(result.trace.objective) <= 0))
    True
    """
    X, Y, _ = stack_tasks(X, Y)
    lam, ridge = penalty_weights(X, Y, lam, ridge)
    for name, value in (("lam", lam), ("ridge", ridge), ("smoothing", smoothing)):
        check_positive(name, value)
    n_groups = check_count("n_groups", n_groups)
    problem = JointGroupProblem(X, Y, n_groups, lam=lam, ridge=ridge, smoothing=smoothing)
    rng = np.random.default_rng(random_state)
    theta = start_memberships(init, problem.blocks[2], rng)
    point = (np.zeros(problem.blocks[0].shape), np.ones(problem.blocks[1].shape), theta)
    for k in range(2):
        point = (*point[:k], problem.minimizer(point, k), *point[k + 1 :])
    result = alternate(
        problem,
        point,
        ClosedForm(),
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
    )
    coef, starts = result.blocks["coef"], np.array([result.objective])
    return GroupStructure(**vars(result), coef=coef, lam=lam, ridge=ridge, starts=starts)
