"""What unmixing depends on: regions, starts, the weight of the volume, and readings in order."""

from dataclasses import dataclass

import numpy as np

from multiconvex.models.dictionary_lra import dictionary_lra
from multiconvex.models.minvol_nmf import minvol_nmf
from multiconvex.models.nmf import nmf
from multiconvex.penalties import NonNegative, Simplex
from multiconvex.studies._unmixing_report import describe, report
from multiconvex.studies.several_dictionaries import DRAWN

_SUM_TO_ONE = (NonNegative(), Simplex())


def outline_materials(scene):
    """Return the rectangles of the chapter on several dictionaries as a map of regions."""
    regions = np.zeros(scene.cube.shape[:2], int)
    for number, region in enumerate(DRAWN.get(scene.name, DRAWN["Moffett Field"]), start=1):
        region.crop(regions)[:] = number
    return regions


@dataclass(frozen=True)
class StartRow:
    """Where one method ends from several random starts.

    Attributes
    ----------
    scene, method : str
    least_angle, largest_angle : float
        Mean over the materials, in degrees.
    least_RMSE, largest_RMSE : float
        Of the shares.
    """

    scene: str
    method: str
    least_angle: float
    largest_angle: float
    least_RMSE: float
    largest_RMSE: float


def repeat_starts(scene, n_starts=5, step=2):
    """Unmix a scene, of which every ``step``-th row and column is used, from random starts."""
    cube, truth = scene.cube[::step, ::step], scene.abundances[::step, ::step]
    X = np.ascontiguousarray(cube.reshape(-1, cube.shape[2]).T)
    rank = len(scene.names)
    usable = np.ascontiguousarray(X[:, X.any(axis=0)])
    fits = {
        "NMF": lambda seed: nmf(X, rank, init="random", max_iter=2000, random_state=seed),
        "minimum volume, sum to one": lambda seed: minvol_nmf(
            X, rank, penalties=_SUM_TO_ONE, init="random", max_iter=2000, random_state=seed
        ),
        "pixels": lambda seed: dictionary_lra(X, rank, usable, random_state=seed),
    }
    rows = []
    for method, fit in fits.items():
        made = [
            describe(method, cube, *fit(seed).factors, scene.spectra, scene.spectra, truth)
            for seed in range(n_starts)
        ]
        angles, errors = [result.angles.mean() for result in made], [r.rmse for r in made]
        ends = min(angles), max(angles), min(errors), max(errors)
        rows.append(StartRow(scene.name, method, *map(float, ends)))
    return rows


@dataclass(frozen=True, eq=False)
class WeightPath:
    """Minimum-volume triangles around the pixels of a scene, for several weights.

    Attributes
    ----------
    pixels : ndarray, shape (n, 2)
        Coordinates in the plane of largest variance.
    reference : ndarray, shape (3, 2)
        The reference spectra, in the same plane.
    weights : tuple of float
    corners : dict of float to ndarray, shape (3, 2)
    results : dict of float to MethodResult
    """

    pixels: np.ndarray
    reference: np.ndarray
    weights: tuple
    corners: dict
    results: dict

    @property
    def rows(self):
        """Rows of a table, one for each weight."""
        return [
            {
                "weight": weight,
                "residual (%)": 100 * result.error,
                "mean angle": float(result.angles.mean()),
                "RMSE of shares": result.rmse,
            }
            for weight, result in self.results.items()
        ]


def follow_weights(scene, weights=(1e-6, 1e-4, 3e-4, 1e-3, 1e-2)):
    """Fit triangles to a scene with increasing weights of the volume."""
    cube = scene.cube
    pixels = cube.reshape(-1, cube.shape[2])
    centre = pixels.mean(axis=0)
    plane = np.linalg.svd(pixels - centre, full_matrices=False)[2][:2].T
    corners, results = {}, {}
    for weight in weights:
        fit = minvol_nmf(
            np.ascontiguousarray(pixels.T), len(scene.names), volume=weight,
            penalties=_SUM_TO_ONE, max_iter=2000,
        )  # fmt: skip
        corners[weight] = (fit.W.T - centre) @ plane
        results[weight] = describe(
            "minimum volume", cube, *fit.factors, scene.spectra, scene.spectra, scene.abundances
        )
    return WeightPath(
        (pixels - centre) @ plane,
        (scene.spectra.T - centre) @ plane,
        tuple(weights),
        corners,
        results,
    )


def provoke_errors(scene):
    """Spoil a scene in four ways, and return what the report says to each."""
    rank, rows = len(scene.names), []
    noisy, dark = scene.cube.astype(float), scene.cube.astype(float)
    noisy[..., [5, 20]] = np.nan
    dark[..., 3] -= 1.0
    spoiled = {
        "two bands of NaN": noisy,
        "an offset": dark,
        "a matrix": scene.matrix.T,
        "another order of pixels": scene.cube.transpose(1, 0, 2),
    }
    for what, cube in spoiled.items():
        try:
            report(cube, rank, abundances=scene.abundances)
        except ValueError as refusal:
            rows.append({"spoiled by": what, "what the report says": str(refusal)})
    return rows
