"""Two convex relaxations of columnwise sparsity, for the chapter on mixed sparse coding."""

from dataclasses import dataclass

import numpy as np

from multiconvex import (
    L1,
    DictionaryProblem,
    Extrapolation,
    MaxColumnL1,
    MultiblockProblem,
    NoPenalty,
    ProxGradient,
    RelativeDecrease,
    alternate,
)

_NONZERO = 1e-6


class RelaxedCoding(MultiblockProblem):
    r"""Codes under a convex penalty, :math:`\tfrac12 \|X - D C H^T\|_F^2 + g(C)`, with H given."""

    def __init__(self, X, dictionary, H, penalty):
        penalties = (penalty, NoPenalty())
        self._model = DictionaryProblem(X, H.shape[1], dictionary, penalties)
        self._H = H
        self.blocks = self._model.blocks[:1]

    def loss(self, x):
        return self._model.loss((*x, self._H))

    def gradient(self, x, k):
        return self._model.gradient((*x, self._H), 0)

    def lipschitz(self, x, k):
        return self._model.lipschitz((*x, self._H), 0)


@dataclass(frozen=True, eq=False)
class RelaxedCodes:
    """A minimiser of one relaxation.

    Attributes
    ----------
    codes : ndarray, shape (d, r)
    slopes : ndarray, shape (r,)
        Largest entry of the gradient of the loss in each column.
    residual : float
        First-order optimality of the codes.
    """

    codes: np.ndarray
    slopes: np.ndarray
    residual: float

    @property
    def counts(self):
        """Number of nonzeros of each column."""
        return (np.abs(self.codes) > _NONZERO).sum(axis=0)

    @property
    def sizes(self):
        """The l1 norm of each column."""
        return np.abs(self.codes).sum(axis=0)


@dataclass(frozen=True, eq=False)
class Relaxations:
    """Planted codes whose columns have very different l1 norms, and what two penalties return.

    Attributes
    ----------
    planted : ndarray, shape (d, r)
    fractions : tuple of float
        Weights, as fractions of the least weight that makes all codes zero.
    largest, separate : dict of float to RelaxedCodes
        With the largest l1 norm of a column, and with the sum of l1 norms.
    """

    planted: np.ndarray
    fractions: tuple
    largest: dict
    separate: dict


def relax_columns(fractions=(0.5, 0.2, 0.1, 0.02), *, sizes=(9.0, 3.0, 1.0), random_state=0):
    """Plant three sparse columns of given l1 norms and solve both relaxations.

    Twice as many atoms as rows, three nonzeros in each column, noise of standard deviation 0.01.
    """
    rng = np.random.default_rng(random_state)
    D = rng.standard_normal((20, 40))
    D /= np.linalg.norm(D, axis=0)
    codes = np.zeros((40, len(sizes)))
    for q in range(len(sizes)):
        values = rng.uniform(0.7, 1.3, 3) * rng.choice([-1.0, 1.0], 3)
        codes[rng.choice(40, 3, replace=False), q] = values
    codes *= np.array(sizes) / np.abs(codes).sum(axis=0)
    mixing = np.eye(len(sizes)) + 0.3 * np.triu(np.ones((len(sizes),) * 2), 1)
    H = np.linalg.qr(rng.standard_normal((20, len(sizes))))[0] @ mixing
    X = D @ codes @ H.T + 0.01 * rng.standard_normal((20, 20))
    slope = np.abs(D.T @ X @ H)
    limits = (slope.max(axis=0).sum(), slope.max())
    largest, separate = (
        {part: _solve(X, D, H, penalty(part * limit)) for part in fractions}
        for penalty, limit in zip((MaxColumnL1, L1), limits)
    )
    return Relaxations(codes, tuple(fractions), largest, separate)


def _solve(X, D, H, penalty):
    problem = RelaxedCoding(X, D, H, penalty)
    codes = alternate(
        problem,
        (np.zeros((D.shape[1], H.shape[1])),),
        ProxGradient(),
        acceleration=Extrapolation(),
        stop=RelativeDecrease(1e-13),
        max_iter=5000,
    ).blocks["codes"]
    slopes = np.abs(problem.gradient((codes,), 0)).max(axis=0)
    return RelaxedCodes(codes, slopes, problem.residual((codes,)))
