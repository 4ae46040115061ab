"""Separable majorants of the second-order model: above the Hessian, tight, monotone, exact."""

import numpy as np
import pytest
from contracts.instances import convex_optimum, generators
from contracts.problems import PLAIN, all_divergences, all_quadratics, divergence, least_squares
from contracts.update import UpdateContract

from multiconvex import (
    MSOM,
    BetaDivergence,
    DivergenceProblem,
    FactorProblem,
    Frobenius,
    KullbackLeibler,
    LeastSquares,
    MultiplicativeUpdate,
    NonNegative,
    NoPenalty,
    RelativeDecrease,
    alternate,
    kkt_residual,
    nmf,
    nnkl,
    nnls,
)
from multiconvex.regression import DivergenceRegression, LeastSquaresRegression
from multiconvex.updates.msom import second_order_step, separable_curvature


class TestFrobenius(UpdateContract):
    update = MSOM()
    settle = 4000

    def problems(self, scale=1.0):
        return all_quadratics(scale, PLAIN)


class TestShortSteps(TestFrobenius):
    update = MSOM(gamma=0.5, steps=3, inner_tol=0.0)


class TestWeighted(UpdateContract):
    update = MSOM()
    settle = 4000

    def problems(self, scale=1.0):
        penalty = NonNegative(0.05 * scale, 0.1)
        return [least_squares(scale, penalty), least_squares(scale, penalty, sparse=True)]


class TestKullbackLeibler(UpdateContract):
    update = MSOM()
    settle = 2000

    def problems(self, scale=1.0):
        return all_divergences(scale, PLAIN)


class TestBetaDivergence(UpdateContract):
    update = MSOM(gamma=1.5, steps=3)
    settle = 2000

    def problems(self, scale=1.0):
        loss = BetaDivergence(1.4)
        return [divergence(scale, PLAIN, loss)]


class TestWeightedKullbackLeibler(TestKullbackLeibler):
    def problems(self, scale=1.0):
        penalty = NonNegative(0.3, 0.4 / scale)
        return [divergence(scale, penalty), divergence(scale, penalty, sparse=True)]


@pytest.mark.parametrize("family", [all_quadratics, all_divergences])
def test_curvature_sums_are_the_change_of_the_gradient_along_ones(family):
    for build in family(1.0, PLAIN):
        problem, x = build(np.random.default_rng(11))
        for k in range(len(x)):
            ends = [(*x[:k], x[k] + step, *x[k + 1 :]) for step in (1e-6, -1e-6)]
            ahead, behind = (problem.gradient(end, k) for end in ends)
            sums = np.broadcast_to(problem.curvature_sums(x, k), x[k].shape)
            np.testing.assert_allclose((ahead - behind) / 2e-6, sums, rtol=1e-5, atol=1e-6)


def gram_matrices(count, *, signed=False):
    """Yield a generator and a random Gram matrix, rank deficient every other time."""
    for case, rng in enumerate(generators(count, seed=21)):
        r = int(rng.integers(2, 8))
        shape = (r + 3 if case % 2 else max(1, r - 1), r)
        W = rng.standard_normal(shape) if signed else rng.random(shape)
        yield rng, W.T @ W


@pytest.mark.parametrize("signed", [False, True])
def test_every_test_vector_gives_a_majorant(signed):
    for rng, H in gram_matrices(200, signed=signed):
        u = 10.0 ** rng.uniform(-2, 2, len(H))
        above = np.diag(separable_curvature(H, u))
        assert np.linalg.eigvalsh(above - H)[0] >= -1e-12 * above.max()


def test_the_majorant_touches_the_hessian_along_its_test_vector():
    for rng, H in gram_matrices(50):
        u = rng.random(len(H)) + 0.1
        gap = np.diag(separable_curvature(H, u)) - H
        np.testing.assert_allclose(gap @ u, 0.0, atol=1e-12 * H.max())


def test_ones_have_the_least_sum_and_the_leading_eigenvector_the_least_maximum():
    for rng, H in gram_matrices(100):
        perron = np.abs(np.linalg.eigh(H)[1][:, -1])
        ones = separable_curvature(H, np.ones(len(H)))
        flat = separable_curvature(H, perron)
        np.testing.assert_allclose(flat, np.linalg.norm(H, 2), rtol=1e-9)
        for _ in range(20):
            other = separable_curvature(H, 10.0 ** rng.uniform(-1, 1, len(H)))
            assert other.sum() >= ones.sum() * (1 - 1e-13)
            assert other.max() >= flat.max() * (1 - 1e-9)


def test_multiplicative_updates_take_the_current_point_as_test_vector():
    for rng in generators(20):
        W, y, x = rng.random((7, 4)), rng.random(7), rng.random(4) + 0.1
        problem = LeastSquaresRegression(W, y[:, None], PLAIN)
        step = x - W.T @ (W @ x - y) / separable_curvature(W.T @ W, x)
        updated, _ = MultiplicativeUpdate()(problem, (x[None, :],), 0, None)
        np.testing.assert_allclose(updated[0], step, rtol=1e-13)


