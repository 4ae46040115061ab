r"""What patterns gain over a raster scan, by formula and by simulation.

A linear reconstruction :math:`\hat x = B y` from measurements whose variances are :math:`v_j` has
the variance :math:`\sum_j B_{ij}^2 v_j` in pixel i. Noise of a detector has one variance, photons
have their mean. The gain is the root of the ratio of mean variances, raster scan over patterns.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from multiconvex.datasets import load_cat


@dataclass(frozen=True)
class GainRow:
    """Gains of one set of patterns over a raster scan with one exposure a pixel."""

    patterns: str
    exposures: int
    detector: float
    detector_measured: float
    photons: float | None
    photons_measured: float | None


@dataclass(frozen=True)
class DarkGains:
    """Gains with as many exposures as the raster scan, against the dark current.

    Attributes
    ----------
    darkness : ndarray
        Dark counts over counts of a mean pixel.
    gains : dict of str to ndarray
    limits : dict of str to float
        Gains where the dark current is all there is.
    """

    darkness: np.ndarray
    gains: dict
    limits: dict


def measure_gains(n=64, *, photons=50.0, n_draws=2000, random_state=0):
    """Compare gains by formula with those of simulated measurements.

    Parameters
    ----------
    n : int
        Number of pixels, a power of two; S-matrices have one less.
    photons : float
    n_draws : int
    random_state : int

    Returns
    -------
    list of GainRow
    """
    rng, image = np.random.default_rng(random_state), _pixels(n)
    rows = []
    for name, A, B, formula in _designs(n):
        x = image[: A.shape[1]]
        means = photons * A @ x
        noise = {"detector": (np.ones(len(A)), rng.standard_normal((n_draws, len(A))))}
        if A.min() >= 0:
            noise["photons"] = (means, rng.poisson(means, (n_draws, len(A))) - means)
        raster = {"detector": 1.0, "photons": photons * x.mean()}
        found = {"photons": (None, None)}
        for kind, (variances, draws) in noise.items():
            exact = float(np.mean(B**2 @ variances))
            drawn = float(np.mean((draws @ B.T) ** 2))
            found[kind] = tuple(float(np.sqrt(raster[kind] / v)) for v in (exact, drawn))
        rows.append(GainRow(name, len(A), formula, found["detector"][1], *found["photons"]))
    return rows


def follow_darkness(n=64, *, darkness=None):
    """Follow the gain, at equal exposures, from no dark current to nothing else.

    Parameters
    ----------
    n : int
    darkness : ndarray, optional
        Ratios of dark counts to those of a mean pixel.

    Returns
    -------
    DarkGains
    """
    darkness = np.logspace(-2, 4, 61) if darkness is None else np.asarray(darkness)
    image, gains, limits = _pixels(n), {}, {}
    for name, A, B, formula in _designs(n):
        if A.min() < 0:
            continue
        x = image[: A.shape[1]]
        dark = darkness[:, None] * x.mean()
        variances = np.mean((A @ x + dark) @ (B**2).T, axis=1)
        share = A.shape[1] / len(A)
        gains[name] = np.sqrt(share * (x.mean() + dark[:, 0]) / variances)
        limits[name] = float(np.sqrt(share) * formula)
    return DarkGains(darkness, gains, limits)


def _pixels(n):
    """Return a row of pixels through the cat."""
    return load_cat(128).image[70, :n]


def _designs(n):
    """Yield patterns, the left inverse, and the gain under noise of one variance."""
    H = scipy.linalg.hadamard(n).astype(float)
    split = np.vstack([np.maximum(H, 0.0), np.maximum(-H, 0.0)])
    order = n - 1
    S = (1.0 - H[1:, 1:]) / 2.0
    back = 2.0 / n * (2.0 * S.T - 1.0)
    yield "raster scan", np.eye(n), np.eye(n), 1.0
    yield "Hadamard, with negative light", H, H / n, float(np.sqrt(n))
    yield "S-matrix", S, back, n / (2.0 * float(np.sqrt(order)))
    pinv = 2.0 / n * (split.T - split.sum(axis=1) / (n + 1.0))
    yield "split Hadamard", split, pinv, float(np.sqrt(0.5 * (n + 1.0)))
