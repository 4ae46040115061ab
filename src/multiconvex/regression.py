r"""Nonnegative regression: problems with one block, fronts over the updates."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from multiconvex.checks import check_array, check_blocks, check_option
from multiconvex.divergence import divergence_of
from multiconvex.engine import alternate
from multiconvex.losses import Frobenius, KullbackLeibler
from multiconvex.penalties import NonNegative
from multiconvex.problem import Block, MultiblockProblem
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Result
from multiconvex.updates import (
    HALS,
    ActiveSet,
    MultiplicativeUpdate,
    NoLips,
    ProxGradient,
    RefinedActiveSet,
    ScalarNewton,
    Update,
)
from multiconvex.updates.least_squares import solve_symmetric

_FEW = 4
_LARGE = 5e7
_BLOCK_PIVOTING = ActiveSet("block")
_NNLS_UPDATES = {
    "active_set": _BLOCK_PIVOTING,
    "hals": HALS(),
    "multiplicative": MultiplicativeUpdate(sweeps=10),
    "prox_gradient": ProxGradient(),
}
_NNKL_UPDATES = {
    "multiplicative": MultiplicativeUpdate(),
    "scalar_newton": ScalarNewton(),
    "nolips": NoLips(),
    "prox_gradient": ProxGradient(),
}


class LeastSquaresRegression(MultiblockProblem):
    r"""Least squares in one block, :math:`\tfrac12 \|Y - W x\|_F^2 + g(x^T)`.

    The block is the transpose of :math:`x`, of shape (n, r): one row for each right-hand side.
    """

    loss_function = Frobenius()

    def __init__(self, W, Y, penalty):
        self.blocks = (Block("x", (Y.shape[1], W.shape[1]), penalty),)
        self._W, self._Y = W, Y
        rows, columns = W.shape
        self._cheap_gap = Y.shape[1] * rows < columns * columns and not sp.issparse(Y)

    @cached_property
    def _products(self):
        return self._W.T @ self._W, self._Y.T @ self._W

    @cached_property
    def _half_norm2(self):
        entries = self._Y.data if sp.issparse(self._Y) else self._Y
        return 0.5 * float(np.vdot(entries, entries))

    def design(self):
        """Return ``W, Y``."""
        return self._W, self._Y

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` such that the loss is <x gram, x>/2 - <rhs, x> + c."""
        return self._products

    def loss(self, x):
        if self._cheap_gap:
            gap = self._Y - self._W @ x[0].T
            return 0.5 * float(np.vdot(gap, gap))
        gram, rhs = self._products
        half_slope = 0.5 * (x[0] @ gram) - rhs
        return max(self._half_norm2 + float(np.vdot(half_slope, x[0])), 0.0)

    def gradient(self, x, k):
        gram, rhs = self._products
        return x[0] @ gram - rhs

    def lipschitz(self, x, k):
        return float(np.linalg.eigvalsh(self._products[0])[-1])

    def curvature_sums(self, x, k):
        """Return the row sums of the magnitudes of the second derivatives, as one row."""
        return np.abs(self._products[0]).sum(axis=0)[None, :]

    def multiplicative_terms(self, x, k):
        """Return ``num, den`` with gradient ``den - num``."""
        gram, rhs = self._products
        return np.maximum(rhs, 0.0), x[0] @ gram


class DivergenceRegression(MultiblockProblem):
    r"""Regression in one block under a divergence, :math:`D(Y, W x) + g(x^T)`.

    The block is the transpose of :math:`x`, of shape (n, r).
    """

    def __init__(self, W, Y, loss, penalty):
        self.blocks = (Block("x", (Y.shape[1], W.shape[1]), penalty),)
        self.loss_function = loss
        self._design = W
        self._data = divergence_of(Y, loss)

    def loss(self, x):
        return self._data.value(self._design, x[0])

    def gradient(self, x, k):
        num, den = self.multiplicative_terms(x, k)
        return den - num

    def lipschitz(self, x, k):
        """Return a bound on the second derivatives at ``x`` only: the loss has no global one."""
        return float(self.curvature_sums(x, k).max())

    def curvature_sums(self, x, k):
        """Return the row sums of the second derivatives at ``x``, in the shape of the block."""
        return self._data.curvature_sums(self._design, x[0], 1)

    def multiplicative_terms(self, x, k):
        """Return ``num, den`` with gradient ``den - num``."""
        return self._data.halves(self._design, x[0], 1)

    def kullback_leibler_rows(self, x, k):
        """Return the data by columns, and the matrix that models them."""
        return self._data.rows(1), self._design

    def burg_constants(self, x, k):
        """Return the relative smoothness constant of each column, as a column."""
        return self._data.sums(1)[:, None]


