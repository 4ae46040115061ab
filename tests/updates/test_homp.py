"""Column-by-column pursuit: its exact reduction and what it cannot better."""

import numpy as np
import pytest
from contracts.coding import CodingContract, coded
from contracts.instances import generators

from multiconvex import HOMP, ColumnSparse, DictionaryProblem, NoPenalty, TrickOMP
from multiconvex.pursuit import pursue


class TestHOMP(CodingContract):
    update = HOMP()


def one_component(seed, k):
    rng = np.random.default_rng(seed)
    X, D, h = rng.standard_normal((8, 6)), rng.standard_normal((8, 20)), rng.standard_normal((6, 1))
    return DictionaryProblem(X, 1, D, (ColumnSparse(k), NoPenalty())), (np.zeros((20, 1)), h)


@pytest.mark.parametrize("seed", range(5))
def test_residual_is_monotone_in_the_sparsity(seed):
    losses = []
    for k in range(1, 9):
        problem, x = one_component(seed, k)
        losses.append(problem.loss((HOMP()(problem, x, 0, None)[0], x[1])))
    assert np.all(np.diff(losses) <= 1e-12)
    assert losses[-1] < losses[0]


def test_a_column_is_the_pursuit_of_the_reduced_data():
    for rng in generators(5):
        problem, (codes, H) = coded(1.0, 3, nonnegative=False)(rng)
        D, q = problem.dictionary, 0
        rest = codes * (np.arange(3) != q)
        reduced = (problem.data.array - D @ rest @ H.T) @ H[:, [q]] / np.sum(H[:, q] ** 2)
        expected = pursue(D.T @ D, D.T @ reduced, 3)
        new, _ = HOMP(sweeps=1)(problem, (codes, H), 0, None)
        np.testing.assert_allclose(new[:, [q]], expected, atol=1e-10)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_no_single_atom_betters_a_fixed_point_of_one_sparse_codes(nonnegative):
    for rng in generators(5, seed=1):
        problem, (codes, H) = coded(1.0, 1, nonnegative=nonnegative)(rng)
        codes, _ = HOMP(sweeps=100)(problem, (codes, H), 0, None)
        loss = problem.loss((codes, H))
        D, X = problem.dictionary, problem.data.array
        for q in range(3):
            gap = X - D @ (codes * (np.arange(3) != q)) @ H.T
            scales = D.T @ gap @ H[:, q] / np.sum(H[:, q] ** 2)
            scales = np.maximum(scales, 0.0) if nonnegative else scales
            for atom, scale in zip(D.T, scales):
                assert 0.5 * np.sum((gap - scale * np.outer(atom, H[:, q])) ** 2) >= loss - 1e-10


def test_orthogonal_components_make_it_equal_to_trick_omp():
    for rng in generators(5, seed=2):
        H = np.linalg.qr(rng.standard_normal((7, 3)))[0] * np.array([0.5, 2.0, 3.0])
        problem, (codes, _) = coded(1.0, 3, nonnegative=False)(rng)
        x = (np.zeros_like(codes), H)
        one, other = (update(problem, x, 0, None)[0] for update in (HOMP(), TrickOMP()))
        np.testing.assert_allclose(one, other, atol=1e-10)


def test_more_passes_fit_better():
    gains = []
    for rng in generators(10, seed=3):
        problem, x = coded(1.0, 3, nonnegative=True)(rng)
        losses = [problem.loss((HOMP(s)(problem, x, 0, None)[0], x[1])) for s in (1, 10)]
        gains.append(losses[0] - losses[1])
    assert min(gains) >= -1e-12
    assert max(gains) > 1e-3


def test_at_least_one_pass():
    with pytest.raises(ValueError, match="sweeps must be an integer of at least 1, got 0"):
        HOMP(sweeps=0)
