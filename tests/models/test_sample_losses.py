"""Losses of samples and their weighted fits: derivatives, convex optima, and what is exact."""

import warnings

import numpy as np
import pytest
from contracts.instances import generators
from contracts.latent import convex_fit, draw_loss, stationarity

from multiconvex.models.latent.designs import choice_loss
from multiconvex.models.latent.links import (
    Huber,
    Logistic,
    LogSumExp,
    Power,
    Square,
    softmax,
)
from multiconvex.models.latent.parameter_space import ParameterSpace, Spaces
from multiconvex.models.latent.sample_losses import AffineLoss, CentreLoss, SquaredLoss

SMOOTH = [
    Square(), Power(1.3), Power(1.5), Power(2.0), Power(3.0), Huber(0.7), Logistic(), LogSumExp(),
]  # fmt: skip
STEP = 1e-6


def name_of(value):
    return repr(value).replace("()", "")


def space_for(rng, kind, n=3):
    """Return a space without inequalities or with some that bind."""
    matrix, bound = rng.standard_normal((4, n)), 0.3 * rng.random(4) - 0.05
    if kind == "equality":
        matrix, bound = np.array([[1.0] * n, [-1.0] * n]), np.array([0.5, -0.5])
    if kind in ("free", "ridge", "norm"):
        matrix, bound = matrix[:0], bound[:0]
    ridge = {"ridge": 2.0, "all": 1.0}.get(kind, 0.0)
    return ParameterSpace(matrix, bound, ridge, {"norm": 1.0, "all": 0.5}.get(kind, 0.0))


def free_space(n, **weights):
    return ParameterSpace.from_pair(None, n, **weights)


class TestLinks:
    @pytest.mark.parametrize("link", SMOOTH, ids=name_of)
    def test_slopes_and_curvatures_agree_with_differences(self, link):
        for rng in generators(6):
            u = rng.normal(size=(7, 3, 2))
            u += 0.05 * np.sign(u)
            for q in range(3):
                move = np.zeros_like(u)
                move[:, q] = STEP
                rise = (link.value(u + move) - link.value(u - move)) / (2.0 * STEP)
                np.testing.assert_allclose(link.slope(u)[:, q], rise, rtol=1e-6, atol=1e-8)
                if not isinstance(link, LogSumExp):
                    bend = (link.slope(u + move) - link.slope(u - move))[:, q] / (2.0 * STEP)
                    np.testing.assert_allclose(link.curvature(u)[:, q], bend, rtol=1e-4, atol=1e-7)

    @pytest.mark.parametrize("link", SMOOTH, ids=name_of)
    def test_hessians_agree_with_differences_of_gradients(self, link):
        for rng in generators(4):
            loss = draw_loss(link, rng, q=3)
            weights, theta, d = rng.random(40), rng.normal(size=3), rng.normal(size=3)
            gradient, hessian = loss.derivatives(weights, theta)
            ahead, behind = (
                loss.derivatives(weights, theta + sign * STEP * d)[0] for sign in (1, -1)
            )
            slope = (
                loss.total(weights, theta + STEP * d) - loss.total(weights, theta - STEP * d)
            ) / (2.0 * STEP)
            assert gradient @ d == pytest.approx(slope, rel=1e-6, abs=1e-6)
            if not isinstance(link, Power) or link.p >= 2:
                bend = (ahead - behind) / (2.0 * STEP)
                np.testing.assert_allclose(hessian @ d, bend, rtol=1e-3, atol=1e-3)
            np.testing.assert_allclose(hessian, hessian.T)
            assert np.linalg.eigvalsh(hessian).min() >= -1e-9

    def test_huber_is_quadratic_then_linear_and_joins_smoothly(self):
        """The source omits a minus sign: the linear part is 2 d |u| - d^2."""
        u = np.array([0.5, 2.0, -3.0]).reshape(3, 1, 1)
        np.testing.assert_allclose(Huber(2.0).value(u).ravel(), [0.25, 4.0, 2 * 2 * 3 - 4])
        np.testing.assert_allclose(Huber(1e9).value(u), Square().value(u))

    def test_powers_include_the_square_and_the_absolute_value(self):
        u = np.random.default_rng(0).normal(size=(5, 2, 3))
        np.testing.assert_allclose(Power(2.0).value(u), Square().value(u))
        np.testing.assert_allclose(Power(2.0).curvature(u), Square().curvature(u))
        np.testing.assert_allclose(Power(1.0).value(u), np.abs(u).sum(axis=1))

    def test_curvature_is_finite_where_a_power_has_a_cusp(self):
        assert np.isfinite(Power(1.2).curvature(np.zeros((1, 1, 1)))).all()

    def test_predictors_of_any_size_are_finite(self):
        u = np.array([[[1e4], [-1e4]], [[-1e4], [-1e4]]])
        for link in (Logistic(), LogSumExp()):
            assert np.isfinite(link.value(u)).all()
            assert np.isfinite(link.slope(u)).all()
        np.testing.assert_allclose(softmax(u).sum(axis=1), 1.0)
        np.testing.assert_allclose(LogSumExp().value(u).ravel(), [1e4, -1e4 + np.log(2.0)])

    def test_impossible_links_are_refused(self):
        for p in (0.5, 0.99):
            with pytest.raises(ValueError, match="p must be at least 1 for a convex loss"):
                Power(p)
        for delta in (0.0, -1.0, np.nan):
            with pytest.raises(ValueError, match="delta must be a finite positive number"):
                Huber(delta)


