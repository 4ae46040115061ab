r"""Factor models of an array some entries of which are not looked at."""

from functools import reduce

import numpy as np

from multiconvex.losses import Frobenius
from multiconvex.memo import IdentityMemo
from multiconvex.models.factor_problem import DivergenceProblem, FactorProblem, factor_blocks
from multiconvex.penalties import NoPenalty
from multiconvex.problem import Block, MultiblockProblem


class FilledProblem(MultiblockProblem):
    r"""A factor model of the visible entries of an array.

    .. math:: \min_{A^{(0)}, \dots, A^{(d-1)},\, z} \;
              D\bigl(P_\Omega X + P_{\bar\Omega}\, z, \; [\![A^{(0)}, \dots, A^{(d-1)}]\!]\bigr)
              + \sum_k g_k(A^{(k)})

    The hidden entries :math:`z` are a block of their own. Its minimiser is the model, where the
    divergence vanishes, so that what is left is the loss on the visible entries :math:`\Omega`;
    and with the array filled in, the factors have the updates of complete data. Block by block
    this is the expectation-maximisation algorithm for missing values.

    Parameters
    ----------
    X : ndarray
        A matrix, or a tensor under the Frobenius loss.
    hidden : ndarray of bool
        Of the shape of X.
    rank : int
    penalties : sequence of Penalty
        One for each factor.
    loss : Frobenius or KullbackLeibler
    """

    def __init__(self, X, hidden, rank, penalties, loss):
        self._X, self._places = X, np.nonzero(hidden)
        self._loss, self._rank, self._penalties = loss, rank, penalties
        shape = (len(self._places[0]),)
        self.blocks = (
            *factor_blocks(X.shape, rank, penalties),
            Block("hidden", shape, NoPenalty(), extrapolate=False),
        )
        self._complete = IdentityMemo()

    def loss(self, x):
        return self._completed(x).loss(x[:-1])

    def normal_equations(self, x, k):
        """Return those of the completed array, for the factor k under the Frobenius loss."""
        return self._completed(x).normal_equations(x[:-1], k)

    def kullback_leibler_rows(self, x, k):
        """Return those of the completed matrix, for the factor k."""
        return self._completed(x).kullback_leibler_rows(x[:-1], k)

    def minimize_block(self, x, k):
        """Return the best hidden entries: those of the model."""
        rows = [factor[place] for factor, place in zip(x, self._places)]
        return reduce(np.multiply, rows).sum(axis=1)

    def _completed(self, x):
        """Return the problem of the array whose hidden entries are the last block."""

        def complete():
            X = self._X.copy()
            X[self._places] = x[-1]
            if isinstance(self._loss, Frobenius):
                return FactorProblem(X, self._rank, self._penalties)
            return DivergenceProblem(X, self._rank, self._loss, self._penalties)

        return self._complete("complete", (x[-1],), complete)
