"""Two ways into a ball: the projection, which has corners, and the Bregman step, which has none."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize


@dataclass(frozen=True, eq=False)
class BallMaps:
    """Both maps on a line through the centre of a ball, and their derivatives along it.

    Attributes
    ----------
    lam : float
        Radius.
    v : ndarray
    projection, bregman : ndarray of shape (2, len(v))
        Images, and derivatives.
    """

    lam: float
    v: np.ndarray
    projection: np.ndarray
    bregman: np.ndarray


def compare_maps(lam=1.0, reach=3.0):
    """Follow both maps along a line; the Bregman step is as steep in the centre as its radius."""
    v = np.linspace(-reach, reach, 301)
    clipped = np.array([np.clip(v, -lam, lam), np.abs(v) < lam])
    length = np.sqrt(1.0 + v**2)
    return BallMaps(lam, v, clipped, np.array([lam * v / length, lam / length**3]))


@dataclass(frozen=True)
class StepGap:
    """How far a formula for the Bregman step is from the numerical minimiser.

    Attributes
    ----------
    norm : str
        Which norm the formula divides by.
    distance : float
        Largest over groups and draws, in units of the radius.
    """

    norm: str
    distance: float


def check_bregman_step(lam=0.7, shape=(6, 3), n_draws=20, random_state=0):
    """Compare the formula with each group's norm, and with that of all groups, with a minimiser."""
    rng = np.random.default_rng(random_state)
    worst = {"of the group": 0.0, "of all groups": 0.0}
    for _ in range(n_draws):
        v = 2.0 * rng.standard_normal(shape)
        u = np.column_stack([_minimised(column, lam) for column in v.T])
        divisors = {
            "of the group": np.sqrt(1.0 + np.sum(v**2, axis=0)),
            "of all groups": np.sqrt(1.0 + np.sum(v**2)),
        }
        for norm, divisor in divisors.items():
            gaps = np.linalg.norm(lam * v / divisor - u, axis=0)
            worst[norm] = max(worst[norm], float(gaps.max()) / lam)
    return [StepGap(norm, distance) for norm, distance in worst.items()]


def _minimised(v, lam):
    """Minimise ``-sqrt(lam² - |u|²) - <u, v>`` over the ball, in coordinates that fill space."""

    def value_and_slope(x):
        length = np.sqrt(1.0 + x @ x)
        u = lam * x / length
        pull = u / np.sqrt(lam**2 - u @ u) - v
        slope = lam * (pull / length - x * (x @ pull) / length**3)
        return -np.sqrt(lam**2 - u @ u) - u @ v, slope

    x = minimize(value_and_slope, np.zeros_like(v), jac=True, method="BFGS", tol=1e-12).x
    return lam * x / np.sqrt(1.0 + x @ x)
