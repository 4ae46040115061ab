r"""Regressions of many tasks whose features are in known groups."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from multiconvex.checks import check_count, check_positive
from multiconvex.nested.group_descent import descend_blocks, descend_dual
from multiconvex.nested.group_tasks import as_memberships, factorise, penalty_weights, stack_tasks
from multiconvex.stopping import RelativeDecrease, warn_unconverged


@dataclass(frozen=True, repr=False)
class GroupRegression:
    """Solution of a group lasso.

    Attributes
    ----------
    coef : ndarray, shape (T, P)
    theta : ndarray, shape (P, L)
        Memberships of the features.
    lam, ridge : float
        Of the penalties.
    gap : ndarray, shape (T,)
        Duality gap of each task over half its sum of squared targets: how far the objective can be
        from the optimum.
    n_iter : int
        Sweeps that the slowest task took.
    """

    coef: np.ndarray
    theta: np.ndarray
    lam: float
    ridge: float
    gap: np.ndarray
    n_iter: int

    @property
    def active(self):
        """Whether each task uses each group, shape (T, L)."""
        return (self.coef != 0.0) @ (self.theta > 0.0)

    def __repr__(self):
        return (
            f"GroupRegression(coef {self.coef.shape}, {self.theta.shape[1]} groups; "
            f"gap {self.gap.max():.1e} after {self.n_iter} sweeps)"
        )


def group_lasso(X, Y, groups, *, lam="auto", ridge="auto", tol=1e-8, max_iter=10_000):
    r"""Regress with features that are used or left out in groups.

    .. math:: \min_{w_t} \; \tfrac12 \|y_t - X_t w_t\|_2^2 + \tfrac{\mu}{2} \|w_t\|_2^2
              + \lambda \sum_{l=1}^L \|\theta_l * w_t\|_2, \qquad t = 1, \dots, T,

    where :math:`\theta_l` masks group l, and the tasks have nothing in common but the groups.

    Parameters
    ----------
    X : ndarray of shape (T, N, P) or (N, P), or list of T arrays (N_t, P)
        Two dimensions are one table that all tasks share. Centre the columns first.
    Y : ndarray of shape (T, N), or list of T arrays (N_t,)
    groups : "singletons", array of int (P,), array (P, L) or list of index arrays
        Every feature alone (the lasso); the label of each feature; nonnegative memberships; or the
        features of each group, which may overlap.
    lam : "auto" or float
        :math:`\lambda`; by default 0.05 times the median norm of :math:`X_t^T y_t`.
    ridge : "auto" or float
        :math:`\mu`; by default 0.02 times the mean squared norm of a column. It must be positive
        where features are in several groups.
    tol : float, default 1e-8
        Relative duality gap at which a task is solved.
    max_iter : int, default 10000
        Largest number of sweeps of a task.

    Returns
    -------
    GroupRegression

    Raises
    ------
    ValueError
        For data of different numbers of tasks, rows or features, groups that are not of all
        features, or a ridge of zero where features are in several groups.

    Warns
    -----
    ConvergenceWarning
        If a task did not reach the gap.

    Notes
    -----
    Guarantee: the optimum of every task, to the duality gap that is reported.

    Cost: O(N P^2 + P^3) for each task, then O(P^2) per sweep.

    Chapter: :doc:`/chapters/learning/groups_of_features`

    With a ridge, accelerated projected gradients on the dual, where every group has a ball of its
    own whether groups overlap or not. Without one, disjoint groups are solved in turn and exactly,
    each by a root of one variable [2]_.

    References
    ----------
    .. [1] M. Yuan and Y. Lin, "Model selection and estimation in regression with grouped
       variables", Journal of the Royal Statistical Society B 68, 2006.
    .. [2] Z. Qin, K. Scheinberg and D. Goldfarb, "Efficient block-coordinate descent algorithms for
       the group lasso", Mathematical Programming Computation 5, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import group_lasso
    >>> result = group_lasso(np.eye(4), [[3.0, 4.0, 0.3, 0.4]], [0, 0, 1, 1], lam=1.0, ridge=0.0)
    >>> result.coef.round(6)
    array([[2.4, 3.2, 0. , 0. ]])
    >>> result.active
    array([[ True, False]])
    """
    check_positive("tol", tol, allow_zero=True)
    max_iter = check_count("max_iter", max_iter)
    X, Y, _ = stack_tasks(X, Y)
    lam, ridge = penalty_weights(X, Y, lam, ridge)
    theta = as_memberships(groups, X.shape[2])
    rhs, energy = np.einsum("tnp,tn->tp", X, Y), np.einsum("tn,tn->t", Y, Y)
    coef, gap = np.zeros(rhs.shape), np.zeros(len(rhs))
    if lam == 0.0:
        gram = X.transpose(0, 2, 1) @ X + ridge * np.eye(X.shape[2])
        coef, n_iter = (np.linalg.pinv(gram, hermitian=True) @ rhs[:, :, None])[:, :, 0], 1
    elif ridge == 0.0:
        gram = X.transpose(0, 2, 1) @ X
        n_iter = _solve_blocks(gram, rhs, energy, lam, theta, tol, max_iter, coef, gap)
    else:
        gram, inverse, curvature = factorise(X, ridge)
        steps = curvature / (theta**2).sum(axis=1).max()
        n_iter = descend_dual(
            gram, inverse, rhs, energy, lam, *_by_group(theta), steps, tol, max_iter, coef, gap
        )
    if gap.max() > tol > 0:
        warn_unconverged(RelativeDecrease(tol), max_iter)
    return GroupRegression(coef, theta, lam, ridge, gap, n_iter)


def _solve_blocks(gram, rhs, energy, lam, theta, tol, max_iter, coef, gap):
    if np.any((theta != 0.0) & (theta != 1.0)) or np.any(theta.sum(axis=1) != 1.0):
        raise ValueError(
            "ridge must be positive where features are in several groups or have soft memberships, "
            "got 0: their dual needs it."
        )
    features, _, starts = _by_group(theta)
    values, vectors = np.empty(rhs.shape), np.zeros((*rhs.shape, np.diff(starts).max()))
    for first, last in pairwise(starts):
        members = features[first:last]
        found, turned = np.linalg.eigh(gram[:, members[:, None], members])
        values[:, first:last] = np.maximum(found, 0.0)
        vectors[:, first:last, : last - first] = turned
    return descend_blocks(
        gram, rhs, energy, lam, features, starts, vectors, values, tol, max_iter, coef, gap
    )


def _by_group(theta):
    """Return the features of all groups in turn, their memberships, and where groups start."""
    groups, features = np.nonzero(theta.T)
    starts = np.append(0, np.cumsum(np.count_nonzero(theta, axis=0)))
    return features, theta[features, groups], starts
