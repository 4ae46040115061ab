"""Active sets solve every row exactly, from any start and in every degenerate case."""

import numpy as np
import pytest
from contracts.instances import generators, scipy_nnls
from contracts.problems import PLAIN, all_quadratics, least_squares
from contracts.update import UpdateContract

from multiconvex import ActiveSet, NonNegative, RefinedActiveSet, kkt_residual, nnls
from multiconvex.regression import LeastSquaresRegression

RULES = (ActiveSet(), ActiveSet("single"), RefinedActiveSet())


class TestBlockPivoting(UpdateContract):
    update = ActiveSet()
    settle = 1

    def problems(self, scale=1.0):
        return all_quadratics(scale, PLAIN)

    @pytest.mark.parametrize(("l1", "l2"), [(0.4, 0.0), (0.0, 0.7), (0.4, 0.7)])
    def test_weights_enter_the_optimum(self, l1, l2):
        for rng in generators(5):
            W, Y = rng.standard_normal((9, 5)), rng.standard_normal((9, 4))
            x = nnls(W, Y, update=self.update, l1=l1, l2=l2).x
            assert kkt_residual(W, Y, x, l1=l1, l2=l2) < 1e-12


class TestSinglePivoting(TestBlockPivoting):
    update = ActiveSet("single")


class TestRefinedActiveSet(TestBlockPivoting):
    update = RefinedActiveSet()

    def problems(self, scale=1.0):
        return [least_squares(scale, PLAIN)]

    def test_refinement_keeps_the_digits_that_a_gram_matrix_loses(self):
        rng = np.random.default_rng(0)
        left, right = (np.linalg.qr(rng.standard_normal((n, 5)))[0] for n in (40, 5))
        W = left @ np.diag(10.0 ** -np.linspace(0, 3, 5)) @ right.T
        truth = rng.random(5) + 0.5
        error = np.abs(nnls(W, W @ truth, update=self.update).x - truth).max()
        assert error < 1e-10

    def test_correlated_designs_need_no_gram_matrix_in_double_precision(self, monkeypatch):
        monkeypatch.setattr(LeastSquaresRegression, "normal_equations", None)
        for rng in generators(5):
            W = rng.random((800, 300)) @ (np.eye(300) + 0.1 * rng.random((300, 300)))
            y = W @ np.maximum(rng.standard_normal(300), 0.0) + 0.1 * rng.standard_normal(800)
            x = nnls(W, y, update=self.update).x
            assert kkt_residual(W, y, x) < 1e-14

    def test_ill_conditioned_designs_are_left_to_double_precision(self):
        rng = np.random.default_rng(1)
        W = np.hstack([base := rng.random((20, 4)), base + 1e-6 * rng.random((20, 4))])
        y = rng.random(20)
        assert kkt_residual(W, y, nnls(W, y, update=self.update).x) < 1e-9


def starts(rng, shape):
    """Yield no start, zero, dense positive and sparse starts."""
    yield None
    yield np.zeros(shape)
    yield rng.random(shape)
    yield rng.random(shape) * (rng.random(shape) > 0.6)


