"""Multi-convex programs in CVXPY: compiled once against rebuilt at every half-sweep."""

import time
from functools import partial

import cvxpy as cp
import numpy as np
from harness import Case, Limit

from multiconvex.programming import Program, solve_blockwise

SWEEPS = 30


def matrix(m, n, rank, seed=0):
    """A nonnegative matrix of low rank with noise, and a random start."""
    rng = np.random.default_rng(seed)
    X = rng.random((m, rank)) @ rng.random((rank, n)) + 0.1 * rng.random((m, n))
    return X, rng.random((m, rank)), rng.random((rank, n))


def ours(data):
    X, W0, H0 = data
    W = cp.Variable(W0.shape, name="W", nonneg=True, value=W0)
    H = cp.Variable(H0.shape, name="H", nonneg=True, value=H0)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(X - W @ H)))
    return solve_blockwise(problem, max_iter=SWEEPS, tol=0).objective


def rebuild(data):
    """The loop that comes to mind: a new problem for each factor, in turn."""
    X, W, H = data
    for _ in range(SWEEPS):
        left = cp.Variable(W.shape, nonneg=True)
        cp.Problem(cp.Minimize(cp.sum_squares(X - left @ H))).solve(solver="CLARABEL")
        W = left.value
        right = cp.Variable(H.shape, nonneg=True)
        problem = cp.Problem(cp.Minimize(cp.sum_squares(X - W @ right)))
        problem.solve(solver="CLARABEL")
        H = right.value
    return problem.value


def seconds_to_compile(m):
    """Time to the first solution of both blocks of a mixture of regressions, in CVXPY terms."""
    rng = np.random.default_rng(0)
    A, b = rng.standard_normal((m, 5)), rng.standard_normal(m)
    thetas = [cp.Variable(5, name=f"theta{k}") for k in range(2)]
    z = cp.Variable((m, 2), name="z", nonneg=True)
    losses = cp.vstack([cp.square(A @ theta - b) for theta in thetas])
    loss = cp.sum(cp.multiply(z, losses.T))
    x = (np.full((m, 2), 0.5), rng.standard_normal(10))
    start = time.perf_counter()
    program = Program(cp.Problem(cp.Minimize(loss), [cp.sum(z, axis=1) == 1]))
    program.solve_block(x, 0)
    program.solve_block(x, 1)
    return time.perf_counter() - start


def compile_limit(m, target):
    return Limit(
        name=f"program, mixture of 2 regressions, m = {m}, compiled and solved once",
        seconds=partial(seconds_to_compile, m),
        target=target,
    )


CASES = (
    Case(
        name=f"program, nonnegative 30 × 30, rank 5, {SWEEPS} sweeps",
        ours=ours,
        peer=rebuild,
        target=5,
        setup=partial(matrix, 30, 30, 5),
        peer_name="CVXPY, a problem rebuilt for each half-sweep",
        gap=lambda ours, peer: abs(ours - peer) / peer,
        largest_gap=1e-5,
    ),
    # Linear in m: each limit is twice the one before.
    compile_limit(500, 0.125),
    compile_limit(1000, 0.25),
    compile_limit(2000, 0.5),
    compile_limit(4000, 1.0),
)
