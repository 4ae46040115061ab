"""Photon counts and the Kullback-Leibler divergence, for the chapter on regression."""

from dataclasses import dataclass

import numpy as np

from multiconvex import (
    MultiplicativeUpdate,
    NoLips,
    NonNegative,
    RelativeDecrease,
    ScalarNewton,
    alternate,
    kkt_residual,
    nnkl,
    nnls,
)
from multiconvex.kernels import safe_step
from multiconvex.losses import KullbackLeibler
from multiconvex.regression import DivergenceRegression


@dataclass(frozen=True, eq=False)
class Sky:
    """Photons of a few stars on a line of detectors, seen through a blur.

    Attributes
    ----------
    blur : ndarray, shape (detectors, candidates)
        Columns sum to one.
    counts : ndarray, shape (detectors,)
    positions : ndarray, shape (candidates,)
        Of the candidate stars, in detectors.
    truth : ndarray, shape (candidates,)
    """

    blur: np.ndarray
    counts: np.ndarray
    positions: np.ndarray
    truth: np.ndarray


def make_sky(random_state=0):
    """Five stars among 81 candidate positions, 40 detectors, about 4000 photons."""
    detectors = np.arange(40) + 0.5
    positions = np.linspace(0.0, 40.0, 81)
    blur = np.exp(-0.5 * ((detectors[:, None] - positions) / 1.8) ** 2)
    blur /= blur.sum(axis=0)
    truth = np.zeros(81)
    truth[[10, 28, 33, 55, 70]] = [930.0, 560.0, 740.0, 280.0, 1490.0]
    counts = np.random.default_rng(random_state).poisson(blur @ truth).astype(float)
    return Sky(blur, counts, positions, truth)


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What two regressions see in a sky.

    Attributes
    ----------
    sky : Sky
    least_squares, kullback_leibler : ndarray, shape (candidates,)
    """

    sky: Sky
    least_squares: np.ndarray
    kullback_leibler: np.ndarray


def reconstruct_sky(sky):
    """Regress the counts on the blurred candidates, under both losses."""
    return Reconstruction(sky, nnls(sky.blur, sky.counts).x, _solve_kl(sky).x)


def compare_nnkl_updates(sky, sweeps=2000):
    """Run the rules for the Kullback-Leibler loss from the same constant start.

    Returns
    -------
    runs : dict of str to Result
    best : float
        Objective after many safe second-order sweeps.
    """
    rules = {
        "NoLips, half step": NoLips(alpha=0.5),
        "NoLips": NoLips(),
        "multiplicative": MultiplicativeUpdate(),
        "second order": ScalarNewton(),
    }
    runs = {
        name: nnkl(sky.blur, sky.counts, update=rule, max_iter=sweeps, tol=0.0)
        for name, rule in rules.items()
    }
    return runs, _solve_kl(sky).objective


def _solve_kl(sky, l1=0.0):
    rule = ScalarNewton(sweeps=100)
    return nnkl(sky.blur, sky.counts, update=rule, l1=l1, max_iter=300, tol=0.0)


@dataclass(frozen=True, eq=False)
class Divergences:
    """The Kullback-Leibler divergence from three data values as the model varies.

    Attributes
    ----------
    model : ndarray
    values, curvatures : dict of float to ndarray
        By data value.
    """

    model: np.ndarray
    values: dict
    curvatures: dict


def profile_divergence(data=(0.0, 1.0, 3.0)):
    """Values and second derivatives of ``y log(y/z) - y + z`` for each data value ``y``."""
    model = np.geomspace(0.02, 8.0, 160)
    kl = KullbackLeibler()
    return Divergences(
        model,
        {y: np.array([kl.value(y, z) for z in model]) for y in data},
        {y: y / model**2 for y in data},
    )


@dataclass(frozen=True, eq=False)
class Majorants:
    """The cost of a Kullback-Leibler regression along one coordinate, and what lies above it.

    Attributes
    ----------
    grid : ndarray
        Values of the first coordinate; the second is fixed.
    cost, multiplicative, burg : ndarray
        The cost and its two separable majorants at ``point``, constants included.
    point, value : float
        Current first coordinate and its cost.
    minimum : float
        Minimiser of the cost along the coordinate.
    next_points : dict of str to float
        Where each rule moves the coordinate.
    """

    grid: np.ndarray
    cost: np.ndarray
    multiplicative: np.ndarray
    burg: np.ndarray
    point: float
    value: float
    minimum: float
    next_points: dict


def slice_majorants(point, other=1.0):
    """Majorants along the first of two coordinates, at the current point ``(point, other)``."""
    W = np.array([[1.0, 0.3], [0.7, 0.6], [0.2, 1.0]])
    y = np.array([2.0, 2.0, 1.0])
    grid = np.geomspace(0.05, 6.0, 200)
    kl = KullbackLeibler()
    cost = np.array([kl.value(y, W @ (t, other)) for t in grid])
    model = W @ (point, other)
    total, pull = W[:, 0].sum(), W[:, 0] @ (y / model)
    bend = W[:, 0] ** 2 @ (y / model**2)
    value = kl.value(y, model)
    ratio = grid / point
    slope = total - pull
    return Majorants(
        grid=grid,
        cost=cost,
        multiplicative=value + total * (grid - point) - point * pull * np.log(ratio),
        burg=value + slope * (grid - point) + y.sum() * (ratio - np.log(ratio) - 1.0),
        point=point,
        value=value,
        minimum=float(grid[cost.argmin()]),
        next_points={
            "NoLips": point / (1.0 + point * slope / y.sum()),
            "multiplicative": point * pull / total,
            "second order": safe_step(point, total, pull, bend, 0.0),
        },
    )


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """Solutions of both regressions of a sky under one l1 weight.

    Attributes
    ----------
    fraction : float
        The weight, in units of the one that empties the sky for least squares, and of the column
        sums for Kullback-Leibler.
    reconstruction : Reconstruction
    losses : tuple of two floats
        Loss without the penalty, relative to the one at weight zero.
    """

    fraction: float
    reconstruction: Reconstruction
    losses: tuple


def shrink_sky(sky, fractions):
    """Solve both regressions for each l1 weight."""
    kl = KullbackLeibler()
    solutions = [
        Reconstruction(
            sky,
            nnls(sky.blur, sky.counts, l1=fraction * (sky.blur.T @ sky.counts).max()).x,
            _solve_kl(sky, l1=fraction).x,
        )
        for fraction in fractions
    ]
    losses = np.array(
        [
            (
                0.5 * np.sum((sky.counts - sky.blur @ s.least_squares) ** 2),
                kl.value(sky.counts, sky.blur @ s.kullback_leibler),
            )
            for s in solutions
        ]
    )
    return tuple(
        Shrinkage(fraction, solution, tuple(relative))
        for fraction, solution, relative in zip(fractions, solutions, losses / losses[0])
    )


@dataclass(frozen=True)
class Escape:
    """What a rule does with a start that has a zero where the solution has none.

    Attributes
    ----------
    rule : str
    entry : float
        The entry that starts at zero, in the end.
    residual : float
        Violation of the optimality conditions.
    """

    rule: str
    entry: float
    residual: float


def start_from_zero(sweeps=500):
    """Start a two-variable Kullback-Leibler regression at ``(0, 1)``, which ``nnkl`` refuses."""
    W = np.array([[1.0, 0.3], [0.7, 0.6], [0.2, 1.0]])
    y = W @ (2.0, 1.0)
    rules = {
        "multiplicative, no floor": MultiplicativeUpdate(floor=0.0),
        "multiplicative, floor 1e-12": MultiplicativeUpdate(),
        "second order": ScalarNewton(),
    }
    problem = DivergenceRegression(W, y[:, None], KullbackLeibler(), NonNegative())
    start, fixed = np.array([[0.0, 1.0]]), RelativeDecrease(0.0)
    rows = []
    for name, rule in rules.items():
        result = alternate(problem, (start,), rule, stop=fixed, max_iter=sweeps)
        x = result.blocks["x"][0]
        rows.append(Escape(name, float(x[0]), kkt_residual(W, y, x, loss="kullback-leibler")))
    return rows
