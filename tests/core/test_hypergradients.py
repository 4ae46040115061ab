"""A group lasso with soft groups: its solution, and derivatives of a loss in the groups."""

import numpy as np
import pytest

from multiconvex import TaskProblems, hypergradient, solve_lower_level
from multiconvex.datasets import make_grouped_tasks

LAM, RIDGE = 0.3, 0.1
METHODS = ("reverse", "checkpointed", "implicit")


def prepare(data, ridge=RIDGE):
    return TaskProblems.prepare(data.X, data.Y, data.X_val, data.Y_val, ridge=ridge)


@pytest.fixture(scope="module")
def data():
    return make_grouped_tasks(6, 7, 10, 3, random_state=0)


@pytest.fixture(scope="module")
def problems(data):
    return prepare(data)


@pytest.fixture
def soft():
    return np.random.default_rng(1).dirichlet(np.ones(3), 10)


def mirror_steps(data, t, theta, n_inner, lam=LAM, ridge=RIDGE):
    """Weights and dual variables before each step and after the last, as MATHS 19.1 has them."""
    X, y = data.X[t], data.Y[t]
    gram = X.T @ X + ridge * np.eye(X.shape[1])
    step = max(np.linalg.eigvalsh(X.T @ X)[0], 0.0) / lam + ridge / lam
    v, path = np.zeros_like(theta), []
    for _ in range(n_inner + 1):
        u = lam * v / np.sqrt(1 + np.sum(v**2, axis=0))
        w = np.linalg.solve(gram, X.T @ y - np.sum(theta * u, axis=1))
        path.append((w, u))
        v = v + step * theta * w[:, None]
    return path


def primal(data, t, theta, w, lam=LAM, ridge=RIDGE):
    gap = data.Y[t] - data.X[t] @ w
    norms = np.linalg.norm(theta * w[:, None], axis=0)
    return 0.5 * gap @ gap + 0.5 * ridge * w @ w + lam * norms.sum()


def dual(data, t, theta, u, ridge=RIDGE):
    X, y = data.X[t], data.Y[t]
    left = X.T @ y - np.sum(theta * u, axis=1)
    gram = X.T @ X + ridge * np.eye(X.shape[1])
    return 0.5 * left @ np.linalg.solve(gram, left) - 0.5 * y @ y


