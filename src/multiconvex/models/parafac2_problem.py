r"""PARAFAC2 as two multi-block problems: with the profiles as a block, and written as bases times a
core."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from multiconvex.memo import IdentityMemo
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.parafac2_set import orthonormalise, polar_factors, rotate
from multiconvex.penalties import NonNegative, NoPenalty, Penalty
from multiconvex.problem import Block, MultiblockProblem

_CANCELLATION = 1e-8


class SliceData:
    """Slices X_k of shapes (m, n_k) side by side, slice k in ``bounds[k]`` to ``bounds[k + 1]``."""

    def __init__(self, slices):
        self.array = np.ascontiguousarray(np.hstack(slices))
        self.bounds = np.concatenate([[0], np.cumsum([piece.shape[1] for piece in slices])])
        self.owner = np.repeat(np.arange(len(slices)), np.diff(self.bounds))
        self.norm2 = float(np.vdot(self.array, self.array))
        self._memo = IdentityMemo()

    def __len__(self):
        return len(self.bounds) - 1

    def sums(self, stacked):
        """Return the sums over the rows of each slice."""
        return np.add.reduceat(stacked, self.bounds[:-1], axis=0)

    def half_distance2(self, A, B, C):
        """Return half the squared distance to a model, computed entry by entry."""
        gap = self.array - A @ (B * C[self.owner]).T
        return 0.5 * float(np.vdot(gap, gap))

    def transposed_times(self, A):
        """Return the stacked products X_k^T A, remembered until A changes."""
        return self._memo("A", (A,), lambda: self.array.T @ A)


def split_rows(stacked, bounds):
    """Return a stacked array slice by slice, as views."""
    return [stacked[first:last] for first, last in pairwise(bounds)]


def grams_of_slices(stacked, bounds):
    """Return the cross products of the slices of a stacked array, shape (K, r, r)."""
    return np.array([piece.T @ piece for piece in split_rows(stacked, bounds)])


@dataclass(frozen=True)
class SliceWise(Penalty):
    """The same penalty on every slice of a stacked block."""

    penalty: Penalty
    bounds: tuple

    def value(self, x):
        if self.penalty == NonNegative():
            return self.penalty.value(x)
        return sum(self.penalty.value(piece) for piece in split_rows(x, self.bounds))

    def prox(self, x, step):
        return self.prox_each(x, np.broadcast_to(step, len(self.bounds) - 1))

    def prox_each(self, x, steps):
        """Return the proximity operators of each slice, each with its own step."""
        if self.penalty == NonNegative():
            return np.maximum(x, 0.0)
        pieces = split_rows(x, self.bounds)
        return np.vstack([self.penalty.prox(*pair) for pair in zip(pieces, steps)])


class Parafac2Problem(MultiblockProblem):
    r"""The least-squares loss of a PARAFAC2 model whose profiles are a block of their own.

    .. math:: \tfrac12 \sum_k \|X_k - A \operatorname{diag}(C_{k:}) B_k^T\|_F^2
              + g_A(A) + \sum_k g_B(B_k) + g_C(C)

    That the cross products of the :math:`B_k` agree is not part of the objective: the update of
    block ``B`` sees to it.

    Parameters
    ----------
    data : SliceData
    rank : int
    penalties : sequence of Penalty
        For A (m, r), for each slice of the stacked B (sum of n_k, r), and for C (K, r).
    """

    def __init__(self, data, rank, penalties):
        self.data = data
        heights = (len(data.array), len(data.owner), len(data))
        each = SliceWise(penalties[1], tuple(data.bounds))
        penalties = (penalties[0], each, penalties[2])
        self.blocks = tuple(
            Block(name, (height, rank), penalty)
            for name, height, penalty in zip("ABC", heights, penalties)
        )
        self._memo = IdentityMemo()

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` of block A, the only one whose rows share their equations."""
        if k:
            raise TypeError(f"Block {self.blocks[k].name!r} has one Gram matrix for each slice.")
        _, B, C = x

        def compute():
            scaled = B * C[self.data.owner]
            return scaled.T @ scaled, self.data.array @ scaled

        return self._memo("A", (B, C), compute)

    def slice_equations(self, x, k):
        """Return a Gram matrix for each slice, shape (K, r, r), and the right-hand sides.

        Of block B, whose right-hand sides are stacked as B is, or of block C, one row a slice.
        """
        A, B, C = x
        if k == 1:
            weights = C[:, :, None] * C[:, None, :]
            products = self.data.transposed_times(A)
            return weights * (A.T @ A), products * C[self.data.owner]

        def compute():
            grams = grams_of_slices(B, self.data.bounds) * (A.T @ A)
            return grams, self.data.sums(self.data.transposed_times(A) * B)

        return self._memo("C", (A, B), compute)

    def loss(self, x):
        grams, rhs = self.slice_equations(x, 2)
        C, norm2 = x[2], self.data.norm2
        quadratic = np.einsum("kp,kpq,kq->", C, grams, C)
        value = 0.5 * norm2 - np.vdot(rhs, C) + 0.5 * quadratic
        if value > _CANCELLATION * norm2:
            return float(value)
        return self.data.half_distance2(*x)

    def gradient(self, x, k):
        if k == 0:
            gram, rhs = self.normal_equations(x, 0)
            return x[0] @ gram - rhs
        grams, rhs = self.slice_equations(x, k)
        if k == 1:
            return rotate(x[1], grams, self.data.bounds) - rhs
        return np.einsum("kp,kpq->kq", x[2], grams) - rhs

    def lipschitz(self, x, k):
        grams = self.slice_equations(x, k)[0] if k else self.normal_equations(x, 0)[0]
        return float(np.linalg.eigvalsh(grams)[..., -1].max())


