r"""Exact sparse nonnegative least squares by branch and bound, from Gram matrices.

Each row solves

.. math:: \min_{x \ge 0} \; \tfrac12 x^T G x - b^T x \quad\text{subject to}\quad \|x\|_0 \le k .

A node of the tree allows some of the columns and keeps some of those for good. Its relaxation, the
nonnegative problem in the allowed columns, bounds everything below it.

N. Nadisic, A. Vandaele, N. Gillis and J. E. Cohen, "Exact sparse nonnegative least squares", IEEE
International Conference on Acoustics, Speech and Signal Processing, 2020.
"""

from heapq import heappop, heappush

import numpy as np
from numba import njit

from multiconvex.sparse_tableau import (
    begin,
    delete,
    fit,
    keep_only,
    line_up,
    new_path,
    preview,
    record,
    relax,
    restore,
    save,
)

UNLIMITED = 2**62
_TIED = 1e-13
_ROUNDING = 16.0 * np.finfo(float).eps


def search(gram, rhs, start, sparsities, most_nodes=UNLIMITED, order="depth_first"):
    """Solve all rows of ``rhs`` for every sparsity of a range.

    Parameters
    ----------
    gram : ndarray, shape (r, r)
    rhs : ndarray, shape (n, r)
    start : ndarray, shape (n, r)
        Rows of at most ``sparsities[0]`` positive entries serve as first upper bounds.
    sparsities : range
        Of consecutive sparsities, at most r; one, or all up to r.
    most_nodes : int
        Of each row, at least 2.
    order : {"depth_first", "best_first"}
        Divide the newest node, or that of the least bound.

    Returns
    -------
    ndarray, shape (len(sparsities), n, r)
        Best points found.
    ndarray of int, shape (n,)
        Nodes whose relaxation was solved.
    ndarray, shape (n,)
        Objective of the sparsest point minus a lower bound, 0 where it is optimal.

    Examples
    --------
    >>> import numpy as np
    >>> rhs = np.array([[1.0, 3.0, -2.0]])
    >>> points, nodes, gaps = search(np.eye(3), rhs, np.zeros((1, 3)), range(1, 4))
    >>> points[:2, 0], gaps
    (array([[0., 3., 0.],
           [1., 3., 0.]]), array([0.]))
    """
    norms = np.sqrt(gram.diagonal().astype(float))
    scales = 1.0 / np.where(norms > 0.0, norms, 1.0)
    points = np.zeros((len(sparsities), *rhs.shape))
    nodes, gaps = np.empty(len(rhs), np.int64), np.empty(len(rhs))
    _SEARCHES[order](
        gram * scales * scales[:, None],
        np.ascontiguousarray(rhs * scales),
        np.ascontiguousarray(start, float),
        sparsities[0],
        most_nodes,
        new_path(len(gram)),
        np.empty(len(points)),
        points,
        nodes,
        gaps,
    )
    return (points * scales).astype(gram.dtype, copy=False), nodes, gaps


@njit(cache=True, error_model="numpy")
def _search_depth_first(gram, rhs, start, least, most_nodes, path, best, points, nodes, gaps):
    """Divide the newest node; write what ``search`` returns, row by row."""
    for i, b in enumerate(rhs):
        nodes[i], gaps[i] = _descend(gram, b, start[i], least, most_nodes, path, best, points[:, i])


@njit(cache=True, error_model="numpy")
def _search_best_first(gram, rhs, start, least, most_nodes, path, best, points, nodes, gaps):
    """Divide the node of least bound; write what ``search`` returns, row by row."""
    for i, b in enumerate(rhs):
        nodes[i], gaps[i] = _rise(gram, b, start[i], least, most_nodes, path, best, points[:, i])


# Two entries, because each is compiled when it is first called.
_SEARCHES = {"depth_first": _search_depth_first, "best_first": _search_best_first}
ORDERS = tuple(_SEARCHES)


