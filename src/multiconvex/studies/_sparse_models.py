"""Dictionaries and sparse codes drawn at random, and the facets their samples are on."""

from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Model:
    """A dictionary, codes and the samples they make.

    Attributes
    ----------
    dictionary : ndarray, shape (m, r)
        Atoms of unit norm.
    codes : ndarray, shape (r, n)
    """

    dictionary: np.ndarray
    codes: np.ndarray

    @property
    def X(self):
        """The samples, shape (m, n)."""
        return self.dictionary @ self.codes

    @property
    def facets(self):
        """Which facet each sample is on, found from the samples and the atoms, shape (r, n)."""
        normals = np.linalg.pinv(self.dictionary)
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        X = self.X
        return np.abs(normals @ X) < ROUNDING * np.linalg.norm(X, axis=0)

    @property
    def pinned(self):
        """Whether the samples on each facet span it."""
        rank = len(self.codes)
        return all(np.linalg.matrix_rank(self.X[:, on]) == rank - 1 for on in self.facets)


def draw_model(rank, sparsity, n_samples, even=False, random_state=None):
    """Draw Gaussian atoms and Gaussian codes.

    Supports are drawn for each sample alone, or spread as evenly over the atoms as possible.
    """
    rng = np.random.default_rng(random_state)
    dictionary = rng.standard_normal((rank, rank))
    dictionary /= np.linalg.norm(dictionary, axis=0)
    codes = rng.standard_normal((rank, n_samples))
    zeros = np.zeros(rank)
    for column in codes.T:
        first = zeros if even else np.zeros(rank)
        absent = np.lexsort((rng.random(rank), first))[: rank - sparsity]
        column[absent] = 0.0
        zeros[absent] += 1
    return Model(dictionary, codes)
