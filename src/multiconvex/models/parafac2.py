r"""PARAFAC2: slices that share one factor, with profiles that drift from slice to slice."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from multiconvex.checks import check_array, check_count, check_option, check_rank
from multiconvex.models.multistart import best_of_starts
from multiconvex.models.nmf import has_nonnegative
from multiconvex.models.parafac2_fits import (
    fit_with_copies,
    fit_with_core,
    nearest_profiles,
    starting_point,
)
from multiconvex.models.parafac2_problem import SliceData, SliceWise, grams_of_slices, split_rows
from multiconvex.penalties import NonNegative, NoPenalty
from multiconvex.trace import Result


class Feasibility(NamedTuple):
    """How far the profiles are from what they must satisfy, 0 where they do.

    Attributes
    ----------
    penalty : float
        Relative distance to the domain of the penalty.
    parafac2 : float
        Relative distance to the nearest profiles whose cross products agree.
    cross_products : float
        Largest relative distance of a cross product to the mean of all.
    """

    penalty: float
    parafac2: float
    cross_products: float


@dataclass(frozen=True, repr=False, kw_only=True)
class Parafac2Factorization(Result):
    """A PARAFAC2 model; see :class:`~multiconvex.Result` for the other attributes.

    Attributes
    ----------
    bounds : tuple of int
        Slice k is in the rows ``bounds[k]`` to ``bounds[k + 1]`` of ``blocks["B"]``.
    feasibility : Feasibility
    starts : ndarray
        Final objectives of all starts.
    """

    bounds: tuple
    feasibility: Feasibility
    starts: np.ndarray

    @property
    def A(self):
        """Factor of the mode that all slices share, shape (m, rank)."""
        return self.blocks["A"]

    @property
    def B(self):
        """Profiles of each slice, shapes (n_k, rank)."""
        return split_rows(self.blocks["B"], self.bounds)

    @property
    def C(self):
        """Amounts, one row a slice, shape (K, rank)."""
        return self.blocks["C"]

    @property
    def factors(self):
        """The factor A, the list of profiles B and the factor C."""
        return self.A, self.B, self.C

    @property
    def core(self):
        """A matrix D, shape (rank, rank), with ``B[k].T @ B[k] = D.T @ D`` for every slice."""
        return nearest_profiles(self.blocks["B"], np.array(self.bounds))[1]

    def reconstruct(self):
        """Return the model of each slice, shapes (m, n_k)."""
        return [(self.A * row) @ profiles.T for row, profiles in zip(self.C, self.B)]


def parafac2(
    slices,
    rank,
    *,
    nonnegative=True,
    penalties=None,
    update="admm",
    init="random",
    n_starts=1,
    max_iter=1000,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise slices that share one factor and whose other factor drifts.

    .. math:: \min_{A, B_1, \dots, B_K, C} \; \tfrac12 \sum_k \bigl\| X_k - A
              \operatorname{diag}(C_{k:}) B_k^T \bigr\|_F^2 + g_A(A) + \sum_k g_B(B_k) + g_C(C)
              \quad\text{subject to}\quad B_k^T B_k = B_l^T B_l \;\; \text{for all } k, l

    Parameters
    ----------
    slices : sequence of ndarray, shapes (m, n_k)
        Rows are shared, columns drift; an array of shape (K, m, n) will do.
    rank : int
        At most the smallest n_k.
    nonnegative : bool, default True
        Whether A, C and, with ``update="admm"``, the profiles are nonnegative.
    penalties : sequence of Penalty, optional
        For A, for the profiles of each slice, and for C, in place of ``nonnegative``.
    update : {"admm", "reparametrized"}
        ``"admm"`` honours any penalty on the profiles; ``"reparametrized"`` writes
        :math:`B_k = P_k D` with orthonormal columns in :math:`P_k`, and leaves them free.
    init : {"random", "svd"} or tuple ``(A, B, C)``
        Uniform entries (Gaussian where nothing is nonnegative), or leading singular vectors of the
        slices side by side; of a given start, B is a list.
    n_starts : int, default 1
        The best of several fits is returned; all but the first start at random.
    max_iter, tol, callback
        As in :func:`multiconvex.nmf`; they hold for each start.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    Parafac2Factorization
        With ``.A``, the list ``.B``, ``.C``, ``.reconstruct()`` and ``.feasibility``.

    Raises
    ------
    ValueError
        For slices that are empty, not finite or of different numbers of rows, or have fewer
        columns than the rank.
    TypeError
        If a penalty on the profiles is asked for that the update cannot honour.

    Notes
    -----
    Guarantee: with ``"reparametrized"`` the objective never increases and cross products agree to
    rounding. With ``"admm"`` it may rise while the copies of the profiles come together; the
    profiles returned are in the domain of their penalty, and how well their cross products agree
    is reported in ``.feasibility``.

    Cost: two products with the data per sweep, O(m N r) for N columns in all, and O(N r^2) a step.

    Chapter: :doc:`/chapters/algorithms/parafac2`

    With ``"admm"`` the last tenth of the sweeps at most is kept for the end: the profiles go back
    and forth between the domain of their penalty and the PARAFAC2 set until they are in both
    (``"restored"`` in the trace), then A and C are fitted to them. Penalties that are finite
    everywhere, such as :class:`L1`, keep their shrinkage but not their exact zeros.

    Sweeps of either kind are extrapolated, with restart. Computations are in double precision.

    References
    ----------
    .. [1] H. A. L. Kiers, J. M. F. ten Berge and R. Bro, "PARAFAC2 - Part I. A direct fitting
       algorithm for the PARAFAC2 model", Journal of Chemometrics 13, 1999.
    .. [2] M. Roald, C. Schenker, V. D. Calhoun, T. Adali, R. Bro, J. E. Cohen and E. Acar, "An
       AO-ADMM approach to constraining PARAFAC2 on all modes", SIAM Journal on Mathematics of
       Data Science 4, 2022.

    Examples
    --------
    A peak that comes later in the second slice is one component all the same.

    >>> import numpy as np
    >>> from multiconvex import parafac2
    >>> spectrum, peak = np.array([[1.0], [2.0], [0.5]]), np.array([[0, 1, 3, 1, 0, 0.0]])
    >>> fit = parafac2([spectrum @ peak, 2 * spectrum @ np.roll(peak, 2)], 1, random_state=0)
    >>> bool(fit.objective < 1e-12)
    True
    >>> (fit.C[1] / fit.C[0]).round(4)
    array([2.])
    """
    rank = check_rank(rank)
    check_option("update", update, ("admm", "reparametrized"))
    penalties = _resolve_penalties(nonnegative, penalties, update)
    data = _as_data(slices, rank)
    rng = np.random.default_rng(random_state)
    kinds = [init] + ["random"] * (check_count("n_starts", n_starts) - 1)
    starts = [starting_point(kind, data, rank, penalties, rng) for kind in kinds]
    fit = fit_with_copies if update == "admm" else fit_with_core
    run = partial(fit, data, penalties, max_iter=max_iter, tol=tol, callback=callback)
    best, objectives = best_of_starts(run, starts, max_iter=max_iter, tol=tol, n_jobs=None)
    bounds = tuple(data.bounds.tolist())
    feasibility = _measure(best.blocks["B"], data.bounds, penalties[1])
    return Parafac2Factorization(
        **vars(best), bounds=bounds, feasibility=feasibility, starts=objectives
    )