@njit(cache=True, error_model="numpy")
def _descend(gram, b, start, least, most_nodes, path, best, points):
    """Visit children from the last to the first, and those of each before the next."""
    tol = _tolerance(b)
    count, level = 1, _plant(gram, b, start, least, path, best, points, tol)
    tied = _TIED * abs(path.value[0])
    while level >= 0 and count < most_nodes:
        c = path.waiting[level]
        if c < 0:
            level -= 1
            continue
        path.waiting[level] -= 1
        bar = best[max(path.held[level] + c, least) - least] - tied
        if path.value[level] < bar:
            count += 1
            level += _visit(gram, b, path, level, c, least, bar, best, points, tol)
    lowest = _lowest_open(gram, b, path, level, least + len(best) - 1, tol)
    return count, best[0] - min(best[0], lowest)


@njit(cache=True, error_model="numpy")
def _rise(gram, b, start, least, most_nodes, path, best, points):
    """Visit all children of the open node with the least bound; nodes are kept as states."""
    tol = _tolerance(b)
    count, root = 1, _plant(gram, b, start, least, path, best, points, tol)
    if root < 0:
        return count, 0.0
    tied = _TIED * abs(path.value[root])
    heap = [(path.value[root], 0)]
    states = np.empty((64, len(b)), np.int8)
    save(path, root, states[0])
    saved = 1
    while heap:
        value, node = heap[0]
        restore(states[node], path, root)
        if value >= best[max(path.held[root], least) - least] - tied:
            heappop(heap)
            continue
        if node > 0:
            fit(gram, b, path, root, tol)
            line_up(path, root, least + len(best) - 1)
        heappop(heap)
        for c in range(path.waiting[root], -1, -1):
            bar = best[max(path.held[root] + c, least) - least] - tied
            if path.value[root] >= bar:
                continue
            if count == most_nodes:
                return count, best[0] - min(best[0], value)
            count += 1
            if _visit(gram, b, path, root, c, least, bar, best, points, tol):
                if saved == len(states):
                    states = np.concatenate((states, np.empty_like(states)))
                save(path, root + 1, states[saved])
                heappush(heap, (path.value[root + 1], saved))
                saved += 1
    return count, 0.0


@njit(cache=True, error_model="numpy")
def _tolerance(b):
    """Return how large rounding may make a slope that is zero."""
    largest = 0.0
    for v in b:
        largest = max(largest, abs(v))
    return _ROUNDING * len(b) * largest


@njit(cache=True, error_model="numpy")
def _plant(gram, b, start, least, path, best, points, tol):
    """Solve the root; return 0 where it has to be divided, otherwise -1.

    The support of ``start`` is tried before, on the last level.
    """
    leaf = len(path.size) - 1
    best[:] = 0.0
    for level in range(leaf, -1, -leaf):  # last level, then root
        begin(gram, start, path, level)
        if level == 0 or path.size[level] <= least:
            fit(gram, b, path, level, tol)
            count = record(path, level, least, best, points)
    if count <= least:
        return -1
    line_up(path, level, least + len(best) - 1)
    return level


@njit(cache=True, error_model="numpy")
def _visit(gram, b, path, level, c, least, bar, best, points, tol):
    """Bound child c of a node; return whether it has to be divided, and is ready one level down.

    ``bar`` is what its bound must stay below.
    """
    most, leaf, child = least + len(best) - 1, len(path.size) - 1, level + 1
    if path.held[level] + c == most:
        keep_only(path, level, c, leaf)
        fit(gram, b, path, leaf, tol)
        record(path, leaf, least, best, points)
        return False
    bound, settled = preview(path, level, c, tol)
    if bound >= bar:
        return False
    delete(path, level, c)
    if not settled:
        relax(path, child, tol)
    if path.value[child] >= bar or record(path, child, least, best, points) <= least:
        return False
    line_up(path, child, most)
    return True


@njit(cache=True, error_model="numpy")
def _lowest_open(gram, b, path, level, most, tol):
    """Return the least relaxation among children not visited yet; levels below are overwritten."""
    lowest, leaf = np.inf, len(path.size) - 1
    while level >= 0:
        for c in range(path.waiting[level] + 1):
            if path.held[level] + c == most:
                child = leaf
                keep_only(path, level, c, leaf)
                fit(gram, b, path, leaf, tol)
            else:
                child = level + 1
                delete(path, level, c)
                relax(path, child, tol)
            lowest = min(lowest, path.value[child])
        level -= 1
    return lowest
