r"""Derivatives of validation losses in the groups that a regression was told.

The lower level is a group lasso with soft memberships :math:`\theta`, solved by a number of smooth
steps; the upper level measures its weights on other samples.
"""

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from multiconvex.checks import check_array, check_count, check_option, check_positive
from multiconvex.nested.group_kernels import reverse_tasks, solve_tasks
from multiconvex.nested.group_optimality import implicit_tasks
from multiconvex.nested.group_tasks import factorise, stack_tasks


@dataclass(frozen=True, eq=False)
class TaskProblems:
    r"""Group lasso problems that share the groups of their features, with what judges them.

    Task t has training samples :math:`X, y` and validation samples :math:`X', y'`. Given groups
    :math:`\theta` it is

    .. math::
        \hat w(\theta) = \operatorname*{argmin}_w \tfrac12 \|y - X w\|^2 + \tfrac\mu2 \|w\|^2
            + \lambda \sum_l \|\theta_l * w\|, \qquad
        E(\theta) = \tfrac12 \|y' - X' \hat w(\theta)\|^2 .

    Made by ``prepare``; fields are what all evaluations need again.

    Attributes
    ----------
    gram, inverse : ndarray of shape (T, P, P)
        :math:`X^\top X + \mu I` and its inverse.
    rhs : ndarray of shape (T, P)
        :math:`X^\top y`.
    X_val : ndarray of shape (T, N, P)
    Y_val : ndarray of shape (T, N)
    curvature : ndarray of shape (T,)
        Smallest eigenvalue of each ``gram``, which limits the step.
    """

    gram: np.ndarray
    inverse: np.ndarray
    rhs: np.ndarray
    X_val: np.ndarray
    Y_val: np.ndarray
    curvature: np.ndarray

    @classmethod
    def prepare(cls, X, Y, X_val, Y_val, *, ridge):
        r"""Factorise what does not depend on the groups.

        Parameters
        ----------
        X, X_val : array of shape (T, N, P), or list of T arrays of shapes (N_t, P)
        Y, Y_val : array of shape (T, N), or list of T arrays of shapes (N_t,)
            Outputs for training and validation.
        ridge : float
            :math:`\mu`, positive: without it the dual is not smooth where N < P.

        Returns
        -------
        TaskProblems

        Raises
        ------
        ValueError
            When shapes do not agree or ``ridge`` is not positive.
        """
        check_positive("ridge", ridge)
        X, Y, _ = stack_tasks(X, Y)
        X_val, Y_val, _ = stack_tasks(X_val, Y_val, ("X_val", "Y_val"))
        if X_val.shape[::2] != X.shape[::2]:
            raise ValueError(
                f"X_val must hold {X.shape[0]} tasks of {X.shape[2]} features as X does, got "
                f"{X_val.shape[0]} of {X_val.shape[2]}."
            )
        gram, inverse, curvature = factorise(X, ridge)
        return cls(
            gram=gram,
            inverse=inverse,
            rhs=np.einsum("tnp,tn->tp", X, Y),
            X_val=X_val,
            Y_val=Y_val,
            curvature=curvature,
        )

    def take(self, tasks):
        """Some of the tasks, by a slice or their indices, as the same type."""
        return TaskProblems(*(getattr(self, field.name)[tasks] for field in fields(self)))

    @property
    def shape(self):
        """Number of tasks and of features."""
        return self.rhs.shape


class Hypergradient(NamedTuple):
    """Validation losses of some tasks and their derivatives, one entry a task.

    Attributes
    ----------
    values : ndarray of shape (B,)
    theta : ndarray of shape (B, P, L)
        Derivatives in the memberships.
    square : ndarray of shape (B, P, L)
        Derivatives in their squares: ``theta`` is twice the memberships times ``square``.
    coef : ndarray of shape (B, P)
        Weights of the lower level.
    """

    values: np.ndarray
    theta: np.ndarray
    square: np.ndarray
    coef: np.ndarray


