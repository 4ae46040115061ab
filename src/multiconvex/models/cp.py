r"""Canonical polyadic (CP) decomposition of tensors of any order."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse as sp

from multiconvex.acceleration import Extrapolation, KeepBest
from multiconvex.checks import check_array, check_blocks, check_option, check_rank
from multiconvex.losses import Frobenius
from multiconvex.models.compressed_cp import (
    check_ranks,
    compressed_update,
    fit_compressed,
    project_on_subspaces,
)
from multiconvex.models.compression import Compression, fit_factors, worth_compressing
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.models.factorization import Factorization
from multiconvex.models.initialization import hosvd, nonnegative_parts, random_factors
from multiconvex.models.jennrich import jennrich
from multiconvex.models.nmf import default_update, has_nonnegative
from multiconvex.operands import DenseTensor, TuckerTensor, factors_to_array
from multiconvex.penalties import NonNegative, NoPenalty
from multiconvex.stopping import Patience, RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.updates import ProjectedLeastSquares


@dataclass(frozen=True, repr=False)
class TensorFactorization(Factorization):
    """A CP model; see :class:`~multiconvex.Result` for the other attributes.

    Attributes
    ----------
    compressed_objective : float or None
        Of a compressed fit: the objective on the compressed data, without what the compression
        lost.
    """

    compressed_objective: float | None = None

    @property
    def factors(self):
        return tuple(self.blocks.values())

    def reconstruct(self):
        """Return the model as an array."""
        return factors_to_array(self.factors)


def cp(
    X,
    rank,
    *,
    nonnegative=False,
    penalties=None,
    update=None,
    init="hosvd",
    acceleration="auto",
    balancing="auto",
    compress=None,
    max_iter=500,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Approximate a tensor by a sum of rank-one terms.

    .. math:: \min_{A^{(0)}, \dots, A^{(d-1)}} \; \tfrac12 \Bigl\| X - \sum_{q=1}^{r}
              A^{(0)}_{:q} \otimes \cdots \otimes A^{(d-1)}_{:q} \Bigr\|_F^2
              + \sum_k g_k(A^{(k)})

    Parameters
    ----------
    X : ndarray of order 3 or more, or pair ``(core, factors)``
        A pair stands for a Tucker model, such as tensorly's, which is then fitted without ever
        being expanded.
    rank : int
    nonnegative : bool
        Short for ``penalties=(NonNegative(),) * d``. The data may be negative in places: noise is.
    penalties : sequence of Penalty, optional
        One for each mode. By default none.
    update : Update or dict, optional
        By default :class:`LeastSquares`, or :class:`HALS` for nonnegative factors (compressed ones:
        ``ProjectedLeastSquares("one_step")``), or :class:`ProxGradient` for other penalties.
    init : {"hosvd", "random", "jennrich"} or sequence of ndarray
        Leading singular vectors of the unfoldings; uniform or Gaussian entries; or Jennrich's
        algorithm (order 3). Nonnegative models take the heavier nonnegative part of each column.
    acceleration : "auto", None, Extrapolation, Compression or KeepBest
        ``"auto"`` extrapolates, first on compressed data where they are large; it keeps the best
        point instead where an update may raise the objective.
    balancing : "auto", None or Balancing
        ``"auto"`` rescales components at every stage where the penalties allow it.
    compress : None, "tucker" or sequence of int
        Replace the data by their projection on dominant subspaces of these dimensions, with
        ``"tucker"`` of ``rank + 5``, and fit that alone. Constraints hold for the factors of the
        data.
    max_iter, tol, callback, random_state
        As in :func:`nmf`.

    Returns
    -------
    TensorFactorization
        With ``.factors``, ``.objective``, ``.trace``, ``.reconstruct()``.

    Raises
    ------
    ValueError
        For data that are empty, not finite or of order below 3, for a rank below 1, or an initial
        point of the wrong shape.

    Notes
    -----
    Guarantee: the objective never increases. Without constraints a best approximation need not
    exist, and factors may diverge while the objective falls. A compressed fit never raises the
    objective on the compressed data; the last entry of its trace is measured on the data.

    Cost: two passes over the data per sweep, O(N r) for N entries; with ``compress`` none per sweep
    and a few in all.

    Chapter: :doc:`/chapters/foundations/low_rank_models`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import cp
    >>> rng = np.random.default_rng(0)
    >>> X = np.einsum("iq,jq,kq->ijk", *(rng.random((n, 2)) for n in (4, 5, 6)))
    >>> result = cp(X, 2, nonnegative=True, tol=1e-12, max_iter=5000, random_state=0)
    >>> [factor.shape for factor in result.factors]
    [(4, 2), (5, 2), (6, 2)]
    >>> bool(np.abs(X - result.reconstruct()).max() < 1e-3)
    True
    """
    recorder = Recorder()
    rank = check_rank(rank)
    rng = np.random.default_rng(random_state)
    if penalties is None:
        penalties = (NonNegative() if nonnegative else NoPenalty(),) * _order(X)
    elif nonnegative:
        raise ValueError("Give either nonnegative=True or penalties, not both.")
    signed = not has_nonnegative(penalties)
    operand = _as_operand(X)
    problem = FactorProblem(operand, rank, penalties)
    names = [block.name for block in problem.blocks]
    if compress is None:
        known, rules = operand, default_update(Frobenius(), penalties)
    else:
        known = project_on_subspaces(operand, check_ranks(compress, operand, rank), rng)
        rules = dict(zip(names, map(compressed_update, penalties)))
    if isinstance(init, str):
        start = _start(init, known, rank, rng, signed)
    else:
        start = check_blocks(init, [block.shape for block in problem.blocks], names)
    update = update or rules
    wanders = _wanders(update)
    if isinstance(acceleration, str):
        check_option("acceleration", acceleration, ("auto",))
        large = compress is None and worth_compressing(operand, rank)
        gentle = Compression() if large else Extrapolation()
        acceleration = KeepBest() if wanders else gentle
    fit = fit_factors if compress is None else partial(fit_compressed, small=known)
    result = fit(
        problem,
        start,
        update,
        acceleration=acceleration,
        balancing=balancing,
        stop=Patience(tol) if wanders else RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
        rng=rng,
        recorder=recorder,
    )
    return TensorFactorization(**vars(result))