class TestLowerLevel:
    @pytest.mark.parametrize("n_inner", [1, 2, 30])
    def test_one_vector_is_all_mirror_variables(self, data, problems, soft, n_inner):
        found = solve_lower_level(problems, soft, LAM, n_inner=n_inner)
        expected = [mirror_steps(data, t, soft, n_inner)[-1][0] for t in range(6)]
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)

    def test_more_samples_than_features(self):
        data = make_grouped_tasks(2, 30, 6, 2, random_state=0)
        problems = prepare(data, ridge=1e-3)
        found = solve_lower_level(problems, data.theta, LAM, n_inner=20)
        expected = [mirror_steps(data, t, data.theta, 20, ridge=1e-3)[-1][0] for t in range(2)]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert problems.curvature.min() > 0.1

    @pytest.mark.parametrize("spread", [0.3, 3.0])
    def test_the_dual_falls_to_the_primal_inside_the_ball(self, data, spread):
        theta = np.random.default_rng(2).dirichlet(np.full(3, spread), 10)
        path = mirror_steps(data, 0, theta, 20_000)
        duals = [dual(data, 0, theta, u) for _, u in path[:400]]
        assert np.diff(duals).max() <= 1e-12, "the step is small enough"
        w, u = path[-1]
        assert np.linalg.norm(u, axis=0).max() < LAM
        assert 0 <= primal(data, 0, theta, w) + dual(data, 0, theta, u) < 1e-7

    def test_weights_come_closer_like_one_over_the_root_of_k(self, data, problems, soft):
        exact = hypergradient(problems, soft, LAM, method="implicit").coef
        counts = (1, 10, 100, 1000)
        far = [
            k * np.sum((solve_lower_level(problems, soft, LAM, n_inner=k) - exact) ** 2)
            for k in counts
        ]
        assert max(far) <= far[0] and far[-1] < 1e-3 * far[0]

    @pytest.mark.parametrize("kind", ["soft", "hard", "partly"])
    def test_the_optimum_of_a_convex_solver(self, data, problems, soft, kind):
        cp = pytest.importorskip("cvxpy")
        partly = np.where(np.arange(10)[:, None] % 2, data.theta, 0.5 * data.theta + 1 / 6)
        theta = {"soft": soft, "hard": data.theta, "partly": partly}[kind]
        found = hypergradient(problems, theta, LAM, method="implicit").coef
        for t in range(6):
            w = cp.Variable(10)
            penalty = sum(cp.norm(cp.multiply(column, w)) for column in theta.T)
            fit = cp.sum_squares(data.Y[t] - data.X[t] @ w) / 2 + RIDGE / 2 * cp.sum_squares(w)
            cp.Problem(cp.Minimize(fit + LAM * penalty)).solve(solver="CLARABEL")
            np.testing.assert_allclose(found[t], w.value, atol=1e-4)
            assert primal(data, t, theta, found[t]) <= primal(data, t, theta, w.value) + 1e-6

    @pytest.mark.parametrize("seed", range(6))
    def test_optimality_conditions_of_hard_groups(self, seed):
        """Whatever the sizes and weights: each group is zero or pulled with exactly lam."""
        rng = np.random.default_rng(seed)
        data = make_grouped_tasks(
            15, rng.integers(5, 40), rng.integers(10, 40), rng.integers(1, 9), random_state=rng
        )
        problems = prepare(data, ridge=10 ** rng.uniform(-5, 0))
        lam = 10 ** rng.uniform(-2, 1)
        w = hypergradient(problems, data.theta, lam, method="implicit").coef
        pull = problems.rhs - np.einsum("tpq,tq->tp", problems.gram, w)
        lengths = np.sqrt(w**2 @ data.theta)
        size = np.linalg.norm(np.einsum("tpq,tq->tp", problems.inverse, problems.rhs), axis=1)
        zero = lengths < 1e-5 * size[:, None]
        assert np.sqrt(pull**2 @ data.theta)[zero].max(initial=0) <= lam * (1 + 1e-6)
        toward = lam * w / np.where(zero, 1.0, lengths)[:, data.groups]
        active = ~zero[:, data.groups]
        np.testing.assert_allclose(pull[active], toward[active], atol=1e-5 * lam)

    def test_singletons_are_the_lasso(self, data, problems):
        """KKT of the lasso, coordinate by coordinate."""
        w = hypergradient(problems, np.eye(10), LAM, method="implicit").coef
        slope = np.einsum("tpq,tq->tp", problems.gram, w) - problems.rhs
        active = np.abs(w) > 1e-4
        assert active.any() and not active.all()
        np.testing.assert_allclose(slope[active], -LAM * np.sign(w[active]), atol=1e-5)
        assert np.abs(slope[~active]).max() <= LAM + 1e-5

    def test_all_weights_vanish_beyond_the_largest_group_norm(self, data, problems):
        norms = np.sqrt(problems.rhs**2 @ data.theta)
        edge = norms.max()
        above = hypergradient(problems, data.theta, 1.01 * edge, method="implicit").coef
        assert np.abs(above).max() < 1e-4
        below = hypergradient(problems, data.theta, 0.95 * edge, method="implicit").coef
        nonzero = np.sqrt(below**2 @ data.theta) > 1e-3
        np.testing.assert_array_equal(nonzero, norms > 0.95 * edge)

    @pytest.mark.parametrize("method", METHODS)
    def test_a_tiny_weight_leaves_ridge_regression(self, data, problems, soft, method):
        found = hypergradient(problems, soft, 1e-8, method=method).coef
        ridge = np.linalg.solve(problems.gram, problems.rhs[:, :, None])[:, :, 0]
        np.testing.assert_allclose(found, ridge, atol=1e-6)


