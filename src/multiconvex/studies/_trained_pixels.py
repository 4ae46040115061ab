"""Layers trained on mixtures of the pixels of one half of a scene, and used on the other half."""

from dataclasses import dataclass

import numpy as np

from multiconvex import datasets
from multiconvex.diagnostics import spectral_angle
from multiconvex.models.unrolled_nmf import UnrolledNMF
from multiconvex.regression import nnls

_ACROSS = {"samson": 0, "moffett": 1}  # the axis that is cut, so that each half has all materials
_PUREST, _AVERAGED = 40, 3


@dataclass(frozen=True)
class PixelRow:
    """How far factors of real pixels are from the references.

    Attributes
    ----------
    scene, method : str
    angle : float
        Mean spectral angle with the reference spectra, in degrees.
    rmse : float
        Of the exact regression on the spectra, scaled to sum to one in each pixel.
    """

    scene: str
    method: str
    angle: float
    rmse: float


@dataclass(frozen=True, eq=False)
class HalfScene:
    """What became of the second half of a scene.

    Attributes
    ----------
    note : str
        What the page must say of the data.
    rows : tuple of PixelRow
    """

    note: str
    rows: tuple


def unmix_half(name, n_scenes=16, max_iter=8, longest=300, random_state=0):
    """Train on simulated mixtures of pixels of the first half, and unmix the second half."""
    scene = datasets.load_or_simulate(name)
    (library, shares), (X, truth) = _halves(scene, _ACROSS[name])
    scenes = _mixtures(library, shares, n_scenes, np.random.default_rng(random_state))
    training = {"max_iter": max_iter, "learning_rate": 0.02, "random_state": random_state}
    models = {
        "multiplicative, 25": UnrolledNMF(25, max_iter=0),
        f"multiplicative, {longest}": UnrolledNMF(longest, max_iter=0),
        "trained, 25": UnrolledNMF(25, **training),
        "multiplicative, 25, better start": UnrolledNMF(25, init="regression", max_iter=0),
        "trained, 25, better start": UnrolledNMF(25, init="regression", **training),
    }
    spectra = {method: model.fit(scenes).predict(X).W for method, model in models.items()}
    spectra["the library itself"] = models["trained, 25"].spectra_
    rows = [
        PixelRow(name.capitalize(), method, *_score(X, W, scene.spectra, truth))
        for method, W in spectra.items()
    ]
    return HalfScene(scene.note, tuple(rows))


def _halves(scene, axis):
    """Return the data and the abundances of both halves, pixels in columns and in rows."""
    halves = []
    cubes, maps = (np.array_split(image, 2, axis) for image in (scene.cube, scene.abundances))
    for cube, shares in zip(cubes, maps):
        pixels = cube.reshape(-1, cube.shape[2]).T
        halves.append((np.ascontiguousarray(pixels), shares.reshape(-1, shares.shape[2])))
    return halves


def _mixtures(library, shares, count, rng):
    """Mix averages of a few of the purest pixels, in random proportions and with noise."""
    purest = np.argsort(-shares, axis=0)[:_PUREST].T
    scenes = []
    for _ in range(count):
        chosen = [rng.choice(places, _AVERAGED, replace=False) for places in purest]
        W = np.stack([library[:, places].mean(axis=1) for places in chosen], axis=1)
        H = rng.dirichlet(np.full(W.shape[1], 0.7), 144)
        X = W @ H.T
        X += 0.03 * np.sqrt(np.mean(X**2)) * rng.standard_normal(X.shape)
        scenes.append((np.maximum(X, 0.0), W, H))
    return scenes


def _score(X, W, spectra, truth):
    amounts = nnls(W / W.max(axis=0), X).x.T
    shares = amounts / np.maximum(amounts.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    rmse = np.sqrt(np.mean((shares - truth) ** 2))
    return float(spectral_angle(W, spectra).mean()), float(rmse)