def hypergradient(
    problems, theta, lam, *, n_inner=500, method="reverse", overlap=1.0, tasks=None
):  # fmt: skip
    r"""Validation losses of a group lasso and their derivatives in the groups.

    The lower level takes ``n_inner`` Bregman steps on the dual, in the ball of radius
    :math:`\lambda`, from :math:`v_l = 0` and with a step that knows nothing of the groups but
    :math:`\sum_l \theta_{pl}^2 \le s`: with
    :math:`\beta = (\lambda_{\min}(X^\top X) + \mu) / (s \lambda)`,

    .. math::
        u_l = \frac{\lambda v_l}{\sqrt{1 + \|v_l\|^2}}, \quad
        w = \nabla f^*\bigl(- \textstyle\sum_l \theta_l * u_l\bigr), \quad
        v_l \leftarrow v_l + \beta \, \theta_l * w .

    Parameters
    ----------
    problems : TaskProblems
    theta : array of shape (P, L)
        Memberships of P features in L groups, nonnegative.
    lam : float
        :math:`\lambda`, positive.
    n_inner : int
    method : {"reverse", "checkpointed", "implicit"}
        "reverse" and "checkpointed" differentiate the steps that were taken, exactly, and keep all
        iterates of a task or about ``2 sqrt(n_inner)`` of them. "implicit" takes no such steps: it
        solves the lower level by Newton's method and differentiates its optimality condition.
    overlap : float, default 1
        s, the most that squared memberships of a feature may sum to: one on the simplex, and more
        where features are in several groups, at the price of shorter steps.
    tasks : sequence of int, optional
        Tasks to evaluate, all by default.

    Returns
    -------
    Hypergradient
        Of each task: the upper level is the mean.

    Raises
    ------
    ValueError
        When ``theta`` has another number of features or leaves its set, or an option is unknown.

    Notes
    -----
    Guarantee: "reverse" is the derivative of the loss after ``n_inner`` steps, to rounding. Those
    weights come within :math:`O(1/\sqrt{k})` of the exact ones after k steps. "implicit" is the
    derivative at the exact ones where it exists, with norms rounded off at 1e-8 times the
    length of the weights of ridge regression.

    Cost: a product with a (P, P) matrix for each step and task, twice as many in reverse, three
    times with checkpoints. When implicit, some ten to thirty linear systems of size P a task. One
    task at a time: P floating-point numbers for each iterate that is kept.

    Chapter: :doc:`/chapters/learning/differentiating_an_algorithm`

    References
    ----------
    J. Frecon, S. Salzo, M. Pontil. "Bilevel learning of the group Lasso structure", NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex.datasets import make_grouped_tasks
    >>> data = make_grouped_tasks(20, random_state=0)
    >>> problems = TaskProblems.prepare(data.X, data.Y, data.X_val, data.Y_val, ridge=0.025)
    >>> theta = 0.9 * data.theta + 0.02
    >>> exact = hypergradient(problems, theta, 0.25)
    >>> short = hypergradient(problems, theta, 0.25, method="checkpointed")
    >>> exact.theta.shape, bool(np.allclose(exact.theta, short.theta))
    ((20, 50, 5), True)
    """
    check_option("method", method, ("reverse", "checkpointed", "implicit"))
    n_inner = check_count("n_inner", n_inner)
    square, steps, tasks = _checked(problems, theta, lam, overlap, tasks)
    n_features = problems.shape[1]
    values = np.empty(len(tasks))
    in_square = np.zeros((len(tasks), *square.shape))
    coef = np.empty((len(tasks), n_features))
    if method == "implicit":
        implicit_tasks(
            problems.gram, problems.inverse, problems.rhs, problems.X_val, problems.Y_val, square,
            lam, tasks, values, in_square, coef,
        )  # fmt: skip
    else:
        every = 1 if method == "reverse" else math.isqrt(n_inner)
        reverse_tasks(
            problems.inverse, problems.rhs, problems.X_val, problems.Y_val, square, lam, steps,
            n_inner, every, tasks, values, in_square, coef,
        )  # fmt: skip
    in_square = in_square.transpose(0, 2, 1)
    return Hypergradient(values, 2.0 * np.asarray(theta, float) * in_square, in_square, coef)


def solve_lower_level(problems, theta, lam, *, n_inner=500, overlap=1.0, tasks=None):
    r"""Weights of a group lasso after a number of Bregman steps on its dual.

    Parameters
    ----------
    problems, theta, lam, n_inner, overlap, tasks
        As for :func:`multiconvex.hypergradient`.

    Returns
    -------
    ndarray of shape (B, P)

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex.datasets import make_grouped_tasks
    >>> data = make_grouped_tasks(3, noise=0.0, random_state=0)
    >>> problems = TaskProblems.prepare(data.X, data.Y, data.X_val, data.Y_val, ridge=0.025)
    >>> exact = hypergradient(problems, data.theta, 0.25, method="implicit").coef
    >>> steps = solve_lower_level(problems, data.theta, 0.25, n_inner=2000)
    >>> bool(np.linalg.norm(steps - exact) < 0.01 * np.linalg.norm(exact))
    True
    """
    n_inner = check_count("n_inner", n_inner)
    square, steps, tasks = _checked(problems, theta, lam, overlap, tasks)
    coef = np.empty((len(tasks), problems.shape[1]))
    solve_tasks(problems.inverse, problems.rhs, square, lam, steps, n_inner, tasks, coef)
    return coef


def _checked(problems, theta, lam, overlap, tasks):
    """Squares of the memberships, steps and tasks, as the kernels want them."""
    check_positive("lam", lam)
    check_positive("overlap", overlap)
    theta = check_array("theta", theta, ndim=2, nonnegative=True)
    n_tasks, n_features = problems.shape
    if len(theta) != n_features:
        raise ValueError(f"theta must have {n_features} rows, one a feature, got {len(theta)}.")
    square = np.ascontiguousarray(theta.T.astype(float) ** 2)
    if square.sum(axis=0).max() > overlap * (1.0 + 1e-9):
        raise ValueError(
            f"The squares of each row of theta must sum to at most overlap = {overlap:.3g}, got "
            f"{square.sum(axis=0).max():.3g}: project its rows on the simplex, or raise overlap."
        )
    tasks = np.arange(n_tasks) if tasks is None else np.asarray(tasks, dtype=np.int64)
    if tasks.ndim != 1 or len(tasks) == 0 or tasks.min() < 0 or tasks.max() >= n_tasks:
        raise ValueError(f"tasks must be a list of indices below {n_tasks}, got {tasks!r}.")
    return square, problems.curvature / (lam * overlap), tasks
