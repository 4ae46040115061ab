"""Coupled factorisations against those of tensorly and matcouply, where the models are the same."""

import warnings
from typing import NamedTuple

import numpy as np
from harness import Race
from matcouply.coupled_matrices import CoupledMatrixFactorization
from matcouply.decomposition import cmf_aoadmm
from tensorly.decomposition import coupled_matrix_tensor_3d_factorization
from tensorly.decomposition._cp import initialize_cp

from multiconvex import Coupling, NonNegative, coupled_factorization

_RANK = 4
_PAIR = Coupling([(0, 0), (1, 0)])


class Problem(NamedTuple):
    """Data sets that share their first factor, and where fits start."""

    data: list
    start: list


def simulate_pair(seed=0):
    """Return a tensor and a matrix, with the start of tensorly."""
    rng = np.random.default_rng(seed)
    A, B, C, D = (rng.standard_normal((n, _RANK)) for n in (60, 50, 40, 300))
    T, X = np.einsum("iq,jq,kq->ijk", A, B, C), A @ D.T
    data = [Y + 0.1 * Y.std() * rng.standard_normal(Y.shape) for Y in (T, X)]
    stacked = np.hstack([data[0].reshape(60, -1), data[1]])
    shared = initialize_cp(stacked, _RANK, init="svd").factors[0]
    others = initialize_cp(data[0], _RANK, init="svd").factors[1:]
    free = np.linalg.lstsq(shared, data[1], rcond=None)[0].T
    return Problem(data, [[shared, *others], [shared, free]])


def fit_pair(problem, n_iter):
    fit = coupled_factorization(
        problem.data, _RANK, couplings=[_PAIR], weights=(1, 1), init=problem.start,
        max_iter=n_iter, tol=0,
    )  # fmt: skip
    return fit.reconstruct()


def fit_pair_peer(problem, n_iter):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensor, matrix, _ = coupled_matrix_tensor_3d_factorization(
            *problem.data, _RANK, init="svd", n_iter_max=n_iter, tol=0
        )
    return [tensor.to_tensor(), matrix.to_tensor()]


def simulate_matrices(seed=0):
    """Return eight nonnegative matrices that share their first factor."""
    rng = np.random.default_rng(seed)
    A, *others = (rng.random((n, _RANK)) for n in (80, *[200] * 8))
    data = [A @ B.T for B in others]
    data = [X + 0.05 * X.std() * rng.standard_normal(X.shape) for X in data]
    shared = rng.random((80, _RANK))
    return Problem(data, [[shared, rng.random((200, _RANK))] for _ in data])


def fit_matrices(problem, n_iter):
    members = [(i, 0) for i in range(len(problem.data))]
    fit = coupled_factorization(
        problem.data, _RANK, couplings=[Coupling(members)], penalties=NonNegative(),
        weights=[1] * len(members), init=problem.start, max_iter=n_iter, tol=0,
    )  # fmt: skip
    return fit.reconstruct()


def fit_matrices_peer(problem, n_iter):
    shared = problem.start[0][0]
    scales = np.ones((len(problem.data), _RANK))
    start = CoupledMatrixFactorization((None, (scales, [H for _, H in problem.start], shared)))
    fit = cmf_aoadmm(
        [X.T for X in problem.data], _RANK, init=start, non_negative=True, n_iter_max=n_iter,
        tol=None, absolute_tol=None, random_state=0,
    )  # fmt: skip
    return [matrix.T for matrix in fit.to_matrices()]


def objective(problem, models):
    return sum(0.5 * np.sum((X - model) ** 2) for X, model in zip(problem.data, models))


CASES = (
    Race(
        name="tensor 60 x 50 x 40 and matrix 60 x 300, rank 4",
        setup=simulate_pair,
        ours=fit_pair,
        peer=fit_pair_peer,
        peer_name="coupled_matrix_tensor_3d_factorization of tensorly",
        objective=objective,
        gap=1e-6,
        longest=300,
        target=5,
    ),
    Race(
        name="eight matrices 80 x 200 with a common factor, nonnegative, rank 4",
        setup=simulate_matrices,
        ours=fit_matrices,
        peer=fit_matrices_peer,
        peer_name="cmf_aoadmm of matcouply",
        objective=objective,
        gap=1e-3,
        longest=300,
        target=5,
    ),
)
