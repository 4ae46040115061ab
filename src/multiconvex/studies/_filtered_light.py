"""A cat under two colour filters, unmixed from the counts of one spectrometer."""

from dataclasses import dataclass

import numpy as np

from multiconvex import (
    MultiplicativeUpdate,
    SplitHadamard2D,
    match_components,
    measured_nmf,
    measured_regression,
    spectral_angle,
)
from multiconvex.datasets import load_cat, make_filtered_scene


@dataclass(frozen=True)
class UnmixingRow:
    """Largest spectral angle in degrees, errors of abundances and image, objective."""

    method: str
    sweeps: int
    angle: float | None
    abundances: float
    image: float
    objective: float


@dataclass(frozen=True)
class Unmixing:
    """Spectra and abundance maps of one acquisition by several methods.

    Attributes
    ----------
    photons : float
    rows : list of UnmixingRow
    maps : dict of str to ndarray
        Of shape (rows, cols, 2), the truth among them.
    spectra : dict of str to ndarray
        Of shape (bands, 2).
    wavelengths : ndarray
    """

    photons: float
    rows: list
    maps: dict
    spectra: dict
    wavelengths: np.ndarray


@dataclass(frozen=True)
class Overlap:
    """Where two filters cover the same pixels: models with two and three spectra.

    Attributes
    ----------
    angles : tuple of float
        Largest angle of the spectra of the filters, with two components and with three.
    errors : tuple of float
        Relative errors of the image.
    third : ndarray
        Map of the component that is neither filter.
    inside : float
        Share of that map in the overlap.
    """

    angles: tuple
    errors: tuple
    third: np.ndarray
    inside: float


def unmix_scene(photons=1.0, *, side=64, bands=128, n_sweeps=60, random_state=0):
    """Unmix the two-filter scene in two steps, jointly, and with known spectra.

    Parameters
    ----------
    photons : float
        Counts of a pixel of intensity one in a band where the filter passes all light.
    side, bands : int
    n_sweeps : int
        Of the joint fits.
    random_state : int

    Returns
    -------
    Unmixing
    """
    scene = make_filtered_scene(load_cat(side).image, bands=bands)
    A, counts = _acquire(scene, photons, random_state)
    options = {"gain": photons, "tol": 0.0, "random_state": random_state}
    start = measured_nmf(counts, A, 2, max_iter=0, **options)
    slow = measured_nmf(
        counts,
        A,
        2,
        init=start.factors,
        update=MultiplicativeUpdate(),
        max_iter=n_sweeps,
        **options,
    )
    fast = measured_nmf(counts, A, 2, init=start.factors, max_iter=n_sweeps, **options)
    known = measured_regression(counts, A, spectra=scene.spectra, gain=photons)
    fits = {
        "two steps": (start, start.factors),
        "joint, multiplicative": (slow, slow.factors),
        "joint, metric": (fast, fast.factors),
        "known spectra": (known, (known.x, scene.spectra)),
    }
    truth = scene.abundances.reshape(-1, 2)
    rows, maps, spectra = [], {"truth": scene.abundances}, {"truth": scene.spectra}
    for name, (fit, factors) in fits.items():
        W, H = _aligned(factors, scene.spectra)
        angle = None if fit is known else float(spectral_angle(H, scene.spectra).max())
        errors = _rms(W - truth), _rms(W @ H.T - truth @ scene.spectra.T)
        rows.append(UnmixingRow(name, fit.n_iter, angle, *errors, fit.objective))
        maps[name], spectra[name] = scene.maps(W), H
    return Unmixing(photons, rows, maps, spectra, scene.wavelengths)


def unmix_overlap(columns=12, *, photons=100.0, side=64, bands=48, random_state=0):
    """Unmix a scene in whose middle both filters cover the same pixels.

    Parameters
    ----------
    columns : int
        Width of the overlap.
    photons : float
    side, bands : int
    random_state : int

    Returns
    -------
    Overlap
    """
    scene = make_filtered_scene(load_cat(side).image, bands=bands, overlap=columns)
    A, counts = _acquire(scene, photons, random_state)
    angles, errors = [], []
    image = scene.cube.reshape(-1, bands)
    for rank in (2, 3):
        fit = measured_nmf(
            counts, A, rank, gain=photons, max_iter=40, tol=0.0, random_state=random_state
        )
        order = [_closest(fit.H, spectrum) for spectrum in scene.spectra.T]
        angles.append(float(spectral_angle(fit.H[:, order], scene.spectra).max()))
        errors.append(float(np.linalg.norm(fit.reconstruct() - image) / np.linalg.norm(image)))
    (other,) = set(range(3)) - set(order)
    third = fit.W[:, other].reshape(side, side)
    first = (side - columns) // 2
    inside = third[:, first : first + columns].sum() / third.sum()
    return Overlap(tuple(angles), tuple(errors), third, float(inside))


def _acquire(scene, photons, random_state):
    """Return the operator, and counts of shape (measurements, bands)."""
    side, _, bands = scene.cube.shape
    camera = SplitHadamard2D(side)
    images = np.moveaxis(scene.cube, 2, 0)
    counts = camera.acquire(images, gain=photons, random_state=random_state)
    return camera.as_linear_operator(), np.ascontiguousarray(counts.reshape(bands, -1).T)


def _aligned(factors, reference):
    """Return the factors in the order and at the scales of the reference spectra."""
    W, H = factors
    order, _ = match_components(H, reference)
    W, H = W[:, order], H[:, order]
    scale = (H * reference).sum(axis=0) / (reference**2).sum(axis=0)
    return W * scale, H / scale


def _closest(spectra, reference):
    """Return which column is closest to the reference in angle."""
    return min(range(spectra.shape[1]), key=lambda q: spectral_angle(spectra[:, q], reference))


def _rms(gap):
    return float(np.sqrt(np.mean(gap**2)))
