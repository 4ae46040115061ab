"""Separable majorants: time to a relative error of 0.006 on nearly noiseless data of rank ten."""

from functools import partial

import numpy as np
from harness import Case

import multiconvex
from multiconvex.datasets import make_low_rank

ERROR = 0.006
STEPS = 10


def problem(seed):
    """Uniform factors, 100 dB of signal to noise, a uniform start."""
    rng = np.random.default_rng(seed)
    X = make_low_rank(200, 100, 10, snr=100, random_state=rng).X
    return X, rng.random((200, 10)), rng.random((100, 10))


def ours(data, **options):
    X, W, H = data
    finish = 0.5 * ERROR**2 * np.vdot(X, X)
    result = multiconvex.nmf(
        X,
        W.shape[1],
        init=(W, H),
        max_iter=5000,
        tol=0,
        callback=lambda sweep: sweep.objective <= finish,
        **options,
    )
    return result.W, result.H


def numpy_multiplicative(data):
    """Ten multiplicative updates of each factor in turn, products with the data formed once."""
    X, W, H = data
    norm2 = np.vdot(X, X)
    for _ in range(5000):
        cross, gram = X @ H, H.T @ H
        for _ in range(STEPS):
            W = np.maximum(W * (cross / (W @ gram)), 1e-16)
        cross, gram = X.T @ W, W.T @ W
        for _ in range(STEPS):
            H = np.maximum(H * (cross / (H @ gram)), 1e-16)
        distance2 = norm2 - 2.0 * np.vdot(cross, H) + np.vdot(gram, H.T @ H)
        if distance2 <= ERROR**2 * norm2:
            break
    return W, H


def shortfall(data, *fits):
    """By how much the worst of several fits misses the relative error."""
    X = data[0]
    errors = [float(np.linalg.norm(X - W @ H.T) / np.linalg.norm(X)) for W, H in fits]
    return max(*errors, ERROR) - ERROR


def case(name, seed, target, **options):
    data = problem(seed)
    return Case(
        name=f"nmf by {name}, 200 × 100, rank 10, to {ERROR:g}, start {seed}",
        setup=lambda: data,
        ours=partial(ours, **options),
        peer=numpy_multiplicative,
        peer_name="multiplicative updates in NumPy",
        gap=partial(shortfall, data),
        largest_gap=1e-6 * ERROR,
        target=target,
    )


def extrapolated(seed):
    return case("mSOM", seed, 5, update=multiconvex.MSOM(steps=STEPS))


def plain(seed):
    rule = multiconvex.MSOM(steps=STEPS)
    return case("mSOM, not extrapolated", seed, 1.5, update=rule, acceleration=None)


CASES = (*map(extrapolated, range(3)), *map(plain, range(3)))
