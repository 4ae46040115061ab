"""Ways to unmix a matrix of pixels, all from the same pure pixels where they need a start."""

from dataclasses import dataclass

import numpy as np

from multiconvex.models.dictionary_lra import dictionary_lra
from multiconvex.models.minvol_nmf import minvol_nmf
from multiconvex.models.multiple_dictionaries import multiple_dictionaries
from multiconvex.models.nmf import nmf
from multiconvex.models.separable_nmf import SeparableFactorization, separable_nmf
from multiconvex.penalties import NonNegative, RowSparse, Simplex, SubSimplex
from multiconvex.regression import nnls

_SPARSE_SWEEPS = 30
_STARTS = 5


@dataclass(frozen=True, eq=False)
class Task:
    """What the methods are given.

    Attributes
    ----------
    X : ndarray, shape (bands, pixels)
    start : SeparableFactorization
        The pixels of SNPA and their abundances.
    regions : ndarray of int, shape (pixels,), or None
        Positive where somebody expects one of the materials.
    random_state : int
    """

    X: np.ndarray
    start: SeparableFactorization
    regions: np.ndarray | None
    random_state: int

    @property
    def rank(self):
        """Number of materials."""
        return self.start.W.shape[1]


def state_task(X, rank, regions, random_state):
    """Choose the pure pixels from which all methods start."""
    return Task(X, separable_nmf(X, rank), regions, random_state)


def _separable(task):
    return task.start.W, task.start.H


def _plain(task):
    return nmf(task.X, task.rank, init=task.start.factors).factors


def _small(task):
    return _minimum_volume(task, SubSimplex())


def _small_sum_to_one(task):
    return _minimum_volume(task, Simplex())


def _minimum_volume(task, shares, max_iter=1000):
    return minvol_nmf(
        task.X, task.rank, penalties=(NonNegative(), shares), max_iter=max_iter
    ).factors


def _sparse(task):
    """Two materials at most in a pixel."""
    penalties = NonNegative(), RowSparse(min(2, task.rank), nonnegative=True)
    return nmf(
        task.X, task.rank, penalties=penalties, init=task.start.factors, acceleration=None,
        max_iter=_SPARSE_SWEEPS, tol=0.0,
    ).factors  # fmt: skip


def _pixels(task):
    """All pixels as one dictionary, of which one atom a material is chosen."""
    usable = np.flatnonzero(task.X.any(axis=0))
    codes = np.zeros((len(usable), task.rank))
    codes[np.searchsorted(usable, task.start.indices), np.arange(task.rank)] = 1.0
    fit = dictionary_lra(
        task.X, task.rank, task.X[:, usable], init=(codes, task.start.H), n_starts=_STARTS,
        random_state=task.random_state,
    )  # fmt: skip
    return _explained_by(task.X, usable[fit.indices])


def _regions(task):
    """The pixels of each region as a dictionary, of which one atom is chosen."""
    usable = task.X.any(axis=0)
    places = [
        np.flatnonzero((task.regions == label) & usable)
        for label in np.unique(task.regions[task.regions > 0])
    ]
    fit = multiple_dictionaries(
        task.X, [task.X[:, place] for place in places], [1] * len(places), n_starts=_STARTS,
        random_state=task.random_state,
    )  # fmt: skip
    return _explained_by(task.X, np.array([places[i][number] for i, number in fit.indices]))


def _explained_by(X, chosen):
    """Return pixels as spectra, and the abundances that fit best."""
    return X[:, chosen], np.ascontiguousarray(nnls(X[:, chosen], X).x.T)


METHODS = {
    "separable": _separable,
    "NMF": _plain,
    "minimum volume": _small,
    "minimum volume, sum to one": _small_sum_to_one,
    "two a pixel": _sparse,
    "pixels": _pixels,
    "regions": _regions,
}
