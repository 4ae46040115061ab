"""Groups of features: a whole descent on 500 tasks, and the group lasso when groups are known."""

import time
from typing import NamedTuple

import cvxpy
import numpy as np
from harness import Case, Limit

from multiconvex import group_lasso, learn_groups
from multiconvex.datasets import GroupedTasks, make_grouped_tasks

_LAM, _RIDGE, _GAP = 0.25, 0.025, 1e-6


class Compiled(NamedTuple):
    """Tasks, and the problem of one task with its data as parameters, compiled once."""

    data: GroupedTasks
    problem: cvxpy.Problem
    X: cvxpy.Parameter
    y: cvxpy.Parameter
    w: cvxpy.Variable


def simulate():
    data = make_grouped_tasks(100, random_state=0)
    _, rows, features = data.X.shape
    X, y, w = cvxpy.Parameter((rows, features)), cvxpy.Parameter(rows), cvxpy.Variable(features)
    norms = sum(cvxpy.norm(w[data.groups == group]) for group in range(5))
    fit = cvxpy.sum_squares(y - X @ w) + _RIDGE * cvxpy.sum_squares(w)
    problem = cvxpy.Problem(cvxpy.Minimize(fit / 2 + _LAM * norms))
    return Compiled(data, problem, X, y, w)


def ours(tasks):
    data = tasks.data
    return group_lasso(data.X, data.Y, data.groups, lam=_LAM, ridge=_RIDGE, tol=_GAP).coef


def interior_points(tasks):
    coef = []
    for X, y in zip(tasks.data.X, tasks.data.Y):
        tasks.X.value, tasks.y.value = X, y
        tasks.problem.solve(solver=cvxpy.CLARABEL)
        coef.append(tasks.w.value)
    return np.array(coef)


def seconds_of_a_descent():
    data = make_grouped_tasks(random_state=0)
    start = time.perf_counter()
    learn_groups(
        data.X, data.Y, 5, validation=(data.X_val, data.Y_val), candidates=5, n_inner=500, tol=0.0,
        random_state=0,
    )  # fmt: skip
    return time.perf_counter() - start


CASES = (
    Case(
        name="group lasso, 100 tasks of 25 x 50, 5 known groups, ridge 0.025",
        setup=simulate,
        ours=ours,
        peer=interior_points,
        peer_name="loop over CVXPY, compiled once, with Clarabel",
        target=4,
        gap=lambda ours, peer: float(np.abs(ours - peer).max() / np.abs(peer).max()),
        largest_gap=1e-2,
        repetitions=3,
    ),
    Limit(
        "learned groups, 500 tasks of 25 x 50, 500 outer steps of 500 inner ones",
        seconds_of_a_descent,
        target=20.0,
        repetitions=3,
    ),
)