class TestLosses:
    @pytest.mark.parametrize("link", SMOOTH, ids=name_of)
    def test_values_are_the_documented_ones(self, link):
        rng = np.random.default_rng(1)
        loss, thetas = draw_loss(link, rng, q=2), rng.normal(size=(4, 3))
        for k, theta in enumerate(thetas):
            for i in range(loss.n_samples):
                u = loss.design[i] @ theta + loss.offset[i]
                expected = link.value(u[None, :, None])[0, 0]
                if loss.linear is not None:
                    expected += loss.linear[i] @ theta + loss.constant[i]
                assert loss.values(thetas)[i, k] == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("link", SMOOTH, ids=name_of)
    def test_some_samples_only(self, link):
        rng = np.random.default_rng(2)
        loss, thetas, rows = draw_loss(link, rng, q=2), rng.normal(size=(2, 3)), [3, 5, 30]
        np.testing.assert_allclose(loss.restrict(rows).values(thetas), loss.values(thetas)[rows])
        assert type(loss.restrict(rows)) is type(loss)

    def test_squared_distances(self):
        rng = np.random.default_rng(3)
        points, centres = rng.normal(size=(9, 3)), rng.normal(size=(4, 3))
        loss = CentreLoss(points)
        expected = np.square(points[:, None] - centres).sum(axis=2)
        np.testing.assert_allclose(loss.values(centres), expected)
        np.testing.assert_allclose(loss.restrict([1, 7]).values(centres), expected[[1, 7]])

    def test_squares_are_an_affine_loss_with_a_faster_fit(self):
        rng = np.random.default_rng(4)
        fast = draw_loss(Square(), rng, q=2)
        slow = AffineLoss(Square(), fast.design, fast.offset)
        theta, weights = rng.normal(size=(1, 3)), rng.random(40)
        np.testing.assert_allclose(fast.values(theta), slow.values(theta))
        for kind in ("free", "inequality", "ridge", "norm", "all", "equality"):
            space = space_for(np.random.default_rng(5), kind)
            np.testing.assert_allclose(
                fast.fit(weights, space, theta[0]), slow.fit(weights, space, theta[0]), atol=1e-6
            )


