r"""Factor models as multi-block problems: one block for each factor matrix."""

from functools import reduce

import numpy as np
import scipy.sparse as sp

from multiconvex.balancing import best_scale
from multiconvex.divergence import divergence_of
from multiconvex.losses import Frobenius
from multiconvex.memo import IdentityMemo
from multiconvex.operands import DenseTensor, SparseMatrix, TuckerTensor
from multiconvex.operands_chunked import ChunkedMatrix
from multiconvex.problem import Block, MultiblockProblem

_CANCELLATION = 1e-8


def as_operand(data):
    """Return checked data as the operand its type calls for."""
    if isinstance(data, ChunkedMatrix | DenseTensor | SparseMatrix | TuckerTensor):
        return data
    return SparseMatrix(data) if sp.issparse(data) else DenseTensor(data)


def factor_blocks(shape, rank, penalties):
    """Return one block for each mode: ``W`` and ``H`` for matrices, ``factors[k]`` for tensors."""
    if len(penalties) != len(shape):
        raise ValueError(
            f"penalties must hold one penalty for each of the {len(shape)} factors, "
            f"got {len(penalties)}."
        )
    shapes = [(n, rank) for n in shape]
    return tuple(Block(*entry) for entry in zip(factor_names(len(shape)), shapes, penalties))


def factor_names(order):
    """Return the names of the factors of an array with so many modes."""
    return ("W", "H") if order == 2 else tuple(f"factors[{k}]" for k in range(order))


class FactorProblem(MultiblockProblem):
    r"""Factor model of an array under the Frobenius loss.

    .. math:: \tfrac12 \Bigl\| X - \sum_{q=1}^{r} A^{(0)}_{:q} \otimes \cdots \otimes
              A^{(d-1)}_{:q} \Bigr\|_F^2 + \sum_k g_k(A^{(k)})

    For matrices this is :math:`\tfrac12 \|X - W H^T\|_F^2 + g_W(W) + g_H(H)`.

    Parameters
    ----------
    X : ndarray, scipy.sparse array or TuckerTensor
    rank : int
    penalties : sequence of Penalty
        One for each mode.

    Notes
    -----
    The products with the data are remembered until another block changes, so that the objective
    after a sweep costs O(n r).
    """

    loss_function = Frobenius()
    scale_invariant = True

    def __init__(self, X, rank, penalties):
        self.data = as_operand(X)
        self.blocks = factor_blocks(self.data.shape, rank, penalties)
        self._products = IdentityMemo()
        self._grams = IdentityMemo()

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` such that the loss in block k is <A gram, A>/2 - <rhs, A> + c."""
        others = (*x[:k], *x[k + 1 :])
        return self._products(k, others, lambda: (self._gram(x, k), self.data.mttkrp(x, k)))

    def loss(self, x):
        last = len(x) - 1
        gram, rhs = self.normal_equations(x, last)
        norm2 = self.data.norm2
        value = 0.5 * norm2 - np.vdot(rhs, x[last]) + 0.5 * np.vdot(gram, x[last].T @ x[last])
        if value > _CANCELLATION * norm2:
            return float(value)
        return 0.5 * self.data.distance2(x)

    def optimal_scale(self, x):
        """Return the best common factor of all blocks, 0 where no model is better than this one."""
        last = len(x) - 1
        gram, rhs = self.normal_equations(x, last)
        return best_scale(
            float(np.vdot(rhs, x[last])),
            float(np.vdot(gram, x[last].T @ x[last])),
            len(x),
            [block.penalty for block in self.blocks],
            x,
        )

    def gradient(self, x, k):
        gram, rhs = self.normal_equations(x, k)
        return x[k] @ gram - rhs

    def lipschitz(self, x, k):
        return float(np.linalg.eigvalsh(self.normal_equations(x, k)[0])[-1])

    def curvature_sums(self, x, k):
        """Return the row sums of the magnitudes of the second derivatives, as one row."""
        return np.abs(self.normal_equations(x, k)[0]).sum(axis=0)[None, :]

    def multiplicative_terms(self, x, k):
        """Return ``num, den`` with gradient ``den - num``; the data must be nonnegative."""
        gram, rhs = self.normal_equations(x, k)
        return np.maximum(rhs, 0.0), x[k] @ gram

    def _gram(self, x, k):
        grams = [
            self._grams(mode, (factor,), lambda a=factor: a.T @ a)
            for mode, factor in enumerate(x)
            if mode != k
        ]
        return reduce(np.multiply, grams)


class DivergenceProblem(MultiblockProblem):
    r"""Factor model of a nonnegative matrix under a loss that is not quadratic.

    .. math:: \sum_{ij} D\bigl(X_{ij}, (W H^T)_{ij}\bigr) + g_W(W) + g_H(H)

    Parameters
    ----------
    X : ndarray or scipy.sparse array
    rank : int
    loss : KullbackLeibler, BetaDivergence or Frobenius
    penalties : pair of Penalty
    """

    scale_invariant = True

    def __init__(self, X, rank, loss, penalties):
        self.data = divergence_of(X, loss)
        self.loss_function = loss
        self.blocks = factor_blocks(self.data.shape, rank, penalties)
        self._values = IdentityMemo()

    def loss(self, x):
        return self._values("loss", x, lambda: self.data.value(*x))

    def gradient(self, x, k):
        num, den = self.data.halves(*x, k)
        return den - num

    def lipschitz(self, x, k):
        """Return a bound on the second derivatives at ``x`` only: the loss has no global one."""
        return float(self.curvature_sums(x, k).max())

    def curvature_sums(self, x, k):
        """Return the row sums of the second derivatives at ``x``, in the shape of block k."""
        return self.data.curvature_sums(*x, k)

    def multiplicative_terms(self, x, k):
        """Return ``num, den`` with gradient ``den - num``."""
        return self.data.halves(*x, k)

    def kullback_leibler_rows(self, x, k):
        """Return the data with the rows of block k first, and the matrix that models them."""
        return self.data.rows(k), x[1 - k]

    def burg_constants(self, x, k):
        """Return the relative smoothness constant of each row of block k, as a column."""
        return self.data.sums(k)[:, None]


def is_frobenius(loss):
    """Return whether the loss is quadratic, so that Gram matrices suffice."""
    return isinstance(loss, Frobenius)
