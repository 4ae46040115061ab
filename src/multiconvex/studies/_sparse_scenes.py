"""Scenes in which few materials share a pixel."""

from dataclasses import dataclass

import numpy as np

from multiconvex import datasets
from multiconvex.diagnostics import match_components, spectral_angle
from multiconvex.models.nmf import nmf
from multiconvex.models.separable_nmf import separable_nmf
from multiconvex.penalties import NonNegative, RowSparse
from multiconvex.regression import nnls
from multiconvex.sparse_regression import SparseRegression, sparse_nnls
from multiconvex.studies._tree_sizes import column_costs, heuristics


@dataclass(frozen=True, eq=False)
class SparsePixels:
    """Abundances of a scene in spectra of its own, for every sparsity.

    Attributes
    ----------
    scene : HyperspectralImage
    X : ndarray, shape (bands, pixels)
        Its largest entry is one.
    W : ndarray, shape (bands, r)
        Spectra of the chosen pixels, the brightest first.
    path : SparseRegression
        With the abundances for every sparsity.
    """

    scene: object
    X: np.ndarray
    W: np.ndarray
    path: SparseRegression

    @property
    def counts(self):
        """How many spectra nonnegative least squares uses in each pixel, as an image."""
        dense = self.path.path[self.W.shape[1]]
        return self.scene.maps((dense > 0).sum(axis=0)[:, None])[..., 0]

    def maps(self, k):
        """Return the share of each spectrum in each pixel, as images."""
        x = self.path.path[k]
        return self.scene.maps((x / np.maximum(x.sum(axis=0), np.finfo(float).tiny)).T)

    def error(self, k):
        """Return the relative error with ``k`` spectra in a pixel."""
        return float(np.linalg.norm(self.X - self.W @ self.path.path[k]) / np.linalg.norm(self.X))


def unmix_pixels(rank=5):
    """Choose pixels of Indian Pines by SNPA, and solve for one to ``rank`` of them in a pixel."""
    scene = datasets.load_indian_pines()
    X = scene.matrix / scene.matrix.max()
    W = separable_nmf(X, rank).W
    W = W[:, np.argsort(-np.linalg.norm(W, axis=0))]
    return SparsePixels(scene, X, W, sparse_nnls(W, X, 1, path=True))


@dataclass(frozen=True)
class ShortCut:
    """What a heuristic loses against the exact answer.

    Attributes
    ----------
    method : str
    missed : float
        Percentage of pixels in which it misses the least objective.
    excess : float
        Percentage by which it exceeds the least objective, over all pixels.
    doubled : float
        Percentage of pixels in which the objective is more than twice the least.
    """

    method: str
    missed: float
    excess: float
    doubled: float


def measure_short_cuts(pixels, k=2):
    """Compare heuristics with the exact answer on all pixels."""
    least = column_costs(pixels.W, pixels.X, pixels.path.path[k])
    rounding = 1e-12 * float(np.sum(pixels.X**2)) / pixels.X.shape[1]
    rows = []
    for method, x in heuristics(pixels.W, pixels.X, k).items():
        costs = column_costs(pixels.W, pixels.X, x)
        rows.append(
            ShortCut(
                method,
                100 * float(np.mean(costs > (1 + 1e-6) * least + rounding)),
                100 * float(costs.sum() / least.sum() - 1),
                100 * float(np.mean(costs > 2 * least + rounding)),
            )
        )
    return rows


@dataclass(frozen=True, eq=False)
class SparseFit:
    """A factorisation with few spectra in each pixel, compared with references.

    Attributes
    ----------
    k : int
    error : float
        Relative.
    angle : float
        Mean angle between spectra and references, in degrees.
    rmse : float
        Of the shares, against the reference abundances.
    trace : ndarray
        Objectives of all sweeps.
    maps : ndarray, shape (rows, cols, r)
        Shares in the order of the references.
    """

    k: int
    error: float
    angle: float
    rmse: float
    trace: np.ndarray
    maps: np.ndarray

    @property
    def row(self):
        """What the table of the chapter says."""
        return {
            "spectra a pixel": self.k,
            "error (%)": 100 * self.error,
            "angle (degrees)": self.angle,
            "error of shares": self.rmse,
        }


@dataclass(frozen=True, eq=False)
class SparseScene:
    """A scene with references, and factorisations of it.

    Attributes
    ----------
    scene : HyperspectralImage
    fits : tuple of SparseFit
        With 3, 2 and 1 spectra in a pixel.
    """

    scene: object
    fits: tuple


def factorize_scene(name="samson", max_iter=30):
    """Alternate from the pixels of SNPA with at most three, two and one spectra in a pixel."""
    scene = datasets.load_or_simulate(name)
    X, rank = scene.matrix, len(scene.names)
    start = separable_nmf(X, rank)
    return SparseScene(
        scene, tuple(_fit_scene(scene, X, start, k, max_iter) for k in range(rank, 0, -1))
    )


def _fit_scene(scene, X, start, k, max_iter):
    fit = nmf(
        X, start.W.shape[1], penalties=(NonNegative(), RowSparse(k, nonnegative=True)),
        init=(start.W, start.H), acceleration=None, max_iter=max_iter, tol=0.0,
    )  # fmt: skip
    order, _ = match_components(fit.W, scene.spectra)
    H = fit.H[:, order] * fit.W[:, order].max(axis=0)
    shares = H / np.maximum(H.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    truth = scene.abundances.reshape(shares.shape)
    return SparseFit(
        k,
        float(np.linalg.norm(X - fit.reconstruct()) / np.linalg.norm(X)),
        float(spectral_angle(fit.W[:, order], scene.spectra).mean()),
        float(np.sqrt(np.mean((shares - truth) ** 2))),
        fit.trace.objective,
        scene.maps(shares),
    )


@dataclass(frozen=True, eq=False)
class SparseEnds:
    """Where factorisations from random pixels end.

    Attributes
    ----------
    objectives : ndarray
        Sorted.
    chosen : float
        The end of the start from the pixels of SNPA.
    largest_rise : float
        Of all traces, relative; not positive where no objective ever rose.
    """

    objectives: np.ndarray
    chosen: float
    largest_rise: float


def restart_factorization(k=2, rank=5, starts=8, random_state=0):
    """Alternate on a sixteenth of Indian Pines from random pixels, and from those of SNPA."""
    scene = datasets.load_indian_pines()
    X = scene.cube[::4, ::4].reshape(-1, scene.cube.shape[2]).T / scene.cube.max()
    X = np.ascontiguousarray(X)
    rng = np.random.default_rng(random_state)
    picks = [rng.choice(X.shape[1], rank, replace=False) for _ in range(starts)]
    fits = [_alternate_from(X, X[:, pick], k) for pick in picks]
    chosen = _alternate_from(X, separable_nmf(X, rank).W, k)
    rises = [np.max(np.diff(fit.trace.objective)) / fit.objective for fit in (*fits, chosen)]
    return SparseEnds(
        np.sort([fit.objective for fit in fits]), float(chosen.objective), float(max(rises))
    )


def _alternate_from(X, W, k, sweeps=30):
    start = W, np.ascontiguousarray(nnls(W, X).x.T)
    penalties = NonNegative(), RowSparse(k, nonnegative=True)
    return nmf(
        X, W.shape[1], penalties=penalties, init=start, acceleration=None, max_iter=sweeps, tol=0.0
    )
