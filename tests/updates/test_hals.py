"""HALS descends to the exact solution, column by column."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.problems import PLAIN, all_quadratics, factors, least_squares
from contracts.update import UpdateContract

from multiconvex import HALS, ActiveSet, NonNegative, nnls
from multiconvex.regression import LeastSquaresRegression


class TestHALS(UpdateContract):
    update = HALS()

    def problems(self, scale=1.0):
        return all_quadratics(scale, PLAIN)


class TestOnePass(TestHALS):
    update = HALS(sweeps=1)
    settle = 3000


class TestWeightedHALS(UpdateContract):
    update = HALS()

    def problems(self, scale=1.0):
        penalty = NonNegative(0.05 * scale, 0.1)
        return [least_squares(scale, penalty), least_squares(scale, penalty, sparse=True)]


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.4), (0.3, 0.4)])
def test_reaches_the_exact_solution_from_any_start(l1, l2):
    for rng in generators(10):
        W, Y = rng.standard_normal((20, 6)), rng.standard_normal((20, 70))
        exact = nnls(W, Y, update=ActiveSet(), l1=l1, l2=l2)
        for init in (None, np.zeros((6, 70)), rng.random((6, 70))):
            rule = HALS(sweeps=100, inner_tol=0.0)
            fit = nnls(W, Y, update=rule, init=init, l1=l1, l2=l2, max_iter=20, tol=0)
            assert fit.objective - exact.objective < 1e-10 * exact.objective
            assert np.diff(fit.trace.objective).max() <= 1e-12 * fit.trace.objective[0]


def test_one_column_is_solved_at_once():
    for rng in generators(5):
        w, Y = rng.standard_normal((7, 1)), rng.standard_normal((7, 3))
        x = nnls(w, Y, update=HALS(sweeps=1), max_iter=1, tol=0).x
        np.testing.assert_allclose(x, np.maximum(w.T @ Y, 0.0) / np.sum(w**2), rtol=1e-13)


def test_orthonormal_design_is_solved_at_once():
    rng = np.random.default_rng(0)
    W, y = np.linalg.qr(rng.standard_normal((8, 5)))[0], rng.standard_normal(8)
    x = nnls(W, y, update=HALS(), max_iter=1, tol=0, init=np.ones(5)).x
    np.testing.assert_allclose(x, np.maximum(W.T @ y, 0.0), rtol=0, atol=1e-14)


def one_pass_by_definition(start, W, Y, l1, l2):
    """Minimise over one column after another, as the formula of the specification reads."""
    G, B, X = W.T @ W, W.T @ Y, start.copy()
    for k in range(len(X)):
        rest = B[k] - G[k] @ X + G[k, k] * X[k] - l1
        X[k] = np.maximum(rest / (G[k, k] + l2), 0.0)
    return X


@pytest.mark.parametrize("columns", [1, 63, 64, 65, 200])
def test_a_pass_is_the_specified_one_whatever_the_tiles(columns):
    rng = np.random.default_rng(columns)
    W, Y, X = rng.random((9, 5)), rng.standard_normal((9, columns)), rng.random((5, columns))
    problem = LeastSquaresRegression(W, Y, NonNegative(0.2, 0.3))
    new, _ = HALS(sweeps=1)(problem, (X.T.copy(),), 0, None)
    np.testing.assert_allclose(
        new.T, one_pass_by_definition(X, W, Y, 0.2, 0.3), rtol=1e-10, atol=1e-13
    )


def test_columns_without_curvature_are_skipped():
    W = np.array([[1.0, 0.0], [1.0, 0.0]])
    x = nnls(W, np.array([1.0, 3.0]), update=HALS(), init=np.array([0.0, 5.0])).x
    np.testing.assert_allclose(x, [2.0, 5.0])


@pytest.mark.parametrize("other", [HALS(sweeps=2), HALS(sweeps=10, inner_tol=0.6)])
def test_each_option_changes_something(other):
    problem, x = factors(1.0, PLAIN)(np.random.default_rng(3))
    assert not np.array_equal(HALS()(problem, x, 0, None)[0], other(problem, x, 0, None)[0])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sweeps": 0}, "sweeps must be a"),
        ({"inner_tol": -1.0}, "inner_tol must be a finite nonne"),
    ],
)
def test_impossible_options_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        HALS(**options)


def test_passes_are_counted_in_integers():
    with pytest.raises((TypeError, ValueError), match="sweeps must be a"):
        HALS(sweeps=2.5)
