r"""Experiments of the chapter on nonnegative regression.

Least squares costs are :math:`\tfrac12\|y - Wx\|^2`, Kullback-Leibler costs
:math:`\sum y \log(y / Wx) - y + Wx`, as in :func:`multiconvex.nnls` and :func:`multiconvex.nnkl`.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex import HALS, MultiplicativeUpdate, ProxGradient, datasets, nnls
from multiconvex.studies._active_sets import (
    SMALL_W,
    SMALL_Y,
    TRAP_START,
    TRAP_W,
    TRAP_Y,
    Step,
    active_set_steps,
    careless_active_set,
    count_warm_start_failures,
)
from multiconvex.studies._photon_counts import (
    Divergences,
    Escape,
    Majorants,
    Reconstruction,
    Shrinkage,
    Sky,
    compare_nnkl_updates,
    make_sky,
    profile_divergence,
    reconstruct_sky,
    shrink_sky,
    slice_majorants,
    start_from_zero,
)

__all__ = [
    "HAIR_EYE",
    "SMALL_W",
    "SMALL_Y",
    "TRAP_START",
    "TRAP_W",
    "TRAP_Y",
    "CropUnmixing",
    "Divergences",
    "Escape",
    "Majorants",
    "PlanarProjection",
    "Reconstruction",
    "RidgeRules",
    "Shrinkage",
    "Sky",
    "StainProjection",
    "Step",
    "active_set_steps",
    "careless_active_set",
    "compare_nnkl_updates",
    "compare_nnls_updates",
    "compare_ridge_rules",
    "count_warm_start_failures",
    "make_sky",
    "measure_night_sky",
    "profile_divergence",
    "project_in_plane",
    "project_stains",
    "reconstruct_sky",
    "shrink_sky",
    "slice_majorants",
    "start_from_zero",
    "unmix_crops",
]

HAIR_EYE = np.array(
    [[68.0, 20, 15, 5], [119, 84, 54, 29], [26, 17, 14, 14], [7, 94, 10, 16]]
)  # hair black, brown, red, blond; eyes brown, blue, hazel, green


@dataclass(frozen=True, eq=False)
class CropUnmixing:
    """Regression of every pixel of Indian Pines on the mean spectra of its classes.

    Attributes
    ----------
    library : ndarray, shape (bands, classes)
    pixels : ndarray, shape (bands, n)
    names : tuple of str
    condition : float
        Of the library.
    member : ndarray of bool, shape (rows, cols, classes)
        Whether the ground survey put the pixel into the class.
    unconstrained, clipped, nonnegative : ndarray, shape (rows, cols, classes)
        Amounts by least squares, the same with negative entries cut, and by ``nnls``.
    errors : dict of str to float
        Norm of the residual relative to the data.
    """

    library: np.ndarray
    pixels: np.ndarray
    names: tuple
    condition: float
    member: np.ndarray
    unconstrained: np.ndarray
    clipped: np.ndarray
    nonnegative: np.ndarray
    errors: dict

    @property
    def negative_fraction(self):
        """Fraction of the unconstrained amounts that are negative."""
        return float((self.unconstrained < 0).mean())

    @property
    def mean_support(self):
        """Mean number of classes that ``nnls`` finds in a pixel."""
        return float((self.nonnegative > 0).sum(axis=2).mean())


def unmix_crops():
    """Write each pixel of Indian Pines as a combination of the mean spectra of its 16 classes."""
    scene = datasets.load_indian_pines()
    pixels = scene.matrix.astype(float)
    kinds = range(1, len(scene.names))
    labels = scene.labels.ravel()
    library = np.stack([pixels[:, labels == kind].mean(axis=1) for kind in kinds], axis=1)
    free = np.linalg.lstsq(library, pixels, rcond=None)[0]
    amounts = {
        "unconstrained": free,
        "clipped": np.maximum(free, 0.0),
        "nonnegative": nnls(library, pixels).x,
    }
    size = np.linalg.norm(pixels)
    return CropUnmixing(
        library=library,
        pixels=pixels,
        names=scene.names[1:],
        condition=float(np.linalg.cond(library)),
        member=scene.labels[..., None] == np.array(kinds),
        errors={
            name: float(np.linalg.norm(pixels - library @ x) / size) for name, x in amounts.items()
        },
        **{name: scene.maps(x.T) for name, x in amounts.items()},
    )


def compare_nnls_updates(crops, sweeps=200):
    """Run one pass of each iterative rule per sweep on every tenth pixel.

    Returns
    -------
    runs : dict of str to Result
    best : float
        Objective of the exact solution.
    """
    pixels = crops.pixels[:, ::10]
    rules = {
        "HALS": HALS(sweeps=1, inner_tol=0.0),
        "multiplicative": MultiplicativeUpdate(),
        "projected gradient": ProxGradient(),
    }
    start = np.full((crops.library.shape[1], pixels.shape[1]), 1.0 / crops.library.shape[1])
    runs = {
        name: nnls(crops.library, pixels, update=rule, init=start, max_iter=sweeps, tol=0.0)
        for name, rule in rules.items()
    }
    return runs, nnls(crops.library, pixels).objective


@dataclass(frozen=True, eq=False)
class StainProjection:
    """Pixels of a stained tissue and their projections on the cone of two published dyes.

    Attributes
    ----------
    vectors : ndarray, shape (3, 2)
    names : tuple of str
    pixels, projections : ndarray, shape (3, n)
    support_sizes : ndarray of float, shape (3,)
        Fraction of all the pixels in which 0, 1 or 2 dyes are present.
    """

    vectors: np.ndarray
    names: tuple
    pixels: np.ndarray
    projections: np.ndarray
    support_sizes: np.ndarray


def project_stains(shown=300, random_state=0):
    """Project every pixel on the cone of the two dyes and keep a few of them for a picture."""
    stains = datasets.load_stains()
    pixels = stains.matrix
    amounts = nnls(stains.vectors, pixels).x
    sizes = np.bincount((amounts > 0).sum(axis=0), minlength=3) / pixels.shape[1]
    chosen = np.random.default_rng(random_state).choice(pixels.shape[1], shown, replace=False)
    return StainProjection(
        vectors=stains.vectors,
        names=stains.names,
        pixels=pixels[:, chosen],
        projections=stains.vectors @ amounts[:, chosen],
        support_sizes=sizes,
    )


@dataclass(frozen=True, eq=False)
class PlanarProjection:
    """A point of the plane and its projection on a cone.

    Attributes
    ----------
    generators : ndarray, shape (2, 2)
    point, x, projection, multipliers : ndarray, shape (2,)
        The data, the coefficients, ``W @ x`` and ``W.T @ (W @ x - y)``.
    """

    generators: np.ndarray
    point: np.ndarray
    x: np.ndarray
    projection: np.ndarray
    multipliers: np.ndarray


def project_in_plane(degrees):
    """Project the point of the unit circle at this angle on a cone between 15 and 65 degrees."""
    edges = np.deg2rad([15.0, 65.0])
    generators = np.stack([np.cos(edges), np.sin(edges)])
    point = np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    x = nnls(generators, point).x
    foot = generators @ x
    return PlanarProjection(generators, point, x, foot, generators.T @ (foot - point))


def measure_night_sky(trials=300, equations=8, unknowns=20, random_state=0):
    """Support sizes of NNLS for random nonnegative ``W`` and ``y`` outside its cone."""
    rng = np.random.default_rng(random_state)
    sizes = []
    while len(sizes) < trials:
        W, y = rng.random((equations, unknowns)), rng.random(equations) ** 2
        solution = nnls(W, y)
        if solution.objective > 1e-12:
            sizes.append(int((solution.x > 0).sum()))
    return np.array(sizes)


@dataclass(frozen=True, eq=False)
class RidgeRules:
    """Cost of a penalised least-squares regression under three multiplicative rules.

    Attributes
    ----------
    gaps : dict of str to ndarray
        Cost minus the least cost, relative to it, for each sweep.
    best : float
    """

    gaps: dict
    best: float


def compare_ridge_rules(l1=0.5, l2=2.0, sweeps=200, random_state=1):
    """Iterate the derived rule, the rule as printed, and the ratio of the gradient's halves."""
    rng = np.random.default_rng(random_state)
    W = rng.random((30, 8))
    y = W @ (rng.random(8) * (rng.random(8) < 0.6)) + 0.05 * rng.random(30)
    gram, rhs = W.T @ W, W.T @ y
    rules = {
        "printed": lambda x: x * np.maximum(rhs - l1, 0) / (gram @ x + l2),
        "gradient ratio": lambda x: x * rhs / (gram @ x + l1 + l2 * x),
        "majorisation": lambda x: x * np.maximum(rhs - l1, 0) / (gram @ x + l2 * x),
    }
    best = nnls(W, y, l1=l1, l2=l2)

    def gap(x):
        cost = 0.5 * np.sum((y - W @ x) ** 2) + l1 * x.sum() + 0.5 * l2 * x @ x
        return cost / best.objective - 1.0

    start = best.x + 0.05
    return RidgeRules(
        {name: _iterate(rule, gap, start, sweeps) for name, rule in rules.items()}, best.objective
    )


def _iterate(rule, measure, x, sweeps):
    values = [measure(x)]
    for _ in range(sweeps):
        x = rule(x)
        values.append(measure(x))
    return np.array(values)
