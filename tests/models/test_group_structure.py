"""Learned groups: planted truth, symmetries, mergers, and what the result says."""

from itertools import permutations

import numpy as np
import pytest
from contracts.penalty import ConvexPenaltyContract
from sklearn.metrics import adjusted_rand_score

from multiconvex import (
    ProjectedGradient,
    Saga,
    Simplex,
    group_lasso,
    learn_groups,
    solve_lower_level,
)
from multiconvex.models.group_mergers import choose_length, merger_path
from multiconvex.models.group_problem import GroupProblem
from multiconvex.models.memberships import Cover
from multiconvex.nested.hypergradients import TaskProblems
from multiconvex.stopping import ConvergenceWarning

T, N, P, L = 80, 16, 12, 3
LABELS = np.repeat(np.arange(L), P // L)
MASKS = np.array(
    [[1, 0, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0],
     [0, 1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]], bool,
)  # fmt: skip
QUICK = {"n_inner": 60, "max_iter": 120, "random_state": 0}


def make_tasks(seed=0, noise=0.1, rows=N):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((T, P)) * np.equal(rng.integers(L, size=T)[:, None], LABELS)
    X = rng.standard_normal((T, rows, P))
    return X, np.einsum("tnp,tp->tn", X, W) + noise * rng.standard_normal((T, rows))


def agreement(result):
    return adjusted_rand_score(LABELS, result.groups)


@pytest.fixture(scope="module")
def tasks():
    return make_tasks()


@pytest.fixture(scope="module")
def overlapping():
    rng = np.random.default_rng(0)
    absent = np.eye(L, dtype=bool)[rng.integers(L, size=3 * T)]
    W = rng.standard_normal((3 * T, P)) * ~(absent @ MASKS.T)
    X = rng.standard_normal((3 * T, 24, P))
    return X, np.einsum("tnp,tp->tn", X, W) + 0.1 * rng.standard_normal((3 * T, 24))


@pytest.fixture(scope="module")
def learned(tasks):
    return learn_groups(*tasks, L, **QUICK)


class TestRecovery:
    @pytest.mark.parametrize("seed", range(3))
    def test_of_planted_groups(self, seed):
        result = learn_groups(*make_tasks(seed), L, **QUICK)
        assert agreement(result) == 1.0
        assert result.n_groups == L
        assert result.theta.max(axis=1).min() > 0.8

    @pytest.mark.parametrize("outer", ["adaptive", "gradient", Saga(rate=0.2, batch=10)])
    def test_by_every_step(self, tasks, outer):
        options = QUICK | {"max_iter": 40 if outer == "gradient" else 120, "tol": 0.0}
        assert agreement(learn_groups(*tasks, L, outer=outer, **options)) == 1.0

    @pytest.mark.parametrize("method", ["checkpointed", "implicit"])
    def test_by_every_hypergradient(self, tasks, learned, method):
        result = learn_groups(*tasks, L, hypergradient=method, **QUICK)
        assert agreement(result) == 1.0
        assert result.objective == pytest.approx(learned.objective, rel=0.05)

    def test_validation_error_is_near_that_of_the_true_groups(self, tasks, learned):
        X, Y = tasks
        halves = (X[:, : N // 2], Y[:, : N // 2]), (X[:, N // 2 :], Y[:, N // 2 :])
        result = learn_groups(*halves[0], L, validation=halves[1], **QUICK)
        options = {"lam": result.lam, "ridge": result.ridge}
        errors = []
        for groups in (LABELS, result.groups, "singletons"):
            coef = group_lasso(*halves[0], groups, **options).coef
            gap = np.einsum("tnp,tp->tn", halves[1][0], coef) - halves[1][1]
            errors.append(0.5 * np.mean(gap**2))
        assert errors[0] == pytest.approx(errors[1], rel=1e-6)
        assert errors[1] < 0.8 * errors[2]

    def test_tasks_of_different_sizes_and_a_shared_table(self, tasks):
        X, Y = tasks
        rows = [N - t % 3 for t in range(T)]
        lists = [x[:n] for x, n in zip(X, rows)], [y[:n] for y, n in zip(Y, rows)]
        assert agreement(learn_groups(*lists, L, **QUICK)) == 1.0
        W = group_lasso(X, Y, LABELS).coef
        table = np.random.default_rng(1).standard_normal((N, P))
        assert agreement(learn_groups(table, W @ table.T, L, **QUICK)) == 1.0


class TestMergers:
    @pytest.mark.parametrize("seed", range(3))
    def test_candidates_that_are_not_needed_are_merged(self, seed):
        result = learn_groups(*make_tasks(seed), 2 * L, candidates=2 * L, **QUICK)
        assert agreement(result) == 1.0
        assert result.theta.shape == (P, L)
        assert "merged" in result.trace.event
        assert [entry.n_groups for entry in result.path] == list(range(2 * L, 0, -1))
        for entry in result.path:
            assert Simplex().value(entry.theta) == 0.0
        assert result.path[-L].objective < 0.7 * result.path[-L + 1].objective

    def test_a_known_number_starts_from_more(self, tasks, learned):
        assert learned.path[0].n_groups == 2 * L
        result = learn_groups(*tasks, L, candidates=5, parsimony=None, **QUICK)
        assert result.path[0].n_groups == 5
        assert result.theta.shape == (P, L)
        assert agreement(result) == 1.0

    def test_without_parsimony_all_groups_are_kept(self, tasks):
        options = QUICK | {"max_iter": 20, "candidates": 5, "parsimony": None}
        result = learn_groups(*tasks, 5, **options)
        assert result.theta.shape == (P, 5)
        assert result.path == ()

    def test_a_path_starts_with_the_cheapest_pair_and_measures_all_tasks(self):
        theta = np.random.default_rng(0).dirichlet(np.ones(4), P)
        target = np.column_stack([theta[:, 0], theta[:, 1] + theta[:, 3], theta[:, 2]])

        def values(theta, tasks):
            gram, wanted = theta @ theta.T, target @ target.T
            return (1.0 + 0.1 * tasks) * np.sum((gram - wanted) ** 2)

        everyone = np.arange(9)
        path = merger_path(theta, values, (everyone, everyone[:4]))
        assert path[1].columns == (1, 3)
        assert path[1].objective == pytest.approx(0.0, abs=1e-20)
        np.testing.assert_allclose(path[-1].theta[:, 0], 1.0)
        for entry in path:
            errors = values(entry.theta, everyone)
            assert entry.objective == pytest.approx(errors.mean())
            assert entry.standard_error == pytest.approx(errors.std(ddof=1) / 3.0)

    def test_empty_columns_are_dropped_first(self):
        theta = np.column_stack([np.ones(P), np.zeros(P)])
        path = merger_path(theta, lambda theta, tasks: np.ones(len(tasks)), ([0, 1], [0]))
        assert [entry.theta.shape for entry in path] == [(P, 1)]

    def test_lengths_are_chosen_by_standard_errors(self, learned):
        def entry(n_groups, objective):
            return learned.path[0]._replace(
                n_groups=n_groups, objective=objective, standard_error=1.0
            )

        path = [entry(5, 3.0), entry(4, 2.5), entry(3, 2.9), entry(2, 3.4), entry(1, 9.0)]
        wanted = {(5, 0.0): 4, (5, 0.5): 3, (5, 1.0): 2, (3, 0.1): 3, (5, None): 5, (3, None): 3}
        for (most, parsimony), n_groups in wanted.items():
            assert choose_length(path, most, parsimony).n_groups == n_groups

    def test_proportional_columns_are_a_flat_valley(self, tasks):
        X, Y = tasks
        problems = TaskProblems.prepare(X, Y, X, Y, ridge=5.0)
        hard = np.eye(L)[LABELS]
        split = np.column_stack([hard[:, 0], hard[:, 1], 0.3 * hard[:, 2], 0.7 * hard[:, 2]])
        one, other = (solve_lower_level(problems, t, 1.0, n_inner=20_000) for t in (hard, split))
        np.testing.assert_allclose(one, other, atol=1e-3)


class TestOverlaps:
    """A ring of three groups of five features, each with one in common with the next."""

    def right(self, theta):
        """Whether a matching of columns gives the true members."""
        members = theta > 0.1 * theta.max(axis=1, keepdims=True)
        return any(
            np.array_equal(members[:, list(order)], MASKS) for order in permutations(range(L))
        )

    @pytest.mark.parametrize("seed", range(3))
    def test_planted_overlaps_are_found_in_a_cover_alone(self, overlapping, seed):
        options = QUICK | {"random_state": seed, "lam": 0.7, "candidates": L, "parsimony": None}
        cover = learn_groups(*overlapping, L, memberships="cover", **options)
        assert self.right(cover.theta)
        assert Cover().value(cover.theta) == 0.0
        assert not self.right(learn_groups(*overlapping, L, **options).theta)

    def test_the_weights_are_those_of_the_same_memberships(self, overlapping):
        X, Y = overlapping
        options = QUICK | {"max_iter": 10, "parsimony": None}
        cover = learn_groups(X, Y, L, memberships="cover", **options)
        assert cover.theta.shape == (P, L) and cover.path == ()
        direct = group_lasso(X, Y, cover.theta, lam=cover.lam, ridge=cover.ridge, tol=1e-6)
        np.testing.assert_allclose(cover.coef, direct.coef, atol=1e-3)

    def test_the_start_is_everywhere(self, overlapping):
        cover = learn_groups(*overlapping, L, memberships="cover", max_iter=0, random_state=0)
        assert cover.theta.min() > 0.7 and cover.theta.max() == 1.0

    def test_merged_columns_stay_a_cover(self, overlapping):
        options = QUICK | {"max_iter": 20, "candidates": 4}
        cover = learn_groups(*overlapping, L, memberships="cover", **options)
        assert cover.theta.shape[1] <= L
        for entry in cover.path:
            assert Cover().value(entry.theta) == 0.0


class TestCover(ConvexPenaltyContract):
    penalty = Cover()
    constraint = True

    def feasible(self, rng):
        rows, columns = self.shape
        points = rng.dirichlet(np.ones(columns), rows) + (rng.random(self.shape) < 0.3)
        return np.minimum(points, 1.0)

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [u >= 0, u <= 1, cvxpy.sum(u, axis=1) >= 1]

    def test_three_rows_by_hand(self):
        rows = np.array([[2.0, 0.5, -1.0], [0.3, 0.1, -9.0], [0.9, 0.2, 0.2]])
        expected = [[1.0, 0.5, 0.0], [0.6, 0.4, 0.0], [0.9, 0.2, 0.2]]
        np.testing.assert_allclose(Cover().prox(rows, 1.0), expected, atol=1e-12)


class TestSymmetries:
    def test_equal_columns_would_stay_equal(self, tasks):
        X, Y = tasks
        problems = TaskProblems.prepare(X, Y, X, Y, ridge=1.0)
        problem = GroupProblem(problems, L, 1.0, 50, "reverse")
        _, gradients = problem.values_and_gradients(np.full((P, L), 1.0 / L), np.arange(T))
        np.testing.assert_allclose(gradients, gradients[:, :, :1] * np.ones(L), atol=1e-12)

    def test_a_symmetric_start_is_noticed_and_left(self, tasks):
        uniform = np.full((P, L), 1.0 / L)
        result = learn_groups(*tasks, L, init=uniform, **QUICK)
        assert list(result.trace.event[:2]) == ["start", "perturbed"]
        assert agreement(result) == 1.0
        np.testing.assert_array_equal(uniform, 1.0 / L)

    def test_groups_have_no_order(self, tasks):
        start = np.random.default_rng(0).dirichlet(np.ones(L), P)
        options = QUICK | {"max_iter": 15, "parsimony": None}
        one = learn_groups(*tasks, L, init=start, **options)
        other = learn_groups(*tasks, L, init=start[:, [2, 0, 1]], **options)
        np.testing.assert_allclose(other.theta, one.theta[:, [2, 0, 1]], atol=1e-8)

    def test_features_have_no_order(self, tasks):
        start = np.random.default_rng(0).dirichlet(np.ones(L), P)
        order = np.random.default_rng(1).permutation(P)
        options = QUICK | {"max_iter": 15, "parsimony": None}
        one = learn_groups(*tasks, L, init=start, **options)
        moved = learn_groups(tasks[0][:, :, order], tasks[1], L, init=start[order], **options)
        np.testing.assert_allclose(moved.theta, one.theta[order], atol=1e-8)

    def test_scales_do_not_matter(self, tasks):
        X, Y = tasks
        options = QUICK | {"max_iter": 15, "parsimony": None}
        one = learn_groups(X, Y, L, **options)
        other = learn_groups(100.0 * X, 0.01 * Y, L, **options)
        np.testing.assert_allclose(one.theta, other.theta, atol=1e-7)
        assert other.lam == pytest.approx(one.lam)
        assert other.ridge == pytest.approx(1e4 * one.ridge)


class TestResult:
    def test_weights_are_the_group_lasso_of_all_rows(self, tasks, learned):
        X, Y = tasks
        direct = group_lasso(X, Y, learned.theta, lam=learned.lam, ridge=learned.ridge, tol=1e-6)
        np.testing.assert_allclose(learned.coef, direct.coef, atol=1e-3)
        assert learned.coef.shape == (T, P)

    def test_objective_is_the_mean_validation_error(self, tasks):
        X, Y = tasks
        train, judge = (X[:, :10], Y[:, :10]), (X[:, 10:], Y[:, 10:])
        result = learn_groups(*train, L, validation=judge, **(QUICK | {"max_iter": 10}))
        problems = TaskProblems.prepare(*train, *judge, ridge=result.ridge)
        coef = solve_lower_level(problems, result.theta, result.lam, n_inner=60)
        gap = np.einsum("tnp,tp->tn", judge[0], coef) - judge[1]
        assert result.objective == pytest.approx(0.5 * np.mean(gap**2), rel=1e-12)
        assert result.trace.objective[-1] == result.objective

    def test_iterates_stay_on_the_simplex(self, tasks, learned):
        seen = []
        learn_groups(*tasks, L, callback=seen.append, **(QUICK | {"max_iter": 12}))
        for theta in [learned.theta, *(sweep.blocks["theta"] for sweep in seen)]:
            assert Simplex().value(theta) == 0.0

    def test_the_best_of_several_starts_is_kept(self, tasks):
        options = QUICK | {"max_iter": 8, "parsimony": None}
        result = learn_groups(*tasks, L, n_starts=3, **options)
        assert len(result.starts) == 3
        assert result.objective == result.starts.min()
        assert len(set(result.starts)) == 3

    def test_a_given_start_comes_first_and_random_ones_after_it(self, tasks):
        start = np.random.default_rng(0).dirichlet(np.ones(L), P)
        options = QUICK | {"max_iter": 0, "init": start}
        one, two = (learn_groups(*tasks, L, n_starts=count, **options).starts for count in (1, 2))
        assert one[0] == two[0] != two[1]

    def test_same_seed_same_bytes_and_data_stay(self, tasks):
        copies = [part.copy() for part in tasks]
        options = QUICK | {"max_iter": 8}
        one, other = (learn_groups(*tasks, 4, **options) for _ in range(2))
        assert one.theta.tobytes() == other.theta.tobytes()
        for part, copy in zip(tasks, copies):
            np.testing.assert_array_equal(part, copy)

    def test_callback_stops(self, tasks):
        result = learn_groups(*tasks, L, callback=lambda sweep: True, **QUICK)
        assert (result.status, len(result.trace), result.path) == ("stopped", 3, ())

    def test_no_steps_return_the_start(self, tasks):
        start = np.random.default_rng(0).dirichlet(np.ones(L), P)
        result = learn_groups(*tasks, L, init=start, max_iter=0)
        np.testing.assert_allclose(result.theta, start, atol=1e-15)

    def test_groups_in_use_are_numbered_from_zero(self, learned):
        theta = np.eye(4)[[1, 3, 3, 1]]
        fake = type(learned)(**(vars(learned) | {"blocks": {"theta": theta}}))
        np.testing.assert_array_equal(fake.groups, [0, 1, 1, 0])
        assert fake.n_groups == 2


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"outer": "newton"}, "outer must be one of 'saga', 'adaptive', 'gradient'"),
            ({"hypergradient": "forward"}, "hypergradient must be one of 'reverse'"),
            ({"validation": 1.0}, "validation must be a fraction between 0 and 1 or a tuple"),
            ({"validation": 3}, "validation must be a fraction between 0 and 1 or a tuple"),
            ({"validation": [1, 2]}, r"a tuple \(X, Y\), got a list\."),
            ({"memberships": "ball"}, "memberships must be one of 'simplex', 'cover'"),
            ({"candidates": 2}, "candidates must be an integer of at least 3, got 2"),
            ({"parsimony": -1.0}, "parsimony must be a finite nonnegative number"),
            ({"init": "uniform"}, "init must be one of 'random'"),
            ({"init": np.ones((P, 2))}, r"init of theta must have shape \(12, 3\)"),
            ({"lam": 0.0}, "lam must be a finite positive number"),
            ({"ridge": 0.0}, "ridge must be a finite positive number"),
            ({"n_starts": 0}, "n_starts must be an integer of at least 1"),
            ({"n_inner": 0}, "n_inner must be an integer of at least 1"),
        ],
    )
    def test_of_options(self, tasks, options, sentence):
        with pytest.raises(ValueError, match=sentence):
            learn_groups(*tasks, L, **options)

    def test_of_validation_samples_of_other_tasks(self, tasks):
        X, Y = tasks
        with pytest.raises(ValueError, match="validation must have as many tasks and features"):
            learn_groups(X, Y, L, validation=(X[1:], Y[1:]))

    def test_of_tasks_that_cannot_be_split(self):
        with pytest.raises(ValueError, match="Task 1 has 1 rows, and it takes two to hold one out"):
            learn_groups([np.ones((2, 3)), np.ones((1, 3))], [np.ones(2), np.ones(1)], 2)

    def test_whole_gradients_that_were_cut_short_are_reported(self, tasks):
        with pytest.warns(ConvergenceWarning):
            learn_groups(*tasks, L, outer=ProjectedGradient(rate=1e-6), n_inner=20, max_iter=1)
