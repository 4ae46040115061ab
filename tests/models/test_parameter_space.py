"""Parameter spaces, and the designs from which choices are explained."""

import numpy as np
import pytest
from scipy.special import log_softmax

from multiconvex import datasets
from multiconvex.models.latent.designs import (
    check_choices,
    choice_loss,
    lagged_design,
    monotone_constraint,
    with_intercept,
)
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.quadratic import InfeasibleConstraints


class TestParameterSpace:
    def test_value_is_the_documented_one(self):
        space = ParameterSpace(np.array([[1.0, 1.0]]), np.array([5.0]), ridge=2.0, norm=3.0)
        inside, outside = np.array([3.0, -4.0]), np.array([3.0, 4.0])
        assert space.value(inside) == pytest.approx(0.5 * 2 * 25 + 3 * 5)
        assert space.value(outside) == np.inf
        assert space.value(np.array([2.5, 2.5 + 1e-12])) < np.inf
        both = np.stack([inside, 2.0 * inside])
        assert space.value_of_rows(both) == pytest.approx(
            space.value(inside) + space.value(2.0 * inside)
        )
        assert space.value_of_rows(np.stack([inside, outside])) == np.inf

    def test_tangent_directions(self):
        """At a corner of the negative quadrant, only directions into it remain."""
        space = ParameterSpace(np.eye(2), np.zeros(2))
        direction = np.array([1.0, -2.0])
        for theta, expected in (
            ([0.0, 0.0], [0.0, -2.0]), ([-1.0, 0.0], [1.0, -2.0]), ([0.0, -1.0], [0.0, -2.0]),
        ):  # fmt: skip
            found = space.tangent_project(direction, np.array(theta))
            np.testing.assert_allclose(found, expected, atol=1e-12)

    def test_pairs_of_the_wrong_shape_are_refused(self):
        for pair in (
            (np.eye(3), np.ones(2)),
            (np.eye(2), np.ones(2)),
            (np.ones((1, 3)), np.ones(3)),
        ):
            with pytest.raises(ValueError, match=r"must have shapes \(p, 3\) and \(p,\)"):
                ParameterSpace.from_pair(pair, 3)
        for wrong in (3.0, np.eye(3), (1, 2, 3)):
            with pytest.raises(ValueError, match=r"a pair \(A, b\) that means A @ theta <= b"):
                ParameterSpace.from_pair(wrong, 3)
        with pytest.raises(ValueError, match="A of constraint has 1 NaN"):
            ParameterSpace.from_pair((np.array([[np.nan, 0.0, 0.0]]), np.ones(1)), 3)
        with pytest.raises(ValueError, match="b of constraint must have 1 dimensions"):
            ParameterSpace.from_pair((np.eye(3), np.ones((3, 1))), 3)

    @pytest.mark.parametrize("name", ["ridge", "norm"])
    def test_negative_weights_are_refused(self, name):
        with pytest.raises(ValueError, match=f"{name} must be a finite nonnegative number"):
            ParameterSpace(**{name: -1.0})

    def test_projection_is_the_nearest_point(self):
        space = ParameterSpace(np.array([[1.0, 0.0]]), np.array([1.0]))
        np.testing.assert_allclose(space.project(np.array([3.0, 2.0])), [1.0, 2.0])
        with pytest.raises(InfeasibleConstraints):
            ParameterSpace(np.array([[0.0]]), np.array([-1.0])).project(np.ones(1))


class TestDesigns:
    @pytest.mark.parametrize("arms", [1, 2, 4])
    def test_choices_cost_minus_their_log_probability(self, arms):
        rng = np.random.default_rng(17)
        design, theta = rng.normal(size=(12, arms, 3)), rng.normal(size=(1, 3))
        codes = rng.integers(max(arms, 2), size=12)
        odds = design @ theta[0]
        if arms == 1:
            odds = np.column_stack([np.zeros(12), odds[:, 0]])
        expected = -log_softmax(odds, axis=1)[np.arange(12), codes]
        np.testing.assert_allclose(choice_loss(design, codes).values(theta)[:, 0], expected)

    def test_lagged_rewards_are_those_that_the_agent_saw(self):
        agent = datasets.make_bandit_agent(60, random_state=0)
        n_arms, n_lags = agent.design.shape[1:]
        design = lagged_design(agent.choice, agent.reward, n_arms, n_lags, ("reward",), ())
        np.testing.assert_array_equal(design, agent.design)

    def test_nothing_is_remembered_over_a_break(self):
        choice, reward = np.array([0, 1, 1, 0, 1]), np.array([1, 0, 1, 1, 0])
        design = lagged_design(choice, reward, 2, 2, ("reward", "choice", "bias"), (3,))
        first = lagged_design(choice[:3], reward[:3], 2, 2, ("reward", "choice", "bias"), ())
        second = lagged_design(choice[3:], reward[3:], 2, 2, ("reward", "choice", "bias"), ())
        np.testing.assert_array_equal(design, np.concatenate([first, second]))
        np.testing.assert_array_equal(second[0], [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
        np.testing.assert_array_equal(second[1], [[1, 0, 1, 0, 0], [0, 0, 0, 0, 1]])

    def test_more_lags_than_trials(self):
        design = lagged_design(np.array([0, 1]), np.ones(2), 2, 4, ("choice",), ())
        np.testing.assert_array_equal(design[1], [[1, 0, 0, 0], [0, 0, 0, 0]])

    @pytest.mark.parametrize("sign", [1, -1])
    def test_effects_of_one_sign_that_fade(self, sign):
        matrix, bound = monotone_constraint(sign, 3, 5)
        space = ParameterSpace(matrix, bound)
        for theta, inside in (
            ([3, 2, 1, -9, 9], True), ([1, 1, 0, 0, 0], True),
            ([1, 2, 0, 0, 0], False), ([3, 2, -1, 0, 0], False),
        ):  # fmt: skip
            assert np.isfinite(space.value(sign * np.array(theta, float))) == inside
        assert monotone_constraint(0, 3, 5) is None

    def test_intercepts_come_last(self):
        np.testing.assert_array_equal(with_intercept(np.array([[2.0], [3.0]])), [[2, 1], [3, 1]])

    def test_what_cannot_be_read_is_said(self):
        with pytest.raises(ValueError, match="directions must be 1, -1 or 0"):
            monotone_constraint(2, 3, 3)
        with pytest.raises(ValueError, match="features must be among 'reward', 'choice', 'bias'"):
            lagged_design(np.zeros(2, int), np.ones(2), 2, 1, ("rewards",), ())
        for wrong in ([0, 2], [0.5], [], [[0, 1]], [-1, 0]):
            with pytest.raises(ValueError, match="leave out trials without a response"):
                check_choices("choice", wrong, 2)
