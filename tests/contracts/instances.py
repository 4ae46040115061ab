"""Seeded instances from which the tests build their cases."""

import numpy as np


def generators(count, seed=0):
    """Yield independent, reproducible generators."""
    for case in range(count):
        yield np.random.default_rng([seed, case])


def read_only(*arrays):
    """Return copies that refuse to be written to."""
    copies = tuple(np.array(array) for array in arrays)
    for copy in copies:
        copy.flags.writeable = False
    return copies


def planted_matrix(shape, rank, seed=0, zeros=0.3):
    """Return ``X = W H^T`` exactly, and its nonnegative, partly zero factors."""
    rng = np.random.default_rng(seed)
    W, H = (rng.random((n, rank)) * (rng.random((n, rank)) > zeros) for n in shape)
    return W @ H.T, (W, H)


def separable_matrix(m, n, rank, seed=0):
    """Return data whose columns are mixtures of ``rank`` of them, and the set of those columns."""
    rng = np.random.default_rng(seed)
    pure = rng.random((m, rank))
    pure /= pure.sum(axis=0)
    order = rng.permutation(n)
    weights = np.vstack([np.eye(rank), rng.dirichlet(np.ones(rank), n - rank)])[np.argsort(order)]
    return pure @ weights.T, set(order[:rank].tolist())


def planted_tensor(shape, rank, seed=0, draw="random"):
    """Return an exact CP tensor and its factors."""
    rng = np.random.default_rng(seed)
    factors = tuple(getattr(rng, draw)((n, rank)) for n in shape)
    return cp_to_array(factors), factors


def cp_to_array(factors):
    """Return the array of a CP model from its definition."""
    letters = "abcdefgh"[: len(factors)]
    return np.einsum(",".join(f"{i}q" for i in letters) + "->" + letters, *factors)


def scipy_nnls(W, Y):
    """Return the nonnegative least-squares solution of every column by scipy."""
    from scipy.optimize import nnls

    columns = Y[:, None] if Y.ndim == 1 else Y
    x = np.stack([nnls(W, y)[0] for y in columns.T], axis=1)
    return x[:, 0] if Y.ndim == 1 else x


def convex_optimum(W, Y, *, loss="frobenius", l1=0.0, l2=0.0):
    """Return the optimal value of a nonnegative regression by a general convex solver."""
    import cvxpy

    x = cvxpy.Variable((W.shape[1], *Y.shape[1:]), nonneg=True)
    if loss == "frobenius":
        cost = cvxpy.sum_squares(Y - W @ x) / 2
    else:
        cost = cvxpy.sum(cvxpy.kl_div(Y, W @ x))
    problem = cvxpy.Problem(
        cvxpy.Minimize(cost + l1 * cvxpy.sum(x) + l2 / 2 * cvxpy.sum_squares(x))
    )
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    return problem.value
