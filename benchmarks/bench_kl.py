"""Factorisation under the Kullback-Leibler divergence: to an accuracy, per sweep, and in memory."""

import warnings
from functools import partial

import numpy as np
from bench_nmf import random_start, sparse_problem
from harness import Case, Race
from sklearn.decomposition import NMF as PeerNMF

import multiconvex
from multiconvex.divergence import divergence_of


def counts(m, n, rank, seed=0):
    """Poisson counts of uniform factors, about ten a cell; a random start."""
    rng = np.random.default_rng(seed)
    model = rng.random((m, rank)) @ rng.random((rank, n))
    X = rng.poisson(10.0 * model / model.mean()).astype(float)
    return X, *random_start(X, rank, rng)


def divergence(data, factors):
    return divergence_of(data[0], multiconvex.KullbackLeibler()).value(*factors)


def ours(data, n_iter, **options):
    X, W, H = data
    result = multiconvex.nmf(
        X, W.shape[1], loss="kullback-leibler", init=(W, H), max_iter=n_iter, tol=0, **options
    )
    return result.W, result.H


def multiplicative(data, n_iter):
    return ours(data, n_iter, update=multiconvex.MultiplicativeUpdate(), acceleration=None)


def scikit_learn(data, n_iter):
    X, W, H = data
    model = PeerNMF(
        W.shape[1], init="custom", solver="mu", beta_loss="kullback-leibler", max_iter=n_iter, tol=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        left = model.fit_transform(X, W=W.copy(), H=np.ascontiguousarray(H.T))
    return left, np.ascontiguousarray(model.components_.T)


def race(gap, target):
    return Race(
        name=f"nmf, Kullback-Leibler, dense 1000 × 800, rank 10, to {gap:g}",
        setup=partial(counts, 1000, 800, 10),
        ours=ours,
        peer=scikit_learn,
        peer_name="scikit-learn NMF, solver mu",
        objective=divergence,
        gap=gap,
        target=target,
        longest=1000,
        peer_longest=4000,
    )


def same_sweeps(name, setup, target):
    """Twenty multiplicative sweeps on both sides: the same iterates, so a ratio per sweep."""
    return Case(
        name=name,
        setup=setup,
        ours=lambda data: multiplicative(data, 20),
        peer=lambda data: scikit_learn(data, 20),
        peer_name="scikit-learn NMF, solver mu",
        target=target,
        gap=lambda a, b: float(np.abs(a[0] @ a[1][:50].T - b[0] @ b[1][:50].T).max()),
        largest_gap=1e-8,
    )


CASES = (
    race(1e-3, target=2),
    race(1e-4, target=4),
    same_sweeps(
        "nmf, Kullback-Leibler, sparse 2500 × 5000 (2 %), rank 10, 20 equal sweeps",
        partial(sparse_problem, 2500, 5000, 10, 0.02),
        target=5,
    ),
    same_sweeps(
        "nmf, Kullback-Leibler, dense 4000 × 3200, rank 10, 20 equal sweeps",
        partial(counts, 4000, 3200, 10),
        target=1,
    ),
)