def one_step(W, y, x, gamma, l1=0.0, l2=0.0):
    """Follow the formula of the specification for one right-hand side."""
    H = W.T @ W
    slope = H @ x - W.T @ y + l1 + l2 * x
    return np.maximum(x - gamma * slope / (np.abs(H).sum(axis=1) + l2), 0.0)


@pytest.mark.parametrize("columns", [1, 63, 64, 65, 150])
def test_steps_are_the_specified_ones_whatever_the_tiles(columns):
    rng = np.random.default_rng(columns)
    W, Y, X = (
        rng.standard_normal((9, 5)),
        rng.standard_normal((9, columns)),
        rng.random((columns, 5)),
    )
    problem = LeastSquaresRegression(W, Y, NonNegative(0.2, 0.3))
    new, _ = MSOM(gamma=1.3, steps=4, inner_tol=0.0)(problem, (X,), 0, None)
    for row, x, y in zip(new, X, Y.T):
        for _ in range(4):
            x = one_step(W, y, x, 1.3, 0.2, 0.3)
        np.testing.assert_allclose(row, x, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.9, 1.99])
@pytest.mark.parametrize("signed", [False, True])
def test_least_squares_descends_to_the_optimum(gamma, signed):
    for rng in generators(10):
        W = rng.standard_normal((12, 4)) if signed else rng.random((12, 4))
        Y = W @ rng.random((4, 5)) + 0.1 * rng.standard_normal((12, 5))
        rule = MSOM(gamma=gamma, steps=200, inner_tol=0.0)
        fit = nnls(W, Y, update=rule, init=rng.random((4, 5)), max_iter=100, tol=0)
        best = nnls(W, Y).objective
        assert np.diff(fit.trace.objective).max() <= 1e-12 * fit.trace.objective[0]
        assert fit.objective - best <= 1e-6 * best


def test_signs_in_the_other_factor_do_no_harm():
    for rng in generators(10, seed=6):
        W = rng.standard_normal((12, 5))
        X = W @ rng.random((5, 9))
        problem = FactorProblem(X, 5, (NoPenalty(), PLAIN))
        x = W, rng.random((9, 5))
        gram = W.T @ W
        np.testing.assert_allclose(problem.curvature_sums(x, 1)[0], np.abs(gram).sum(axis=0))
        rules = {"W": LeastSquares(), "H": MSOM()}
        trace = alternate(problem, x, rules, stop=RelativeDecrease(0), max_iter=20).trace
        assert np.diff(trace.objective).max() <= 1e-12 * trace.objective[0]


def test_gamma_two_cycles_and_is_refused():
    """With one unknown the majorant is the loss, and twice its minimiser's step mirrors it."""
    x, path = 3.0, []
    for _ in range(4):
        path.append(x)
        x = x - 2.0 * (x - 1.0)
    assert path == [3.0, -1.0, 3.0, -1.0]
    fit = nnls(np.eye(1), np.ones(1), update=MSOM(gamma=1.99), init=np.array([1.5]))
    np.testing.assert_allclose(fit.x, 1.0, atol=1e-4)
    with pytest.raises(ValueError, match="gamma must lie strictly between 0 and 2, got 2"):
        MSOM(gamma=2.0)


def test_columns_without_curvature_are_skipped():
    W = np.array([[1.0, 0.0], [1.0, 0.0]])
    x = nnls(W, np.array([1.0, 3.0]), update=MSOM(gamma=1.0), init=np.array([0.0, 5.0])).x
    np.testing.assert_allclose(x, [2.0, 5.0])


def kl_hessian(W, y, x):
    return W.T @ ((y / (W @ x) ** 2)[:, None] * W)


def test_divergence_step_is_the_specified_one():
    for rng in generators(10):
        W, y, x = rng.random((8, 3)), rng.random(8), rng.random(3) + 0.1
        problem = DivergenceRegression(W, y[:, None], KullbackLeibler(), NonNegative(0.1, 0.2))
        slope = W.T @ (1 - y / (W @ x)) + 0.1 + 0.2 * x
        curvature = kl_hessian(W, y, x).sum(axis=1) + 0.2
        expected = np.maximum(x - 1.7 * slope / curvature, 0.0)
        got = second_order_step(problem, (x[None, :],), 0, 1.7)
        np.testing.assert_allclose(got[0], expected, rtol=1e-12, atol=1e-14)


def test_current_point_as_test_vector_is_multiplicative_only_with_the_fisher_matrix():
    for rng in generators(20):
        W, y, x = rng.random((8, 3)), rng.random(8), rng.random(3) + 0.1
        slope, ratio = W.T @ (1 - y / (W @ x)), W.T @ (y / (W @ x)) / W.sum(axis=0)
        hessian, fisher = kl_hessian(W, y, x), W.T @ (W / (W @ x)[:, None])
        by_hessian = x - slope / separable_curvature(hessian, x)
        by_fisher = x - slope / separable_curvature(fisher, x)
        np.testing.assert_allclose(by_hessian, x * (2 - 1 / ratio), rtol=1e-12)
        np.testing.assert_allclose(by_fisher, x * ratio, rtol=1e-12)


