"""Dual steps in plain NumPy, with their derivatives in forward and in reverse mode."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from multiconvex.nested.hypergradients import hypergradient

N_INNER = 500
_KEPT = (1, 3, 10, 23, 46, 100, 200, 350, 500)
_COUNTS = (10, 18, 32, 56, 100, 178, 316, 562, 1000)


@dataclass(frozen=True)
class ModeRow:
    """What one way of differentiating costs, and how far it is from central differences.

    Attributes
    ----------
    mode : str
    runs_of_the_algorithm : float
        Forward passes, or passes of the same cost, for the derivative in all memberships.
    numbers_kept : int
        For one task, beside what a forward pass needs.
    relative_gap : float or None
        To central differences, over all memberships.
    """

    mode: str
    runs_of_the_algorithm: float
    numbers_kept: int
    relative_gap: float | None


def compare_modes(setting, n_tasks=4, n_inner=100, step=1e-5):
    """Differentiate the same steps in four ways, in all memberships of a few tasks."""
    theta, tasks = setting.theta["blurred"], slice(n_tasks)
    n_features, n_groups = theta.shape
    evaluate = partial(
        hypergradient, setting.problems, lam=setting.lam, n_inner=n_inner, tasks=range(n_tasks)
    )
    gradients = {
        method: evaluate(theta, method=method).theta.mean(axis=0)
        for method in ("reverse", "checkpointed")
    }
    differences, forward = np.zeros_like(theta), np.zeros_like(theta)
    for index in np.ndindex(theta.shape):
        unit = np.zeros_like(theta)
        unit[index] = 1.0
        sides = [evaluate(theta + s * unit).values.mean() for s in (step, -step)]
        differences[index] = (sides[0] - sides[1]) / (2.0 * step)
        forward[index] = forward_mode(setting, theta, unit, n_inner, tasks)[-1]
    gaps = {
        name: relative(gradient, differences)
        for name, gradient in {"forward": forward, **gradients}.items()
    }
    root = int(np.sqrt(n_inner))
    return [
        ModeRow("central differences", 2 * theta.size, 0, None),
        ModeRow("forward", 2 * theta.size, n_features, gaps["forward"]),
        ModeRow(
            "reverse, all mirror variables", 3, n_inner * n_features * (n_groups + 1), None
        ),
        ModeRow("reverse, one vector", 3, n_inner * n_features, gaps["reverse"]),
        ModeRow(
            "reverse, checkpoints", 4, (root + -(-n_inner // root)) * n_features,
            gaps["checkpointed"],
        ),
    ]  # fmt: skip


def forward_mode(setting, theta, direction, n_inner=N_INNER, tasks=slice(None)):
    """Derivatives along a direction of the mean loss after 0, 1, 2, ... Bregman steps."""
    tasks, lam = setting.problems.take(tasks), setting.lam
    step = tasks.curvature[:, None] / lam
    square, change = theta**2, 2.0 * theta * direction
    z, dz = np.zeros_like(tasks.rhs), np.zeros_like(tasks.rhs)
    slopes = []
    for _ in range(n_inner + 1):
        rho = np.sqrt(1.0 + z**2 @ square)
        d_rho = (2.0 * (z * dz) @ square + z**2 @ change) / (2.0 * rho)
        scale = lam / rho @ square.T
        d_scale = lam / rho @ change.T - lam * d_rho / rho**2 @ square.T
        w = _weights(tasks, tasks.rhs - scale * z)
        dw = -_weights(tasks, d_scale * z + scale * dz)
        slopes.append(np.sum(_slope(tasks, w) * dw, axis=1).mean())
        z, dz = z + step * w, dz + step * dw
    return np.array(slopes)


@dataclass(frozen=True, eq=False)
class Truncation:
    """Errors of derivatives after some inner steps, relative to those of the exact lower level.

    Attributes
    ----------
    counts : ndarray of int
    bregman, projection : dict of str to ndarray
        For each set of groups.
    """

    counts: np.ndarray
    bregman: dict
    projection: dict


def follow_truncation(setting, n_tasks=10):
    """Compare both kinds of steps with the exact derivative."""
    bregman, projection = {}, {}
    for name, theta in setting.theta.items():
        evaluate = partial(
            hypergradient, setting.problems, theta, setting.lam, tasks=range(n_tasks)
        )
        exact = evaluate(method="implicit").theta.mean(axis=0)
        gradients = [evaluate(n_inner=count).theta.mean(axis=0) for count in _COUNTS]
        bregman[name] = np.array([relative(gradient, exact) for gradient in gradients])
        gradients = [project_in_reverse(setting, theta, count, slice(n_tasks)) for count in _COUNTS]
        projection[name] = np.array([relative(gradient, exact) for gradient in gradients])
    return Truncation(np.array(_COUNTS), bregman, projection)


def project_in_reverse(setting, theta, n_inner=N_INNER, tasks=slice(None)):
    """Gradient of the mean loss where each step projects on the ball, off its corners."""
    tasks, lam = setting.problems.take(tasks), setting.lam
    step = tasks.curvature[:, None, None]
    v, path = np.zeros((*tasks.rhs.shape, theta.shape[1])), []
    for _ in range(n_inner + 1):
        u = _projected(v, v, lam)[0]
        w = _weights(tasks, tasks.rhs - np.sum(theta * u, axis=2))
        path.append((v, w))
        v = u + step * theta * w[:, :, None]
    gradient, adjoint = np.zeros_like(v), np.zeros_like(v)
    q = -_weights(tasks, _slope(tasks, w))[:, :, None]
    for k in range(n_inner, -1, -1):
        v, w = path[k]
        u, adjoint = _projected(v, adjoint + q * theta, lam)
        gradient += q * u
        if k > 0:
            gradient += step * adjoint * path[k - 1][1][:, :, None]
            q = -step * _weights(tasks, np.sum(adjoint * theta, axis=2))[:, :, None]
    return gradient.mean(axis=0)


def _projected(v, change, lam):
    """Projection of each column on a ball, and its derivative along ``change``."""
    length = np.linalg.norm(v, axis=1, keepdims=True)
    outside = length > lam
    length = np.where(outside, length, lam)
    inner = np.sum(v * change, axis=1, keepdims=True) * outside
    return lam * v / length, lam * (change / length - v * inner / length**3)


@dataclass(frozen=True, eq=False)
class Memory:
    """Error of a reverse pass that keeps and visits the last iterates only.

    Attributes
    ----------
    kept : ndarray of int
    errors : dict of str to ndarray
        Relative to the whole reverse pass, for each set of groups.
    """

    kept: np.ndarray
    errors: dict


def follow_memory(setting):
    """Stop the reverse pass early."""
    errors = {}
    for name, theta in setting.theta.items():
        partial_sums = reverse_mode(setting, theta)
        errors[name] = np.array(
            [relative(partial_sums[kept], partial_sums[-1]) for kept in _KEPT[:-1]] + [0.0]
        )
    return Memory(np.array(_KEPT), errors)


def reverse_mode(setting, theta, n_inner=N_INNER):
    """Gradients of the mean loss after 1, 2, ... steps of the reverse pass."""
    tasks, square, lam = setting.problems, theta**2, setting.lam
    path = _bregman_path(tasks, square, lam, n_inner)
    gradient, adjoint, out = np.zeros_like(theta), 0.0, []
    q = -_weights(tasks, _slope(tasks, path[-1].w))
    for z, rho, scale, _ in reversed(path):
        bend = lam * ((q * z) @ square) / rho**3
        gradient += (q * z).T @ (lam / rho) - 0.5 * (z**2).T @ bend
        out.append(2.0 * theta * gradient / len(z))
        adjoint = adjoint + scale * q - z * (bend @ square.T)
        q = -tasks.curvature[:, None] / lam * _weights(tasks, adjoint)
    return out


class _Iterate(NamedTuple):
    z: np.ndarray
    rho: np.ndarray
    scale: np.ndarray
    w: np.ndarray


def _bregman_path(tasks, square, lam, n_inner):
    z, path = np.zeros_like(tasks.rhs), []
    for _ in range(n_inner + 1):
        rho = np.sqrt(1.0 + z**2 @ square)
        scale = lam / rho @ square.T
        w = _weights(tasks, tasks.rhs - scale * z)
        path.append(_Iterate(z, rho, scale, w))
        z = z + tasks.curvature[:, None] / lam * w
    return path


@dataclass(frozen=True)
class ShortcutRow:
    """Errors after some inner steps, relative to the exact lower level.

    Attributes
    ----------
    inner_steps : int
    reverse_pass : float
    frozen_at_the_last_iterate : float
    length_of_z : float
        Median over tasks.
    """

    inner_steps: int
    reverse_pass: float
    frozen_at_the_last_iterate: float
    length_of_z: float


def try_shortcut(setting, counts=(100, 300, 1000)):
    """Pretend that the algorithm has been at its last iterate all the time."""
    theta = setting.theta["blurred"]
    evaluate = partial(hypergradient, setting.problems, theta, setting.lam)
    exact = evaluate(method="implicit").theta.mean(axis=0)
    rows = []
    for count in counts:
        unrolled = evaluate(n_inner=count).theta.mean(axis=0)
        frozen, length = _frozen_mode(setting, theta, count)
        rows.append(ShortcutRow(count, relative(unrolled, exact), relative(frozen, exact), length))
    return rows


def _frozen_mode(setting, theta, n_inner):
    """The reverse pass over mirror variables with the last iterate in place of all, and its z."""
    tasks, lam = setting.problems, setting.lam
    step = tasks.curvature[:, None, None] / lam
    z, rho, _, w = _bregman_path(tasks, theta**2, lam, n_inner)[-1]
    v, rho = theta * z[:, :, None], rho[:, None]
    gradient, adjoint = np.zeros_like(v), np.zeros_like(v)
    q = -_weights(tasks, _slope(tasks, w))[:, :, None]
    for k in range(n_inner + 1):
        gradient += q * lam * v / rho
        inner = np.sum(v * q * theta, axis=1, keepdims=True)
        adjoint += lam * (q * theta / rho - v * inner / rho**3)
        if k < n_inner:
            gradient += step * adjoint * w[:, :, None]
            q = -step * _weights(tasks, np.sum(adjoint * theta, axis=2))[:, :, None]
    return gradient.mean(axis=0), float(np.median(np.linalg.norm(z, axis=1)))


def _weights(tasks, left):
    """Minimiser of the smooth part of each task, given what stands against the penalty."""
    return (tasks.inverse @ left[:, :, None])[:, :, 0]


def _slope(tasks, w):
    """Derivative of each validation loss in the weights."""
    gap = (tasks.X_val @ w[:, :, None])[:, :, 0] - tasks.Y_val
    return (gap[:, None] @ tasks.X_val)[:, 0]


def relative(found, expected):
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
