"""Regions that somebody draws on a hyperspectral image, and unmixing with them."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.diagnostics import match_components
from multiconvex.models.multiple_dictionaries import multiple_dictionaries
from multiconvex.models.separable_nmf import separable_nmf
from multiconvex.regression import nnls


@dataclass(frozen=True)
class Region:
    """A rectangle of an image and how many materials to look for in it.

    Attributes
    ----------
    rows, cols : tuple of int
        First row, and the row after the last; the same for columns.
    count : int
    """

    rows: tuple
    cols: tuple
    count: int = 1

    def pixels(self, scene):
        """Return the spectra inside as columns, shape (bands, pixels), row by row."""
        return self.crop(scene.cube).reshape(-1, scene.cube.shape[2]).T

    def crop(self, image):
        """Return the part of an image (rows, cols, ...) that lies inside."""
        return image[slice(*self.rows), slice(*self.cols)]

    def places(self, numbers):
        """Return row and column in the image of pixels numbered row by row, shape (n, 2)."""
        width = self.cols[1] - self.cols[0]
        corner = np.array([self.rows[0], self.cols[0]])
        return corner + np.column_stack(np.divmod(numbers, width))

    def swapped(self):
        """Return the region with rows and columns exchanged."""
        return replace(self, rows=self.cols, cols=self.rows)


def whole_image(scene, count):
    """Return the region that is all of a scene."""
    rows, cols, _ = scene.cube.shape
    return Region((0, rows), (0, cols), count)


@dataclass(frozen=True, eq=False)
class Unmixing:
    """Pure pixels of a scene and what they explain.

    Attributes
    ----------
    regions : tuple of Region
        Where pixels were looked for; empty where no region was given.
    owners : ndarray of int, shape (r,)
        Region of each component.
    places : ndarray of int, shape (r, 2)
        Row and column of each pure pixel.
    spectra : ndarray, shape (bands, r)
        The pure pixels, in the units of the scene.
    maps : ndarray, shape (rows, cols, r)
        Abundances.
    relative_error : float
        Norm of the residual, relative to that of the scene.
    result : MatrixFactorization
    """

    regions: tuple
    owners: np.ndarray
    places: np.ndarray
    spectra: np.ndarray
    maps: np.ndarray
    relative_error: float
    result: object

    def in_order_of(self, spectra):
        """Return the components in the order in which they match the columns of ``spectra``."""
        order, _ = match_components(self.spectra, spectra)
        return replace(
            self,
            owners=self.owners[order],
            places=self.places[order],
            spectra=self.spectra[:, order],
            maps=self.maps[..., order],
        )


def unmix(scene, regions, *, n_starts=5, random_state=0):
    """Look for the pure pixels of a scene inside regions, with the counts of these.

    Parameters
    ----------
    scene : HyperspectralImage
    regions : sequence of Region
    n_starts, random_state
        See :func:`multiconvex.multiple_dictionaries`.

    Returns
    -------
    Unmixing
    """
    fit = multiple_dictionaries(
        scene.matrix,
        [region.pixels(scene) for region in regions],
        [region.count for region in regions],
        n_starts=n_starts,
        random_state=random_state,
    )
    return locate(scene, regions, fit)


def locate(scene, regions, fit):
    """Say where in a scene the atoms are that a fit picked in regions.

    Parameters
    ----------
    scene : HyperspectralImage
    regions : sequence of Region
    fit : MultipleDictionaries

    Returns
    -------
    Unmixing
        Components in the order of the regions.
    """
    order = np.argsort(fit.indices[:, 0], kind="stable")
    owners = fit.indices[order, 0]
    places = np.vstack([regions[i].places([number]) for i, number in fit.indices[order]])
    return _unmixing(scene, fit, tuple(regions), owners, places, fit.H[:, order])


def try_random_pixels(scene, regions, trials=40, random_state=0):
    """Return the relative residuals with pixels drawn at random in regions, increasing."""
    rng = np.random.default_rng(random_state)
    X, dictionaries = scene.matrix, [region.pixels(scene) for region in regions]
    errors = []
    for _ in range(trials):
        drawn = [
            atoms[:, rng.choice(atoms.shape[1], region.count, replace=False)]
            for atoms, region in zip(dictionaries, regions)
        ]
        errors.append(relative_error(scene, nnls(np.hstack(drawn), X).objective))
    return np.sort(errors)


def unmix_separable(scene, rank):
    """Look for the pure pixels of a scene by successive nonnegative projections."""
    fit = separable_nmf(scene.matrix, rank)
    places = whole_image(scene, rank).places(fit.indices)
    weights = fit.H * np.linalg.norm(fit.W, axis=0)
    return _unmixing(scene, fit, (), np.arange(rank), places, weights)


def relative_error(scene, objective):
    """Return the norm of a residual relative to that of the scene, from half its square."""
    return float(np.sqrt(2.0 * objective) / np.linalg.norm(scene.cube))


def _unmixing(scene, fit, regions, owners, places, weights):
    """Put a fit with atoms of unit norm in the units of the scene."""
    spectra = scene.cube[places[:, 0], places[:, 1]].T.astype(float)
    maps = scene.maps(weights / np.linalg.norm(spectra, axis=0))
    error = relative_error(scene, fit.objective)
    return Unmixing(regions, owners, places, spectra, maps, error, fit)
