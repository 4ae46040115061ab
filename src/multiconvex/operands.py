r"""Data seen through the products that factor models need.

For factors :math:`A_0, \dots, A_{d-1}` and a mode ``k`` the central product is the *matricised
tensor times Khatri-Rao product* ``mttkrp(factors, k)``; for matrices it is ``X @ H`` and
``X.T @ W``. Each class says how much memory and work that takes.
"""

from functools import cached_property, reduce
from string import ascii_lowercase

import numpy as np

from multiconvex.memo import IdentityMemo


def khatri_rao(factors):
    """Return the column-wise Kronecker product; the row index of the last factor runs fastest."""
    return reduce(lambda a, b: (a[:, None, :] * b[None, :, :]).reshape(-1, a.shape[1]), factors)


def factors_to_array(factors):
    """Return the array with entries ``sum_q prod_k factors[k][i_k, q]``."""
    if len(factors) == 2:
        return factors[0] @ factors[1].T
    shape = tuple(len(factor) for factor in factors)
    return (factors[0] @ khatri_rao(factors[1:]).T).reshape(shape)


def multiply_modes(array, matrices):
    """Multiply an array by one matrix along each mode."""
    for k, matrix in enumerate(matrices):
        array = np.moveaxis(np.tensordot(matrix, array, axes=(1, k)), 0, k)
    return array


class DenseTensor:
    """A dense array of order two or more.

    Two passes over the data serve all modes of a sweep: contracting the second half of the modes
    once serves every mode of the first half, and conversely.
    """

    def __init__(self, array):
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self._middle = (array.ndim + 1) // 2
        self._memo = IdentityMemo()

    @cached_property
    def norm2(self):
        """Squared Frobenius norm."""
        flat = self.array.ravel()
        return float(flat @ flat)

    def mttkrp(self, factors, k):
        """Return the unfolding along ``k`` times the Khatri-Rao product of the other factors."""
        first = k < self._middle
        modes = range(self._middle) if first else range(self._middle, len(self.shape))
        partial = self._contract_other_half(factors, first)
        rank = partial.shape[-1]
        partial = partial.reshape([self.shape[mode] for mode in modes] + [rank])
        return _contract_all_but(partial, [factors[mode] for mode in modes], k - modes[0])

    def distance2(self, factors):
        """Return the squared distance to the model, computed entry by entry in slabs."""
        rows, total = max(1, 2**18 // max(1, self.array[0].size)), 0.0
        for start in range(0, self.shape[0], rows):
            slab = slice(start, start + rows)
            gap = (self.array[slab] - factors_to_array((factors[0][slab], *factors[1:]))).ravel()
            total += float(gap @ gap)
        return total

    def _contract_other_half(self, factors, first):
        others = factors[self._middle :] if first else factors[: self._middle]

        def contract():
            matrix = self.array.reshape(int(np.prod(self.shape[: self._middle])), -1)
            return (matrix if first else matrix.T) @ khatri_rao(others)

        return self._memo(first, tuple(others), contract)


class TuckerTensor:
    """An array kept as a small core multiplied by a tall basis along each mode."""

    def __init__(self, core, bases):
        self.core = DenseTensor(core)
        self.bases = tuple(bases)
        self.shape = tuple(len(basis) for basis in bases)
        self.dtype = core.dtype
        self._memo = IdentityMemo()

    @cached_property
    def norm2(self):
        """Squared Frobenius norm, through the Gram matrices of the bases."""
        product = multiply_modes(self.core.array, [basis.T @ basis for basis in self.bases])
        return float(np.vdot(product, self.core.array))

    def mttkrp(self, factors, k):
        """Return the same product as for the full array, formed on the core."""
        small = tuple(
            self._memo(mode, (factor,), lambda b=basis, f=factor: b.T @ f)
            for mode, (basis, factor) in enumerate(zip(self.bases, factors))
        )
        return self.bases[k] @ self.core.mttkrp(small, k)

    def distance2(self, factors):
        """Return the squared distance to the model, without forming the full array."""
        cross = float(np.vdot(self.mttkrp(factors, 0), factors[0]))
        return max(self.norm2 - 2.0 * cross + model_norm2(factors), 0.0)


class SparseMatrix:
    """A scipy.sparse matrix in CSR format, never densified."""

    def __init__(self, matrix):
        self.matrix = matrix
        self.shape = matrix.shape
        self.dtype = matrix.dtype
        self._transpose = matrix.T

    @cached_property
    def norm2(self):
        """Squared Frobenius norm."""
        return float(self.matrix.data @ self.matrix.data)

    def mttkrp(self, factors, k):
        """Return ``X @ H`` for ``k = 0`` and ``X.T @ W`` for ``k = 1``."""
        return self.matrix @ factors[1] if k == 0 else self._transpose @ factors[0]

    def distance2(self, factors):
        """Return the squared distance to the model."""
        cross = float(np.vdot(self.mttkrp(factors, 0), factors[0]))
        return max(self.norm2 - 2.0 * cross + model_norm2(factors), 0.0)


def model_norm2(factors):
    """Return the squared norm of the model from the Gram matrices of its factors."""
    return float(reduce(np.multiply, [factor.T @ factor for factor in factors]).sum())


def _contract_all_but(partial, factors, keep):
    """Contract ``partial[i, j, ..., q]`` with ``factors[mode][i_mode, q]`` for mode != keep."""
    letters = ascii_lowercase[: len(factors)]
    operands, terms = [partial], [letters + "z"]
    for mode, factor in enumerate(factors):
        if mode != keep:
            operands.append(factor)
            terms.append(letters[mode] + "z")
    if len(operands) == 1:
        return partial
    optimize = len(operands) > 2
    return np.einsum(",".join(terms) + "->" + letters[keep] + "z", *operands, optimize=optimize)
