r"""Logistic regressions of tasks whose groups are known."""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from multiconvex.checks import check_array, check_count, check_positive
from multiconvex.models.task_folds import labelled_tasks
from multiconvex.nested.task_hypergradients import bregman_path, untied_weights
from multiconvex.stopping import ConvergenceWarning, warn_caller

_STEPS_PER_CHECK = 10


@dataclass(frozen=True, eq=False)
class GroupedClassifiers:
    """Linear classifiers of several tasks.

    Attributes
    ----------
    coef : ndarray, shape (T, P)
    intercept : ndarray, shape (T,)
    theta : ndarray, shape (T, L)
        Memberships of the tasks.
    lam, ridge : float
    gap : float
        Duality gap: the objective is at most so far above the least one.
    n_iter : int
        Bregman steps.
    """

    coef: np.ndarray
    intercept: np.ndarray
    theta: np.ndarray
    lam: float
    ridge: float
    gap: float
    n_iter: int


def grouped_logistic(X, Y, groups=None, *, lam="auto", ridge="auto", tol=1e-3, max_iter=2000):
    r"""Fit logistic regressions whose weights span few directions in each group of tasks.

    .. math:: \min_{w, b} \; \sum_{t=1}^T \Bigl[ \sum_i \bigl( \log(1 + e^{z_{ti}}) - y_{ti} z_{ti}
              \bigr) + \tfrac\mu2 \|w_t\|^2 \Bigr]
              + \lambda \sum_{l=1}^L \|w \operatorname{diag}(\theta_l)\|_{\mathrm{tr}},
              \qquad z_{ti} = \langle x_{ti}, w_t \rangle + b_t

    by Bregman steps on the dual, as in :func:`multiconvex.task_hypergradient`. The columns of w are
    the weights of the tasks, and the trace norm is the sum of singular values.

    Parameters
    ----------
    X : ndarray of shape (N, P) or (T, N, P), or list of T arrays (N_t, P)
        Two dimensions are one table that all tasks share.
    Y : ndarray of shape (T, N), or list of T arrays (N_t,)
        Labels 0 or 1, both in each task.
    groups : ndarray of int (T,), ndarray (T, L), or None
        The group of each task, or memberships; None puts all tasks in one.
    lam, ridge : "auto" or float
        :math:`\lambda`, 0 for tasks by themselves, and :math:`\mu`, positive. By default 0.2 of the
        spectral norm of the slopes at zero weights, and 0.01 of the mean squared norm of a column.
    tol : float, default 1e-3
        Stop where the duality gap, measured every ten steps, is below this fraction of the
        objective.
    max_iter : int, default 2000

    Returns
    -------
    GroupedClassifiers

    Raises
    ------
    ValueError
        For tasks of different widths, labels that are not 0 and 1, or groups of the wrong shape.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` steps were not enough.

    Notes
    -----
    Guarantee: the dual objective never increases, and the gap bounds what is left.

    Cost: O(N P^2 + L P^3) per step for N samples in all; the gap falls like one over their number.

    Chapter: :doc:`/chapters/learning/groups_of_tasks`

    References
    ----------
    T. K. Pong, P. Tseng, S. Ji and J. Ye, "Trace norm regularization: reformulations, algorithms,
    and multi-task learning", SIAM Journal on Optimization 20, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import grouped_logistic
    >>> X = np.random.default_rng(0).standard_normal((4, 60, 3))
    >>> Y = np.stack([X[0] @ [1, 0, 0], X[1] @ [2, 0, 0], X[2] @ [0, 1, 0], X[3] @ [0, 1, 0]]) > 0
    >>> fit = grouped_logistic(X, Y, [0, 0, 1, 1], lam=5.0)
    >>> np.linalg.svd(fit.coef[:2], compute_uv=False).round(1)[1]
    np.float64(0.0)
    """
    check_positive("tol", tol)
    max_iter = check_count("max_iter", max_iter)
    tasks, lam, ridge = labelled_tasks(X, Y, lam, ridge)
    check_positive("lam", lam, allow_zero=True)
    theta = _as_memberships(groups, tasks.shape[0])
    if lam == 0.0:
        coef = untied_weights(tasks)[0]
        return GroupedClassifiers(coef[:, :-1], coef[:, -1], theta, 0.0, ridge, 0.0, 0)
    path = bregman_path(tasks, theta.T**2, lam, max_iter)
    n_iter = -_STEPS_PER_CHECK
    for state in islice(path, 0, None, _STEPS_PER_CHECK):
        n_iter += _STEPS_PER_CHECK
        weights = state.coef[:, :-1]
        groups_of_weights = theta.T[:, :, None] * weights
        penalty = lam * float(np.linalg.svd(groups_of_weights, compute_uv=False).sum())
        gap = penalty - float(np.vdot(state.coupling.tilt, weights))
        if gap <= tol * (_loss(tasks, state.coef) + penalty):
            break
    else:
        warn_caller(
            f"The duality gap is still {gap:.2g} after {max_iter} steps: raise max_iter or ridge, "
            "lower lam, or loosen tol.",
            ConvergenceWarning,
        )
    return GroupedClassifiers(weights, state.coef[:, -1], theta, lam, ridge, gap, n_iter)


def _loss(tasks, coef):
    counts = tasks.last - tasks.first
    return float(counts @ tasks.losses(coef) + 0.5 * np.sum(tasks.ridge * coef**2))


def _as_memberships(groups, n_tasks):
    if groups is None:
        return np.ones((n_tasks, 1))
    given = np.asarray(groups)
    if given.ndim == 1 and given.dtype.kind in "iu" and len(given) == n_tasks and given.min() >= 0:
        return np.eye(given.max() + 1)[given]
    if given.ndim != 2 or len(given) != n_tasks:
        raise ValueError(
            f"groups must be {n_tasks} nonnegative integers, one for each task, or memberships "
            f"with {n_tasks} rows; got an array of {given.dtype} of shape {given.shape}."
        )
    return check_array("groups", given, nonnegative=True)
