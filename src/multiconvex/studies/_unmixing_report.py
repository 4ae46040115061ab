"""A report on any hyperspectral cube: several ways to unmix it, compared with what is known."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_option, check_rank
from multiconvex.datasets.types import HyperspectralImage
from multiconvex.diagnostics import match_components, spectral_angle
from multiconvex.studies._measured_cubes import check_cube, check_references
from multiconvex.studies._unmixing_methods import METHODS, state_task


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What one method makes of a cube.

    Attributes
    ----------
    method : str
    spectra : ndarray, shape (bands, rank)
        In the order and on the scale of the references, or else of those of the first method.
    abundances : ndarray, shape (rows, cols, rank)
        Shares of these spectra, which sum to one in each pixel.
    residual : ndarray, shape (rows, cols)
        Norm of what is left of each pixel, relative to its norm.
    error : float
        Relative error of the whole cube.
    angles : ndarray, shape (rank,), or None
        With the reference spectra, in degrees.
    rmse : float or None
        Of the shares, against the reference abundances.
    """

    method: str
    spectra: np.ndarray
    abundances: np.ndarray
    residual: np.ndarray
    error: float
    angles: np.ndarray | None
    rmse: float | None


@dataclass(frozen=True, eq=False)
class UnmixingReport:
    """A cube unmixed in several ways.

    Attributes
    ----------
    names : tuple of str
        Of the materials.
    results : dict of str to MethodResult
    spectra, abundances : ndarray or None
        The references, as they were given.
    """

    names: tuple
    results: dict
    spectra: np.ndarray | None
    abundances: np.ndarray | None

    def __getitem__(self, method):
        return self.results[method]

    @property
    def rows(self):
        """What a table says of the error of each method, its angles and its error of shares."""
        return [
            {
                "method": method,
                "residual (%)": 100 * result.error,
                **({} if result.angles is None else dict(zip(self.names, result.angles.tolist()))),
                **({} if result.angles is None else {"mean angle": float(result.angles.mean())}),
                **({} if result.rmse is None else {"RMSE of shares": result.rmse}),
            }
            for method, result in self.results.items()
        ]


def report(
    cube, rank, *, spectra=None, abundances=None, names=None, regions=None, methods=None,
    random_state=0,
):  # fmt: skip
    r"""Unmix a cube in several ways, and compare them with references where there are any.

    Each pixel :math:`x_i` is modelled as :math:`x_i \approx \sum_q h_{iq} w_q` with nonnegative
    spectra and abundances. All methods start from the pixels of :func:`multiconvex.separable_nmf`.

    Parameters
    ----------
    cube : ndarray of shape (rows, cols, bands), or HyperspectralImage
        Nonnegative and finite. An image brings its own references and names, unless others are
        given.
    rank : int
        Number of materials.
    spectra : ndarray, shape (bands, rank), optional
        References. Estimates are put in their order and on their scale.
    abundances : ndarray, shape (rows, cols, rank), optional
        References.
    names : sequence of str, optional
    regions : ndarray of int, shape (rows, cols), optional
        ``rank`` different positive numbers where somebody expects one material each, 0 elsewhere.
    methods : sequence of str, optional
        Some of "separable", "NMF", "minimum volume", "minimum volume, sum to one", "two a pixel",
        "pixels", and, with ``regions``, "regions". By default all of them.
    random_state : int

    Returns
    -------
    UnmixingReport
        With ``.results[method]``, which has ``.spectra``, ``.abundances``, ``.residual``,
        ``.angles``, ``.rmse``; and ``.rows``, a table.

    Raises
    ------
    ValueError
        For a cube of another shape, with readings that are negative or not finite (bands are
        named), references of another shape or another rank, pixels in another order than those of
        ``abundances``, and methods that are not known.

    Examples
    --------
    >>> from multiconvex import datasets
    >>> from multiconvex.studies.spectral_unmixing import report
    >>> scene = datasets.make_mixture((12, 12), bands=20, random_state=0)
    >>> made = report(scene.cube, 3, spectra=scene.spectra, methods=["separable"])
    >>> bool(made["separable"].angles.max() < 3.0)
    True
    """
    if isinstance(cube, HyperspectralImage):
        names = cube.names if names is None and cube.spectra is not None else names
        spectra = cube.spectra if spectra is None else spectra
        abundances = cube.abundances if abundances is None else abundances
        cube = cube.cube
    cube = check_cube(cube)
    rank = check_rank(rank)
    spectra, abundances, regions = check_references(cube, rank, spectra, abundances, regions)
    names = _check_names(names, rank)
    X = np.ascontiguousarray(cube.reshape(-1, cube.shape[2]).T)
    task = state_task(X, rank, None if regions is None else regions.ravel(), random_state)
    target, results = spectra, {}
    for method in _check_methods(methods, regions):
        W, H = METHODS[method](task)
        results[method] = describe(method, cube, W, H, target, spectra, abundances)
        target = results[method].spectra if target is None else target
    return UnmixingReport(names, results, spectra, abundances)


def _check_names(names, rank):
    names = tuple(names or (f"material {q + 1}" for q in range(rank)))
    if len(names) != rank:
        raise ValueError(f"names must be {rank}, one for each material, got {len(names)}.")
    return names


def _check_methods(methods, regions):
    available = [name for name in METHODS if name != "regions" or regions is not None]
    if isinstance(methods, str):
        raise TypeError(f"methods must be a sequence of names, such as [{methods!r}].")
    for method in methods or ():
        check_option("each of methods", method, available)
    return tuple(methods or available)


def describe(method, cube, W, H, target, spectra, abundances):
    """Put factors in the order and on the scale of a target, and compare them with references."""
    shape, X = cube.shape[:2], cube.reshape(-1, cube.shape[2])
    left = np.linalg.norm(X - H @ W.T, axis=1)
    if target is not None:
        order, _ = match_components(W, target)
        W, H = _rescaled(W[:, order], H[:, order], target)
    shares = H / np.maximum(H.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    maps = shares.reshape(*shape, -1)
    return MethodResult(
        method,
        W,
        maps,
        (left / np.maximum(np.linalg.norm(X, axis=1), np.finfo(float).tiny)).reshape(shape),
        float(np.linalg.norm(left) / np.linalg.norm(X)),
        None if spectra is None else spectral_angle(W, spectra),
        None if abundances is None else float(np.sqrt(np.mean((maps - abundances) ** 2))),
    )


def _rescaled(W, H, target):
    """Move the scale of each component into the abundances, so that spectra are near the target."""
    scale = np.sum(target**2, axis=0) / np.maximum(np.sum(W * target, axis=0), np.finfo(float).tiny)
    return W * scale, H / scale
