r"""Nonnegative matrix factorisation, and matrix factorisation under other penalties."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from multiconvex.acceleration import Extrapolation
from multiconvex.checks import check_array, check_blocks, check_option, check_rank, is_chunked
from multiconvex.losses import Frobenius, KullbackLeibler, as_loss
from multiconvex.models.chunked import fit_chunks
from multiconvex.models.compression import Compression, fit_factors, worth_compressing
from multiconvex.models.factor_problem import (
    DivergenceProblem,
    FactorProblem,
    as_operand,
    factor_names,
)
from multiconvex.models.factorization import Factorization
from multiconvex.models.initialization import filled, nndsvd, random_factors
from multiconvex.penalties import L2, NonNegative, NoPenalty, Penalty, RowSparse
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.updates import (
    HALS,
    BranchAndBound,
    LeastSquares,
    MultiplicativeUpdate,
    NoLips,
    PrimalDual,
    ProxGradient,
    ScalarNewton,
)

_KEEPS_ZEROS = MultiplicativeUpdate | NoLips | PrimalDual | ScalarNewton


@dataclass(frozen=True, repr=False)
class MatrixFactorization(Factorization):
    """A matrix model ``W @ H.T``; see :class:`~multiconvex.Result` for the other attributes."""

    @property
    def factors(self):
        """The pair ``(W, H)``."""
        return self.W, self.H

    @property
    def W(self):
        """Left factor, of shape (m, rank)."""
        return self.blocks["W"]

    @property
    def H(self):
        """Right factor, of shape (n, rank)."""
        return self.blocks["H"]

    def reconstruct(self):
        """Return the model ``W @ H.T``, of shape (m, n)."""
        return self.W @ self.H.T


def nmf(
    X,
    rank,
    *,
    loss="frobenius",
    penalties=(NonNegative(), NonNegative()),
    update=None,
    init="nndsvd",
    acceleration="auto",
    balancing="auto",
    max_iter=500,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise a nonnegative matrix as ``X ≈ W Hᵀ``.

    Solves approximately, one factor at a time,

    .. math:: \min_{W, H} \; D(X, W H^T) + g_W(W) + g_H(H),

    with :math:`D` one of

    - ``"frobenius"``: :math:`\tfrac12 \|X - W H^T\|_F^2`,
    - ``"kullback-leibler"``: :math:`\sum_{ij} X \log(X / W H^T) - X + W H^T`,
    - ``BetaDivergence(beta)``, with :math:`1 < \beta < 2`,

    and :math:`g_W, g_H` nonnegativity by default. ``NonNegative(l1, l2)`` adds
    :math:`\lambda_1 \sum W + \tfrac{\lambda_2}{2}\|W\|_F^2`.

    Parameters
    ----------
    X : ndarray, scipy.sparse array or dask.array.Array, shape (m, n)
        Never modified and, where sparse, never filled in. Chunks of rows of a Dask array stay where
        they are, and so do those of ``W``, which is then a Dask array too (Frobenius loss).
    rank : int
    loss : str or loss object
    penalties : pair of Penalty
        Of ``W`` and of ``H``.
    update : Update or dict, optional
        By default :class:`HALS` (Frobenius), :class:`ScalarNewton` (Kullback-Leibler),
        :class:`MultiplicativeUpdate` (beta), and :class:`LeastSquares` or :class:`ProxGradient`
        where the penalties are not nonnegativity; :class:`BranchAndBound` for a factor with
        nonnegative sparse rows.
    init : {"nndsvd", "random"} or pair of ndarray
    acceleration : "auto", None, Extrapolation or Compression
        ``"auto"`` extrapolates, under the Frobenius loss first on compressed data where they are
        dense, large and in memory.
    balancing : "auto", None or Balancing
        ``"auto"`` rescales components at every stage where the penalties allow it.
    max_iter : int
        Largest number of sweeps.
    tol : float
        Stop when a sweep lowers the objective by less than this fraction.
    callback : callable, optional
        See :func:`alternate`.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    MatrixFactorization
        With ``.W`` (m, rank), ``.H`` (n, rank), ``.objective``, ``.trace``, ``.reconstruct()``.

    Raises
    ------
    ValueError
        For data that are empty, not finite or negative, a rank below 1 or above both sides, or an
        initial point of the wrong shape.
    TypeError
        For an update that cannot honour a penalty.

    Notes
    -----
    Guarantee: the objective never increases; limit points of the default updates are stationary
    in each factor.

    Cost: two products with the data per sweep, O(mnr) dense or O(nnz r) sparse.

    Chapter: :doc:`/chapters/foundations/low_rank_models`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nmf
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((20, 2)) @ rng.random((2, 30))
    >>> result = nmf(X, 2, tol=1e-12, max_iter=5000, random_state=0)
    >>> result.W.shape, result.H.shape
    ((20, 2), (30, 2))
    >>> bool(np.abs(X - result.reconstruct()).max() < 1e-2)
    True
    """
    recorder = Recorder()
    loss = as_loss(loss)
    nonnegative = has_nonnegative(penalties)
    needs_positive_data = nonnegative or not isinstance(loss, Frobenius)
    if is_chunked(X):
        result = fit_chunks(
            X,
            rank,
            loss=loss,
            penalties=penalties,
            nonnegative=needs_positive_data,
            update=update or default_update(loss, penalties, sparse=sp.issparse(X._meta)),
            init=init,
            acceleration=Extrapolation() if acceleration == "auto" else acceleration,
            balancing=balancing,
            stop=RelativeDecrease(tol),
            max_iter=max_iter,
            callback=callback,
            rng=np.random.default_rng(random_state),
            recorder=recorder,
        )
        return MatrixFactorization(**vars(result))
    X = check_array("X", X, ndim=2, nonnegative=needs_positive_data, sparse=True)
    rank = check_rank(rank, X.shape)
    rng = np.random.default_rng(random_state)
    if isinstance(loss, Frobenius):
        problem = FactorProblem(X, rank, penalties)
    else:
        problem = DivergenceProblem(X, rank, loss, penalties)
    update = update or default_update(loss, penalties, sparse=sp.issparse(X))
    names = [block.name for block in problem.blocks]
    if isinstance(init, str):
        check_option("init", init, ("nndsvd", "random"))
        operand = as_operand(X)
        start = (
            nndsvd(operand, rank, rng)
            if init == "nndsvd"
            else random_factors(operand, rank, rng, nonnegative=nonnegative)
        )
        rules = update.values() if isinstance(update, dict) else (update,)
        if any(isinstance(rule, _KEEPS_ZEROS) for rule in rules):
            start = filled(start)
    else:
        start = check_blocks(init, [block.shape for block in problem.blocks], names)
    result = fit_factors(
        problem,
        start,
        update,
        acceleration=_resolve(acceleration, problem, rank),
        balancing=balancing,
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
        rng=rng,
        recorder=recorder,
    )
    return MatrixFactorization(**vars(result))


