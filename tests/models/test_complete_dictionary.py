"""Complete dictionary learning recovers dictionaries where there are enough samples."""

from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import generators

from multiconvex import (
    ADMM,
    FactorProblem,
    NoPenalty,
    RowSparse,
    complete_dictionary,
    identifiability_bound,
    match_components,
)

UPDATES = ["enumeration", "admm", "iht"]


def planted(rng, rank, sparsity, samples, rows=None):
    """Return a dictionary with unit atoms, and codes with exactly k Gaussian weights a column."""
    dictionary = rng.standard_normal((rows or rank, rank))
    codes = rng.standard_normal((rank, samples))
    for column in codes.T:
        column[rng.permutation(rank)[sparsity:]] = 0.0
    return dictionary / np.linalg.norm(dictionary, axis=0), codes


def aligned(result, dictionary):
    """Return the dictionary and the codes of a fit in the order and with the signs of the truth."""
    order, _ = match_components(result.dictionary, dictionary)
    signs = np.sign(np.sum(result.dictionary[:, order] * dictionary, axis=0))
    return result.dictionary[:, order] * signs, result.codes[order] * signs[:, None]


def dictionary_error(result, dictionary):
    """Return the root mean square error of the entries of the dictionary."""
    return float(np.sqrt(np.mean((aligned(result, dictionary)[0] - dictionary) ** 2)))


def near_truth(seed, oversampling, update="enumeration", size=0.03):
    """Fit exact data with r=8, k=3 from a point near the truth; return errors before and after."""
    rng = np.random.default_rng(seed)
    samples = int(oversampling * identifiability_bound(8, 3).samples)
    dictionary, codes = planted(rng, 8, 3, samples)
    init = tuple(array + size * rng.standard_normal(array.shape) for array in (dictionary, codes))
    options = {"update": update, "init": init, "n_starts": 1, "tol": 0.0}
    start = complete_dictionary(dictionary @ codes, 8, 3, **options, max_iter=0)
    result = complete_dictionary(dictionary @ codes, 8, 3, **options, max_iter=500)
    return dictionary_error(start, dictionary), dictionary_error(result, dictionary)


@pytest.mark.parametrize(
    ("rank", "sparsity", "per_facet", "samples"),
    [(8, 3, 10, 16), (3, 2, 4, 12), (2, 1, 1, 2), (3, 1, 2, 3), (5, 4, 16, 80), (4, 2, 5, 10)],
)
def test_bound_in_closed_form(rank, sparsity, per_facet, samples):
    assert identifiability_bound(rank, sparsity) == (per_facet, samples)


def test_bound_counts_what_facets_can_hold():
    """Each sample lies on r - k facets, so that all supports once put C(r-1, k) on each facet."""
    for rank in range(2, 8):
        for sparsity in range(1, rank):
            supports = list(combinations(range(rank), sparsity))
            held = [sum(q not in support for support in supports) for q in range(rank)]
            assert sum(held) == len(supports) * (rank - sparsity)
            per_facet, samples = identifiability_bound(rank, sparsity)
            assert (samples - 1) * (rank - sparsity) < per_facet * rank
            assert samples * (rank - sparsity) >= per_facet * rank


@pytest.mark.parametrize("update", UPDATES)
def test_truth_is_a_fixed_point(update):
    for rng in generators(3):
        dictionary, codes = planted(rng, 6, 2, 30)
        init = dictionary, codes
        result = complete_dictionary(dictionary @ codes, 6, 2, update=update, init=init, n_starts=1)
        np.testing.assert_allclose(result.dictionary, dictionary, atol=1e-8)
        np.testing.assert_allclose(result.codes, codes, atol=1e-7)


def test_recovery_with_twice_the_samples_of_the_bound():
    before, after = np.array([near_truth(seed, 2.0) for seed in range(20)]).T
    assert np.all(after < before)
    assert np.sum(after < 1e-6) >= 18


def test_no_recovery_with_fewer_samples_than_the_bound():
    before, after = np.array([near_truth(seed, 0.8) for seed in range(20)]).T
    assert before.max() < 0.05
    assert after.min() > 1e-3


@pytest.mark.parametrize("update", ["admm", "iht"])
def test_heuristics_come_closer_but_recover_less_often(update):
    before, after = np.array([near_truth(seed, 2.0, update) for seed in range(10)]).T
    assert np.all(after < before)
    assert np.sum(after < 1e-6) <= 6


def test_below_the_bound_another_dictionary_fits_as_well():
    """Six samples, two on each facet: planes through other pairs meet in other atoms."""
    for rng in generators(5):
        dictionary, codes = planted(rng, 3, 3, 6)
        codes *= np.arange(6) % 3 != np.arange(3)[:, None]
        X = dictionary @ codes
        normals = np.cross(X[:, [0, 2, 4]], X[:, [1, 3, 5]], axis=0)
        atoms = np.cross(normals[:, [1, 2, 0]], normals[:, [2, 0, 1]], axis=0)
        init = atoms, np.linalg.solve(atoms, X)
        result = complete_dictionary(X, 3, 2, init=init, n_starts=1, max_iter=5, tol=0)
        assert result.objective < 1e-20 * np.sum(X**2)
        assert dictionary_error(result, dictionary) > 1e-2


