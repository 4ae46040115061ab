"""Amounts of three materials in a scene with water, by steps that differ in their lengths only."""

from dataclasses import dataclass

import numpy as np

from multiconvex.datasets import load_or_simulate
from multiconvex.regression import nnls
from multiconvex.studies._test_vectors import CURVATURES, DiagonalSteps, slowest_mode

_DARK = 0.06
_WATER = 0


@dataclass(frozen=True, eq=False)
class Lake:
    """A scene in which one of the materials is dark.

    Attributes
    ----------
    W : ndarray of shape (bands, 3)
        Reference spectra, the dark one first.
    X : ndarray of shape (bands, rows * cols)
    shape : tuple of int
    names : tuple of str
    note : str
        Empty for real data.
    """

    W: np.ndarray
    X: np.ndarray
    shape: tuple
    names: tuple
    note: str

    @property
    def norms(self):
        """Euclidean norm of each spectrum."""
        return np.linalg.norm(self.W, axis=0)

    def contraction(self, rule):
        """The least eigenvalue that decides how fast a rule is; see :func:`slowest_mode`."""
        hessian = self.W.T @ self.W
        return slowest_mode(hessian, CURVATURES[rule](hessian))


def load_lake():
    """Load Moffett Field, or simulate a scene of its size with one dark material."""
    image = load_or_simulate("moffett")
    W, X, note = image.spectra, image.matrix, image.note
    if note:
        note += " One of its materials has been darkened."
        dark = W * np.where(np.arange(W.shape[1]) == _WATER, _DARK, 1.0)
        noise = X - W @ image.abundances.reshape(-1, W.shape[1]).T
        W, X = dark, dark @ image.abundances.reshape(-1, W.shape[1]).T + noise
    shape = image.cube.shape[:2]
    return Lake(W, X, shape, tuple(image.names), note)


@dataclass(frozen=True, eq=False)
class LakeRuns:
    """The amounts of the dark material along several rules.

    Attributes
    ----------
    exact : ndarray of shape (rows, cols)
    maps : dict of str to ndarray of shape (steps + 1, rows, cols)
    """

    exact: np.ndarray
    maps: dict

    def errors(self, rule):
        """Distance to the exact amounts relative to their norm, after each step."""
        gaps = np.linalg.norm(self.maps[rule] - self.exact, axis=(1, 2))
        return gaps / np.linalg.norm(self.exact)

    def steps_to(self, rule, error):
        """Number of steps until the relative distance is at most `error`, None if never."""
        reached = self.errors(rule) <= error
        return int(reached.argmax()) if reached.any() else None


def watch_lake(lake, *, rules=("gradient", "ones"), gamma=1.0, steps=1000):
    """Regress all pixels on the spectra from equal amounts and keep each map of the dark one.

    Parameters
    ----------
    lake : Lake
    rules : sequence of str
        Names in ``CURVATURES``.
    gamma : float
    steps : int

    Returns
    -------
    LakeRuns
    """
    start = np.full((lake.W.shape[1], lake.X.shape[1]), 1.0 / lake.W.shape[1])
    maps = {}
    for rule in rules:
        seen = [start[_WATER]]
        nnls(
            lake.W,
            lake.X,
            update=DiagonalSteps(rule, gamma, steps=1),
            init=start,
            max_iter=steps,
            tol=0,
            callback=lambda sweep, seen=seen: seen.append(sweep.blocks["x"][:, _WATER]),
        )
        maps[rule] = np.array(seen).reshape(-1, *lake.shape)
    return LakeRuns(nnls(lake.W, lake.X).x[_WATER].reshape(lake.shape), maps)