class TestHypergradient:
    def test_reverse_against_differences(self, data, problems, soft):
        """All 30 entries of a task, by central differences of the literal recursion."""
        n_inner = 40
        found = hypergradient(problems, soft, LAM, n_inner=n_inner)

        def loss(theta, t):
            w = mirror_steps(data, t, theta, n_inner)[-1][0]
            return 0.5 * np.sum((data.Y_val[t] - data.X_val[t] @ w) ** 2)

        for t in (0, 5):
            assert found.values[t] == pytest.approx(loss(soft, t), rel=1e-10)
            expected = differences(lambda theta, t=t: loss(theta, t), soft)
            np.testing.assert_allclose(found.theta[t], expected, atol=1e-6 * np.abs(expected).max())

    @pytest.mark.parametrize("kind", ["soft", "hard"])
    def test_implicit_against_differences_of_the_optimum(self, data, problems, soft, kind):
        """Where groups are hard, entries at zero have a kink and are left out."""
        theta = soft if kind == "soft" else 0.999 * data.theta
        found = hypergradient(problems, theta, LAM, method="implicit").theta.mean(axis=0)

        def loss(point):
            return hypergradient(problems, point, LAM, method="implicit").values.mean()

        expected = differences(loss, theta, where=theta > 0)
        np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())

    def test_overlap_is_a_shorter_step_in_another_unit(self, problems, soft):
        """Memberships c times as large under a penalty c times as light are the same penalty."""
        one = hypergradient(problems, soft, LAM, n_inner=40)
        other = hypergradient(problems, 3.0 * soft, LAM / 3.0, n_inner=40, overlap=9.0)
        np.testing.assert_allclose(other.coef, one.coef, rtol=1e-10)
        np.testing.assert_allclose(3.0 * other.theta, one.theta, rtol=1e-9, atol=1e-14)
        weights = solve_lower_level(problems, 3.0 * soft, LAM / 3.0, n_inner=40, overlap=9.0)
        np.testing.assert_allclose(weights, one.coef, rtol=1e-10)

    def test_features_in_several_groups(self, problems):
        """Steps that are short enough for all groups at once come to the optimum."""
        theta = np.random.default_rng(0).random((10, 3))
        exact = hypergradient(problems, theta, LAM, method="implicit", overlap=3.0)
        found = hypergradient(problems, theta, LAM, n_inner=30_000, overlap=3.0)
        np.testing.assert_allclose(found.coef, exact.coef, atol=1e-4)
        gap = np.linalg.norm(found.theta - exact.theta)
        assert gap < 1e-3 * np.linalg.norm(exact.theta)

    def test_reverse_tends_to_implicit(self, problems, soft):
        limit = hypergradient(problems, soft, LAM, method="implicit")
        gaps = []
        for n_inner in (100, 1000, 10_000):
            found = hypergradient(problems, soft, LAM, n_inner=n_inner)
            gaps.append(np.linalg.norm(found.theta - limit.theta))
        gaps = np.array(gaps) / np.linalg.norm(limit.theta)
        assert np.all(gaps[1:] < 0.3 * gaps[:-1]) and gaps[-1] < 1e-4
        np.testing.assert_allclose(found.values, limit.values, rtol=1e-4)

    @pytest.mark.parametrize("n_inner", [1, 2, 3, 24, 25, 26, 37])
    def test_checkpoints_change_nothing(self, problems, soft, n_inner):
        reverse = hypergradient(problems, soft, LAM, n_inner=n_inner)
        short = hypergradient(problems, soft, LAM, n_inner=n_inner, method="checkpointed")
        for one, other in zip(reverse, short):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-13)

    @pytest.mark.parametrize("method", METHODS)
    def test_memberships_enter_by_their_squares(self, problems, soft, method):
        found = hypergradient(problems, soft, LAM, n_inner=50, method=method)
        np.testing.assert_allclose(found.theta, 2 * soft * found.square)
        gone = soft.copy()
        gone[3, 1] = 0.0
        at_zero = hypergradient(problems, gone, LAM, n_inner=50, method=method)
        assert not at_zero.theta[:, 3, 1].any() and at_zero.square[:, 3, 1].any()

    @pytest.mark.parametrize("method", METHODS)
    def test_equal_groups_stay_equal(self, problems, method):
        """The symmetric trap: no derivative tells one group from another."""
        found = hypergradient(problems, np.full((10, 3), 1 / 3), LAM, method=method).theta
        np.testing.assert_allclose(found, found[:, :, [1, 2, 0]], rtol=1e-9)

    @pytest.mark.parametrize("method", METHODS)
    def test_permuted_groups_permute_the_derivative(self, problems, soft, method):
        order = [2, 0, 1]
        one = hypergradient(problems, soft, LAM, method=method)
        other = hypergradient(problems, soft[:, order], LAM, method=method)
        np.testing.assert_allclose(other.theta, one.theta[:, :, order], rtol=1e-7, atol=1e-12)

    @pytest.mark.parametrize("method", METHODS)
    def test_units_of_the_outputs(self, data, problems, soft, method):
        c = 1000.0
        scaled = TaskProblems.prepare(data.X, c * data.Y, data.X_val, c * data.Y_val, ridge=RIDGE)
        one = hypergradient(problems, soft, LAM, method=method)
        other = hypergradient(scaled, soft, c * LAM, method=method)
        np.testing.assert_allclose(other.coef, c * one.coef, rtol=1e-6)
        np.testing.assert_allclose(other.theta, c**2 * one.theta, rtol=1e-5, atol=1e-4)

    @pytest.mark.parametrize("method", METHODS)
    def test_some_tasks_in_any_order(self, problems, soft, method):
        everything = hypergradient(problems, soft, LAM, method=method)
        some = hypergradient(problems, soft, LAM, method=method, tasks=[4, 1, 4])
        taken = hypergradient(problems.take([4, 1, 4]), soft, LAM, method=method)
        for one, other, third in zip(everything, some, taken):
            np.testing.assert_array_equal(one[[4, 1, 4]], other)
            np.testing.assert_array_equal(other, third)

    @pytest.mark.parametrize("method", METHODS)
    def test_outputs_of_zero(self, data, soft, method):
        empty = TaskProblems.prepare(data.X, 0 * data.Y, data.X_val, data.Y_val, ridge=RIDGE)
        found = hypergradient(empty, soft, LAM, method=method)
        assert not found.coef.any() and not found.theta.any()
        np.testing.assert_allclose(found.values, 0.5 * np.sum(data.Y_val**2, axis=1))


