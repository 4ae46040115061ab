"""What CVXPY expressions are recognised as, against their own values and compiled fits."""

import cvxpy as cp
import numpy as np
import pytest
from contracts.formulas import (
    COMPILED,
    RECOGNISED,
    A,
    B,
    D,
    M,
    N,
    Y,
    force_compiled,
    ridge,
    variables_of,
    write_model,
)
from contracts.instances import generators

from multiconvex.models.latent import expressions
from multiconvex.models.latent.problem import SeparateFactors
from multiconvex.models.latent.sample_losses import CentreLoss


class TestRecognition:
    @pytest.mark.parametrize("name", RECOGNISED)
    def test_recognised_losses_equal_their_expressions(self, name):
        link, shapes, write = RECOGNISED[name]
        variables = variables_of(shapes)
        expression = write(*variables)
        loss = expressions.as_sample_loss(expression, variables)
        assert isinstance(loss, CentreLoss) if link is None else isinstance(loss.link, link)
        for rng in generators(5):
            flat = rng.normal(size=sum(variable.size for variable in variables))
            expressions.assign(variables, flat)
            np.testing.assert_allclose(loss.values(flat[None])[:, 0], expression.value, atol=1e-12)

    @pytest.mark.parametrize(
        "multiple",
        [
            lambda v: 0.5 * cp.square(D @ v - Y),
            lambda v: cp.square(D @ v - Y) / 3.0,
            lambda v: 2.0 * cp.huber(D @ v - Y, 0.3),
            lambda v: 0.7 * cp.power(cp.abs(D @ v - Y), 1.5) + D @ v,
            lambda v: cp.sum(cp.logistic(cp.vstack([D @ v, -(D @ v)]).T), axis=1),
        ],
    )
    def test_multiples_and_sums_are_recognised(self, multiple):
        v = cp.Variable(D.shape[1])
        loss = expressions.as_sample_loss(multiple(v), [v])
        theta = np.random.default_rng(3).standard_normal(v.shape)
        v.value = theta
        np.testing.assert_allclose(loss.values(theta[None])[:, 0], multiple(v).value, atol=1e-12)

    @pytest.mark.parametrize("name", COMPILED)
    def test_other_losses_are_not(self, name):
        shapes, write = COMPILED[name]
        variables = variables_of(shapes)
        assert expressions.as_sample_loss(write(*variables), variables) is None

    @pytest.mark.parametrize("name", RECOGNISED)
    def test_fast_and_compiled_fits_agree(self, name):
        _, shapes, write = RECOGNISED[name]
        absolute = name == "absolute"
        options = {} if absolute else {"parameter_penalty": ridge}
        model = write_model(
            shapes, write, parameter_constraints=lambda f: [f[0][0] <= 0.2], **options
        )
        fast, slow = model._emission(model._losses), force_compiled(model)
        assert isinstance(fast, SeparateFactors)
        weights = np.random.default_rng(1).dirichlet(np.ones(2), M)
        start = np.zeros(fast.shape)
        fitted = [emission.fit(weights, start) for emission in (fast, slow)]
        own = sum(space.cost(theta) for space, theta in zip(fast.spaces, fitted[0]))
        assert fast.penalty(fitted[0]) == own
        assert slow.penalty(fitted[0]) == pytest.approx(own, rel=1e-9)
        np.testing.assert_allclose(slow.values(fitted[1]), fast.values(fitted[1]), atol=1e-9)
        costs = [np.vdot(weights, fast.values(x)) + slow.penalty(x) for x in fitted]
        assert costs[0] == pytest.approx(costs[1], rel=1e-6)
        assert costs[0] <= costs[1] + 1e-7 * (1.0 + abs(costs[1]))

    @pytest.mark.parametrize(
        ("variable", "inside", "outside"),
        [
            (cp.Variable(2, nonneg=True), [0.0, 2.0], [-0.1, 1.0]),
            (cp.Variable(2, nonpos=True), [0.0, -2.0], [0.1, -1.0]),
            (cp.Variable(2, bounds=[-1.0, 2.0]), [-1.0, 2.0], [0.0, 2.1]),
            (
                cp.Variable(2, bounds=[np.array([-np.inf, 0]), np.array([1, np.inf])]),
                [-9, 9],
                [2, 1],
            ),
        ],
        ids=["nonneg", "nonpos", "bounds", "half bounds"],
    )
    def test_attributes_are_inequalities_that_fitted_values_meet(self, variable, inside, outside):
        space = expressions.as_parameter_space([], None, [variable])
        assert space.value(np.array(inside, float)) == 0.0
        assert space.value(np.array(outside, float)) == np.inf
        expressions.settle([variable], np.array(outside, float))
        assert space.value(variable.value) == 0.0

    def test_attributes_beyond_bounds_are_not(self):
        for variable in (cp.Variable((2, 2), symmetric=True), cp.Variable((2, 2), PSD=True)):
            assert expressions.as_parameter_space([], None, [variable]) is None

    def test_constraints_are_inequalities(self):
        v = cp.Variable(3)
        rows = {
            "<=": A @ v <= B,
            ">=": v >= B,
            "==": v[0] + v[1] == 1.0,
            "scalar": cp.sum(v) <= 2.0,
            "nonneg": cp.NonNeg(v - 1.0),
            "zero": cp.Zero(v[2] - 3.0),
        }
        for rng in generators(20):
            theta = rng.normal(size=3)
            expressions.assign([v], theta)
            for constraint in rows.values():
                matrix, bound = (
                    getattr(expressions.as_parameter_space([constraint], None, [v]), name)
                    for name in ("matrix", "bound")
                )
                violation = np.linalg.norm(np.ravel(constraint.violation()))
                found = np.linalg.norm(np.maximum(matrix @ theta - bound, 0.0))
                assert found == pytest.approx(violation, abs=1e-12)
        for other in (cp.norm(v) <= 1.0, cp.SOC(v[0], v[1:])):
            assert expressions.as_parameter_space([other], None, [v]) is None

    def test_penalties_are_a_ridge_and_a_norm(self):
        a, b = cp.Variable(2), cp.Variable()
        both = cp.hstack([b, a])
        penalties = {
            (2.0, 0.0): cp.sum_squares(both),
            (0.6, 0.0): 0.3 * cp.sum_squares(both),
            (0.0, 1.0): cp.norm(both),
            (0.0, 0.5): cp.norm(both, 2) * 0.5,
            (0.0, 0.25): cp.norm(both, 2) / 4.0,
            (1.0, 4.0): 2.0 * (0.25 * cp.sum_squares(both) + 2.0 * cp.norm(both)),
            (1.0, 2.0): 0.5 * cp.sum_squares(both) + 2.0 * cp.norm(both, 2),
        }
        for (weight, norm), penalty in penalties.items():
            space = expressions.as_parameter_space([], penalty, [a, b])
            assert (space.ridge, space.norm) == (weight, norm)
            expressions.assign([a, b], np.array([1.0, -2.0, 3.0]))
            assert space.value(np.array([1.0, -2.0, 3.0])) == pytest.approx(float(penalty.value))
        for other in (cp.norm(a), cp.norm1(both), cp.sum_squares(both - 1.0), cp.sum_squares(a)):
            assert expressions.as_parameter_space([], other, [a, b]) is None

    def test_reading_an_expression_leaves_its_variables_alone(self):
        v = cp.Variable(N)
        v.value = np.arange(3.0)
        expressions.as_sample_loss(cp.square(D @ v - Y), [v])
        expressions.as_parameter_space([A @ v <= B], cp.norm(v), [v])
        np.testing.assert_array_equal(v.value, np.arange(3.0))
