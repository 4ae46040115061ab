"""Models with atoms of several dictionaries find the planted ones and never get worse."""

from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import generators, scipy_nnls

from multiconvex import ConvergenceWarning, multiple_dictionaries

TRUTH = np.array([[0, 7], [1, 3], [1, 20], [2, 11]])
COUNTS = (1, 2, 1)


def instance(seed=0, noise=0.0, n=60):
    """Return data, three dictionaries of 15, 30 and 25 atoms, and the abundances of TRUTH."""
    rng = np.random.default_rng(seed)
    dictionaries = tuple(rng.random((12, size)) * rng.uniform(0.5, 2.0) for size in (15, 30, 25))
    W = np.column_stack([dictionaries[i][:, number] for i, number in TRUTH])
    H = rng.dirichlet(np.full(4, 0.5), n)
    X = W @ H.T
    return X + noise * X.mean() * rng.standard_normal(X.shape), dictionaries, H


def fit(X, dictionaries, counts=COUNTS, **options):
    return multiple_dictionaries(X, dictionaries, counts, **{"random_state": 0, **options})


@pytest.mark.parametrize("seed", range(8))
def test_planted_atoms_are_found_in_exact_data(seed):
    X, dictionaries, H = instance(seed)
    result = fit(X, dictionaries)
    assert [sorted(numbers.tolist()) for numbers in result.picks] == [[7], [3, 20], [11]]
    assert result.objective < 1e-20 * np.sum(X**2)
    for q, (i, number) in enumerate(result.indices):
        component = TRUTH.tolist().index([i, number])
        atom = dictionaries[i][:, number]
        np.testing.assert_allclose(result.W[:, q], atom / np.linalg.norm(atom), rtol=1e-12)
        expected = H[:, component] * np.linalg.norm(atom)
        np.testing.assert_allclose(result.H[:, q], expected, atol=1e-9)


def test_more_capacity_than_components():
    X, dictionaries, _ = instance(1)
    result = fit(X, dictionaries, (3, 2, 3), rank=4, n_starts=40)
    assert sorted(map(tuple, result.indices.tolist())) == sorted(map(tuple, TRUTH.tolist()))
    assert [len(numbers) for numbers in result.picks] == [1, 2, 1]


@pytest.mark.parametrize("seed", range(5))
def test_the_truth_stays_where_it_is_in_the_order_given(seed):
    X, dictionaries, _ = instance(seed)
    init = np.random.default_rng(seed).permuted(np.arange(4))
    result = fit(X, dictionaries, init=TRUTH[init], n_starts=1)
    np.testing.assert_array_equal(result.indices, TRUTH[init])
    assert result.objective < 1e-20 * np.sum(X**2)


def least_objective(X, dictionaries):
    """Return the least objective over all choices of one atom and of two."""
    first, second = dictionaries
    values = []
    for number in range(first.shape[1]):
        for pair in combinations(range(second.shape[1]), 2):
            W = np.column_stack([first[:, number], second[:, list(pair)]])
            values.append(0.5 * np.sum((X - W @ scipy_nnls(W, X)) ** 2))
    return min(values)


def test_never_below_the_best_choice_and_often_there():
    found = 0
    for rng in generators(8):
        dictionaries = rng.random((6, 4)), rng.random((6, 5))
        X = rng.random((6, 12))
        least = least_objective(X, dictionaries)
        result = fit(X, dictionaries, (1, 2), n_starts=20)
        assert result.objective >= least * (1 - 1e-10)
        found += result.objective <= least * (1 + 1e-10)
    assert found >= 4


def test_traces_never_increase_and_the_best_start_is_kept():
    for seed in range(4):
        X, dictionaries, _ = instance(seed, noise=0.3)
        result = fit(X, dictionaries)
        assert np.diff(result.trace.objective).max() <= 0.0
        assert result.starts.shape == (10,)
        assert result.objective == result.starts.min()


def test_worse_choices_are_passed_through():
    """Some sweeps that are no better lead to one that is; three in a row end a start."""
    comebacks = 0
    for rng in generators(40, seed=1):
        dictionaries = tuple(3 * rng.random((12, 1)) + rng.random((12, n)) for n in (40, 60, 80))
        X = rng.random((12, 4)) @ rng.dirichlet(np.full(4, 0.5), 60).T
        X *= 1 + 0.1 * rng.standard_normal(X.shape)
        events = fit(X, dictionaries, n_starts=1, random_state=rng).trace.event.tolist()
        assert events[-3:] == ["no better"] * 3
        comebacks += "sweep" in events[events.index("no better") :]
    assert comebacks > 0


def test_objective_weights_and_atoms_are_those_promised():
    X, dictionaries, _ = instance(2, noise=0.2)
    result = fit(X, dictionaries)
    np.testing.assert_allclose(result.objective, 0.5 * np.sum((X - result.reconstruct()) ** 2))
    np.testing.assert_allclose(result.H.T, scipy_nnls(result.W, X), atol=1e-10)
    for column, (i, number) in zip(result.W.T, result.indices):
        atom = dictionaries[i][:, number]
        np.testing.assert_allclose(column, atom / np.linalg.norm(atom), rtol=1e-12)
    assert len(np.unique(result.indices, axis=0)) == 4
    assert [len(numbers) for numbers in result.picks] == list(COUNTS)


def test_same_seed_same_bytes_and_another_seed_other_starts():
    X, dictionaries, _ = instance(3, noise=0.3)
    one, two, other = (fit(X, dictionaries, random_state=seed) for seed in (1, 1, 2))
    assert one.H.tobytes() == two.H.tobytes()
    assert not np.array_equal(one.starts, other.starts)