def _wanders(update):
    """Return whether a rule may raise the objective."""
    rules = update.values() if isinstance(update, dict) else (update,)
    return any(isinstance(rule, ProjectedLeastSquares) for rule in rules)


def _order(X):
    if _is_tucker(X):
        return len(X[1])
    if sp.issparse(X):
        raise TypeError("X is sparse, which cp does not handle: pass a dense array.")
    return np.ndim(X)


def _is_tucker(X):
    """Return whether X is a pair (core, factors), tensorly's included."""
    pair = isinstance(X, tuple) and len(X) == 2 and isinstance(X[1], list | tuple)
    return pair or (hasattr(X, "core") and hasattr(X, "factors"))


def _as_operand(X):
    if _is_tucker(X):
        core = check_array("core", X[0])
        bases = [check_array(f"factors[{k}]", basis, ndim=2) for k, basis in enumerate(X[1])]
        expected = tuple(basis.shape[1] for basis in bases)
        if core.shape != expected:
            raise ValueError(f"core must have shape {expected} to match factors, got {core.shape}.")
        return TuckerTensor(core, bases)
    array = check_array("X", X)
    if array.ndim < 3:
        raise ValueError(f"X must have at least 3 dimensions, got shape {array.shape}: see nmf.")
    return DenseTensor(array)


def _start(init, operand, rank, rng, signed):
    check_option("init", init, ("hosvd", "random", "jennrich"))
    if init == "random":
        return random_factors(operand, rank, rng, nonnegative=not signed)
    if isinstance(operand, TuckerTensor):
        small = _start(init, operand.core, rank, rng, signed=True)
        factors = [basis @ factor for basis, factor in zip(operand.bases, small)]
    elif init == "jennrich":
        factors = jennrich(operand.array, rank, random_state=rng)
    else:
        factors = hosvd(operand, rank, rng)
    return tuple(factors) if signed else nonnegative_parts(operand, factors)