def test_a_step_along_which_nothing_falls_is_always_safe():
    """The third derivative is negative: to the right the divergence stays below its model."""
    for rng in generators(100):
        W, y = rng.random((6, 4)), rng.random(6) + 0.1
        x = 0.1 * rng.random(4) * y.sum() / W.sum()
        problem = DivergenceRegression(W, y[:, None], KullbackLeibler(), PLAIN)
        new = second_order_step(problem, (x[None, :],), 0, 1.99)
        assert np.all(new >= x)
        assert problem.objective((new,)) < problem.objective((x[None, :],))


def far_regressions(count):
    for rng in generators(count, seed=31):
        W = rng.random((9, 4))
        y = rng.poisson(2.0, 9).astype(float)
        yield W, y, 10.0 ** rng.uniform(-2, 2, 4)


def test_bare_steps_from_afar_increase_the_divergence_and_guarded_ones_never():
    bare = 0
    for W, y, x in far_regressions(100):
        problem = DivergenceRegression(W, y[:, None], KullbackLeibler(), PLAIN)
        jump = second_order_step(problem, (x[None, :],), 0, 1.9)
        bare += not problem.objective((jump,)) <= problem.objective((x[None, :],))
        trace = nnkl(W, y, init=x, update=MSOM(), max_iter=30, tol=0).trace.objective
        assert np.diff(trace).max() <= 1e-12 * trace[0]
    assert bare > 50


def test_the_replacement_is_one_multiplicative_update():
    W, y, x = np.eye(3, 2) + 0.2, np.ones((3, 1)), np.array([[50.0, 0.3]])
    problem = DivergenceRegression(W, y, KullbackLeibler(), PLAIN)
    jump = second_order_step(problem, (x,), 0, 1.9)
    assert problem.objective((jump,)) > problem.objective((x,))
    new, _ = MSOM(steps=1)(problem, (x,), 0, None)
    np.testing.assert_array_equal(new, MultiplicativeUpdate()(problem, (x,), 0, None)[0])


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.3, 0.5)])
def test_divergence_limit_is_the_convex_optimum(l1, l2):
    for rng in generators(2):
        W, y = rng.random((8, 4)), rng.random(8)
        fit = nnkl(W, y, update=MSOM(), l1=l1, l2=l2, tol=1e-15)
        best = convex_optimum(W, y, loss="kullback-leibler", l1=l1, l2=l2)
        np.testing.assert_allclose(fit.objective, best, rtol=1e-6, atol=1e-9)
        assert kkt_residual(W, y, fit.x, loss="kullback-leibler", l1=l1, l2=l2) < 1e-5


def test_rows_without_data_go_to_zero_and_entries_at_zero_can_grow():
    problem = DivergenceRegression(
        np.eye(2) + 0.1, np.array([[0.0, 1.0], [0.0, 1.0]]), KullbackLeibler(), PLAIN
    )
    x = np.array([[3.0, 2.0], [0.0, 2.0]])
    np.testing.assert_array_equal(second_order_step(problem, (x,), 0, 1.0)[0], 0.0)
    for _ in range(30):
        x, _ = MSOM()(problem, (x,), 0, None)
    np.testing.assert_allclose(x, [[0.0, 0.0], [1 / 1.2, 1 / 1.2]], rtol=1e-9)


def test_a_quadratic_loss_without_normal_equations_ends_at_the_same_factors():
    rng = np.random.default_rng(4)
    X, start = rng.random((9, 7)), (rng.random((9, 2)), rng.random((7, 2)))
    problem = DivergenceProblem(X, 2, Frobenius(), (PLAIN, PLAIN))
    rule, x = MSOM(steps=2, inner_tol=0.0), start
    for _ in range(5):
        for k in range(2):
            x = (*x[:k], rule(problem, x, k, None)[0], *x[k + 1 :])
    fit = nmf(X, 2, update=rule, init=start, acceleration=None, max_iter=5, tol=0)
    np.testing.assert_allclose(x[0], fit.W, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(x[1], fit.H, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("other", [MSOM(gamma=1.0), MSOM(steps=3), MSOM(inner_tol=0.5)], ids=repr)
@pytest.mark.parametrize("build", [least_squares, divergence])
def test_each_option_changes_something(build, other):
    problem, x = build(1.0, PLAIN)(np.random.default_rng(3))
    assert not np.array_equal(MSOM()(problem, x, 0, None)[0], other(problem, x, 0, None)[0])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"gamma": 0.0}, "gamma must be a finite positive"),
        ({"gamma": 2.5}, "strictly between 0 and 2"),
        ({"steps": 0}, "steps must be an integer"),
        ({"inner_tol": -1.0}, "inner_tol must be a finite nonne"),
    ],
)
def test_impossible_options_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        MSOM(**options)
