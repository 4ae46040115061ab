"""The group lasso: closed forms, independent solvers, optimality conditions and special cases."""

import cvxpy
import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from multiconvex import GroupL2, group_lasso
from multiconvex.stopping import ConvergenceWarning

T, N, P = 4, 9, 12
LABELS = np.array([0, 2, 1, 1, 0, 2, 2, 1, 0, 3, 3, 2])
MEMBERS = [np.flatnonzero(np.equal(LABELS, l)) for l in range(4)]
OVERLAPPING = [[0, 1, 2, 3], [3, 4, 5, 6, 7], [7, 8, 9, 10, 11], [0, 11]]
SOFT = np.random.default_rng(5).dirichlet(np.ones(3), P)
GROUPS = {
    "labels": LABELS,
    "one": np.zeros(P, int),
    "singletons": "singletons",
    "overlapping": OVERLAPPING,
    "soft": SOFT,
}


def make_tasks(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((T, N, P))
    W = rng.standard_normal((T, P)) * np.equal(rng.integers(3, size=T)[:, None], LABELS)
    return X, np.einsum("tnp,tp->tn", X, W) + 0.3 * rng.standard_normal((T, N))


def objective(X, Y, W, theta, lam, ridge):
    fit = 0.5 * np.sum((Y - np.einsum("tnp,tp->tn", X, W)) ** 2, axis=1)
    norms = np.sqrt((W**2) @ theta**2).sum(axis=1)
    return fit + 0.5 * ridge * np.sum(W**2, axis=1) + lam * norms


def optimum(X, y, theta, lam, ridge):
    w = cvxpy.Variable(P)
    norms = sum(cvxpy.norm(cvxpy.multiply(mask, w)) for mask in theta.T)
    cost = cvxpy.sum_squares(y - X @ w) / 2 + ridge / 2 * cvxpy.sum_squares(w) + lam * norms
    problem = cvxpy.Problem(cvxpy.Minimize(cost))
    return problem.solve(solver=cvxpy.CLARABEL), w.value


def descend_by_groups(X, y, members, lam, ridge, sweeps=1000):
    """Block coordinate descent by proximal steps, from its definition."""
    w = np.zeros(P)
    for _ in range(sweeps):
        for block in members:
            part = X[:, block]
            step = 1.0 / (np.linalg.norm(part, 2) ** 2 + ridge)
            slope = part.T @ (X @ w - y) + ridge * w[block]
            w[block] = GroupL2(lam).prox((w[block] - step * slope)[:, None], step)[:, 0]
    return w


DISJOINT = [(kind, 0.0) for kind in ("labels", "one", "singletons")]


@pytest.mark.parametrize(("kind", "ridge"), [*DISJOINT, *((kind, 0.05) for kind in GROUPS)])
def test_agrees_with_a_general_convex_solver(kind, ridge):
    X, Y = make_tasks()
    result = group_lasso(X, Y, GROUPS[kind], lam=0.8, ridge=ridge, tol=1e-11)
    for t in range(T):
        value, w = optimum(X[t], Y[t], result.theta, 0.8, ridge)
        reached = objective(X, Y, result.coef, result.theta, 0.8, ridge)[t]
        assert reached == pytest.approx(value, rel=1e-7)
        np.testing.assert_allclose(result.coef[t], w, atol=1e-3)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_agrees_with_an_independent_coordinate_descent(ridge):
    X, Y = make_tasks(1)
    result = group_lasso(X, Y, LABELS, lam=1.0, ridge=ridge, tol=1e-12)
    for t in range(T):
        expected = descend_by_groups(X[t], Y[t], MEMBERS, 1.0, ridge)
        np.testing.assert_allclose(result.coef[t], expected, atol=1e-5)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_singletons_are_the_elastic_net(ridge):
    X, Y = make_tasks(2)
    result = group_lasso(X, Y, "singletons", lam=0.7, ridge=ridge, tol=1e-12)
    for t in range(T):
        peer = ElasticNet(
            alpha=(0.7 + ridge) / N, l1_ratio=0.7 / (0.7 + ridge), fit_intercept=False, tol=1e-12,
            max_iter=100_000,
        ).fit(X[t], Y[t])  # fmt: skip
        np.testing.assert_allclose(result.coef[t], peer.coef_, atol=1e-5)
        np.testing.assert_array_equal(result.active[t], result.coef[t] != 0)


def test_without_a_penalty_it_is_ridge_regression():
    X, Y = make_tasks()
    result = group_lasso(X, Y, LABELS, lam=0.0, ridge=0.3)
    for x, y, w in zip(X, Y, result.coef):
        expected = np.linalg.solve(x.T @ x + 0.3 * np.eye(P), x.T @ y)
        np.testing.assert_allclose(w, expected, rtol=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_orthonormal_columns_are_shrunk_group_by_group(ridge):
    y = np.random.default_rng(0).standard_normal(P)
    (w,) = group_lasso([np.eye(P)], [y], LABELS, lam=0.9, ridge=ridge, tol=1e-13).coef
    for members in MEMBERS:
        block = y[members]
        shrunk = max(1.0 - 0.9 / np.linalg.norm(block), 0.0) * block / (1.0 + ridge)
        np.testing.assert_allclose(w[members], shrunk, atol=1e-7)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_all_is_zero_exactly_from_the_largest_pull_on(ridge):
    X, Y = make_tasks()
    pulls = np.einsum("tnp,tn->tp", X, Y)
    largest = max(np.linalg.norm(pulls[0, members]) for members in MEMBERS)
    above, below = (
        group_lasso(X[:1], Y[:1], LABELS, lam=c * largest, ridge=ridge, tol=1e-12).coef
        for c in (1.0 + 1e-6, 1.0 - 1e-2)
    )
    assert not above.any()
    assert below.any()


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_optimality_conditions_with_zeros_that_are_exact(ridge):
    X, Y = make_tasks(3)
    lam = 1.5
    result = group_lasso(X, Y, LABELS, lam=lam, ridge=ridge, tol=1e-13)
    assert not result.active.all() and result.active.any()
    slope = np.einsum("tnp,tn->tp", X, Y - np.einsum("tnp,tp->tn", X, result.coef))
    slope -= ridge * result.coef
    for t in range(T):
        for l, members in enumerate(MEMBERS):
            pull, w = slope[t, members], result.coef[t, members]
            if result.active[t, l]:
                np.testing.assert_allclose(pull, lam * w / np.linalg.norm(w), atol=1e-4)
            else:
                assert not w.any()
                assert np.linalg.norm(pull) <= lam * (1.0 + 1e-6)


@pytest.mark.parametrize(("kind", "ridge"), [("labels", 0.0), ("labels", 0.1), ("soft", 0.1)])
def test_the_gap_bounds_what_is_left_to_gain(kind, ridge):
    X, Y = make_tasks()
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        rough = group_lasso(X, Y, GROUPS[kind], lam=0.5, ridge=ridge, tol=1e-12, max_iter=3)
    fine = group_lasso(X, Y, GROUPS[kind], lam=0.5, ridge=ridge, tol=1e-12)
    costs = [objective(X, Y, r.coef, r.theta, 0.5, ridge) for r in (rough, fine)]
    left = (costs[0] - costs[1]) / (0.5 * np.sum(Y**2, axis=1))
    assert np.all(left >= -1e-12)
    assert np.all(left <= rough.gap + 1e-12)
    assert rough.gap.max() > 1e-6
    assert fine.gap.max() <= 1e-12


def test_proportional_columns_are_one_group():
    X, Y = make_tasks()
    split = np.column_stack([0.3 * np.eye(4)[LABELS], 0.7 * np.eye(4)[LABELS]])
    one, other = (group_lasso(X, Y, g, lam=1.0, ridge=0.1, tol=1e-12) for g in (LABELS, split))
    np.testing.assert_allclose(one.coef, other.coef, atol=1e-5)


def test_the_order_of_groups_and_features_means_nothing():
    X, Y = make_tasks()
    plain = group_lasso(X, Y, SOFT, lam=1.0, ridge=0.1, tol=1e-12)
    order = np.random.default_rng(0).permutation(P)
    renamed = group_lasso(X, Y, SOFT[:, [2, 0, 1]], lam=1.0, ridge=0.1, tol=1e-12)
    moved = group_lasso(X[:, :, order], Y, SOFT[order], lam=1.0, ridge=0.1, tol=1e-12)
    np.testing.assert_allclose(renamed.coef, plain.coef, atol=1e-6)
    np.testing.assert_allclose(moved.coef, plain.coef[:, order], atol=1e-6)


def test_labels_memberships_and_index_lists_say_the_same():
    X, Y = make_tasks()
    forms = LABELS, np.eye(4)[LABELS], MEMBERS
    fits = [group_lasso(X, Y, groups, lam=1.0, ridge=0.1).coef for groups in forms]
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit, fits[0])


def test_tasks_may_have_any_number_of_rows_and_may_share_a_table():
    X, Y = make_tasks()
    lists = [x[: 5 + t] for t, x in enumerate(X)], [y[: 5 + t] for t, y in enumerate(Y)]
    together = group_lasso(*lists, LABELS, lam=1.0, ridge=0.1, tol=1e-12)
    for t in range(T):
        pair = (part[t][None] for part in lists)
        alone = group_lasso(*pair, LABELS, lam=1.0, ridge=0.1, tol=1e-12)
        np.testing.assert_allclose(together.coef[t], alone.coef[0], atol=1e-5)
    shared = group_lasso(X[0], Y, LABELS, lam=1.0, ridge=0.1)
    copies = group_lasso(np.stack([X[0]] * T), Y, LABELS, lam=1.0, ridge=0.1)
    np.testing.assert_array_equal(shared.coef, copies.coef)


def test_automatic_weights_follow_the_scales():
    X, Y = make_tasks()
    plain = group_lasso(X, Y, LABELS)
    scaled = group_lasso(100.0 * X, 1e-3 * Y, LABELS)
    np.testing.assert_allclose(1e5 * scaled.coef, plain.coef, atol=1e-4)
    sizes = np.linalg.norm(np.einsum("tnp,tn->tp", X, Y), axis=1)
    assert plain.lam == pytest.approx(0.05 * np.median(sizes))
    assert plain.ridge == pytest.approx(0.02 * np.mean(np.sum(X**2, axis=1)))


def test_targets_of_zero_give_weights_of_zero():
    X, Y = make_tasks()
    for ridge in (0.0, 0.1):
        result = group_lasso(X, 0.0 * Y, LABELS, lam=1.0, ridge=ridge)
        assert not result.coef.any()
        assert not result.gap.any()


class TestRefusals:
    def test_of_overlaps_without_a_ridge(self):
        for kind in ("overlapping", "soft"):
            with pytest.raises(ValueError, match="ridge must be positive where features are in"):
                group_lasso(*make_tasks(), GROUPS[kind], ridge=0.0)

    @pytest.mark.parametrize(
        ("groups", "sentence"),
        [
            ("pairs", "groups must be 'singletons', labels"),
            (LABELS[1:], "groups must be 12 nonnegative integers"),
            (LABELS - 1, "groups must be 12 nonnegative integers"),
            (LABELS + 0.5, "groups must be 12 nonnegative integers"),
            (SOFT[1:], "groups must have one row for each of the 12 features"),
            (-SOFT, "groups must be nonnegative"),
            (SOFT * (np.arange(P) != 3)[:, None], "feature 3 is in none"),
            ([[0, 1], [12]], r"groups\[1\] must be indices of features from 0 to 11"),
            ([[0, 1], [2, 3]], "feature 4 is in none"),
        ],
    )
    def test_of_groups(self, groups, sentence):
        with pytest.raises(ValueError, match=sentence):
            group_lasso(*make_tasks(), groups)

    def test_of_tasks(self):
        X, Y = make_tasks()
        with pytest.raises(ValueError, match="X and Y must hold as many tasks, got 3 and 4"):
            group_lasso(X[1:], Y, LABELS)
        with pytest.raises(ValueError, match=r"X\[0\] has 8 rows but Y\[0\] has 9 entries"):
            group_lasso(X[:, 1:], Y, LABELS)
        with pytest.raises(ValueError, match=r"X\[1\] has 11 columns, X\[0\] has 12"):
            group_lasso([X[0], X[1][:, 1:]], Y[:2], LABELS)
        with pytest.raises(ValueError, match="Y must be an array of 2 dimensions, tasks first"):
            group_lasso(X, Y[0], LABELS)
        with pytest.raises(ValueError, match="NaN"):
            group_lasso(X, np.where(Y > 1, np.nan, Y), LABELS)

    def test_of_weights(self):
        with pytest.raises(ValueError, match="lam must be a finite nonnegative number"):
            group_lasso(*make_tasks(), LABELS, lam=-1.0)
        with pytest.raises(ValueError, match="lam must be one of 'auto'; got 'best'"):
            group_lasso(*make_tasks(), LABELS, lam="best")
