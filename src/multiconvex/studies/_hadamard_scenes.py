r"""Scenes of pure regions, and a camera with one pixel that sees them through Hadamard patterns."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator

from multiconvex.operators.hadamard import sequency_places, transform_rows

SIDE, BANDS, RANK = 32, 40, 3
_FINE = 4
_REGIONS = 14


@dataclass(frozen=True)
class PatternScene:
    """A scene, the patterns shown, and what was measured.

    Attributes
    ----------
    maps : ndarray, shape (n, rank)
        Abundances, which sum to one.
    spectra : ndarray, shape (bands, rank)
    shown : ndarray of bool, shape (side, side)
        Patterns by the number of sign changes along both sides.
    operator : LinearOperator
        From images to differences of measurements.
    measured : ndarray, shape (q, bands)
    """

    maps: np.ndarray
    spectra: np.ndarray
    shown: np.ndarray
    operator: LinearOperator
    measured: np.ndarray

    @property
    def image(self):
        """The image nobody sees, of shape (n, bands)."""
        return self.maps @ self.spectra.T


def make_maps(rng, side=SIDE, rank=RANK):
    """Regions of one material each; pixels on a border hold shares of both sides."""
    centres = side * rng.random((_REGIONS, 2))
    labels = np.concatenate([np.arange(rank), rng.integers(rank, size=_REGIONS - rank)])
    points = np.stack(np.mgrid[: side * _FINE, : side * _FINE], axis=-1) / _FINE
    nearest = np.square(points[..., None, :] - centres).sum(axis=-1).argmin(axis=-1)
    fine = np.eye(rank)[labels[nearest]]
    return fine.reshape(side, _FINE, side, _FINE, rank).mean(axis=(1, 3)).reshape(-1, rank)


def make_spectra(rng, bands=BANDS, rank=RANK):
    """One broad peak each, on a background that waves."""
    t = np.linspace(0.0, 1.0, bands)[:, None]
    waves = np.sin(2 * np.pi * (t * rng.uniform(0.5, 1.5, rank) + rng.random(rank)))
    peaks = np.exp(-0.5 * ((t - np.linspace(0.25, 0.75, rank)) / 0.12) ** 2)
    return 0.2 + 0.2 * waves**2 + peaks


def shown_patterns(kind, size, rng, side=SIDE):
    """Return which patterns are shown, by their numbers of sign changes along both sides.

    ``"square"`` shows those with fewer than ``size`` changes along each side, ``"triangle"`` the
    ``size**2`` with fewest along both together, ``"random"`` as many drawn at random.
    """
    changes = np.arange(side)
    if kind == "square":
        return (changes[:, None] < size) & (changes < size)
    if kind == "triangle":
        order = np.argsort(np.add.outer(changes, changes).ravel(), kind="stable")
    else:
        order = np.concatenate([[0], 1 + rng.permutation(side * side - 1)])
    shown = np.zeros(side * side, dtype=bool)
    shown[order[: size * size]] = True
    return shown.reshape(side, side)


def hadamard_camera(shown):
    """Return the operator whose rows are the patterns shown, scaled to unit norm.

    A pattern of plus and minus ones is measured as the difference of two exposures.
    """
    side = len(shown)
    along = sequency_places(side)
    places = (side * along[:, None] + along)[shown]

    def transform(images):
        """Transform along both sides; the columns are images."""
        return transform_rows(np.ascontiguousarray(images.T)).T / side

    def forward(images):
        return transform(images.reshape(side * side, -1))[places]

    def adjoint(rows):
        spread = np.zeros((side * side, rows.size // len(places)))
        spread[places] = rows.reshape(len(places), -1)
        return transform(spread)

    return LinearOperator(
        (len(places), side * side), matvec=lambda x: forward(x).ravel(), matmat=forward,
        rmatvec=lambda y: adjoint(y).ravel(), rmatmat=adjoint, dtype=float,
    )  # fmt: skip


def measure_scene(kind="triangle", size=8, *, noise=0.02, random_state=0):
    """Return one scene seen through some patterns, with noise of equal size in each of them."""
    rng = np.random.default_rng(random_state)
    maps, spectra = make_maps(rng), make_spectra(rng)
    shown = shown_patterns(kind, size, rng)
    operator = hadamard_camera(shown)
    clean = operator.matmat(maps @ spectra.T)
    measured = clean + noise * rng.standard_normal(clean.shape)
    return PatternScene(maps, spectra, shown, operator, measured)
