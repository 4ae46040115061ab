"""Derivatives of a validation loss in the groups of a group lasso, for many tasks at once."""

from typing import NamedTuple

import numpy as np
from harness import Case

from multiconvex import TaskProblems, hypergradient
from multiconvex.datasets import make_grouped_tasks
from multiconvex.studies.differentiating_an_algorithm import reverse_mode

_LAM, _RIDGE, _STEPS = 0.25, 0.025, 500


class Tasks(NamedTuple):
    """The tasks of the first experiment, and groups half way through learning."""

    problems: TaskProblems
    lam: float
    theta: np.ndarray


def simulate(seed=0):
    data = make_grouped_tasks(500, 25, 50, 5, random_state=seed)
    problems = TaskProblems.prepare(data.X, data.Y, data.X_val, data.Y_val, ridge=_RIDGE)
    blurred = np.random.default_rng(seed).dirichlet(np.ones(5), 50)
    return Tasks(problems, _LAM, 0.5 * data.theta + 0.5 * blurred)


def ours(method):
    def differentiate(tasks):
        found = hypergradient(tasks.problems, tasks.theta, tasks.lam, n_inner=_STEPS, method=method)
        return found.theta.mean(axis=0)

    return differentiate


def mirror_variables(tasks):
    """All tasks at once in NumPy, the recursion of the source: one mirror variable a group."""
    problems, theta = tasks.problems, tasks.theta
    step = problems.curvature[0] / _LAM

    def mapped(v):
        norm = np.sqrt(1.0 + np.einsum("tpl,tpl->tl", v, v))
        return norm, _LAM * v / norm[:, None]

    def jacobian(v, norm, a):
        inner = np.einsum("tpl,tpl->tl", v, a) / norm**3
        return _LAM * (a / norm[:, None] - v * inner[:, None])

    def weights(u):
        left = problems.rhs - np.einsum("pl,tpl->tp", theta, u)
        return product(problems.inverse, left)

    v = np.zeros((len(problems.rhs), *theta.shape))
    path = []
    for _ in range(_STEPS):
        norm, u = mapped(v)
        w = weights(u)
        path.append((v, norm, w))
        v = v + step * theta * w[:, :, None]
    norm, u = mapped(v)
    q = -product(problems.inverse, slope(problems, weights(u)))
    gradient = np.einsum("tp,tpl->pl", q, u)
    a = jacobian(v, norm, q[:, :, None] * theta)
    for v, norm, w in reversed(path):
        gradient += step * np.einsum("tp,tpl->pl", w, a)
        q = -step * product(problems.inverse, np.einsum("tpl,pl->tp", a, theta))
        gradient += np.einsum("tp,tpl->pl", q, _LAM * v / norm[:, None])
        a += jacobian(v, norm, q[:, :, None] * theta)
    return gradient / len(problems.rhs)


def one_vector(tasks):
    """The same in our form: all mirror variables are one vector, groups enter by their squares."""
    return reverse_mode(tasks, tasks.theta, _STEPS)[-1]


def product(matrices, vectors):
    return (matrices @ vectors[:, :, None])[:, :, 0]


def slope(problems, w):
    gap = product(problems.X_val, w) - problems.Y_val
    return np.einsum("tnp,tn->tp", problems.X_val, gap)


def relative(found, expected):
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def against(peer, method, target, largest_gap):
    form = peer.__name__.replace("_", " ")
    return Case(
        name=f"hypergradient, {method}, T 500, N 25, P 50, {_STEPS} steps, against {form}",
        setup=simulate,
        ours=ours(method),
        peer=peer,
        target=target,
        peer_name=f"vectorised NumPy, {form}",
        repetitions=3,
        gap=relative,
        largest_gap=largest_gap,
    )


CASES = (
    against(mirror_variables, "reverse", 8.0, 1e-9),
    against(mirror_variables, "checkpointed", 6.0, 1e-9),
    against(mirror_variables, "implicit", 12.0, 2e-2),
    against(one_vector, "reverse", 1.5, 1e-9),
)
