"""Atoms are assigned to components in their order, each to one, as well as can be."""

from itertools import permutations

import numpy as np
import pytest
from contracts.instances import generators, read_only, scipy_nnls
from scipy.optimize import linear_sum_assignment

from multiconvex import (
    AtomAssignment,
    ColumnSparse,
    DictionaryProblem,
    LeastSquares,
    NonNegative,
    NoPenalty,
    alternate,
)
from multiconvex.updates.atom_assignment import assign_atoms


def instance(rng, *, nonnegative=True, noise=0.0, dtype=np.float64, n_atoms=20, rank=4):
    """Return a problem, a point with the true factors but no codes, and the true atoms."""
    draw = rng.random if nonnegative else rng.standard_normal
    D, H = draw((8, n_atoms)), draw((15, rank))
    K = rng.permutation(n_atoms)[:rank]
    X = D[:, K] @ H.T
    X = (X + noise * rng.standard_normal(X.shape)).astype(dtype)
    others = NonNegative() if nonnegative else NoPenalty()
    problem = DictionaryProblem(X, rank, D, (ColumnSparse(1, nonnegative), others))
    return problem, (np.zeros((n_atoms, rank), dtype), H.astype(dtype)), K


def picked(problem, x):
    codes, _ = AtomAssignment()(problem, x, 0, None)
    assert set(np.unique(codes)) == {0.0, 1.0}
    np.testing.assert_array_equal(codes.sum(axis=0), 1.0)
    return codes.argmax(axis=0)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_known_factors_give_the_true_atoms_in_the_order_of_the_components(nonnegative):
    orders = set()
    for rng in generators(20):
        problem, x, K = instance(rng, nonnegative=nonnegative)
        np.testing.assert_array_equal(picked(problem, x), K)
        orders.add(tuple(np.argsort(K)))
    assert len(orders) > 5


def test_rows_of_an_assignment_alone_lose_the_pairing_with_components():
    wrong = 0
    for rng in generators(40):
        problem, x, K = instance(rng)
        free = scipy_nnls(x[1], problem.data.array.T).T
        scores = problem.dictionary.T @ (free / np.linalg.norm(free, axis=0))
        rows, _ = linear_sum_assignment(scores, maximize=True)
        np.testing.assert_array_equal(rows, np.sort(K))
        np.testing.assert_array_equal(assign_atoms(scores), K)
        wrong += not np.array_equal(rows, K)
    assert wrong > 30


def test_assignment_equals_brute_force():
    for rng in generators(20, seed=1):
        scores = rng.standard_normal((6, 3))
        best = max(permutations(range(6), 3), key=lambda K: scores[list(K), range(3)].sum())
        np.testing.assert_array_equal(assign_atoms(scores), best)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_noisy_choices_maximise_the_sum_of_cosines(nonnegative):
    for rng in generators(10, seed=2):
        problem, (codes, H), _ = instance(
            rng, nonnegative=nonnegative, noise=0.5, n_atoms=6, rank=3
        )
        X = problem.data.array
        free = scipy_nnls(H, X.T).T if nonnegative else np.linalg.lstsq(H, X.T, rcond=None)[0].T
        scores = problem.dictionary.T @ (free / np.linalg.norm(free, axis=0))
        scores = scores if nonnegative else np.abs(scores)
        best = max(permutations(range(6), 3), key=lambda K: scores[list(K), range(3)].sum())
        np.testing.assert_array_equal(picked(problem, (codes, H)), best)


def test_two_components_never_share_an_atom():
    problem, (codes, H), _ = instance(np.random.default_rng(3))
    twins = np.repeat(H[:, :2], 2, axis=1) + 1e-3 * np.random.default_rng(0).random(H.shape)
    assert len(set(picked(problem, (codes, twins)))) == 4


def test_signed_atoms_with_nonnegative_codes_are_not_flipped():
    D = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 1.0]])
    H = np.array([[1.0, 2.0, 1.0]]).T
    X = -D[:, [0]] @ H.T
    for nonnegative, expected in ((True, 1), (False, 0)):
        problem = DictionaryProblem(X, 1, D, (ColumnSparse(1, nonnegative), NonNegative()))
        assert picked(problem, (np.zeros((3, 1)), H))[0] == expected


def test_the_scales_of_components_do_not_matter():
    problem, (codes, H), _ = instance(np.random.default_rng(5), noise=0.2)
    wide = H * np.array([1e-4, 1.0, 30.0, 1e5])
    np.testing.assert_array_equal(picked(problem, (codes, wide)), picked(problem, (codes, H)))


def test_inputs_are_never_written_to_and_single_precision_is_kept():
    problem, x, K = instance(np.random.default_rng(6), dtype=np.float32)
    new, _ = AtomAssignment()(problem, read_only(*x), 0, None)
    assert new.dtype == np.float32
    np.testing.assert_array_equal(new.argmax(axis=0), K)


def test_impossible_requests_are_refused():
    X = np.ones((3, 4))
    for k, n_atoms, sentence in (
        (2, 5, "gives each component one atom, and the sparsity is 2"),
        (1, 1, "needs distinct atoms, and the dictionary has 1 for rank=2"),
    ):
        problem = DictionaryProblem(X, 2, np.ones((3, n_atoms)), (ColumnSparse(k), NoPenalty()))
        start = tuple(np.zeros(block.shape) for block in problem.blocks)
        with pytest.raises(ValueError, match=sentence):
            alternate(problem, start, {"codes": AtomAssignment(), "H": LeastSquares()})
