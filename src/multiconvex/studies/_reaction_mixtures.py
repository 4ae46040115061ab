"""A reaction with three species, watched from some instant on, and what fits make of it."""

from dataclasses import dataclass

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.models.feasible_sets import feasible_set
from multiconvex.models.nmf import nmf

_RATES = (1.0, 0.45)
_BANDS = ((0.30, 0.34), (0.52, 0.30), (0.74, 0.38))
_SHOULDERS = ((0.78, 0.2, 0.35), (0.2, 0.22, 0.3), (0.45, 0.2, 0.25))


@dataclass(frozen=True, eq=False)
class Reaction:
    """Absorbance of a mixture in which A turns into B and B into C.

    Attributes
    ----------
    X : ndarray, shape (wavelengths, instants)
    W : ndarray, shape (wavelengths, 3)
        Spectra with sum one.
    H : ndarray, shape (instants, 3)
        Concentrations.
    wavelengths, times : ndarray
    """

    X: np.ndarray
    W: np.ndarray
    H: np.ndarray
    wavelengths: np.ndarray
    times: np.ndarray


def make_reaction(first=0.4, *, last=5.0, noise=0.0, wavelengths=40, instants=30, random_state=0):
    """Simulate a recording from one instant to another, in units of the life of A.

    Parameters
    ----------
    first, last : float
    noise : float
        Standard deviation of the noise, as a fraction of the largest entry.
    wavelengths, instants : int
    random_state : int, numpy.random.Generator or None
    """
    places, times = np.linspace(0.0, 1.0, wavelengths), np.linspace(first, last, instants)
    W = np.column_stack(
        [
            _band(places, *main) + height * _band(places, centre, width)
            for main, (centre, width, height) in zip(_BANDS, _SHOULDERS)
        ]
    )
    W = W / W.sum(axis=0)
    fast, slow = _RATES
    a = np.exp(-fast * times)
    b = fast / (slow - fast) * (a - np.exp(-slow * times))
    H = np.column_stack([a, b, 1.0 - a - b])
    X = W @ H.T
    rng = np.random.default_rng(random_state)
    X = X + noise * X.max() * rng.standard_normal(X.shape)
    return Reaction(X, W, H, 400.0 + 300.0 * places, times)


def _band(places, centre, width):
    """A smooth band that ends where it ends."""
    return np.maximum(1.0 - ((places - centre) / width) ** 2, 0.0) ** 2


@dataclass(frozen=True, eq=False)
class Starts:
    """What nonnegative factorisations from random starts have found.

    Attributes
    ----------
    found : ndarray, shape (fits, m, rank)
        Left factors of the fits that reproduce the data to rounding, columns with sum one.
    starts : int
        How many fits were tried.
    inside : int
        How many of those found the feasible set contains.
    solutions : FeasibleSet
    """

    found: np.ndarray
    starts: int
    inside: int
    solutions: object


def collect_starts(X, rank=3, *, starts=1000, max_iter=150):
    """Factorise exact data from random starts and ask the feasible set whether it knew.

    A fit is stopped as soon as its error is that of rounding; those that do not get there are no
    factorisations and do not count.
    """
    enough = 1e-24 * np.square(X).sum()
    solutions = feasible_set(X, rank, noise=0.0)
    fits = (
        nmf(
            X, rank, init="random", random_state=seed, tol=0, max_iter=max_iter,
            acceleration=Extrapolation(),
            callback=lambda sweep: sweep.objective <= enough,
        )
        for seed in range(starts)
    )  # fmt: skip
    found = np.array([fit.W / fit.W.sum(axis=0) for fit in fits if fit.objective <= enough])
    inside = sum(solutions.contains(W, tol=1e-7) for W in found)
    return Starts(found, starts, inside, solutions)