def assert_solves(W, Y, init, rule):
    frozen = None if init is None else init.copy()
    x = nnls(W, Y, update=rule, init=init).x
    assert x.min() >= 0
    assert kkt_residual(W, Y, x) < 1e-9
    if init is not None:
        np.testing.assert_array_equal(init, frozen)
    return x


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("seed", range(25))
class TestOptimality:
    def test_equals_scipy_from_every_start(self, rule, seed):
        rng = np.random.default_rng(seed)
        m, r = int(rng.integers(6, 15)), int(rng.integers(1, 6))
        W, Y = rng.standard_normal((m, r)), rng.standard_normal((m, 4))
        expected = scipy_nnls(W, Y)
        for init in starts(rng, (r, 4)):
            x = assert_solves(W, Y, init, rule)
            np.testing.assert_allclose(x, expected, rtol=0, atol=1e-9)

    def test_data_in_the_cone_are_reproduced(self, rule, seed):
        rng = np.random.default_rng(seed)
        W = rng.random((8, 4))
        truth = rng.random((4, 5)) * (rng.random((4, 5)) > 0.4)
        for init in starts(rng, truth.shape):
            x = assert_solves(W, W @ truth, init, rule)
            np.testing.assert_allclose(x, truth, rtol=0, atol=1e-9)

    def test_fewer_rows_than_columns(self, rule, seed):
        rng = np.random.default_rng(seed)
        W, Y = rng.standard_normal((4, 9)), rng.standard_normal((4, 5))
        best = W @ scipy_nnls(W, Y)
        for init in starts(rng, (9, 5)):
            x = assert_solves(W, Y, init, rule)
            np.testing.assert_allclose(W @ x, best, rtol=0, atol=1e-7)

    def test_duplicated_columns(self, rule, seed):
        rng = np.random.default_rng(seed)
        half = rng.random((9, 3))
        W, Y = np.hstack([half, half, np.zeros((9, 1))]), rng.standard_normal((9, 5)) + 0.5
        best = half @ scipy_nnls(half, Y)
        for init in starts(rng, (7, 5)):
            x = assert_solves(W, Y, init, rule)
            np.testing.assert_allclose(W @ x, best, rtol=0, atol=1e-8)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_sparse_start_that_is_not_optimal_on_its_support(rule):
    W = np.array([[0.2, -0.4, 0.5], [0.8, 1.3, -0.9], [-0.9, -0.2, 1.8]])
    y = np.array([-0.8, 0.4, -0.3])
    x = assert_solves(W, y, np.array([1.0, 0.0, 0.0]), rule)
    np.testing.assert_allclose(np.sum((y - W @ x) ** 2), np.sum((y - W @ scipy_nnls(W, y)) ** 2))


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_large_supports_are_solved_in_blocks(rule):
    rng = np.random.default_rng(0)
    W = rng.standard_normal((150, 90))
    Y = W @ rng.random((90, 2)) + 0.01 * rng.standard_normal((150, 2))
    x = assert_solves(W, Y, None, rule)
    assert np.count_nonzero(x[:, 0]) > 48
    np.testing.assert_allclose(x, scipy_nnls(W, Y), rtol=0, atol=1e-10)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_orthonormal_design_is_a_projection(rule):
    rng = np.random.default_rng(1)
    W, y = np.linalg.qr(rng.standard_normal((8, 5)))[0], rng.standard_normal(8)
    x = assert_solves(W, y, None, rule)
    np.testing.assert_allclose(x, np.maximum(W.T @ y, 0.0), rtol=0, atol=1e-14)


def test_night_sky():
    """Outside the cone of m < n generic columns the solution has fewer than m positive entries."""
    outside = 0
    for rng in generators(145):
        W, y = rng.random((5, 12)), rng.random(5)
        x = nnls(W, y).x
        if np.linalg.norm(y - W @ x) > 1e-6:
            outside += 1
            assert np.count_nonzero(x) <= 4
    assert outside > 50


def test_cost_falls_from_every_start():
    for rng in generators(20):
        W, y = rng.standard_normal((10, 6)), rng.standard_normal(10)
        problem = LeastSquaresRegression(W, y[:, None], PLAIN)
        for start in (rng.random((1, 6)), rng.random((1, 6)) * (rng.random((1, 6)) > 0.5)):
            new, _ = ActiveSet("single")(problem, (start,), 0, None)
            assert problem.loss((new,)) <= problem.loss((start,)) + 1e-12


def test_scale():
    rng = np.random.default_rng(2)
    W, y = rng.random((9, 4)), rng.standard_normal(9)
    for c in (1e-8, 3.0, 1e8):
        np.testing.assert_allclose(nnls(W, c * y).x, c * nnls(W, y).x, rtol=1e-12)
        np.testing.assert_allclose(nnls(c * W, y).x, nnls(W, y).x / c, rtol=1e-12)


@pytest.mark.parametrize("c", [1e-25, 1e-8, 1e8, 1e25])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_any_unit_of_the_design(rule, c):
    rng = np.random.default_rng(2)
    W, y = rng.random((9, 4)), rng.standard_normal(9)
    expected = scipy_nnls(W, y) / c
    np.testing.assert_allclose(nnls(c * W, y, update=rule).x, expected, rtol=1e-9)
    np.testing.assert_allclose(nnls(W, c * y, update=rule).x, expected * c**2, rtol=1e-9)


def test_large_designs_with_few_right_hand_sides_are_refined(monkeypatch):
    monkeypatch.setattr("multiconvex.regression._LARGE", 100)
    rng = np.random.default_rng(3)
    W, y = rng.random((30, 6)), rng.random(30)
    np.testing.assert_allclose(nnls(W, y).x, scipy_nnls(W, y), rtol=0, atol=1e-12)
    refined = nnls(W, y, update=RefinedActiveSet())
    np.testing.assert_array_equal(nnls(W, y).x, refined.x)


def test_pivoting_is_named():
    with pytest.raises(ValueError, match="pivoting must be one of 'block', 'single'; got 'both'"):
        ActiveSet("both")


def test_weights_are_read_from_the_penalty():
    W, y = np.eye(3), np.array([3.0, 0.5, -1.0])
    problem = LeastSquaresRegression(W, y[:, None], NonNegative(l1=1.0, l2=1.0))
    new, _ = ActiveSet()(problem, (np.zeros((1, 3)),), 0, None)
    np.testing.assert_allclose(new, [[1.0, 0.0, 0.0]])
