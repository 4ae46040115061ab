r"""Factor models one of whose factors is a sparse combination of the atoms of a dictionary."""

from functools import cached_property

import numpy as np

from multiconvex.checks import unit_columns
from multiconvex.memo import IdentityMemo
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.problem import Block, MultiblockProblem


class DictionaryProblem(MultiblockProblem):
    r"""Factor model of an array, the factor of one mode being ``dictionary @ codes``.

    .. math:: \tfrac12 \Bigl\| X - \sum_{q=1}^{r} (D C)_{:q} \otimes A^{(1)}_{:q} \otimes \cdots
              \otimes A^{(d-1)}_{:q} \Bigr\|_F^2 + g_0(C) + \sum_{k \ge 1} g_k(A^{(k)}),

    here written for the first mode. For matrices this is :math:`\tfrac12 \|X - D C H^T\|_F^2 +
    g_0(C) + g_1(H)`. The atoms, columns of :math:`D`, are scaled to unit Euclidean norm.

    Parameters
    ----------
    X : ndarray or scipy.sparse array
    rank : int
    dictionary : ndarray, shape (n_mode, n_atoms)
        Kept as a scaled copy.
    penalties : sequence of Penalty
        One for each mode; that of ``mode`` is on the codes, such as ``ColumnSparse(k)``.
    mode : int, default 0

    Attributes
    ----------
    dictionary : ndarray, shape (n_mode, n_atoms)
        With atoms of unit norm.

    Raises
    ------
    ValueError
        For a dictionary with a zero atom, or as many rows as the mode has not.

    Notes
    -----
    A loss that is quadratic in the codes is :math:`\tfrac12 \langle C, D^T D\, C M \rangle -
    \langle D^T B, C \rangle + c`, with the normal equations :math:`M, B` of the factor
    :math:`D C` itself; :math:`D^T D` is formed once.

    References
    ----------
    J. E. Cohen, "Dictionary-based low-rank approximations and the mixed sparse coding problem",
    Frontiers in Applied Mathematics and Statistics 8, 2022.
    """

    def __init__(self, X, rank, dictionary, penalties, *, mode=0):
        self._model = FactorProblem(X, rank, penalties)
        self.data = self._model.data
        self.mode = _checked_mode(mode, len(self._model.blocks))
        self.dictionary = _atoms(dictionary, self.data.shape[self.mode]).astype(
            self.data.dtype, copy=False
        )
        blocks = list(self._model.blocks)
        n_atoms = self.dictionary.shape[1]
        blocks[self.mode] = Block("codes", (n_atoms, rank), blocks[self.mode].penalty)
        self.blocks = tuple(blocks)
        self._products = IdentityMemo()

    @cached_property
    def atom_gram(self):
        """Inner products of the atoms, formed when codes first ask for them."""
        return self.dictionary.T @ self.dictionary

    @cached_property
    def _curvature(self):
        rows, columns = self.dictionary.shape
        small = self.dictionary @ self.dictionary.T if rows < columns else self.atom_gram
        return float(np.linalg.eigvalsh(small)[-1])

    def factors(self, x):
        """Return all factor matrices, with ``dictionary @ codes`` in its place."""
        codes = x[self.mode]
        coded = self._products("factor", (codes,), lambda: self.dictionary @ codes)
        return (*x[: self.mode], coded, *x[self.mode + 1 :])

    def loss(self, x):
        return self._model.loss(self.factors(x))

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` of a factor that has no codes, as :class:`FactorProblem` does."""
        if k == self.mode:
            raise ValueError("The codes have coding_equations, not normal_equations.")
        return self._model.normal_equations(self.factors(x), k)

    def factor_equations(self, x, k):
        """Return ``gram, rhs`` of the factor ``A = dictionary @ codes``, were it free."""
        return self._model.normal_equations(self.factors(x), k)

    def coding_equations(self, x, k):
        """Return ``atom_gram, gram, correlations`` of the codes.

        The loss is ``<C, atom_gram C gram>/2 - <correlations, C> + c``.
        """
        gram, rhs = self.factor_equations(x, k)
        correlations = self._products("codes", (rhs,), lambda: self.dictionary.T @ rhs)
        return self.atom_gram, gram, correlations

    def gradient(self, x, k):
        slope = self._model.gradient(self.factors(x), k)
        return self.dictionary.T @ slope if k == self.mode else slope

    def lipschitz(self, x, k):
        bound = self._model.lipschitz(self.factors(x), k)
        return bound * self._curvature if k == self.mode else bound


def _atoms(dictionary, n_rows):
    """Return a copy of a dictionary of ``n_rows`` rows whose columns have unit norm."""
    atoms = unit_columns("dictionary", dictionary)
    if len(atoms) != n_rows:
        raise ValueError(
            f"dictionary must have {n_rows} rows, as many as X has entries along its mode; got "
            f"shape {atoms.shape}: pass atoms as columns, or choose another mode."
        )
    return atoms


def _checked_mode(mode, n_modes):
    if mode not in range(n_modes):
        raise ValueError(f"mode must be one of 0 to {n_modes - 1} for this X, got {mode!r}.")
    return int(mode)
