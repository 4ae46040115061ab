"""Nonnegative regressions by trying every support, and instances that make supports hard."""

from itertools import combinations

import numpy as np
from scipy.optimize import nnls


def best_over_supports(W, y, k):
    """Return the least value of ``|y - W x|^2 / 2`` over supports of k columns, by scipy."""
    sizes = [nnls(W[:, S], y)[1] for S in combinations(range(W.shape[1]), k)]
    return 0.5 * min(sizes) ** 2


def awkward_regression(rng):
    """Return W and y with ties, zero columns and rank deficiency, each often."""
    m, r = rng.integers(1, 8), rng.integers(1, 8)
    W = rng.random((m, r)) if rng.random() < 0.5 else rng.standard_normal((m, r))
    if rng.random() < 0.3:
        W = np.round(2.0 * W)
    if rng.random() < 0.3:
        W[:, rng.integers(r)] = 0.0
    if rng.random() < 0.3:
        W[:, rng.integers(r)] = W[:, rng.integers(r)]
    if rng.random() < 0.2:
        W[:, rng.integers(r)] = W @ rng.random(r)
    y = W @ rng.random(r) if rng.random() < 0.3 else rng.standard_normal(m)
    return W, y


def planted_regression(rng, r=10, nonzeros=3, n=20, m=30, noise=0.05):
    """Return W and Y whose columns combine a few columns of W, with noise."""
    W = rng.random((m, r))
    x = np.zeros((r, n))
    for column in x.T:
        column[rng.permutation(r)[:nonzeros]] = 0.1 + rng.random(nonzeros)
    Y = W @ x
    return W, Y + noise * np.sqrt(np.mean(Y**2)) * rng.standard_normal(Y.shape)