class TestWeightedFits:
    @pytest.mark.parametrize("kind", ["free", "inequality", "ridge", "norm", "all", "equality"])
    @pytest.mark.parametrize(
        "link",
        [Square(), Power(1.0), Power(1.3), Power(3.0), Huber(0.3), Logistic(), LogSumExp()],
        ids=name_of,
    )
    def test_reach_the_convex_optimum(self, link, kind):
        absolute = link == Power(1.0)
        for rng in generators(2, seed=6):
            loss = draw_loss(link, rng, q=3 if isinstance(link, LogSumExp) else 1)
            if absolute:
                loss = AffineLoss(link, loss.design, loss.offset)
            space = space_for(rng, kind)
            assert loss.accepts(space) == (not absolute or space.ridge == space.norm == 0.0)
            if not loss.accepts(space):
                continue
            weights = rng.random(40) * (rng.random(40) > 0.3)
            theta = loss.fit(weights, space, rng.normal(size=3))
            value = loss.total(weights, theta) + space.value(theta)
            assert value == pytest.approx(convex_fit(loss, weights, space), rel=1e-6)
            if not absolute and theta.any():
                assert stationarity(loss, weights, space, theta) <= 1e-6

    @pytest.mark.parametrize("p", [1.05, 1.2, 1.45, 1.5, 1.55, 1.9, 6.0])
    @pytest.mark.parametrize("m", [4, 25])
    def test_powers_near_their_cusps(self, p, m):
        """Full Newton steps on |u|^1.5 jump from u to -u for ever."""
        for rng in generators(6, seed=7):
            loss = AffineLoss(Power(p), rng.normal(size=(m, 1, 2)), 3.0 * rng.normal(size=(m, 1)))
            weights = 10.0 ** rng.uniform(-4, 2, m)
            theta = loss.fit(weights, free_space(2), np.zeros(2))
            value = loss.total(weights, theta)
            for length in (1e-7, 1e-5, 1e-3, 1e-1):
                around = theta + length * rng.normal(size=(60, 2))
                assert value <= (weights @ loss.values(around)).min() + 1e-9 * value

    @pytest.mark.parametrize("link", [*SMOOTH, Power(1.05), Power(1.0)], ids=name_of)
    @pytest.mark.parametrize("kind", ["free", "inequality"])
    def test_repeated_columns(self, link, kind):
        for rng in generators(3, seed=8):
            design = np.repeat(rng.normal(size=(30, 2, 1)), 3, axis=2)
            offset = rng.normal(size=(30, 2))
            loss = AffineLoss(link, design, offset)
            space = space_for(rng, kind)
            theta = loss.fit(np.ones(30), space, np.zeros(3))
            one = AffineLoss(link, design[:, :, :1], offset)
            best = one.fit(np.ones(30), free_space(1), np.zeros(1))
            least = one.total(np.ones(30), best)
            value = loss.total(np.ones(30), theta)
            assert value >= least - 1e-9 * abs(least)
            if space.free:
                assert value == pytest.approx(least, rel=1e-8)
            assert space.value(theta) == 0.0

    @pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
    @pytest.mark.parametrize("arms", [1, 3])
    @pytest.mark.parametrize("ridge", [0.0, 1e-9, 1e-3])
    def test_separable_choices_end_quietly(self, scale, arms, ridge):
        """Without a ridge there is no minimiser: the fit stops where it gains no more."""
        rng = np.random.default_rng(9)
        design = scale * rng.normal(size=(60, arms, 3))
        values = design @ np.array([1.0, -2.0, 0.5])
        codes = (values[:, 0] > 0).astype(int) if arms == 1 else values.argmax(axis=1)
        loss, weights = choice_loss(design, codes), np.ones(60)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            theta = loss.fit(weights, free_space(3, ridge=ridge), np.zeros(3))
        assert np.isfinite(theta).all()
        assert stationarity(loss, weights, free_space(3, ridge=ridge), theta) < 1e-8
        assert loss.total(weights, theta) < loss.total(weights, np.zeros(3))

    @pytest.mark.parametrize("link", [Square(), Logistic(), Huber(0.5), Power(1.5)], ids=name_of)
    @pytest.mark.parametrize("bounded", [False, True])
    def test_a_norm_sends_parameters_to_zero_exactly_from_its_threshold_on(self, link, bounded):
        for rng in generators(5, seed=10):
            loss, weights = draw_loss(link, rng, linear=False), rng.random(40)
            matrix = np.eye(3)[: 2 * bounded]
            space = ParameterSpace(matrix, np.zeros(len(matrix)))
            pull = -loss.derivatives(weights, np.zeros(3))[0]
            pull[: len(matrix)] = np.minimum(pull[: len(matrix)], 0.0)
            threshold = np.linalg.norm(pull)
            for ratio in (1.001, 0.99):
                heavy = ParameterSpace(matrix, space.bound, norm=ratio * threshold)
                for start in (np.zeros(3), -np.abs(rng.normal(size=3))):
                    theta = loss.fit(weights, heavy, start)
                    assert np.any(theta) == (ratio < 1)
                    if ratio < 1:
                        assert heavy.value(theta) + loss.total(weights, theta) < loss.total(
                            weights, np.zeros(3)
                        )

    def test_centres_are_projected_weighted_means(self):
        rng = np.random.default_rng(11)
        points, weights = rng.normal(size=(20, 3)), rng.random((20, 2))
        space = ParameterSpace(rng.normal(size=(4, 3)), rng.random(4) - 0.2)
        centres = CentreLoss(points).fit_all(weights, Spaces((space, space)), np.zeros((2, 3)))
        for centre, column in zip(centres, weights.T):
            mean = column @ points / column.sum()
            np.testing.assert_allclose(centre, space.project(mean), atol=1e-12)
        ridged = ParameterSpace(space.matrix, space.bound, ridge=1.5)
        for spaces in ((ridged, ridged), (ridged, space)):
            centres = CentreLoss(points).fit_all(weights, Spaces(spaces), np.zeros((2, 3)))
            for centre, column, own in zip(centres, weights.T, spaces):
                twin = SquaredLoss(np.tile(np.eye(3), (20, 1, 1)), -points)
                expected = twin.fit(column, own, np.zeros(3))
                np.testing.assert_allclose(centre, expected, atol=1e-8)

    def test_least_squares_solves_the_normal_equations(self):
        rng = np.random.default_rng(12)
        loss, weights = draw_loss(Square(), rng, q=1), rng.random((40, 2))
        for ridge in (0.0, 0.7):
            spaces = Spaces([free_space(3, ridge=ridge)] * 2)
            fitted = loss.fit_all(weights, spaces, np.zeros((2, 3)))
            A, b = loss.design[:, 0], loss.offset[:, 0]
            for theta, w in zip(fitted, weights.T):
                gram = 2.0 * (A.T * w) @ A + ridge * np.eye(3)
                np.testing.assert_allclose(gram @ theta, -2.0 * (A.T * w) @ b, atol=1e-7)

    def test_where_samples_do_not_decide_parameters_stay(self):
        """One sample fixes one direction; the start decides the others."""
        design = np.array([[[1.0, 1.0, 0.0]]])
        start = np.array([1.0, 2.0, 3.0])
        theta = SquaredLoss(design, np.array([[-5.0]])).fit(np.ones(1), free_space(3), start)
        np.testing.assert_allclose(theta, [2.0, 3.0, 3.0], atol=1e-6)

    @pytest.mark.parametrize("link", [*SMOOTH, Power(1.0)], ids=name_of)
    def test_samples_without_weight_do_not_count(self, link):
        rng = np.random.default_rng(13)
        loss = draw_loss(link, rng, linear=False)
        weights = rng.random(40)
        weights[::2] = 0.0
        part, start = loss.restrict(slice(1, None, 2)), rng.normal(size=3)
        np.testing.assert_allclose(
            loss.fit(weights, free_space(3), start),
            part.fit(weights[1::2], free_space(3), start),
            atol=1e-9,
        )

    @pytest.mark.parametrize("link", [*SMOOTH, Power(1.0)], ids=name_of)
    def test_parameters_that_no_sample_weighs_on_stay(self, link):
        start = np.array([1.0, -2.0, 0.5])
        loss = draw_loss(link, np.random.default_rng(14), linear=False)
        np.testing.assert_allclose(loss.fit(np.zeros(40), free_space(3), start), start)
        centres = CentreLoss(np.ones((5, 3)))
        np.testing.assert_array_equal(centres.fit(np.zeros(5), free_space(3), start), start)

    @pytest.mark.parametrize("link", [*SMOOTH, Power(1.0)], ids=name_of)
    def test_infeasible_constraints_are_refused(self, link):
        loss = draw_loss(link, np.random.default_rng(15), linear=False)
        space = ParameterSpace(np.array([[1.0, 0, 0], [-1.0, 0, 0]]), np.array([0.0, -1.0]))
        with pytest.raises(ValueError, match=r"constraints|infeasible"):
            loss.fit(np.ones(40), space, np.zeros(3))

    def test_factors_are_fitted_one_by_one(self):
        rng = np.random.default_rng(16)
        spaces = [space_for(rng, kind) for kind in ("free", "all", "inequality")]
        for link in (Square(), Logistic()):
            loss, weights = draw_loss(link, rng), rng.random((40, 3))
            starts = rng.normal(size=(3, 3))
            together = loss.fit_all(weights, Spaces(spaces), starts)
            for theta, w, space, start in zip(together, weights.T, spaces, starts):
                np.testing.assert_allclose(loss.fit(w, space, start), theta, atol=1e-8)