def has_nonnegative(penalties):
    """Return whether any penalty asks for nonnegativity, after checking what they are."""
    if not isinstance(penalties, tuple | list) or not all(
        isinstance(penalty, Penalty) for penalty in penalties
    ):
        raise TypeError(
            f"penalties must be a tuple with one penalty for each factor, got {penalties!r}."
        )
    return any(isinstance(penalty, NonNegative) for penalty in penalties)


def default_update(loss, penalties, *, sparse=False):
    """Return the rule that suits a loss and penalties best.

    Products with sparse data are cheap, so passes over a block pay less beside them. Nonnegative
    sparse rows have a rule of their own, and leave the other factors theirs.
    """
    kinds = {type(penalty) for penalty in penalties}
    chooses = [isinstance(penalty, RowSparse) and penalty.nonnegative for penalty in penalties]
    if isinstance(loss, Frobenius) and any(chooses):
        rules = [
            BranchAndBound() if choosing else default_update(loss, (penalty,), sparse=sparse)
            for penalty, choosing in zip(penalties, chooses)
        ]
        return dict(zip(factor_names(len(rules)), rules))
    if kinds == {NonNegative}:
        if isinstance(loss, Frobenius):
            return HALS(sweeps=3, inner_tol=0.1) if sparse else HALS()
        return ScalarNewton() if isinstance(loss, KullbackLeibler) else MultiplicativeUpdate()
    if isinstance(loss, Frobenius) and kinds <= {NoPenalty, L2}:
        return LeastSquares()
    return ProxGradient()


def _resolve(acceleration, problem, rank):
    if not isinstance(acceleration, str):
        return acceleration
    check_option("acceleration", acceleration, ("auto",))
    if not isinstance(problem, FactorProblem):
        return Extrapolation()
    return Compression() if worth_compressing(problem.data, rank) else Extrapolation()