@dataclass(frozen=True, repr=False)
class Regression(Result):
    """Regression coefficients; see :class:`~multiconvex.Result` for the other attributes.

    Attributes
    ----------
    vector : bool
        Whether the right-hand side was a vector.
    """

    vector: bool = False

    @property
    def x(self):
        """Coefficients, of shape (r,) for a vector right-hand side and (r, n) otherwise."""
        columns = self.blocks["x"].T
        return columns[:, 0] if self.vector else columns


def nnls(
    W, Y, *, update="active_set", init=None, l1=0.0, l2=0.0, max_iter=1000, tol=1e-10, callback=None
):
    r"""Nonnegative least squares.

    .. math:: \min_{x \ge 0} \; \tfrac12 \|Y - W x\|_F^2 + \lambda_1 \sum x
              + \tfrac{\lambda_2}{2} \|x\|_F^2

    Parameters
    ----------
    W : ndarray, shape (m, r)
    Y : ndarray or scipy.sparse array, shape (m,) or (m, n)
        Each column is a problem of its own.
    update : {"active_set", "hals", "multiplicative", "prox_gradient"} or Update
        ``"active_set"`` stands for :class:`ActiveSet`, or :class:`RefinedActiveSet` where ``W`` is
        large and the right-hand sides are few.
    init : ndarray, shape (r,) or (r, n), optional
        Starting point; its support is the first guess of the active set.
    l1, l2 : float
        Weights :math:`\lambda_1, \lambda_2 \ge 0`.
    max_iter, tol, callback
        See :func:`alternate`; the default update needs one sweep.

    Returns
    -------
    Regression
        With ``.x`` of shape (r,) or (r, n).

    Raises
    ------
    ValueError
        For arrays that are empty, not finite or of inconsistent shapes; for multiplicative
        updates, also where ``W`` or ``Y`` has negative entries.

    Notes
    -----
    Guarantee: a global minimiser (``"active_set"``), or monotone descent to one.

    Cost: O(m r (r + n)) for the Gram matrix and W.T @ Y, then O(n s^3) per sweep with supports
    of size s ("active_set") or O(n r^2) per pass ("hals").

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnls
    >>> W = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    >>> nnls(W, np.array([1.0, -1.0, 1.0])).x
    array([1., 0.])
    """
    rule = _as_update(update, _NNLS_UPDATES)
    positive = isinstance(rule, MultiplicativeUpdate)
    W, Y, vector = check_data(W, Y, nonnegative=positive)
    if update == "active_set" and _prefers_refinement(W, Y):
        rule = RefinedActiveSet()
    problem = LeastSquaresRegression(W, Y, NonNegative(l1, l2))
    if init is None:
        start = _least_squares_start(problem, rule)
    else:
        start = check_init(init, problem, vector)
    return _solve(problem, start, rule, max_iter, tol, callback, vector)


def nnkl(
    W,
    Y,
    *,
    update="multiplicative",
    init=None,
    l1=0.0,
    l2=0.0,
    max_iter=10000,
    tol=1e-10,
    callback=None,
):
    r"""Nonnegative regression under the Kullback-Leibler divergence.

    .. math:: \min_{x \ge 0} \; \sum Y \log \frac{Y}{W x} - Y + W x + \lambda_1 \sum x
              + \tfrac{\lambda_2}{2} \|x\|_F^2

    Parameters
    ----------
    W : ndarray, shape (m, r)
        Nonnegative.
    Y : ndarray or scipy.sparse array, shape (m,) or (m, n)
        Nonnegative; never filled in where sparse.
    update : {"multiplicative", "scalar_newton", "nolips", "prox_gradient"} or Update
        ``"scalar_newton"`` is the fast one; ``"nolips"`` does not take ``l2``.
    init : ndarray, shape (r,) or (r, n), optional
        Positive starting point. By default constant, at the best scale.
    l1, l2, max_iter, tol, callback
        As in :func:`nnls`.

    Returns
    -------
    Regression
        With ``.x`` of shape (r,) or (r, n).

    Raises
    ------
    ValueError
        For data that are empty, negative, not finite or of inconsistent shapes, or a row of ``W``
        that is zero where the data are not (the divergence is then infinite everywhere).

    Notes
    -----
    Guarantee: monotone descent to a global minimiser.

    Cost: O(m n r) per sweep dense, O(nnz r) sparse.

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnkl
    >>> W = np.array([[1.0], [2.0], [1.0]])
    >>> nnkl(W, np.array([3.0, 4.0, 1.0])).x
    array([2.])
    """
    W, Y, vector = check_data(W, Y, nonnegative=True)
    _check_support(W, Y)
    rule = _as_update(update, _NNKL_UPDATES)
    problem = DivergenceRegression(W, Y, KullbackLeibler(), NonNegative(l1, l2))
    if init is None:
        scales = np.asarray(Y.sum(axis=0)).ravel() / max(W.sum(), np.finfo(W.dtype).tiny)
        start = np.repeat(np.asarray(scales, W.dtype)[:, None], W.shape[1], axis=1)
    else:
        start = check_init(init, problem, vector)
        if isinstance(rule, MultiplicativeUpdate | NoLips) and start.min() <= 0.0:
            raise ValueError(
                f"init must be positive, got {start.min():.3g}: an entry at zero cannot grow."
            )
    return _solve(problem, start, rule, max_iter, tol, callback, vector)


