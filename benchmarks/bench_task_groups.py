"""Derivatives of a validation loss in the groups of classification tasks."""

from typing import NamedTuple

import numpy as np
from harness import Case
from scipy.special import expit

from multiconvex import LabelledTasks, task_hypergradient

_TASKS, _SAMPLES, _FEATURES, _GROUPS, _STEPS = 50, 30, 15, 8, 40
_LAM, _RIDGE = 8.0, 0.3
_NEWTON_STEPS = 8


class Halves(NamedTuple):
    """Tasks in five planted groups, fitted and judged on different samples."""

    X: np.ndarray
    Y: np.ndarray
    training: LabelledTasks
    judging: LabelledTasks
    theta: np.ndarray


def simulate(seed=0):
    rng = np.random.default_rng(seed)
    directions = 3.0 * np.linalg.qr(rng.standard_normal((_FEATURES, 5)))[0].T
    weights = directions[np.arange(_TASKS) % 5]
    X = rng.standard_normal((2, _TASKS, _SAMPLES, _FEATURES))
    Y = (rng.random(X.shape[:3]) < expit(np.einsum("htnp,tp->htn", X, weights))).astype(float)
    tasks = [LabelledTasks.prepare(list(x), list(y), ridge=_RIDGE) for x, y in zip(X, Y)]
    return Halves(X, Y, *tasks, rng.dirichlet(np.ones(_GROUPS), _TASKS))


def ours(halves):
    return task_hypergradient(
        halves.training, halves.judging, halves.theta, _LAM, n_inner=_STEPS
    ).theta


def mirror_variables(halves):
    """All tasks at once in NumPy: a mirror variable and a singular value decomposition a group."""
    X, y = halves.X[0], halves.Y[0]
    X = np.concatenate([X, np.ones((*X.shape[:2], 1))], axis=2)
    ridge = np.append(np.full(_FEATURES, _RIDGE), 0.0)
    masks, step = halves.theta.T[:, :, None], _RIDGE / _LAM

    def hessians(w):
        odds = expit(np.einsum("tnp,tp->tn", X, w))
        curved = X * (odds * (1.0 - odds))[:, :, None]
        return X.transpose(0, 2, 1) @ curved + np.diag(ridge)

    def minimisers(tilt, w):
        for _ in range(_NEWTON_STEPS):
            gap = expit(np.einsum("tnp,tp->tn", X, w)) - y
            slope = np.einsum("tnp,tn->tp", X, gap) + ridge * w
            slope[:, :-1] += tilt
            w = w - np.linalg.solve(hessians(w), slope[:, :, None])[:, :, 0]
        return w

    def pulled(w, bar):
        return -np.linalg.solve(hessians(w), bar[:, :, None])[:, :-1, 0]

    v, w, path = np.zeros((_GROUPS, _TASKS, _FEATURES)), np.zeros((_TASKS, _FEATURES + 1)), []
    for _ in range(_STEPS + 1):
        decomposed = np.linalg.svd(v, full_matrices=False)
        left, s, right = decomposed
        u = _LAM * (left * (s / np.sqrt(1.0 + s**2))[:, None, :]) @ right
        w = minimisers(np.sum(masks * u, axis=0), w)
        path.append((v, u, decomposed, w))
        v = v + step * masks * w[:, :-1]
    gap = expit(np.einsum("tnp,tp->tn", halves.X[1], w[:, :-1]) + w[:, -1:]) - halves.Y[1]
    bar = np.concatenate([np.einsum("tnp,tn->tp", halves.X[1], gap), gap.sum(1)[:, None]], axis=1)
    bar, slopes, a = bar / gap.size, 0.0, 0.0
    for v, u, decomposed, w in reversed(path):
        slopes = slopes + step * np.einsum("ltp,tp->tl", np.broadcast_to(a, v.shape), w[:, :-1])
        q = pulled(w, bar)
        slopes = slopes + np.einsum("tp,ltp->tl", q, u)
        a = a + spectral_jacobian(decomposed, masks * q)
        bar = np.concatenate([step * np.sum(masks * a, axis=0), np.zeros((_TASKS, 1))], axis=1)
    return slopes


def spectral_jacobian(decomposed, a):
    """The derivative of singular values through the ball, by their divided differences."""
    left, s, right = decomposed
    root = np.sqrt(1.0 + s**2)
    si, sj, ri, rj = s[:, :, None], s[:, None, :], root[:, :, None], root[:, None, :]
    mixed = np.maximum(si * rj + sj * ri, 1e-300)
    sums, product = si + sj, ri * rj
    alike = np.where(sums > 0, sums / (product * mixed), 1.0)
    unlike = np.where(sums > 0, mixed / (product * np.maximum(sums, 1e-300)), 1.0)
    inner = left.transpose(0, 2, 1) @ a @ right.transpose(0, 2, 1)
    turned = inner.transpose(0, 2, 1)
    core = 0.5 * (alike * (inner + turned) + unlike * (inner - turned))
    rest = a @ right.transpose(0, 2, 1) - left @ inner
    return _LAM * (left @ core + rest / root[:, None, :]) @ right


def relative(found, expected):
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


CASES = (
    Case(
        name=f"hypergradient of task groups, T {_TASKS}, N {_SAMPLES}, P {_FEATURES}, "
        f"L {_GROUPS}, {_STEPS} steps",
        setup=simulate,
        ours=ours,
        peer=mirror_variables,
        target=2.0,
        peer_name="vectorised NumPy, mirror variables and SVD",
        repetitions=3,
        gap=relative,
        largest_gap=1e-6,
    ),
)
