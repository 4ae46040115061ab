"""A reaction followed by a slow fluorimeter and a fast spectrometer, fitted apart and together."""

from dataclasses import dataclass

import numpy as np

from multiconvex import (
    Coupling,
    NonNegative,
    coupled_factorization,
    factor_match_score,
    match_components,
)

SPECIES = ("reactant", "intermediate", "product")
RATES = (0.5, 0.12)
"""Of the two steps of the reaction, per minute."""

PAIR = ((0, 0), (1, 0))


@dataclass(frozen=True, eq=False)
class Reaction:
    """A tensor and a matrix that share their courses in time, sampled at different minutes.

    Attributes
    ----------
    tensor : ndarray, shape (11, 24, 14)
        Fluorescence over minutes, emission and excitation; NaN where scattered light hides it.
    matrix : ndarray, shape (61, 40)
        Absorbance over minutes and wavelength.
    minutes : tuple of ndarray
        Of both instruments.
    grid : ndarray, shape (21,)
        Nodes of the shared courses.
    factors : tuple of tuple of ndarray
        The truth behind both: courses, then spectra.
    clean : tuple of ndarray
        Both data sets without noise, and with nothing missing.
    noise : tuple of float
        Standard deviations.
    """

    tensor: np.ndarray
    matrix: np.ndarray
    minutes: tuple
    grid: np.ndarray
    factors: tuple
    clean: tuple
    noise: tuple

    @property
    def data(self):
        return [self.tensor, self.matrix]

    @property
    def missing(self):
        """Fraction of the tensor that is missing."""
        return float(np.isnan(self.tensor).mean())

    @property
    def coupling(self):
        """Both instruments sample courses that are straight between the nodes of the grid."""
        return Coupling.on_grids(PAIR, self.grid, self.minutes)


def observe_reaction(*, noise=(0.02, 0.05), lag=0.0, random_state=0):
    """Simulate both instruments.

    Parameters
    ----------
    noise : pair of float
        Standard deviation relative to that of each data set.
    lag : float
        Minutes by which the clock of the spectrometer is late.
    random_state : int or numpy.random.Generator
    """
    rng = np.random.default_rng(random_state)
    slow = np.linspace(0.0, 30.0, 11)
    fast = 30.0 * ((np.arange(61) + rng.uniform(-0.4, 0.4, 61)).clip(0.0, 60.0) / 60.0) ** 1.5
    fluorescence = courses(slow), bands(24, (6, 12, 17), 3.0), bands(14, (3, 6, 10), 2.0)
    absorbance = courses(np.maximum(fast - lag, 0.0)), bands(40, (12, 18, 25), 7.0)
    clean = np.einsum("iq,jq,kq->ijk", *fluorescence), absorbance[0] @ absorbance[1].T
    sigma = tuple(share * X.std() for share, X in zip(noise, clean))
    tensor, matrix = (X + s * rng.standard_normal(X.shape) for X, s in zip(clean, sigma))
    emission, excitation = np.arange(24)[:, None], np.arange(14)[None, :]
    tensor[:, np.abs(emission - 1.6 * excitation) < 2.0] = np.nan
    tensor[rng.random(tensor.shape) < 0.05] = np.nan
    return Reaction(
        tensor,
        matrix,
        (slow, fast),
        30.0 * np.linspace(0.0, 1.0, 21) ** 1.5,
        (fluorescence, absorbance),
        clean,
        sigma,
    )


def courses(minutes):
    """Return the amounts of three species in two steps of first order, shape (minutes, 3)."""
    first, second = RATES
    reactant = np.exp(-first * minutes)
    between = first / (second - first) * (reactant - np.exp(-second * minutes))
    return np.column_stack([reactant, between, 1.0 - reactant - between])


def bands(size, centres, width):
    """Return bell-shaped spectra, one for each centre, in columns."""
    return np.exp(-0.5 * ((np.arange(size)[:, None] - np.array(centres)) / width) ** 2)


@dataclass(frozen=True)
class FitScore:
    """How near a fit comes to the truth.

    Attributes
    ----------
    fit : str
    fluorescence, absorbance : float or None
        Mean similarity of the spectra in each data set, 1 where they are right; None where a
        data set was not fitted.
    course_error, hidden_error : float or None
        Relative errors of the courses on a fine grid, and of the missing part of the tensor.
    """

    fit: str
    fluorescence: float | None
    absorbance: float | None
    course_error: float | None
    hidden_error: float | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fits of one reaction, apart and together.

    Attributes
    ----------
    reaction : Reaction
    scores : tuple of FitScore
    results : dict of str to CoupledFactorization
    """

    reaction: Reaction
    scores: tuple
    results: dict


def compare_fits(reaction, *, n_starts=1, random_state=0):
    """Fit the tensor alone, the matrix alone, and both with weights from their noise."""
    options = {"penalties": NonNegative(), "n_starts": n_starts, "random_state": random_state}
    together = {**options, "couplings": [reaction.coupling]}
    results = {
        "tensor alone": coupled_factorization([reaction.tensor], 3, weights=(1,), **options),
        "matrix alone": coupled_factorization([reaction.matrix], 3, weights=(1,), **options),
        "together": coupled_factorization(reaction.data, 3, **together),
    }
    which = {"tensor alone": (0,), "matrix alone": (1,)}
    scores = [score(reaction, name, fit, which.get(name, (0, 1))) for name, fit in results.items()]
    return Comparison(reaction, tuple(scores), results)


def score(reaction, name, fit, datasets=(0, 1)):
    """Compare a fit of some of the data sets with the truth."""
    spectra = {
        i: factor_match_score(factors[1:], reaction.factors[i][1:])
        for i, factors in zip(datasets, fit.factors)
    }
    i = datasets[-1]
    grid, found = (reaction.grid, fit.shared[0]) if fit.shared else on_axis(reaction, fit, i)
    hidden = None
    if datasets[0] == 0:
        holes = np.isnan(reaction.tensor)
        gap = (fit.reconstruct()[0] - reaction.clean[0])[holes]
        hidden = float(np.linalg.norm(gap) / np.linalg.norm(reaction.clean[0][holes]))
    return FitScore(name, spectra.get(0), spectra.get(1), course_error(grid, found), hidden)


def on_axis(reaction, fit, dataset):
    """Return the minutes of an instrument and the courses that were fitted to it alone."""
    return reaction.minutes[dataset], fit.factors[0][0]


def course_error(minutes, found):
    """Return the relative error of courses between their minutes, at their best scales."""
    fine = np.linspace(minutes[0], minutes[-1], 301)
    truth = courses(fine)
    curves = np.column_stack([np.interp(fine, minutes, column) for column in found.T])
    curves = curves[:, match_components(curves, truth)[0]]
    scales = (curves * truth).sum(axis=0) / np.maximum((curves**2).sum(axis=0), 1e-300)
    return float(np.linalg.norm(scales * curves - truth) / np.linalg.norm(truth))
