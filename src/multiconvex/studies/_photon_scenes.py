r"""Simulated pixels in front of a detector, and the ways to factorise what it reports."""

from dataclasses import dataclass

import numpy as np

from multiconvex.diagnostics import match_components
from multiconvex.models.detector_nmf import poisson_gaussian_nmf
from multiconvex.models.nmf import nmf
from multiconvex.stabilisation import anscombe, inverse_anscombe

PIXELS, BANDS, RANK = 60, 40, 3
METHODS = ("squares", "KL, clipped", "KL, shifted", "stabilised", "transform first")
_OPTIONS = {"max_iter": 5000, "tol": 1e-6}
_NEAR = 0.3


@dataclass(frozen=True)
class Counts:
    """Simulated data of a detector.

    Attributes
    ----------
    X : ndarray, shape (pixels, bands)
    W, H : ndarray
        True factors, in photons.
    deviation : float
        Of the read noise.
    """

    X: np.ndarray
    W: np.ndarray
    H: np.ndarray
    deviation: float

    @property
    def near(self):
        """A start near the truth, with no entry at zero."""
        return tuple(factor + _NEAR * factor.mean() for factor in (self.W, self.H))


def make_counts(level, deviation=0.0, *, decades=2.0, random_state=0):
    """Return data with a mean of ``level`` photons an entry.

    A third of the pixels are pure, and spectra vanish in many bands, so that the truth is the only
    factorisation without noise. Pixels are bright and dark, over so many decades.
    """
    rng = np.random.default_rng(random_state)
    t = np.linspace(0.0, 1.0, BANDS)[:, None]
    peaks = np.exp(-0.5 * ((t - np.array([0.25, 0.5, 0.75])) / 0.1) ** 2)
    H = np.maximum(peaks - 0.1, 0.0)
    W = rng.dirichlet(np.full(RANK, 0.5), PIXELS)
    pure = PIXELS // 3
    W[:pure] = np.eye(RANK)[rng.integers(RANK, size=pure)]
    W *= 10.0 ** (decades * rng.random((PIXELS, 1)))
    W *= level / np.mean(W @ H.T)
    X = rng.poisson(W @ H.T) + deviation * rng.standard_normal((PIXELS, BANDS))
    return Counts(X, W, H, deviation)


def fit_by(method, counts):
    """Factorise by one method, from the start near the truth that all of them get."""
    X, deviation, init = counts.X, counts.deviation, counts.near
    options = {"init": init} | _OPTIONS
    if method == "squares":
        return nmf(np.maximum(X, 0.0), RANK, **options)
    if method == "KL, clipped":
        return poisson_gaussian_nmf(np.maximum(X, 0.0), RANK, **options)
    if method == "KL, shifted":
        return poisson_gaussian_nmf(X, RANK, deviation=deviation, **options)
    if method == "stabilised":
        return poisson_gaussian_nmf(X, RANK, deviation=deviation, loss="stabilised", **options)
    transformed = anscombe(X, deviation=deviation)
    if method == "factors of the transform":
        return nmf(transformed, RANK, **options)
    smooth = nmf(transformed, RANK, random_state=0, **_OPTIONS).reconstruct()
    photons = np.maximum(inverse_anscombe(smooth, deviation=deviation), 0.0)
    return nmf(photons, RANK, **options)


def spectral_error(H, truth):
    """Return the mean angle between matched spectra, in degrees; a spectrum of zeros is at 90."""
    _, cosines = match_components(H, truth)
    return float(np.degrees(np.arccos(cosines)).mean())