class ReparametrizedProblem(MultiblockProblem):
    r"""The same loss with profiles that satisfy the constraint by construction, B_k = P_k D.

    .. math:: \tfrac12 \sum_k \|X_k - A \operatorname{diag}(C_{k:}) D^T P_k^T\|_F^2
              = \tfrac12 \sum_k \bigl( \|X_k\|_F^2 - \|X_k P_k\|_F^2
              + \|X_k P_k - A \operatorname{diag}(C_{k:}) D^T\|_F^2 \bigr)

    With the bases fixed this is a CP model of the small tensor with slices :math:`X_k P_k`.

    Parameters
    ----------
    data : SliceData
    rank : int
    penalties : sequence of Penalty
        For A, B and C; that for B must be none, since D alone says little about :math:`P_k D`.
    """

    def __init__(self, data, rank, penalties):
        self.data, self.rank = data, rank
        self._penalties = (penalties[0], NoPenalty(), penalties[2])
        shapes = ((len(data.array), rank), (rank, rank), (len(data), rank))
        self.blocks = (
            Block("P", (len(data.owner), rank), NoPenalty(), extrapolate=False),
            *(Block(*entry) for entry in zip("ADC", shapes, self._penalties)),
        )
        self._memo = IdentityMemo()

    def bases(self, x):
        """Return the best bases, stacked, given the other blocks."""
        _, A, D, C = x
        bases, roots = orthonormalise(self.data.transposed_times(A), self.data.bounds)
        turns = polar_factors(np.ascontiguousarray(roots @ (C[:, :, None] * D.T)))
        return rotate(bases, turns, self.data.bounds)

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` of a factor of the small tensor."""
        return self._compressed(x[0]).normal_equations(x[1:], k - 1)

    def gradient(self, x, k):
        return self._compressed(x[0]).gradient(x[1:], k - 1)

    def lipschitz(self, x, k):
        return self._compressed(x[0]).lipschitz(x[1:], k - 1)

    def loss(self, x):
        small, norm2 = self._compressed(x[0]), self.data.norm2
        value = 0.5 * (norm2 - small.data.norm2) + small.loss(x[1:])
        if value > _CANCELLATION * norm2:
            return value
        return self.data.half_distance2(x[1], x[0] @ x[2], x[3])

    def _compressed(self, P):
        """Return the CP problem of the tensor (m, r, K) with slices X_k P_k."""

        def compute():
            bounds = self.data.bounds
            slices = zip(split_rows(self.data.array.T, bounds), split_rows(P, bounds))
            tensor = np.stack([piece.T @ basis for piece, basis in slices], axis=2)
            return FactorProblem(tensor, self.rank, self._penalties)

        return self._memo("P", (P,), compute)
