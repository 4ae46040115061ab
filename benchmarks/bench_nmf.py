"""Nonnegative matrix factorisation: time to within 1e-3 of the best objective seen, same start."""

import warnings
from functools import partial

import numpy as np
import scipy.sparse as sp
import tensorly.cp_tensor
import tensorly.decomposition
from harness import Race
from sklearn.decomposition import NMF as PeerNMF

import multiconvex


def dense_problem(m, n, rank, noise=0.1, seed=0):
    """Uniform factors, noise in units of the mean, a random start at the scale of the data."""
    rng = np.random.default_rng(seed)
    X = rng.random((m, rank)) @ rng.random((rank, n))
    X = np.maximum(X + noise * X.mean() * rng.standard_normal((m, n)), 0.0)
    return X, *random_start(X, rank, rng)


def sparse_problem(m, n, rank, density, seed=0):
    """A uniform random sparse matrix."""
    rng = np.random.default_rng(seed)
    X = sp.csr_matrix(sp.random_array((m, n), density=density, rng=rng, format="csr"))
    return X, *random_start(X, rank, rng)


def random_start(X, rank, rng):
    W, H = rng.random((X.shape[0], rank)), rng.random((X.shape[1], rank))
    scale = np.sqrt(X.mean() / (W.mean(axis=0) @ H.mean(axis=0)))
    return scale * W, scale * H


def half_distance2(data, factors):
    X, W, H = data[0], *factors
    cross = np.vdot(X @ H, W)
    norm2 = X.data @ X.data if sp.issparse(X) else np.vdot(X, X)
    return float(0.5 * (norm2 - 2.0 * cross + np.vdot(W.T @ W, H.T @ H)))


def ours(data, n_iter):
    X, W, H = data
    result = multiconvex.nmf(X, W.shape[1], init=(W, H), max_iter=n_iter, tol=0, random_state=0)
    return result.W, result.H


def scikit_learn(data, n_iter):
    X, W, H = data
    model = PeerNMF(W.shape[1], init="custom", solver="cd", max_iter=n_iter, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        left = model.fit_transform(X, W=W.copy(), H=np.ascontiguousarray(H.T))
    return left, model.components_.T


def tensorly_hals(data, n_iter):
    X, W, H = data
    start = tensorly.cp_tensor.CPTensor((np.ones(W.shape[1]), [W.copy(), H.copy()]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = tensorly.decomposition.non_negative_parafac_hals(
            X, W.shape[1], n_iter_max=n_iter, init=start, tol=0
        )
    return model.factors[0] * model.weights, model.factors[1]


CASES = (
    Race(
        name="nmf, dense 2000 × 1000, rank 20, to 1e-3",
        setup=partial(dense_problem, 2000, 1000, 20),
        ours=ours,
        peer=scikit_learn,
        peer_name="scikit-learn NMF, solver cd",
        objective=half_distance2,
        target=10,
        longest=1500,
    ),
    Race(
        name="nmf, dense 200 × 21025, rank 6, to 1e-3",
        setup=partial(dense_problem, 200, 21025, 6, noise=0.01),
        ours=ours,
        peer=tensorly_hals,
        peer_name="tensorly non_negative_parafac_hals",
        objective=half_distance2,
        target=25,
        longest=500,
    ),
    Race(
        name="nmf, sparse 10000 × 5000 (1 %), rank 20, to 1e-3",
        setup=partial(sparse_problem, 10000, 5000, 20, 0.01),
        ours=ours,
        peer=scikit_learn,
        peer_name="scikit-learn NMF, solver cd",
        objective=half_distance2,
        target=2,
        longest=300,
    ),
)