@pytest.mark.parametrize(("rank", "sparsity", "samples"), [(3, 2, 48), (4, 2, 40), (5, 2, 40)])
def test_drawn_starts_recover_small_dictionaries(rank, sparsity, samples):
    for rng in generators(5, seed=rank):
        dictionary, codes = planted(rng, rank, sparsity, samples)
        result = complete_dictionary(dictionary @ codes, rank, sparsity, random_state=11)
        assert dictionary_error(result, dictionary) < 1e-4
        np.testing.assert_allclose(aligned(result, dictionary)[1], codes, atol=1e-2)


def test_whitened_starts_succeed_more_often():
    solved = {"random": [], "whitened": []}
    for rng in generators(5, seed=5):
        dictionary, codes = planted(rng, 8, 3, 64)
        X = dictionary @ codes
        for init, share in solved.items():
            fit = complete_dictionary(X, 8, 3, init=init, n_starts=5, tol=1e-4, random_state=11)
            share.append(np.mean(fit.starts < 1e-5 * np.sum(X**2)))
    assert np.mean(solved["whitened"]) > np.mean(solved["random"]) + 0.1


def test_as_many_false_positives_as_false_negatives():
    """Where the sparsity is right, each wrong support has one index too many for each missing."""
    for rng in generators(4):
        dictionary, codes = planted(rng, 6, 3, 40)
        X = dictionary @ codes + 0.1 * rng.standard_normal((6, 40))
        result = complete_dictionary(X, 6, 3, n_starts=2, random_state=11)
        found, true = aligned(result, dictionary)[1] != 0, codes != 0
        assert np.sum(found & ~true) == np.sum(true & ~found) > 0


def test_more_rows_than_atoms():
    for rng in generators(3):
        dictionary, codes = planted(rng, 4, 2, 60, rows=9)
        result = complete_dictionary(dictionary @ codes, 4, 2, random_state=11)
        assert dictionary_error(result, dictionary) < 1e-4


def noisy():
    rng = np.random.default_rng(2)
    dictionary, codes = planted(rng, 4, 2, 30, rows=5)
    return dictionary @ codes + 0.05 * rng.standard_normal((5, 30))


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("init", ["whitened", "random"])
def test_shapes_norms_and_objective(update, init):
    X = noisy()
    copy = X.copy()
    result = complete_dictionary(X, 4, 2, update=update, init=init, n_starts=3, random_state=11)
    assert (result.dictionary.shape, result.codes.shape) == ((5, 4), (4, 30))
    np.testing.assert_allclose(np.linalg.norm(result.dictionary, axis=0), 1.0)
    assert np.count_nonzero(result.codes, axis=0).max() <= 2
    np.testing.assert_allclose(result.reconstruct(), result.dictionary @ result.codes, atol=1e-12)
    np.testing.assert_allclose(result.objective, 0.5 * np.sum((X - result.reconstruct()) ** 2))
    assert result.objective == result.starts.min()
    assert result.starts.shape == (3,)
    assert np.diff(result.trace.objective).max() <= 1e-12 * result.trace.objective[0]
    np.testing.assert_array_equal(X, copy)


def test_at_the_limit_each_block_is_optimal():
    X = noisy()
    result = complete_dictionary(X, 4, 2, tol=1e-13, max_iter=5000, random_state=11)
    best = np.linalg.lstsq(result.codes.T, X.T, rcond=None)[0].T
    np.testing.assert_allclose(result.dictionary, best, atol=1e-4)
    problem = FactorProblem(X, 4, (NoPenalty(), RowSparse(2)))
    assert problem.residual((result.W, result.H)) < 1e-3
    for size in (1e-3, 1e-1):
        rng = np.random.default_rng(0)
        moved = result.dictionary + size * rng.standard_normal(result.dictionary.shape)
        assert 0.5 * np.sum((X - moved @ result.codes) ** 2) > result.objective


def test_all_entries_allowed_is_the_best_low_rank_fit():
    X = noisy()
    result = complete_dictionary(X, 3, 3, n_starts=1, tol=1e-12, random_state=11)
    tail = np.linalg.svd(X, compute_uv=False)[3:]
    np.testing.assert_allclose(result.objective, 0.5 * np.sum(tail**2), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1e5])
@pytest.mark.parametrize("update", UPDATES)
def test_scale_of_the_data_does_not_matter(scale, update):
    options = {"update": update, "n_starts": 1, "max_iter": 15, "tol": 0.0, "random_state": 0}
    one, other = (complete_dictionary(c * noisy(), 4, 2, **options) for c in (1.0, scale))
    np.testing.assert_allclose(one.dictionary, other.dictionary, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scale * one.codes, other.codes, rtol=1e-5, atol=1e-6 * scale)


