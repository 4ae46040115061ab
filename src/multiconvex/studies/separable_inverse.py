r"""Experiments of the chapter on separable factorisation through an operator.

Errors of spectra are the largest angle, in degrees, between matched spectra; errors of maps are
root mean squares.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex.diagnostics import match_components
from multiconvex.models.inverse_separable import inverse_separable_nmf, least_norm_image
from multiconvex.models.minvol_nmf import minvol_nmf
from multiconvex.models.separable_nmf import separable_nmf
from multiconvex.regression import nnls
from multiconvex.studies._hadamard_scenes import (
    RANK,
    SIDE,
    PatternScene,
    measure_scene,
)

__all__ = [
    "Geometry",
    "PatternScene",
    "RecoveryCurve",
    "Unmixing",
    "compare_methods",
    "compare_noise",
    "follow_geometry",
    "follow_volume",
    "measure_scene",
    "select_bands",
    "trace_recovery",
    "unmix_scene",
]

SIZES = {
    "triangle": (4, 6, 8, 16, 24, 32),
    "square": (4, 8, 12, 16, 24),
    "random": (16, 24, 28, 30),
}
N_SEEDS = 3


@dataclass(frozen=True)
class Geometry:
    """Shares of the materials in the light of pixels and of measurements.

    Attributes
    ----------
    shares : dict of str to ndarray, shape (samples, rank)
        Rows sum to one.
    """

    shares: dict[str, np.ndarray]

    @property
    def purest(self):
        """Largest share of any material in each kind of sample."""
        return {name: float(rows.max()) for name, rows in self.shares.items()}


@dataclass(frozen=True)
class Unmixing:
    """A scene unmixed in two ways.

    Attributes
    ----------
    scene : PatternScene
    spectra, maps : dict of str to ndarray
        Matched with the truth.
    angles, errors : dict of str to float
    """

    scene: PatternScene
    spectra: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]
    angles: dict[str, float]
    errors: dict[str, float]


@dataclass(frozen=True)
class RecoveryCurve:
    """Errors of spectra against the fraction of patterns shown.

    Attributes
    ----------
    kind : str
    sizes : tuple of int
        Square roots of the numbers of patterns.
    angles : dict of str to ndarray, shape (sizes, seeds)
    """

    kind: str
    sizes: tuple[int, ...]
    angles: dict[str, np.ndarray]

    @property
    def fractions(self):
        """Fraction of all patterns."""
        return np.square(self.sizes) / SIDE**2

    def median(self, method):
        """Return the median over scenes."""
        return np.median(self.angles[method], axis=1)


def follow_geometry(random_state=0):
    """Return shares in pixels, in means of 4 by 4 pixels, and in exposures of Hadamard patterns."""
    scene = measure_scene("square", SIDE, noise=0.0, random_state=random_state)
    coarse = SIDE // 4
    blocks = scene.maps.reshape(coarse, 4, coarse, 4, RANK).mean(axis=(1, 3)).reshape(-1, RANK)
    coefficients = scene.operator.matmat(scene.maps) * SIDE
    exposures = 0.5 * (scene.maps.sum(axis=0) + np.vstack([coefficients, -coefficients]))
    light = exposures.sum(axis=1, keepdims=True)
    seen = light[:, 0] > 1e-9 * light.max()
    return Geometry(
        {
            "pixels": scene.maps,
            "means of 4 by 4 pixels": blocks,
            "exposures of Hadamard patterns": exposures[seen] / light[seen],
        }
    )


def unmix_scene(kind="triangle", size=8, *, noise=0.02, random_state=0):
    """Unmix one scene by reconstruction and selection, and jointly."""
    scene = measure_scene(kind, size, noise=noise, random_state=random_state)
    image, first = _reconstruct_and_select(scene)
    joint = inverse_separable_nmf(scene.measured, scene.operator, RANK)
    fits = {
        "reconstruct, then select": (first, nnls(first, image.T).x.T),
        "joint": (joint.H, joint.W),
    }
    spectra, maps, angles, errors = {}, {}, {}, {}
    for name, (H, W) in fits.items():
        order, _ = match_components(H, scene.spectra)
        spectra[name], maps[name] = H[:, order], W[:, order]
        angles[name] = _worst_angle(H, scene.spectra)
        errors[name] = float(np.sqrt(np.mean(np.square(W[:, order] - scene.maps))))
    return Unmixing(scene, spectra, maps, angles, errors)


def trace_recovery(kind, *, sizes=None, n_seeds=N_SEEDS, noise=0.02):
    """Return errors of both ways over numbers of patterns of one kind."""
    sizes = sizes or SIZES[kind]
    angles = {name: np.zeros((len(sizes), n_seeds)) for name in ("baseline", "joint")}
    for i, size in enumerate(sizes):
        for seed in range(n_seeds):
            scene = measure_scene(kind, size, noise=noise, random_state=seed)
            _, first = _reconstruct_and_select(scene)
            joint = inverse_separable_nmf(scene.measured, scene.operator, RANK)
            angles["baseline"][i, seed] = _worst_angle(first, scene.spectra)
            angles["joint"][i, seed] = _worst_angle(joint.H, scene.spectra)
    return RecoveryCurve(kind, tuple(sizes), angles)


def compare_methods(kind="triangle", size=8, *, n_seeds=N_SEEDS, noise=0.02):
    """What each ingredient contributes: median errors of the spectra of the same scenes."""
    scenes = [measure_scene(kind, size, noise=noise, random_state=k) for k in range(n_seeds)]
    return [
        {
            "method": name,
            "angle": float(np.median([_worst_angle(fit(s), s.spectra) for s in scenes])),
        }
        for name, fit in _METHODS.items()
    ]


def follow_volume(weights=(1e-7, 1e-5, 1e-3), *, size=8, n_seeds=N_SEEDS, noise=0.02):
    """How the final weight of the volume matters: median errors of the spectra."""
    scenes = [measure_scene("triangle", size, noise=noise, random_state=k) for k in range(n_seeds)]
    rows = []
    for weight in weights:
        errors = [
            _worst_angle(
                inverse_separable_nmf(s.measured, s.operator, RANK, volume=weight).H, s.spectra
            )
            for s in scenes
        ]
        rows.append({"volume": f"{weight:.0e}", "angle": float(np.median(errors))})
    return rows


def compare_noise(levels=(0.0, 0.1, 0.3), *, size=8, n_seeds=N_SEEDS):
    """Median errors of both ways as the noise of a measurement grows."""
    rows = []
    for noise in levels:
        curve = trace_recovery("triangle", sizes=(size,), n_seeds=n_seeds, noise=noise)
        rows.append({"noise": noise} | {name: curve.median(name)[0] for name in curve.angles})
    return rows


def select_bands(n_bands=3, random_state=0):
    """Select bands of an image, and bands of its exposures: where nothing has to be inverted."""
    scene = measure_scene("square", SIDE, noise=0.0, random_state=random_state)
    rng = np.random.default_rng(random_state)
    kept = np.arange(0, scene.spectra.shape[0], 8)
    mixed = rng.dirichlet(np.ones(n_bands), 12)
    image = np.hstack([scene.image[:, kept[:n_bands]], scene.image[:, kept[:n_bands]] @ mixed.T])
    patterns = rng.random((60, len(image))) < 0.5
    return separable_nmf(image, n_bands).indices, separable_nmf(patterns @ image, n_bands).indices


def _reconstruct_and_select(scene):
    """Return spectra of the baseline: the least image that fits, then selected pixels."""
    image = np.maximum(least_norm_image(scene.measured, scene.operator, RANK), 0.0)
    return image, separable_nmf(image.T, RANK).W


def _worst_angle(estimated, truth):
    """Return the largest angle of matched spectra, in degrees."""
    _, cosines = match_components(estimated, truth)
    return float(np.degrees(np.arccos(cosines)).max())


def _small_simplex(scene):
    image, _ = _reconstruct_and_select(scene)
    return minvol_nmf(image.T, RANK, volume=1e-5, max_iter=1000).W


def _jointly(scene, **options):
    return inverse_separable_nmf(scene.measured, scene.operator, RANK, **options).H


_METHODS = {
    "reconstruct, then select": lambda scene: _reconstruct_and_select(scene)[1],
    "reconstruct, then a small simplex": _small_simplex,
    "joint, without volume": lambda scene: _jointly(scene, volume=1e-12, stages=0),
    "joint, final weight at once": lambda scene: _jointly(scene, stages=0),
    "joint": _jointly,
}