def _solve(problem, start, rule, max_iter, tol, callback, vector):
    result = alternate(
        problem, (start,), rule, stop=RelativeDecrease(tol), max_iter=max_iter, callback=callback
    )
    return Regression(**vars(result), vector=vector)


def _prefers_refinement(W, Y):
    """Return whether the Gram matrix in double precision would cost more than all the rest."""
    few = Y.shape[1] <= _FEW and not sp.issparse(Y)
    return few and W.dtype == np.float64 and W.size * W.shape[1] >= _LARGE


def _as_update(update, named):
    if isinstance(update, Update):
        return update
    check_option("update", update, tuple(named))
    return named[update]


def check_data(W, Y, *, nonnegative):
    """Return checked ``W`` and ``Y``, with a column a problem, and whether ``Y`` was a vector."""
    W = check_array("W", W, ndim=2, nonnegative=nonnegative)
    Y = check_array("Y", Y, ndim=(1, 2), nonnegative=nonnegative, sparse=True)
    vector = Y.ndim == 1
    if Y.shape[0] != W.shape[0]:
        raise ValueError(f"W and Y must have as many rows: W has shape {W.shape} and Y {Y.shape}.")
    if W.dtype != Y.dtype:
        common = np.result_type(W.dtype, Y.dtype)
        W, Y = W.astype(common, copy=False), Y.astype(common, copy=False)
    return W, Y[:, None] if vector else Y, vector


def _check_support(W, Y):
    impossible = (np.asarray(Y.sum(axis=1)).ravel() > 0) & (W.sum(axis=1) == 0)
    if impossible.any():
        raise ValueError(
            f"Row {int(impossible.argmax())} of W is zero where Y is not, so the divergence is "
            "infinite for every x: drop that row, or add a small constant column to W."
        )


def check_init(init, problem, vector):
    """Return checked initial coefficients as a block, with a row a problem."""
    columns = np.asarray(init)
    shape = problem.blocks[0].shape
    expected = (shape[1],) if vector else shape[::-1]
    if columns.shape != expected:
        raise ValueError(f"init must have shape {expected}, got {columns.shape}.")
    rows = columns[None, :] if vector else columns.T
    return check_blocks((rows,), (shape,), ("x",))[0]


def _least_squares_start(problem, rule):
    """Return the clipped least-squares solution at its best scale; constant where updates multiply.

    Its support is also the first guess of the active set. Block pivoting of a single row finds it
    by itself from zero, and at least as fast.
    """
    shape = problem.blocks[0].shape
    if isinstance(rule, RefinedActiveSet) or (shape[0] == 1 and rule == _BLOCK_PIVOTING):
        return np.zeros(shape, problem.design()[0].dtype)
    gram, rhs = problem.normal_equations(None, 0)
    if isinstance(rule, MultiplicativeUpdate):
        ones = np.ones_like(rhs)
        scale = rhs.sum(axis=1, keepdims=True) / max(gram.sum(), np.finfo(rhs.dtype).tiny)
        return ones * np.maximum(scale, np.finfo(rhs.dtype).eps)
    clipped = np.maximum(solve_symmetric(gram, rhs.T).T, 0.0)
    if rule.exact:
        return np.ascontiguousarray(clipped)
    norm2 = np.vdot(clipped @ gram, clipped)
    return np.ascontiguousarray(clipped * (np.vdot(rhs, clipped) / norm2 if norm2 > 0 else 1.0))
