r"""What single data sets contribute to a model of several: incomplete data, and counts."""

import numpy as np

from multiconvex.divergence import model_floor
from multiconvex.losses import Frobenius
from multiconvex.memo import IdentityMemo
from multiconvex.models.factor_problem import FactorProblem, factor_blocks
from multiconvex.operands import DenseTensor, factors_to_array
from multiconvex.problem import MultiblockProblem


class IncompleteProblem(FactorProblem):
    r"""Factor model of an array some of whose entries are missing.

    .. math:: \tfrac12 \sum_{i \in \Omega} \Bigl( X - \sum_{q=1}^{r} A^{(0)}_{:q} \otimes \cdots
              \otimes A^{(d-1)}_{:q} \Bigr)_i^2 + \sum_k g_k(A^{(k)})

    The normal equations are those of a majorant: data in which the missing entries take the values
    of the model at the current point. It touches the loss there, so that what lowers the
    majorant lowers the loss.

    Parameters
    ----------
    X : ndarray
        Anything where it is not observed.
    observed : ndarray of bool
        The set :math:`\Omega`.
    rank : int
    penalties : sequence of Penalty
    """

    # The best common scale would have to leave out what is missing.
    scale_invariant = False

    def __init__(self, X, observed, rank, penalties):
        super().__init__(np.where(observed, X, X.dtype.type(0)), rank, penalties)
        self._observed = observed
        self.n_observed = int(np.count_nonzero(observed))
        self._residuals = IdentityMemo()

    def normal_equations(self, x, k):
        gram = self._gram(x, k)
        return gram, x[k] @ gram + self._residual(x).mttkrp(x, k)

    def loss(self, x):
        return 0.5 * self._residual(x).norm2

    def _residual(self, x):
        """Return data minus model, 0 where nothing was observed."""
        return self._residuals(
            "residual",
            x,
            lambda: DenseTensor((self.data.array - factors_to_array(x)) * self._observed),
        )


class DivergenceTensorProblem(MultiblockProblem):
    r"""Factor model of an array of any order under any loss, on the observed entries.

    .. math:: \sum_{i \in \Omega} D\Bigl( X_i, \Bigl( \sum_{q=1}^{r} A^{(0)}_{:q} \otimes \cdots
              \otimes A^{(d-1)}_{:q} \Bigr)_i \Bigr) + \sum_k g_k(A^{(k)})

    Parameters
    ----------
    X : ndarray
        Nonnegative where it is observed.
    observed : ndarray of bool
    rank : int
    loss : KullbackLeibler, BetaDivergence or Frobenius
    penalties : sequence of Penalty
    """

    def __init__(self, X, observed, rank, loss, penalties):
        # 1 stands where nothing was observed: every loss and its derivatives are finite there.
        self.data = DenseTensor(np.where(observed, X, X.dtype.type(1)))
        self.loss_function = loss
        self.blocks = factor_blocks(X.shape, rank, penalties)
        self._observed = observed
        self._floor = model_floor(X.dtype)
        self._models = IdentityMemo()

    def loss(self, x):
        seen = self._observed
        return self.loss_function.value(self.data.array[seen], self._model(x)[seen])

    def gradient(self, x, k):
        num, den = self.multiplicative_terms(x, k)
        return den - num

    def multiplicative_terms(self, x, k):
        """Return ``num, den`` with gradient ``den - num``."""
        halves = self.loss_function.halves(self.data.array, self._model(x))
        return tuple(DenseTensor(half * self._observed).mttkrp(x, k) for half in halves)

    def lipschitz(self, x, k):
        """Return a bound on the second derivatives at ``x``: the largest row sum."""
        sums = factors_to_array((*x[:k], np.ones_like(x[k]), *x[k + 1 :]))
        bend = self.loss_function.curvature(self.data.array, self._model(x))
        return float(DenseTensor(bend * sums * self._observed).mttkrp(x, k).max())

    def _model(self, x):
        return self._models("model", x, lambda: factors_to_array(x) + self._floor)


def dataset_term(X, observed, rank, loss, penalties):
    """Return the problem of one data set that suits its loss and what is missing."""
    if not isinstance(loss, Frobenius):
        return DivergenceTensorProblem(X, observed, rank, loss, penalties)
    if observed.all():
        return FactorProblem(X, rank, penalties)
    return IncompleteProblem(X, observed, rank, penalties)


def count_observed(term):
    """Return the number of entries that a loss is summed over."""
    return term.n_observed if isinstance(term, IncompleteProblem) else term.data.array.size