def _resolve_penalties(nonnegative, penalties, update):
    if penalties is None:
        penalties = ((NonNegative() if nonnegative else NoPenalty()),) * 3
        return penalties if update == "admm" else (penalties[0], NoPenalty(), penalties[2])
    has_nonnegative(penalties)
    if len(penalties) != 3:
        raise ValueError(f"penalties must hold one for A, B and C, got {len(penalties)}.")
    if update == "reparametrized" and not isinstance(penalties[1], NoPenalty):
        raise TypeError(
            f'update="reparametrized" leaves the profiles free, and penalties[1] is '
            f'{penalties[1]!r}: use update="admm", or NoPenalty().'
        )
    return tuple(penalties)


def _as_data(slices, rank):
    slices = [check_array(f"slices[{k}]", piece, ndim=2) for k, piece in enumerate(slices)]
    if not slices:
        raise ValueError("slices is empty: give at least one matrix.")
    heights = sorted({len(piece) for piece in slices})
    if len(heights) > 1:
        raise ValueError(f"slices must have the same number of rows, got {heights}.")
    narrowest = min(range(len(slices)), key=lambda k: slices[k].shape[1])
    if slices[narrowest].shape[1] < rank:
        raise ValueError(
            f"rank is {rank} and slices[{narrowest}] has {slices[narrowest].shape[1]} columns: "
            "choose a rank that no slice is narrower than."
        )
    return SliceData([piece.astype(float, copy=False) for piece in slices])


def _measure(B, bounds, penalty):
    feasible = SliceWise(penalty, tuple(bounds)).prox(B, 0.0)
    products = grams_of_slices(B, bounds)
    mean = products.mean(axis=0)
    size = max(np.linalg.norm(B), np.finfo(float).tiny)
    spread = np.linalg.norm(products - mean, axis=(1, 2)).max()
    return Feasibility(
        penalty=float(np.linalg.norm(B - feasible)) / size,
        parafac2=float(np.linalg.norm(B - nearest_profiles(B, bounds)[0])) / size,
        cross_products=float(spread) / max(np.linalg.norm(mean), np.finfo(float).tiny),
    )