def differences(function, point, where=True, step=1e-5):
    """Gradient by central differences, zero outside ``where``."""
    out = np.zeros_like(point)
    for index in zip(*np.nonzero(np.broadcast_to(where, point.shape))):
        shift = np.zeros_like(point)
        shift[index] = step
        out[index] = (function(point + shift) - function(point - shift)) / (2 * step)
    return out


class TestInput:
    def test_tasks_of_different_sizes(self, data, soft):
        sizes = (7, 4, 6, 7, 5, 3)
        X = [x[:n] for x, n in zip(data.X, sizes)]
        Y = [y[:n].tolist() for y, n in zip(data.Y, sizes)]
        whole = TaskProblems.prepare(X, Y, data.X_val, data.Y_val, ridge=RIDGE)
        found = hypergradient(whole, soft, LAM)
        for t in range(6):
            one = TaskProblems.prepare(
                [X[t]], [Y[t]], data.X_val[[t]], data.Y_val[[t]], ridge=RIDGE
            )
            alone = hypergradient(one, soft, LAM)
            np.testing.assert_allclose(found.theta[t], alone.theta[0], rtol=1e-7, atol=1e-12)

    def test_nothing_is_written_to(self, data, soft):
        arrays = [data.X, data.Y, data.X_val, data.Y_val, soft]
        copies = [array.copy() for array in arrays]
        for array in arrays:
            array.flags.writeable = False
        problems = prepare(data)
        for method in METHODS:
            hypergradient(problems, np.asfortranarray(soft), LAM, method=method)
        for array, copy in zip(arrays, copies):
            np.testing.assert_array_equal(array, copy)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"ridge": 0.0}, "ridge must be a finite positive number, got 0.0"),
            ({"Y": np.ones((5, 7))}, "X and Y must hold as many tasks, got 6 and 5"),
            ({"Y": np.ones((6, 8))}, r"X\[0\] has 7 rows but Y\[0\] has 8 entries"),
            ({"X_val": np.ones((6, 7, 9))}, "X_val must hold 6 tasks of 10 features .* 6 of 9"),
            ({"Y_val": np.full((6, 7), np.nan)}, "Y_val has 42 NaN"),
            ({"X": []}, "X"),
        ],
    )
    def test_tasks_that_do_not_fit_are_refused(self, data, change, message):
        given = {"X": data.X, "Y": data.Y, "X_val": data.X_val, "Y_val": data.Y_val}
        with pytest.raises(ValueError, match=message):
            TaskProblems.prepare(**{**given, "ridge": RIDGE, **change})

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"theta": np.ones((9, 3)) / 3}, "theta must have 10 rows, one a feature, got 9"),
            ({"theta": np.ones((10, 3))}, "must sum to at most overlap = 1, got 3: project"),
            ({"theta": -np.ones((10, 1))}, "theta must be nonnegative"),
            ({"lam": 0.0}, "lam must be a finite positive number"),
            ({"overlap": 0.0}, "overlap must be a finite positive number"),
            ({"n_inner": 0}, "n_inner must be an integer of at least 1"),
            ({"method": "forward"}, "method must be one of 'reverse'"),
            ({"tasks": [6]}, "tasks must be a list of indices below 6"),
            ({"tasks": []}, "tasks must be a list of indices below 6"),
        ],
    )
    def test_impossible_questions_are_refused(self, problems, soft, change, message):
        with pytest.raises(ValueError, match=message):
            hypergradient(problems, **{"theta": soft, "lam": LAM, **change})
