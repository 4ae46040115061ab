"""A cat reconstructed from the counts of one pixel, and how fast updates get there."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from multiconvex import (
    ImageTotalVariation,
    MetricProxGradient,
    MultiplicativeUpdate,
    SplitHadamard2D,
    coarse_patterns,
    measured_regression,
)
from multiconvex.datasets import load_cat

_CANDIDATES = (0.25, 0.5, 1.0)
_OPTIONS = {"max_iter": 200, "tol": 1e-6}


@dataclass(frozen=True)
class ReconstructionRow:
    """Errors of one set of counts."""

    photons: float
    patterns: str
    pseudo_inverse: float
    least_squares: float
    likelihood: float
    total_variation: float


@dataclass(frozen=True)
class Reconstruction:
    """Images of the cat by several methods.

    Attributes
    ----------
    row : ReconstructionRow
    images : dict of str to ndarray
        Named as the fields of the row.
    negative : int
        Pixels of the pseudo-inverse below zero.
    weight : float
        Of the total variation, chosen without the truth.
    truth : ndarray
    """

    row: ReconstructionRow
    images: dict
    negative: int
    weight: float
    truth: np.ndarray


@dataclass(frozen=True)
class UpdateRace:
    """Objectives and errors after each sweep, from one flat image.

    Attributes
    ----------
    gaps : dict of str to ndarray
        Objective minus the best one seen, over what it is at the start.
    errors : dict of str to ndarray
    """

    gaps: dict
    errors: dict


@cache
def reconstruct_cat(photons, rate=1.0, *, side=64, random_state=0):
    """Reconstruct the cat from Poisson counts of all patterns, or of the coarsest ones.

    Parameters
    ----------
    photons : float
    rate : float
        Fraction of the patterns that are shown.
    side : int
    random_state : int

    Returns
    -------
    Reconstruction
    """
    camera, truth, counts = _take_picture(photons, rate, side, random_state)
    A, y = camera.as_linear_operator(), counts.ravel()
    weight = choose_weight(counts, camera, photons, random_state=random_state)
    smooth = ImageTotalVariation((side, side), weight, tol=1e-4)
    options = {"gain": photons, **_OPTIONS}
    images = {
        "pseudo_inverse": camera.pinv(counts) / photons,
        "least_squares": measured_regression(y, A, loss="frobenius", **options).x,
        "likelihood": measured_regression(y, A, **options).x,
        "total_variation": measured_regression(y, A, penalty=smooth, **options).x,
    }
    images = {name: image.reshape(side, side) for name, image in images.items()}
    errors = [_error(image, truth) for image in images.values()]
    row = ReconstructionRow(photons, f"{100 * rate:g}%", *errors)
    negative = int(np.count_nonzero(images["pseudo_inverse"] < 0))
    return Reconstruction(row, images, negative, weight, truth)


def choose_weight(counts, camera, photons, *, candidates=_CANDIDATES, random_state=0):
    r"""Choose the weight of the total variation by counts that the fit has not seen.

    Each photon goes to one of two heaps by the toss of a coin. The heaps are independent Poisson
    counts of half the gain; images are fitted to the one, and the likelihood of the other decides.

    Parameters
    ----------
    counts : ndarray, shape (2, n, n)
    camera : SplitHadamard2D
    photons : float
    candidates : sequence of float
        Weights over :math:`\sqrt{\alpha / \bar x}`, which makes them those of noise of one size.
    random_state : int

    Returns
    -------
    float
    """
    A = camera.as_linear_operator()
    fitted = np.random.default_rng(random_state).binomial(counts.astype(int), 0.5).astype(float)
    held = counts - fitted
    brightness = max(camera.pinv(counts).mean() / photons, 1e-6)
    scores = {}
    for candidate in candidates:
        half = 0.5 * photons
        weight = candidate * float(np.sqrt(half / brightness))
        smooth = ImageTotalVariation((camera.n, camera.n), weight, tol=1e-3)
        fit = measured_regression(
            fitted.ravel(), A, penalty=smooth, gain=half, max_iter=50, tol=1e-4
        )
        model = np.maximum(half * (A @ fit.x), 1e-12)
        scores[candidate] = float(np.sum(held.ravel() * np.log(model) - model))
    return max(scores, key=scores.get) * float(np.sqrt(photons / brightness))


def race_updates(photons=50.0, *, side=64, n_sweeps=300, random_state=0):
    """Run multiplicative updates and steps in the metric of the measurements from a flat image.

    Parameters
    ----------
    photons : float
    side : int
    n_sweeps : int
    random_state : int

    Returns
    -------
    UpdateRace
    """
    camera, truth, counts = _take_picture(photons, 1.0, side, random_state)
    A = camera.as_linear_operator()
    brightness = counts.sum() / (photons * camera.forward(np.ones((side, side))).sum())
    flat = np.full(side * side, brightness)
    rules = {"multiplicative": MultiplicativeUpdate(), "metric": MetricProxGradient()}
    objectives, errors = {}, {}
    for name, rule in rules.items():
        seen = [flat]
        fit = measured_regression(
            counts.ravel(), A, gain=photons, update=rule, init=flat, max_iter=n_sweeps, tol=0.0,
            callback=lambda sweep, seen=seen: seen.append(sweep.blocks["W"][:, 0]),
        )  # fmt: skip
        objectives[name] = fit.trace.objective
        errors[name] = np.array([_error(image, truth.ravel()) for image in seen])
    best = min(values.min() for values in objectives.values())
    gaps = {name: (values - best) / (values[0] - best) for name, values in objectives.items()}
    return UpdateRace(gaps, errors)


def _take_picture(photons, rate, side, random_state):
    """Return the camera, the cat and the counts."""
    shown = coarse_patterns(side, rate)
    camera, truth = SplitHadamard2D(side, shown=shown), load_cat(side).image
    return camera, truth, camera.acquire(truth, gain=photons, random_state=random_state)


def _error(image, truth):
    return float(np.sqrt(np.mean((image - truth) ** 2)))
