r"""Convolutive models as multi-block problems: templates that last several columns.

With the delayed copies of the activations side by side, a convolutive model is a factor model,

.. math:: \hat X_{ft} = \sum_{q, \tau} W_{f \tau q} H_{t - \tau, q} = (W \tilde H^T)_{ft},
          \qquad H_{sq} = 0 \text{ for } s < 0,

so that losses and their gradients are those of factor models, folded back where the block is
:math:`H`.
"""

import numpy as np
import scipy.sparse as sp

from multiconvex.divergence import DenseDivergence, DenseKullbackLeibler, divergence_of
from multiconvex.losses import KullbackLeibler
from multiconvex.memo import IdentityMemo
from multiconvex.operators.lags import folded, lagged
from multiconvex.problem import Block, MultiblockProblem

_SLAB = 2**15


class _RememberedModel:
    """Keeps the model between the objective and the update that follows it.

    With lags the product is most of the work, so that an array of the size of the data pays.
    """

    def __init__(self, array, loss):
        super().__init__(array, loss)
        self._remembered = IdentityMemo()

    def _slabs(self, rows, columns):
        model = self._remembered("model", (rows, columns), lambda: rows @ columns.T)
        step = max(1, _SLAB // self.shape[1])
        for start in range(0, self.shape[0], step):
            slab = slice(start, start + step)
            yield slab, self.array[slab], model[slab] + self._floor


class _LaggedDivergence(_RememberedModel, DenseDivergence):
    """Any loss between a dense matrix and a convolutive model."""


class _LaggedKullbackLeibler(_RememberedModel, DenseKullbackLeibler):
    """Kullback-Leibler divergence between a dense matrix and a convolutive model."""


def _divergence_of(data, loss):
    if sp.issparse(data):
        return divergence_of(data, loss)
    counts = isinstance(loss, KullbackLeibler)
    return _LaggedKullbackLeibler(data, loss) if counts else _LaggedDivergence(data, loss)


class _Convolutive(MultiblockProblem):
    """What problems with templates share; subclasses say which templates and activations."""

    def __init__(self, X, width, loss, blocks):
        self.blocks = blocks
        self.loss_function = loss
        self._data = _divergence_of(X, loss)
        self._width = width
        self._factors = IdentityMemo()

    def loss(self, x):
        return self._data.value(*self._matrices(x))

    def gradient(self, x, k):
        num, den = self.multiplicative_terms(x, k)
        return den - num

    def lipschitz(self, x, k):
        """Return a bound on the second derivatives at ``x`` only: the loss has no global one."""
        return float(self.curvature_sums(x, k).max())

    def curvature_sums(self, x, k):
        """Return bounds on the row sums of the second derivatives at ``x``, in the shape of k."""
        return self._in_block(self._data.curvature_sums(*self._matrices(x), self._factor(k)), x, k)

    def multiplicative_terms(self, x, k):
        """Return ``num, den`` with gradient ``den - num``."""
        halves = self._data.halves(*self._matrices(x), self._factor(k))
        return tuple(self._in_block(half, x, k) for half in halves)

    def _matrices(self, x):
        """Return the two factors whose product is the model."""
        W, H = self._templates_and_activations(x)
        return (
            self._factors("W", (W,), lambda: W.reshape(len(W), -1)),
            self._factors("H", (H,), lambda: lagged(H, self._width)),
        )

    def _in_block(self, matrix, x, k):
        """Return what belongs to a factor of the product as what belongs to block ``k``."""
        rows, shape = len(self._matrices(x)[self._factor(k)]), x[k].shape
        full = np.broadcast_to(matrix, (rows, matrix.shape[1]))
        return full.reshape(shape) if self._factor(k) == 0 else folded(full, self._width)


class ConvolutiveProblem(_Convolutive):
    r"""Templates and activations of a nonnegative matrix.

    .. math:: \sum_{ft} D\Bigl(X_{ft}, \sum_{q, \tau} W_{f \tau q} H_{t - \tau, q}\Bigr)
              + g_W(W) + g_H(H), \qquad H_{sq} = 0 \text{ for } s < 0

    Parameters
    ----------
    X : ndarray or scipy.sparse array, shape (m, n)
    rank : int
    width : int
        Columns a template lasts.
    loss : KullbackLeibler, BetaDivergence or Frobenius
    penalties : pair of Penalty
        Of ``W`` and of ``H``.
    """

    def __init__(self, X, rank, width, loss, penalties):
        m, n = X.shape
        shapes = (m, width, rank), (n, rank)
        blocks = tuple(Block(*entry) for entry in zip("WH", shapes, penalties))
        super().__init__(X, width, loss, blocks)

    def _templates_and_activations(self, x):
        return x

    def _factor(self, k):
        return k


class ActivationProblem(_Convolutive):
    r"""Activations of templates that are known: the same problem in the block ``H`` alone, convex.

    Parameters
    ----------
    X : ndarray or scipy.sparse array, shape (m, n)
    W : ndarray, shape (m, width, rank)
    loss : KullbackLeibler, BetaDivergence or Frobenius
    penalty : Penalty
    """

    def __init__(self, X, W, loss, penalty):
        self._templates = W
        blocks = (Block("H", (X.shape[1], W.shape[2]), penalty),)
        super().__init__(X, W.shape[1], loss, blocks)

    def _templates_and_activations(self, x):
        return self._templates, x[0]

    def _factor(self, k):
        return 1