def test_rotated_data_have_the_rotated_dictionary():
    X = noisy()
    Q = np.linalg.qr(np.random.default_rng(3).standard_normal((5, 5)))[0]
    rng = np.random.default_rng(4)
    init = rng.standard_normal((5, 4)), rng.standard_normal((4, 30))
    one = complete_dictionary(X, 4, 2, init=init, n_starts=1, max_iter=20, tol=0)
    other = complete_dictionary(
        Q @ X, 4, 2, init=(Q @ init[0], init[1]), n_starts=1, max_iter=20, tol=0
    )
    np.testing.assert_allclose(other.dictionary, Q @ one.dictionary, atol=1e-7)
    np.testing.assert_allclose(other.codes, one.codes, atol=1e-7)


def test_same_seed_same_bytes_and_another_seed_another_start():
    first, second, other = (
        complete_dictionary(noisy(), 4, 2, n_starts=2, max_iter=5, tol=0, random_state=seed)
        for seed in (0, 0, 1)
    )
    assert first.dictionary.tobytes() == second.dictionary.tobytes()
    assert not np.array_equal(first.starts, other.starts)


def test_single_precision_is_kept():
    result = complete_dictionary(noisy().astype(np.float32), 4, 2, tol=1e-4, random_state=11)
    assert result.dictionary.dtype == result.codes.dtype == np.float32


def test_a_start_that_is_given_comes_first():
    X = noisy()
    init = complete_dictionary(X, 4, 2, random_state=11)
    pair = init.dictionary, init.codes
    result = complete_dictionary(X, 4, 2, init=pair, n_starts=3, random_state=1)
    assert result.starts[0] <= init.objective * (1 + 1e-12)
    assert result.starts.shape == (3,)
    again = complete_dictionary(X, 4, 2, init=pair, n_starts=1, max_iter=0)
    np.testing.assert_allclose(again.reconstruct(), init.reconstruct(), atol=1e-12)


def test_starts_end_when_the_callback_says_so():
    X = noisy()
    result = complete_dictionary(X, 4, 2, callback=lambda sweep: sweep.iteration == 2)
    assert (result.status, result.starts.shape) == ("stopped", (1,))


def test_an_update_may_be_given():
    X = noisy()
    named = complete_dictionary(X, 4, 2, update="admm", n_starts=2, random_state=11)
    given = complete_dictionary(X, 4, 2, update=ADMM(), n_starts=2, random_state=11)
    np.testing.assert_array_equal(named.starts, given.starts)
    other = complete_dictionary(X, 4, 2, update=ADMM(steps=9), n_starts=2, random_state=11)
    assert not np.array_equal(named.starts, other.starts)


def test_constant_and_zero_data():
    for X in (np.zeros((4, 9)), np.ones((4, 9))):
        result = complete_dictionary(X, 3, 1, n_starts=2, random_state=11)
        assert result.objective < 1e-20
        assert np.isfinite(result.dictionary).all() and np.isfinite(result.codes).all()


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"rank": 6}, ValueError, "rank must be at most 5 for data of shape .*, got 6: a complete"),
        ({"rank": 0}, ValueError, "rank must be an integer of at least 1"),
        ({"sparsity": 5}, ValueError, "sparsity must be at most rank=4, got 5"),
        ({"sparsity": 0}, ValueError, "sparsity must be an integer of at least 1"),
        ({"update": "omp"}, ValueError, "update must be one of 'enumeration', 'admm', 'iht'"),
        ({"init": "nndsvd"}, ValueError, "init must be one of 'whitened', 'random'"),
        ({"init": (np.eye(4),)}, ValueError, r"init must hold 2 arrays \(dictionary, codes\)"),
        (
            {"init": (np.ones((5, 4)), np.ones((30, 4)))},
            ValueError,
            r"init of codes must have shape \(4, 30\), got \(30, 4\)",
        ),
        ({"n_starts": 0}, ValueError, "n_starts must be an integer of at least 1"),
        ({"X": np.full((5, 30), np.nan)}, ValueError, "X has 150 NaN or infinite entries"),
        ({"X": sp.eye_array(5)}, TypeError, "X is sparse"),
        ({"X": np.ones(5)}, ValueError, "X must have 2 dimensions"),
    ],
)
def test_impossible_requests_are_refused(options, kind, sentence):
    options = {"X": noisy(), "rank": 4, "sparsity": 2} | options
    with pytest.raises(kind, match=sentence):
        complete_dictionary(**options)


@pytest.mark.parametrize(("rank", "sparsity"), [(1, 1), (3, 3), (3, 0)])
def test_bounds_that_mean_nothing_are_refused(rank, sparsity):
    with pytest.raises(ValueError, match=r"rank must be|sparsity must be"):
        identifiability_bound(rank, sparsity)
