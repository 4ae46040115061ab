"""Exact sparse nonnegative least squares: seconds with proof, and against all supports by scipy.

A thousand columns combine a few of the columns of a uniform W with 5 % of noise. Where they
combine twelve and five are asked for, no support stands out and the tree has to be searched.
"""

import time
from functools import partial
from itertools import combinations

import numpy as np
import scipy.optimize
from harness import Case, Limit

from multiconvex import separable_nmf, sparse_nnls
from multiconvex.datasets import load_indian_pines


def planted(r, nonzeros, n=1000, m=50, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    W, x = rng.random((m, r)), np.zeros((r, n))
    for column in x.T:
        column[rng.permutation(r)[:nonzeros]] = 0.1 + rng.random(nonzeros)
    Y = W @ x
    return W, Y + noise * np.sqrt(np.mean(Y**2)) * rng.standard_normal(Y.shape)


def seconds(data, k):
    """Return the seconds of one call that ends with a proof for all columns."""
    W, Y = data()
    sparse_nnls(W, Y[:, :2], k)
    start = time.perf_counter()
    fit = sparse_nnls(W, Y, k)
    elapsed = time.perf_counter() - start
    assert not fit.gap.any()
    return elapsed


def indian_pines():
    X = load_indian_pines().matrix
    return separable_nmf(X, 5).W, X


def costs_by_search(data, k):
    W, Y = data
    return np.sum((Y - W @ sparse_nnls(W, Y, k).x) ** 2, axis=0)


def costs_by_supports(data, k):
    W, Y = data
    supports = [list(support) for support in combinations(range(W.shape[1]), k)]
    designs = [np.ascontiguousarray(W[:, support]) for support in supports]
    return np.array([min(scipy.optimize.nnls(D, y)[1] for D in designs) ** 2 for y in Y.T])


def relative_gap(ours, peer):
    return float(np.abs(ours - peer).max() / peer.max())


CASES = (
    Limit("1000 columns, 3 of 10, with proof", partial(seconds, partial(planted, 10, 3), 3), 0.010),
    Limit("1000 columns, 5 of 20, with proof", partial(seconds, partial(planted, 20, 5), 5), 0.040),
    Limit(
        "1000 columns, 5 of 20 where the truth has 12, with proof",
        partial(seconds, partial(planted, 20, 12), 5),
        1.2,
    ),
    Limit(
        "Indian Pines, 21025 columns, 2 of 5, with proof", partial(seconds, indian_pines, 2), 0.3
    ),
    Case(
        name="200 columns, 3 of 10",
        setup=partial(planted, 10, 3, n=200),
        ours=partial(costs_by_search, k=3),
        peer=partial(costs_by_supports, k=3),
        peer_name="scipy.optimize.nnls on all supports",
        target=100,
        gap=relative_gap,
        largest_gap=1e-10,
        repetitions=3,
        calls=10,
        peer_calls=1,
    ),
)
