r"""Models of data some entries of which are not looked at."""

from abc import abstractmethod
from functools import reduce

import numpy as np

from multiconvex.losses import Frobenius
from multiconvex.memo import IdentityMemo
from multiconvex.models.factor_problem import DivergenceProblem, FactorProblem, factor_blocks
from multiconvex.models.parafac2_problem import ReparametrizedProblem, SliceData, split_rows
from multiconvex.penalties import NoPenalty
from multiconvex.problem import Block, MultiblockProblem


class Filled(MultiblockProblem):
    r"""A model of the visible entries of data.

    .. math:: \min_{x,\, z} \; D\bigl(P_\Omega X + P_{\bar\Omega}\, z, \; M(x)\bigr) + g(x)

    The hidden entries :math:`z` are a block of their own. Its minimiser is the model :math:`M`,
    where the divergence vanishes, so that what is left is the loss on the visible entries
    :math:`\Omega`; and with the data filled in, the other blocks have the updates of complete data.
    Block by block this is the expectation-maximisation algorithm for missing values.

    Parameters
    ----------
    X : ndarray
    hidden : ndarray of bool
        Of the shape of X.
    blocks : sequence of Block
        Those of the model.
    """

    def __init__(self, X, hidden, blocks):
        self._X, self.places = X, np.nonzero(hidden)
        shape = (len(self.places[0]),)
        self.blocks = (*blocks, Block("hidden", shape, NoPenalty(), extrapolate=False))
        self._complete = IdentityMemo()

    @abstractmethod
    def _problem(self, X):
        """Return the problem of complete data."""

    @abstractmethod
    def _factors(self, x):
        """Return the factors, one for each axis of X, whose columns multiply to the model."""

    def loss(self, x):
        return self._completed(x).loss(x[:-1])

    def normal_equations(self, x, k):
        """Return those of the completed data, for the block k under the Frobenius loss."""
        return self._completed(x).normal_equations(x[:-1], k)

    def minimize_block(self, x, k):
        """Return the best hidden entries: those of the model."""
        rows = [factor[place] for factor, place in zip(self._factors(x), self.places)]
        return reduce(np.multiply, rows).sum(axis=1)

    def _completed(self, x):
        """Return the problem of the data whose hidden entries are the last block."""

        def complete():
            X = self._X.copy()
            X[self.places] = x[-1]
            return self._problem(X)

        return self._complete("complete", (x[-1],), complete)


class FilledProblem(Filled):
    """A factor model of the visible entries of a matrix, or of a tensor under the Frobenius loss.

    Parameters
    ----------
    X, hidden : ndarray
        As in :class:`Filled`.
    rank : int
    penalties : sequence of Penalty
        One for each factor.
    loss : Frobenius or KullbackLeibler
    """

    def __init__(self, X, hidden, rank, penalties, loss):
        super().__init__(X, hidden, factor_blocks(X.shape, rank, penalties))
        self._loss, self._rank, self._penalties = loss, rank, penalties

    def kullback_leibler_rows(self, x, k):
        """Return those of the completed matrix, for the factor k."""
        return self._completed(x).kullback_leibler_rows(x[:-1], k)

    def _problem(self, X):
        if isinstance(self._loss, Frobenius):
            return FactorProblem(X, self._rank, self._penalties)
        return DivergenceProblem(X, self._rank, self._loss, self._penalties)

    def _factors(self, x):
        return x[:-1]


class FilledSlices(Filled):
    """A PARAFAC2 model of the visible entries of slices, its profiles bases times a core.

    Parameters
    ----------
    data : SliceData
    hidden : ndarray of bool
        Of the shape of the slices side by side.
    rank : int
    penalties : sequence of Penalty
        For A, B and C; that for B must be none.
    """

    def __init__(self, data, hidden, rank, penalties):
        inner = ReparametrizedProblem(data, rank, penalties)
        super().__init__(data.array, hidden, inner.blocks)
        self._data, self._rank, self._penalties = data, rank, penalties

    def bases(self, x):
        """Return the best bases of the completed slices, given the other blocks."""
        return self._completed(x).bases(x[:-1])

    def _problem(self, X):
        slices = [piece.T for piece in split_rows(X.T, self._data.bounds)]
        return ReparametrizedProblem(SliceData(slices), self._rank, self._penalties)

    def _factors(self, x):
        P, A, D, C, _ = x
        return A, (P @ D) * C[self._data.owner]
