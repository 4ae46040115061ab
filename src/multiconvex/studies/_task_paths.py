"""One run of learned task groups, looked at from near."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score

from multiconvex.models.grouped_logistic import grouped_logistic
from multiconvex.models.task_groups import TaskGroups, learn_task_groups
from multiconvex.nested.task_hypergradients import LabelledTasks, task_hypergradient
from multiconvex.penalties import Simplex
from multiconvex.studies._task_methods import accuracies

SHARES = (0.1, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, eq=False)
class MembershipPath:
    """Memberships of tasks during the fit.

    Attributes
    ----------
    fit : TaskGroups
    thetas : list of ndarray, shape (T, L)
        After each outer step, the first one included.
    rand : ndarray, shape (steps, 2)
        Adjusted Rand index of the groups of the other tasks and of the poor ones.
    """

    fit: TaskGroups
    thetas: list
    rand: np.ndarray


def follow_memberships(tasks, n_groups=8, max_iter=25, random_state=0):
    """Learn groups and keep the memberships of all steps."""
    thetas = []

    def keep(sweep):
        thetas.append(sweep.blocks["theta"])

    fit = learn_task_groups(
        tasks.X,
        tasks.Y,
        n_groups,
        n_inner=30,
        max_iter=max_iter,
        callback=keep,
        random_state=random_state,
    )
    rand = [
        [
            adjusted_rand_score(tasks.families[part], theta.argmax(axis=1)[part])
            for part in (~tasks.poor, tasks.poor)
        ]
        for theta in thetas
    ]
    return MembershipPath(fit, thetas, np.array(rand))


@dataclass(frozen=True, eq=False)
class PenaltyPath:
    """Known families under penalties of several weights.

    Attributes
    ----------
    shares : tuple of float
        Of the default weight.
    singular : ndarray, shape (shares, families, 6)
        Largest singular values of the weights of each family.
    accuracy : ndarray, shape (shares, 2)
        On all tasks and on the poor ones.
    """

    shares: tuple
    singular: np.ndarray
    accuracy: np.ndarray


def vary_penalty(tasks):
    """Fit known families with five weights of the trace norms."""
    default = grouped_logistic(tasks.X, tasks.Y, tasks.families, tol=0.05)
    singular, accuracy = [], []
    for share in SHARES:
        fit = grouped_logistic(
            tasks.X, tasks.Y, tasks.families, lam=share * default.lam, ridge=default.ridge, tol=0.01
        )
        values = np.zeros((fit.theta.shape[1], 6))
        for family, row in enumerate(values):
            found = np.linalg.svd(fit.coef[tasks.families == family], compute_uv=False)[:6]
            row[: len(found)] = found
        singular.append(values)
        shares = accuracies(fit, tasks.X_test, tasks.Y_test)
        accuracy.append((shares.mean(), shares[tasks.poor].mean()))
    return PenaltyPath(SHARES, np.array(singular), np.array(accuracy))


def fit_alone(tasks):
    """Fit each task by itself; return the share of test samples that it labels rightly."""
    fit = grouped_logistic(tasks.X, tasks.Y, lam=0.0, ridge=1.0)
    return accuracies(fit, tasks.X_test, tasks.Y_test)


def check_derivative(random_state=0):
    """Return the gap of the reverse mode to central differences, over the largest derivative."""
    rng = np.random.default_rng(random_state)
    halves = []
    for _ in range(2):
        X = list(rng.standard_normal((6, 30, 5)))
        odds = [3.0 * table[:, t // 3] for t, table in enumerate(X)]
        Y = [(rng.random(30) < 1.0 / (1.0 + np.exp(-z))).astype(float) for z in odds]
        halves.append(LabelledTasks.prepare(X, Y, ridge=1.0))
    theta = 0.9 * Simplex().prox(rng.random((6, 2)), 1.0)
    found = task_hypergradient(*halves, theta, 3.0).theta
    differences = np.zeros_like(theta)
    for index in np.ndindex(*theta.shape):
        move = np.zeros_like(theta)
        move[index] = 1e-5
        ends = [task_hypergradient(*halves, theta + sign * move, 3.0) for sign in (1, -1)]
        differences[index] = (ends[0].values.mean() - ends[1].values.mean()) / 2e-5
    return float(np.abs(found - differences).max() / np.abs(differences).max())
