"""Models with a coded factor find planted atoms, never get worse, and say what they cannot do."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import cp_to_array, generators

from multiconvex import ConvergenceWarning, dictionary_lra, factor_match_score

METHODS = ("assignment", "trick_omp", "homp", "block_fista", "iht")


def instance(seed=0, *, nonnegative=True, noise=0.0, sparsity=1, shape=(12, 30), mode=0):
    """Return data, a dictionary of 40 atoms, and the true codes and other factors in order."""
    rng = np.random.default_rng(seed)
    draw = rng.random if nonnegative else rng.standard_normal
    D = draw((shape[mode], 40)) * rng.uniform(0.5, 2.0, 40)
    unit = D / np.linalg.norm(D, axis=0)
    x = [draw((n, 3)) for n in shape]
    x[mode] = np.zeros((40, 3))
    for column, atoms in zip(x[mode].T, rng.permutation(40)[: 3 * sparsity].reshape(3, -1)):
        column[atoms] = rng.uniform(1.0, 2.0, sparsity)
    X = cp_to_array([unit @ block if k == mode else block for k, block in enumerate(x)])
    X = X + noise * np.std(X) * rng.standard_normal(X.shape)
    return X, D, tuple(x)


def fit(X, D, **options):
    defaults = {"random_state": 0, "tensor": X.ndim > 2}
    return dictionary_lra(X, 3, D, **{**defaults, **options})


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize(("shape", "mode"), [((12, 30), 0), ((30, 12), 1), ((5, 12, 6), 1)])
def test_planted_atoms_are_found_in_exact_data(nonnegative, shape, mode):
    for seed in range(4):
        X, D, x = instance(seed, nonnegative=nonnegative, shape=shape, mode=mode)
        result = fit(X, D, nonnegative=nonnegative, mode=mode, n_starts=20)
        atoms = [int(np.flatnonzero(column)[0]) for column in x[mode].T]
        assert sorted(result.indices) == sorted(atoms)
        assert result.objective < 1e-18 * np.sum(X**2)
        true = [D[:, atoms] if k == mode else block for k, block in enumerate(x)]
        assert factor_match_score(list(result.factors), true) > 1 - 1e-6
        np.testing.assert_allclose(result.reconstruct(), X, atol=1e-7 * np.abs(X).max())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("shape", "mode"), [((12, 30), 0), ((5, 12, 6), 1)])
def test_the_truth_stays_where_it_is_in_the_order_given(method, shape, mode):
    for seed in range(4):
        X, D, x = instance(seed, shape=shape, mode=mode)
        result = fit(X, D, method=method, mode=mode, init=x)
        np.testing.assert_array_equal(result.indices, x[mode].argmax(axis=0))
        assert result.objective < 1e-18 * np.sum(X**2)


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_planted_supports_are_found_from_near_by(method, nonnegative):
    for rng in generators(3):
        X, D, (codes, H) = instance(1, nonnegative=nonnegative, sparsity=2, shape=(30, 25))
        near = (
            H + 0.02 * rng.standard_normal(H.shape)
            if not nonnegative
            else H * (1 + 0.02 * rng.random(H.shape))
        )
        result = fit(X, D, sparsity=2, method=method, nonnegative=nonnegative, init=(codes, near))
        for found, column in zip(result.support, codes.T):
            np.testing.assert_array_equal(found, np.flatnonzero(column))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("nonnegative", [False, True])
def test_the_objective_never_increases_and_is_the_documented_one(method, nonnegative):
    sparsity = 1 if method == "assignment" else 3
    for seed in range(5):
        X, D, _ = instance(seed, nonnegative=nonnegative, sparsity=3, noise=0.3)
        result = fit(
            X, D, sparsity=sparsity, method=method, nonnegative=nonnegative, max_iter=40, tol=0,
            init="random", random_state=seed,
        )  # fmt: skip
        assert np.diff(result.trace.objective).max() <= 1e-12 * result.trace.objective[0]
        assert result.objective < result.trace.objective[0]
        documented = 0.5 * np.sum((X - result.dictionary @ result.codes @ result.factors[1].T) ** 2)
        np.testing.assert_allclose(result.objective, documented, rtol=1e-10)
        np.testing.assert_allclose(result.factors[0], result.dictionary @ result.codes)
        assert np.count_nonzero(result.codes, axis=0).max() <= sparsity
        assert not nonnegative or min(block.min() for block in result.blocks.values()) >= 0


def test_starts_from_atoms_are_distinct_atoms_and_the_best_factors_for_them():
    X, D, _ = instance(3, noise=0.2)
    for nonnegative in (True, False):
        start = fit(X, D, nonnegative=nonnegative, init="atoms", max_iter=0, random_state=5)
        W, H = start.factors
        assert len(np.unique(start.indices)) == W.shape[1]
        slope = H @ (W.T @ W) - X.T @ W
        active = H > 0 if nonnegative else np.ones(H.shape, bool)
        np.testing.assert_allclose(slope[active], 0.0, atol=1e-9)
        assert slope[~active].min(initial=0.0) >= -1e-9


def test_automatic_methods():
    X, D, _ = instance(2, sparsity=2, noise=0.1)
    for sparsity, method in ((1, "assignment"), (2, "homp")):
        auto, named = (fit(X, D, sparsity=sparsity, method=m) for m in ("auto", method))
        assert auto.codes.tobytes() == named.codes.tobytes()
    assert not np.array_equal(fit(X, D, sparsity=2, method="iht").codes, auto.codes)


def test_assignments_may_pass_through_worse_choices():
    events = set()
    for seed in range(30):
        X, D, _ = instance(seed, noise=0.5)
        events |= set(fit(X, D, random_state=seed, max_iter=15, tol=0).trace.event)
    assert events == {"start", "sweep", "no better"}


def test_without_enough_independent_atoms_the_choice_is_not_unique():
    """Any r + 1 atoms must be independent: three atoms of the plane explain all matrices twice."""
    rng = np.random.default_rng(0)
    X, D = rng.standard_normal((2, 6)), rng.standard_normal((2, 3))
    for pair in ([0, 1], [0, 2], [1, 2]):
        codes = np.zeros((3, 2))
        codes[pair, [0, 1]] = 1.0
        H = np.linalg.solve(D[:, pair] / np.linalg.norm(D[:, pair], axis=0), X).T
        result = dictionary_lra(X, 2, D, nonnegative=False, init=(codes, H))
        np.testing.assert_array_equal(result.indices, pair)
        assert result.objective < 1e-25
    wide = rng.standard_normal((3, 7))
    X = wide[:, [5, 2]] @ rng.standard_normal((2, 6))
    exact = set()
    for seed in range(20):
        result = dictionary_lra(X, 2, wide, nonnegative=False, random_state=seed)
        if result.objective < 1e-20:
            exact.add(tuple(sorted(result.indices.tolist())))
    assert exact == {(2, 5)}


@pytest.mark.parametrize("method", ["homp", "block_fista"])
def test_a_free_start_helps_where_atoms_look_alike(method):
    better = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        places = np.linspace(0.0, 1.0, 60)
        D = np.exp(-0.5 * ((places[:, None] - places) / 0.05) ** 2)
        W = D[:, rng.permutation(60)[:12].reshape(4, 3)].sum(axis=1)
        X = cp_to_array((rng.random((9, 3)), W, rng.random((10, 3))))
        X = X + 0.02 * X.std() * rng.standard_normal(X.shape)
        random, free = (
            fit(X, D, sparsity=4, mode=1, init=init, method=method, random_state=seed).objective
            for init in ("random", "free")
        )
        better.append(free < random)
    assert np.mean(better) >= 0.7


def test_a_free_start_finds_pure_pixels_in_the_data_as_dictionary():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        mixtures = rng.dirichlet(np.full(3, 0.7), 8000).T
        mixtures[:, [4, 777, 5000]] = np.eye(3)
        scene = rng.random((20, 3)) @ mixtures
        result = fit(scene, scene, init="free", random_state=seed)
        assert sorted(result.indices) == [4, 777, 5000]
        assert result.objective < 1e-18 * np.sum(scene**2)


def test_the_best_start_is_kept():
    X, D, x = instance(3, sparsity=3, noise=0.2)
    result = fit(X, D, sparsity=3, n_starts=6)
    assert result.starts.shape == (6,)
    assert result.objective == result.starts.min() < result.starts.max()
    given = fit(X, D, sparsity=3, n_starts=2, init=x)
    np.testing.assert_allclose(given.starts[0], fit(X, D, sparsity=3, init=x).objective)


def test_scales_of_atoms_and_data_do_not_matter():
    X, D, _ = instance(4, noise=0.1)
    plain = fit(X, D)
    scales = 10.0 ** np.random.default_rng(0).uniform(-3, 3, 40)
    np.testing.assert_array_equal(fit(X, D * scales).indices, plain.indices)
    for scale in (1e-5, 1e6):
        scaled = fit(scale * X, D)
        np.testing.assert_array_equal(scaled.indices, plain.indices)
        np.testing.assert_allclose(scaled.reconstruct() / scale, plain.reconstruct(), rtol=1e-6)


def test_same_seed_same_bytes_and_inputs_stay():
    X, D, x = instance(5, sparsity=2, noise=0.1)
    copies = [array.copy() for array in (X, D, *x)]
    for init in ("random", "free", x):
        one, other = (fit(X, D, sparsity=2, init=init, n_starts=2) for _ in range(2))
        assert one.codes.tobytes() == other.codes.tobytes()
    for array, copy in zip((X, D, *x), copies):
        np.testing.assert_array_equal(array, copy)


def test_sparse_and_single_precision_data():
    X, D, _ = instance(6)
    dense, sparse = fit(X, D), fit(sp.csr_array(X), D)
    np.testing.assert_array_equal(dense.indices, sparse.indices)
    for method in METHODS:
        single = fit(X.astype(np.float32), D, method=method, max_iter=20, tol=0)
        assert {block.dtype for block in single.blocks.values()} == {np.dtype(np.float32)}
        assert single.factors[0].dtype == np.float32


def test_callbacks_see_every_sweep_and_stop():
    X, D, _ = instance(7, noise=0.1)
    seen = []
    fit(X, D, callback=lambda sweep: seen.append(sweep.objective), max_iter=5, tol=0)
    assert len(seen) == 5
    stopped = fit(X, D, callback=lambda sweep: sweep.iteration == 2, n_starts=4, tol=0)
    assert (stopped.n_iter, stopped.status, len(stopped.starts)) == (2, "stopped", 1)


def test_too_few_sweeps_are_reported():
    X, D, _ = instance(8, sparsity=3, noise=0.3)
    with pytest.warns(ConvergenceWarning, match="used all 1 sweeps"):
        fit(X, D, sparsity=3, max_iter=1, tol=1e-9)


def test_support_and_indices():
    X, D, _ = instance(9, sparsity=2)
    result = fit(X, D, sparsity=2)
    assert [len(atoms) for atoms in result.support] == [2, 2, 2]
    with pytest.raises(ValueError, match=r"these have 2, 2, 2 atoms: read support instead"):
        result.indices  # noqa: B018


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "omp"}, "method must be one of 'auto', 'assignment', 'trick_omp'"),
        ({"sparsity": 2, "method": "assignment"}, "and the sparsity is 2: choose another update"),
        ({"dictionary": np.ones((4, 2))}, "needs distinct atoms, and the dictionary has 2 for"),
        ({"dictionary": np.ones((5, 9))}, r"dictionary must have 4 rows"),
        ({"tensor": True}, r"tensor=True is for three modes or more, and X has shape \(4, 5\)"),
        ({"X": np.ones((4, 5, 2))}, r"X must be a matrix, got shape \(4, 5, 2\): pass tensor=True"),
        ({"X": np.ones(4)}, r"X must be a matrix, got shape \(4,\)"),
        ({"mode": 2}, "mode must be one of 0 to 1 for this X, got 2"),
        ({"sparsity": 0}, "sparsity must be an integer of at least 1, got 0"),
        ({"rank": 0}, "rank must be an integer of at least 1, got 0"),
        ({"n_starts": 0}, "n_starts must be an integer of at least 1, got 0"),
        ({"init": "nndsvd"}, "init must be one of 'auto', 'atoms', 'random', 'free'; got 'nndsvd'"),
        ({"init": (np.ones((9, 3)),)}, r"init must hold 2 arrays \(codes, H\), got 1"),
        ({"X": np.full((4, 5), np.nan)}, "X has 20 NaN or infinite entries"),
    ],
)
def test_impossible_requests_are_refused(options, sentence):
    given = {"X": np.ones((4, 5)), "rank": 3, "dictionary": np.ones((4, 9)), **options}
    with pytest.raises(ValueError, match=sentence):
        dictionary_lra(**given)