def test_nothing_given_is_modified():
    X, dictionaries, _ = instance(4, noise=0.3)
    copies = X.copy(), [atoms.copy() for atoms in dictionaries]
    fit(X, dictionaries, init=TRUTH)
    np.testing.assert_array_equal(X, copies[0])
    for atoms, copy in zip(dictionaries, copies[1]):
        np.testing.assert_array_equal(atoms, copy)


def test_scales_of_data_and_atoms_do_not_matter():
    X, dictionaries, _ = instance(5, noise=0.3)
    result = fit(X, dictionaries)
    rng = np.random.default_rng(0)
    scaled = [atoms * 10.0 ** rng.uniform(-3, 3, atoms.shape[1]) for atoms in dictionaries]
    other = fit(1e5 * X, scaled)
    assert set(map(tuple, other.indices)) == set(map(tuple, result.indices))
    np.testing.assert_allclose(other.reconstruct(), 1e5 * result.reconstruct(), rtol=1e-9)


def test_single_precision_is_kept():
    X, dictionaries, _ = instance(6)
    result = fit(X.astype(np.float32), dictionaries)
    assert result.W.dtype == result.H.dtype == np.float32
    assert [sorted(numbers.tolist()) for numbers in result.picks] == [[7], [3, 20], [11]]


def test_sparse_data_are_taken_as_they_are():
    X, dictionaries, _ = instance(7)
    X = X * (np.random.default_rng(0).random(X.shape) > 0.5)
    dense, sparse = fit(X, dictionaries), fit(sp.csr_array(X), dictionaries)
    np.testing.assert_array_equal(dense.indices, sparse.indices)
    np.testing.assert_allclose(dense.H, sparse.H, rtol=1e-9, atol=1e-12)


def test_data_may_be_negative():
    X, dictionaries, _ = instance(0)
    X[0, :5] = -1e-3
    result = fit(X, dictionaries)
    assert [sorted(numbers.tolist()) for numbers in result.picks] == [[7], [3, 20], [11]]


def test_callback_sees_the_true_objective_and_stops_everything():
    X, dictionaries, _ = instance(1, noise=0.3)

    def watch(sweep):
        gap = X - sweep.blocks["W"] @ sweep.blocks["H"].T
        np.testing.assert_allclose(sweep.objective, 0.5 * np.sum(gap**2), rtol=1e-10)
        return sweep.iteration == 2

    result = fit(X, dictionaries, callback=watch)
    assert (result.n_iter, result.status) == (2, "stopped")
    assert len(result.starts) == 1


def test_sweeps_run_out():
    X, dictionaries, _ = instance(1, noise=0.3)
    start = fit(X, dictionaries, init=TRUTH, n_starts=1, max_iter=0)
    np.testing.assert_array_equal(start.indices, TRUTH)
    assert fit(X, dictionaries, tol=0, max_iter=7).n_iter == 7
    with pytest.warns(ConvergenceWarning, match="used all 2 sweeps"):
        fit(X, dictionaries, max_iter=2)


PICKS = [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"counts": (1, 1, 1)}, ValueError, "counts must hold one number for each of the 2"),
        ({"rank": 4}, ValueError, "allow 2 atoms, fewer than rank=4: raise counts"),
        ({"counts": (9, 1)}, ValueError, "allow 4 atoms, fewer than rank=10"),
        ({"counts": (0, 0)}, ValueError, "rank must be an integer of at least 1, got 0"),
        ({"rank": 1.5}, ValueError, "rank must be an integer"),
        ({"n_starts": 0}, ValueError, "n_starts must be an integer of at least 1"),
        ({"tol": -1.0}, ValueError, "tol must be a finite nonnegative number"),
        ({"init": "snpa"}, ValueError, "init must be one of 'random'"),
        ({"init": [[0, 0]]}, ValueError, r"init must be 'random' or integers of shape \(2, 2\)"),
        ({"init": [[0.0, 0], [1, 0]]}, ValueError, "one pair .* got float64 of shape"),
        ({"init": [[0, 3], [1, 0]]}, ValueError, "asks for atom 3 of dictionary 0, .* 3, 1 atoms"),
        ({"init": [[0, 0], [2, 0]]}, ValueError, "asks for atom 0 of dictionary 2"),
        ({"init": [[0, 0], [0, 1]]}, ValueError, "takes 2, 0 where counts are 1, 1"),
        ({"X": np.ones((2, 4))}, ValueError, r"dictionaries\[0\] has 3 rows and X has 2"),
        ({"X": np.full((3, 4), np.nan)}, ValueError, "X has 12 NaN"),
        ({"X": np.ones(3)}, ValueError, "X must have 2 dimensions"),
        (
            {"dictionaries": (np.eye(3), -np.ones((3, 1)))},
            ValueError,
            r"dictionaries\[1\] must be nonnegative",
        ),
        (
            {"dictionaries": (np.eye(3), np.zeros((3, 1)))},
            ValueError,
            r"Atom 0 of dictionaries\[1\] is zero: remove it",
        ),
    ],
)
def test_impossible_requests_are_refused(options, kind, sentence):
    given = {
        "X": np.ones((3, 4)),
        "dictionaries": (np.eye(3), np.ones((3, 1))),
        "counts": (1, 1),
        **options,
    }
    with pytest.raises(kind, match=sentence):
        multiple_dictionaries(**given)


def test_an_atom_cannot_start_two_components():
    with pytest.raises(ValueError, match="init must name distinct atoms"):
        multiple_dictionaries(np.ones((3, 4)), (np.eye(3),), (2,), init=[[0, 1], [0, 1]])
