r"""Nonnegative regression with few nonzero coefficients, solved to proven optimality."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from multiconvex.checks import check_count, check_option, check_positive
from multiconvex.penalties import RowSparse
from multiconvex.regression import LeastSquaresRegression, Regression, check_data, check_init
from multiconvex.sparse_search import ORDERS, UNLIMITED, search
from multiconvex.trace import Recorder

_FIRST_NODES = 200
_GROWTH = 8
_NODES_A_CALL = 50_000


@dataclass(frozen=True, repr=False, kw_only=True)
class SparseRegression(Regression):
    """Sparse coefficients with their certificate; see :class:`Regression` for ``x``.

    Attributes
    ----------
    nodes : ndarray of int, shape (n,)
        Nodes whose relaxation was solved, for each column.
    gap : ndarray, shape (n,)
        Objective of each column minus a lower bound; 0 is a proof of optimality.
    status : str
        ``"converged"`` where every gap is 0, ``"stopped"`` where the time ended before.
    path : dict of int to ndarray
        The coefficients for each sparsity from k to r, where they were asked for.
    """

    nodes: np.ndarray
    gap: np.ndarray
    path: Mapping[int, np.ndarray] = field(default_factory=dict)


def sparse_nnls(W, Y, k, *, path=False, order="depth_first", init=None, time_limit=None):
    r"""Nonnegative least squares with at most k nonzero coefficients in each column.

    .. math:: \min_{x \ge 0} \; \tfrac12 \|y - W x\|^2 \quad\text{subject to}\quad \|x\|_0 \le k

    The search is :class:`BranchAndBound`, and its answers are optimal with proof.

    Parameters
    ----------
    W : ndarray, shape (m, r)
        Of any rank; columns may be equal or zero.
    Y : ndarray or scipy.sparse array, shape (m,) or (m, n)
        Each column is a problem of its own.
    k : int
        From 1 to r.
    path : bool, default False
        Search the trees until the problems with k + 1, ..., r nonzero coefficients are solved too.
    order : {"depth_first", "best_first"}
        See :class:`BranchAndBound`.
    init : ndarray, shape (r,) or (r, n), optional
        Coefficients known to be good; those with at most k nonzeros in a column are first bounds.
    time_limit : float, optional
        Seconds after which columns that still lack a proof keep their best coefficients. The
        first few nodes of each tree are always visited.

    Returns
    -------
    SparseRegression
        With ``.x`` (r,) or (r, n), ``.nodes`` (n,), ``.gap`` (n,) and ``.path``.

    Raises
    ------
    ValueError
        For arrays that are empty, not finite or of inconsistent shapes, or a sparsity outside its
        range.

    Notes
    -----
    Guarantee: global minimisers, to rounding of the Gram matrix, where ``gap`` is 0; elsewhere
    the minimum is at most ``gap`` below the objective.

    Cost: O(m r (r + n)) for the Gram matrix and W.T @ Y, then O(r) to O(r^2) for each node. The
    number of nodes may be exponential in r, and is so for data that no k columns explain.

    Chapter: :doc:`/chapters/algorithms/exact_sparse_nnls`

    Working on the Gram matrix squares the condition number of the regression.

    References
    ----------
    N. Nadisic, A. Vandaele, N. Gillis and J. E. Cohen, "Exact sparse nonnegative least squares",
    ICASSP 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import sparse_nnls
    >>> W = np.array([[1.0, 0.0, 0.9], [0.0, 1.0, 0.9], [0.0, 0.0, 0.1]])
    >>> result = sparse_nnls(W, np.array([1.0, 0.9, 0.0]), 1, path=True)
    >>> result.x.round(3), result.gap
    (array([0.   , 0.   , 1.049]), array([0.]))
    >>> result.path[2]
    array([1. , 0.9, 0. ])
    """
    recorder = Recorder()
    W, Y, vector = check_data(W, Y, nonnegative=False)
    rank = W.shape[1]
    k = check_count("k", k)
    if k > rank:
        raise ValueError(f"k must be at most the {rank} columns of W, got {k}.")
    check_option("order", order, ORDERS)
    if time_limit is not None:
        check_positive("time_limit", time_limit)
    problem = LeastSquaresRegression(W, Y, RowSparse(k, nonnegative=True))
    start = np.zeros((Y.shape[1], rank)) if init is None else check_init(init, problem, vector)
    sparsities = range(k, (rank if path else k) + 1)
    equations = problem.normal_equations(None, 0)
    points, nodes, gap = _search_until(time_limit, order, *equations, start, sparsities)
    recorder.clock.pause()
    recorder.add(0, problem.loss((np.zeros_like(points[0]),)), "start")
    recorder.add(1, problem.loss((points[0],)), "sweep")
    trace = recorder.trace()
    return SparseRegression(
        blocks={"x": points[0]},
        objective=float(trace.objective[-1]),
        n_iter=1,
        status="stopped" if gap.any() else "converged",
        trace=trace,
        vector=vector,
        nodes=nodes,
        gap=gap,
        path={p: rows[0] if vector else rows.T for p, rows in zip(sparsities, points) if path},
    )


def _search_until(time_limit, order, gram, rhs, start, sparsities):
    """Search all trees to the end, or again and again with more nodes until the time is over."""
    if time_limit is None:
        return search(gram, rhs, start, sparsities, order=order)
    deadline = time.perf_counter() + time_limit
    most_nodes = max(_FIRST_NODES, len(gram))
    points, nodes, gap = search(gram, rhs, start, sparsities, most_nodes, order)
    while gap.any():
        most_nodes = min(_GROWTH * most_nodes, UNLIMITED)
        open_rows = np.flatnonzero(gap)
        batches = min(len(open_rows), 1 + len(open_rows) * most_nodes // _NODES_A_CALL)
        for rows in np.array_split(open_rows, batches):
            if time.perf_counter() > deadline:
                return points, nodes, gap
            points[:, rows], more, gap[rows] = search(
                gram, rhs[rows], points[0, rows], sparsities, most_nodes, order
            )
            nodes[rows] += more
    return points, nodes, gap
