r"""Experiments of the chapter on Poisson and Gaussian noise.

Errors are mean angles, in degrees, between estimated and true spectra: they do not depend on the
scale of a component, and favour no loss.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from multiconvex.diagnostics import match_components
from multiconvex.stabilisation import (
    ShiftedKullbackLeibler,
    StabilizedSquares,
    anscombe,
    inverse_anscombe,
)
from multiconvex.studies._photon_scenes import (
    METHODS,
    Counts,
    fit_by,
    make_counts,
    spectral_error,
)

__all__ = [
    "Counts",
    "Fits",
    "LossCurves",
    "Variances",
    "compare_losses",
    "compare_ranges",
    "fit_by",
    "follow_variance",
    "make_counts",
    "measure_offsets",
    "misstate_noise",
    "show_fits",
    "spectral_error",
]

LEVELS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
SEEDS = 5
_NODES = 401


@dataclass(frozen=True)
class Variances:
    """What a transform does to counts, against their mean; exact sums, nothing is drawn.

    Attributes
    ----------
    means : ndarray
    spread : dict of str to ndarray
        Variance of the transformed counts.
    answers : dict of str to ndarray
        Expected counts that an inverse reports for the mean of the transformed counts.
    """

    means: np.ndarray
    spread: dict[str, np.ndarray]
    answers: dict[str, np.ndarray]


@dataclass(frozen=True)
class LossCurves:
    """Errors of all methods against the mean number of photons.

    Attributes
    ----------
    deviation : float
    levels : tuple of float
    angles : dict of str to ndarray, shape (levels, seeds)
    """

    deviation: float
    levels: tuple[float, ...]
    angles: dict[str, np.ndarray]

    def median(self, method):
        """Return the median over seeds at each level."""
        return np.median(self.angles[method], axis=1)

    @property
    def rows(self):
        """Median errors of all methods, one line for each level."""
        return [
            {"photons": f"{level:g}"} | {name: self.median(name)[i] for name in self.angles}
            for i, level in enumerate(self.levels)
        ]


@dataclass(frozen=True)
class Fits:
    """Spectra of one scene, by two methods."""

    counts: Counts
    spectra: dict[str, np.ndarray]
    angles: dict[str, float]


def follow_variance(deviation=0.0):
    """Return variances of raw and transformed counts, and what two inverses report."""
    means = np.geomspace(0.05, 100.0, 60)
    counts = np.arange(400.0)
    nodes = np.linspace(-8.0, 8.0, _NODES)
    weights = np.exp(-0.5 * np.square(nodes))
    values = counts[:, None] + deviation * nodes
    chances = poisson.pmf(counts, means[:, None])

    def expectation(array):
        return chances @ (array @ weights / weights.sum())

    transforms = {
        "counts": values,
        "square root": 2.0 * np.sqrt(np.maximum(values + deviation**2, 0.0)),
        "Anscombe": anscombe(values, deviation=deviation),
    }
    first = {name: expectation(array) for name, array in transforms.items()}
    spread = {
        name: expectation(np.square(array)) - np.square(first[name])
        for name, array in transforms.items()
    }
    squared = np.square(first["Anscombe"]) / 4.0
    answers = {
        "algebraic": squared - 3.0 / 8.0 - deviation**2,
        "unbiased": inverse_anscombe(first["Anscombe"], deviation=deviation),
    }
    return Variances(means, spread, answers)


def compare_losses(deviation=0.0, *, levels=LEVELS, n_seeds=SEEDS, methods=METHODS):
    """Return errors of all methods over numbers of photons, for one read noise."""
    angles = {method: np.zeros((len(levels), n_seeds)) for method in methods}
    for i, level in enumerate(levels):
        for seed in range(n_seeds):
            counts = make_counts(level, deviation, random_state=seed)
            for method in methods:
                fit = fit_by(method, counts)
                angles[method][i, seed] = spectral_error(fit.H, counts.H)
    return LossCurves(deviation, tuple(levels), angles)


def compare_ranges(decades=(0.0, 1.0, 2.0, 3.0), level=10.0, *, n_seeds=SEEDS):
    """How much the dynamic range of the pixels decides: errors by squares and by counts."""
    rows = []
    for span in decades:
        scenes = [make_counts(level, decades=span, random_state=seed) for seed in range(n_seeds)]
        squares, counted = (
            np.median([spectral_error(fit_by(method, s).H, s.H) for s in scenes])
            for method in ("squares", "KL, clipped")
        )
        rows.append(
            {"decades": span, "squares": squares, "KL": counted, "ratio": squares / counted}
        )
    return rows


def misstate_noise(factors=(0.0, 0.3, 1.0, 3.0), level=3.0, deviation=3.0, *, n_seeds=SEEDS):
    """What a wrong read noise costs: errors where the model is told a multiple of the true one."""
    scenes = [make_counts(level, deviation, random_state=seed) for seed in range(n_seeds)]
    rows = []
    for factor in factors:
        told = [Counts(s.X if factor else np.maximum(s.X, 0.0), s.W, s.H, factor * deviation)
                for s in scenes]  # fmt: skip
        row = {"told": f"{factor * deviation:g}"}
        for method in ("KL, shifted", "stabilised"):
            row[method] = np.median([spectral_error(fit_by(method, s).H, s.H) for s in told])
        rows.append(row)
    return rows


def show_fits(level, deviation=3.0, *, random_state=0):
    """Return one scene with its spectra by squares and by shifted counts."""
    counts = make_counts(level, deviation, random_state=random_state)
    spectra, angles = {}, {}
    for method in ("squares", "KL, shifted"):
        fit = fit_by(method, counts)
        order, _ = match_components(fit.H, counts.H)
        H = fit.H[:, order]
        spectra[method] = H / np.maximum(H.max(axis=0), np.finfo(float).tiny)
        angles[method] = spectral_error(fit.H, counts.H)
    return Fits(counts, spectra, angles)


def measure_offsets(offsets=(0.0, 1.0, 10.0, 100.0, 1000.0)):
    """How a growing constant turns both losses into squares: ratios of losses of one pair.

    The squares are divided by ``2 (z + c)``, which is constant where ``c`` is large.
    """
    rng = np.random.default_rng(0)
    z = rng.uniform(1.0, 20.0, 400)
    y = rng.poisson(z).astype(float)
    rows = []
    for c in offsets:
        squares = float(np.sum((y - z) ** 2)) / (2.0 * (c + z.mean()))
        rows.append(
            {
                "constant": f"{c:g}",
                "KL, shifted": ShiftedKullbackLeibler(c).value(y, z) / squares,
                "stabilised": StabilizedSquares(c).value(y, z) / squares,
            }
        )
    return rows
