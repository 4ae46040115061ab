"""The method of Lawson and Hanson with a memory of its steps, for the chapter on regression."""

from dataclasses import dataclass

import numpy as np

from multiconvex import nnls

SMALL_W = np.array([[8.0, 0, 6, 1], [9, 8, 9, 3], [6, 5, 0, 5], [5, 6, 2, 0]])
SMALL_Y = np.array([0.0, 7, 7, 1])
TRAP_W = np.array([[0.2, -0.4, 0.5], [0.8, 1.3, -0.9], [-0.9, -0.2, 1.8]])
TRAP_Y = np.array([-0.8, 0.4, -0.3])
TRAP_START = np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True, eq=False)
class Step:
    """A state of the method of Lawson and Hanson.

    Attributes
    ----------
    action : str
        What has just been done.
    support : ndarray of bool, shape (r,)
    x : ndarray, shape (r,)
        The feasible point.
    candidate : ndarray, shape (r,)
        Least-squares solution on the support, to which the next walk leads.
    multipliers : ndarray, shape (r,)
        ``W.T @ (W @ x - y)``, nonnegative off the support at the solution.
    objective : float
    """

    action: str
    support: np.ndarray
    x: np.ndarray
    candidate: np.ndarray
    multipliers: np.ndarray
    objective: float


def active_set_steps(W, y, start):
    """Lawson and Hanson from any nonnegative start, with a memory of its steps."""
    x = np.array(start, float)
    support = x > 0
    steps = [_step("start", W, y, support, x)]
    if support.any():
        x = _walk_to_feasible(W, y, support, x, steps)
    while True:
        slopes = np.where(support, 0.0, steps[-1].multipliers)
        entering = int(np.argmin(slopes))
        if slopes[entering] >= -1e-12 * np.abs(W.T @ y).max():
            return tuple(steps)
        support[entering] = True
        steps.append(_step(f"{entering + 1} enters", W, y, support, x))
        x = _walk_to_feasible(W, y, support, x, steps)


def careless_active_set(W, y, start):
    """The same method as printed in the literature for a warm start, which can stop too early.

    An index enters before the start is optimal on its own support, and the loop ends when the
    support has not changed.
    """
    x = np.array(start, float)
    support = x > 0
    steps = []
    for _ in range(100):
        before = support.copy()
        if not support.all():
            support[np.argmin(np.where(support, np.inf, W.T @ (W @ x - y)))] = True
        x = _walk_to_feasible(W, y, support, x, steps)
        if np.array_equal(support, before):
            break
    return x


def count_warm_start_failures(trials=600, random_state=0):
    """Count the non-optimal answers of both methods from random sparse starts.

    Returns
    -------
    careless, careful : int
    """
    rng = np.random.default_rng(random_state)
    failures = np.zeros(2, int)
    for _ in range(trials):
        W, y = rng.standard_normal((3, 3)), rng.standard_normal(3)
        start = rng.random(3) * (rng.random(3) < 0.5)
        best = nnls(W, y).objective
        answers = careless_active_set(W, y, start), active_set_steps(W, y, start)[-1].x
        failures += [0.5 * np.sum((y - W @ x) ** 2) > best + 1e-9 for x in answers]
    return tuple(int(count) for count in failures)


def _step(action, W, y, support, x):
    gap = W @ x - y
    return Step(
        action, support.copy(), x.copy(), _on_support(W, y, support), W.T @ gap, 0.5 * gap @ gap
    )


def _on_support(W, y, support):
    z = np.zeros(W.shape[1])
    z[support] = np.linalg.lstsq(W[:, support], y, rcond=None)[0]
    return z


def _walk_to_feasible(W, y, support, x, steps):
    """Walk towards the least-squares solution and drop what reaches zero, until it is feasible."""
    while True:
        z = _on_support(W, y, support)
        blocking = np.flatnonzero(support & (z <= 0))
        if len(blocking) == 0:
            steps.append(_step("solve", W, y, support, z))
            return z
        lengths = x[blocking] / np.maximum(x[blocking] - z[blocking], np.finfo(float).tiny)
        leaving = blocking[lengths.argmin()]
        x = np.where(support, x + lengths.min() * (z - x), 0.0)
        x[leaving], support[leaving] = 0.0, False
        steps.append(_step(f"{leaving + 1} leaves", W, y, support, x))
