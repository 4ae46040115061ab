"""Weighted multiplicative layers: what they minimise, and their derivatives."""

import numpy as np
import pytest

from multiconvex import MultiplicativeUpdate, NonNegative, RelativeDecrease, alternate, nnls
from multiconvex.models import FactorProblem
from multiconvex.unrolled_layers import factor_loss, forward, multiply, multiply_adjoint, reverse

K, M, N, R = 5, 7, 9, 3


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def data(rng):
    return rng.random((M, N)), rng.random((M, R)), rng.random((N, R))


def random_weights(rng, spread=0.4):
    shapes = (K, M, R), (K, R)
    return [np.exp(spread * rng.standard_normal(shape)) for shape in shapes]


def slope(function, point, direction, step=1e-6):
    """Derivative by central differences."""
    return (function(point + step * direction) - function(point - step * direction)) / (2 * step)


class TestForward:
    def test_unit_weights_are_the_multiplicative_updates_bit_by_bit(self, data):
        X, W, H = data
        points = []
        alternate(
            FactorProblem(X, R, (NonNegative(), NonNegative())),
            (W, H),
            MultiplicativeUpdate(floor=0.0),
            stop=RelativeDecrease(0.0),
            max_iter=K,
            callback=lambda sweep: points.append(tuple(sweep.blocks.values())),
        )
        run = forward(X, W, H, np.ones((K, M, R)), np.ones((K, R)))
        for k, (W_k, H_k) in enumerate(points):
            np.testing.assert_array_equal(run.W[k + 1], W_k)
            np.testing.assert_array_equal(run.H[k + 1], H_k)

    def test_the_second_half_of_a_layer_sees_the_new_factor(self, data, rng):
        X, W, H = data
        A, b = random_weights(rng)
        run = forward(X, W, H, A[:1], b[:1])
        W_new = A[0] * W * (X @ H) / (W @ H.T @ H)
        H_new = b[0] * H * (X.T @ W_new) / (H @ W_new.T @ W_new)
        np.testing.assert_allclose(run.W[1], W_new, rtol=1e-14)
        np.testing.assert_allclose(run.H[1], H_new, rtol=1e-14)

    def test_a_factor_without_weights_stays(self, data, rng):
        X, W, H = data
        b = random_weights(rng)[1]
        run = forward(X, W, H, [None] * K, b)
        assert all(entry is W for entry in run.W)
        expected = H
        for weights in b:
            expected = weights * expected * (X.T @ W) / (expected @ W.T @ W)
        np.testing.assert_allclose(run.H[-1], expected, rtol=1e-13)

    @pytest.mark.parametrize("scale", [1e-60, 1e60])
    def test_the_scale_of_the_data_goes_to_the_second_factor(self, data, rng, scale):
        X, W, H = data
        weights = random_weights(rng)
        one, other = (forward(t * X, W, t * H, *weights) for t in (1.0, scale))
        np.testing.assert_allclose(other.W[-1], one.W[-1], rtol=1e-12)
        np.testing.assert_allclose(other.H[-1], scale * one.H[-1], rtol=1e-12)

    def test_rows_without_data_become_zero_and_nothing_breaks(self, data, rng):
        X, W, H = data
        X[2], X[:, 4] = 0.0, 0.0
        weights = random_weights(rng)
        run = forward(X, W, H, *weights)
        assert not run.W[-1][2].any() and not run.H[-1][4].any()
        adjoints = [(np.ones((M, R)), np.ones((N, R)))] * K
        for gradients in reverse(X, run, *weights, adjoints):
            assert np.isfinite(gradients).all()

    def test_single_precision_is_kept(self, data, rng):
        single = [array.astype(np.float32) for array in (*data, *random_weights(rng))]
        run = forward(*single)
        assert run.W[-1].dtype == run.H[-1].dtype == np.float32


class TestMajorisation:
    """Tied weights and one free factor: the cost of which a layer is a majorisation step."""

    @pytest.fixture
    def regression(self, data, rng):
        X, W, H = data
        return X, W, H, rng.uniform(0.5, 1.5, H.shape)

    @staticmethod
    def cost(X, W, H, weights):
        return 0.5 * np.sum((X - W @ H.T) ** 2) + np.vdot(X, W @ (H - weights * H).T)

    def test_the_cost_falls_and_the_limit_is_its_nonnegative_minimiser(self, regression):
        X, W, H, weights = regression
        steps = 30_000
        points = forward(X, W, H, [None] * steps, [weights] * steps).H
        costs = [self.cost(X, W, point, weights) for point in points[:300]]
        assert np.all(np.diff(costs) <= 1e-13 * abs(costs[0]))
        # Data with the weighted correlations turn the cost into that of a plain regression.
        data = np.linalg.lstsq(W.T, weights.T * (W.T @ X), rcond=None)[0]
        best = nnls(W, data).x.T
        value = self.cost(X, W, best, weights)
        assert self.cost(X, W, points[-1], weights) == pytest.approx(value, rel=1e-6)

    def test_fixed_points_satisfy_the_weighted_conditions(self, regression):
        X, W, H, weights = regression
        steps = 30_000
        end = forward(X, W, H, [None] * steps, [weights] * steps).H[-1]
        slack = end * (end @ W.T @ W - weights * (X.T @ W))
        assert np.abs(slack).max() < 1e-6

    def test_one_weight_for_all_scales_the_regression(self, data):
        _, W, H = data
        steps = 2000
        end = forward(W @ H.T, W, np.ones((N, R)), [None] * steps, [np.full(R, 1.2)] * steps)
        np.testing.assert_allclose(end.H[-1], 1.2 * H, rtol=1e-3)


class TestReverse:
    def test_adjoint_of_one_step(self, rng):
        x, weights, num = rng.random((3, N, R)) + 0.1
        gram, bar = rng.random((R, R)), rng.standard_normal((N, R))
        gram = gram @ gram.T
        new, ratio = multiply(x, weights, num, gram)
        bar_x, bar_num, bar_gram = multiply_adjoint(bar, x, new, weights, ratio, gram)
        d_x, d_num = rng.standard_normal((2, N, R))
        root = rng.random((R, R))
        assert slope(
            lambda v: np.vdot(bar, multiply(v, weights, num, gram)[0]), x, d_x
        ) == pytest.approx(np.vdot(bar_x, d_x), rel=1e-7)
        assert slope(
            lambda v: np.vdot(bar, multiply(x, weights, v, gram)[0]), num, d_num
        ) == pytest.approx(np.vdot(bar_num, d_num), rel=1e-7)
        # A Gram matrix moves by h.T d + d.T h, to which the sum of both halves is the adjoint.
        assert slope(
            lambda v: np.vdot(bar, multiply(x, weights, num, v)[0]), gram, root + root.T
        ) == pytest.approx(np.vdot(bar_gram, root), rel=1e-7)

    @pytest.mark.parametrize("fixed", [False, True])
    @pytest.mark.parametrize("silent", [(), (0, 2), (4,)])
    def test_gradients_agree_with_differences_in_every_weight(self, data, rng, fixed, silent):
        X, W, H = data
        truth = rng.random((M, R)), rng.random((N, R))
        emphasis = rng.random(K)
        emphasis[list(silent)] = 0.0
        logs = [np.log(weights) for weights in random_weights(rng)]

        def run_layers(logs):
            weights_W = [None] * K if fixed else np.exp(logs[0])
            return weights_W, forward(X, W, H, weights_W, np.exp(logs[1]))

        def loss(logs):
            run = run_layers(logs)[1]
            return emphasis @ factor_loss(np.stack(run.W[1:]), np.stack(run.H[1:]), *truth)[0]

        weights_W, run = run_layers(logs)
        bars = factor_loss(np.stack(run.W[1:]), np.stack(run.H[1:]), *truth)[1]
        adjoints = [
            tuple(nu * bar for bar in pair) if nu else None for nu, *pair in zip(emphasis, *bars)
        ]
        gradients = reverse(X, run, weights_W, np.exp(logs[1]), adjoints)
        largest = max(np.abs(part).max() for part in gradients if part[0] is not None)
        for block, gradient in enumerate(gradients):
            if fixed and block == 0:
                assert gradient == [None] * K
                continue
            for where in np.ndindex(logs[block].shape):
                direction = np.zeros_like(logs[block])
                direction[where] = 1.0
                other = logs[1 - block]

                def along(v, block=block, other=other):
                    return loss([v, other] if block == 0 else [other, v])

                expected = slope(along, logs[block], direction, step=1e-5)
                assert abs(gradient[where[0]][where[1:]] - expected) < 1e-7 * largest

    def test_layers_after_the_last_supervised_one_have_no_gradient(self, data, rng):
        X, W, H = data
        weights = random_weights(rng)
        run = forward(X, W, H, *weights)
        adjoints = [None, (np.ones((M, R)), np.ones((N, R))), None, None, None]
        for gradient in reverse(X, run, *weights, adjoints):
            assert np.abs(gradient[1]).max() > 0 and not np.any(gradient[2:])


class TestFactorLoss:
    def test_zero_at_the_truth_at_any_scale(self, data):
        _, W, H = data
        W /= W.mean(axis=0)
        scales = np.array([0.1, 1.0, 30.0])
        loss, bars = factor_loss(scales * W, H / scales, W, H)
        assert loss == pytest.approx(0.0, abs=1e-28)
        assert all(np.abs(bar).max() < 1e-12 for bar in bars)

    def test_scales_of_components_do_not_matter(self, data, rng):
        _, W, H = data
        truth = rng.random((M, R)), rng.random((N, R))
        loss, (bar_W, bar_H) = factor_loss(W, H, *truth)
        scales = rng.uniform(0.2, 5.0, R)
        assert factor_loss(scales * W, H / scales, *truth)[0] == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose((bar_W * W).sum(axis=0), (bar_H * H).sum(axis=0), rtol=1e-10)

    def test_a_stack_of_factors_has_a_stack_of_losses(self, data, rng):
        _, W, H = data
        truth = rng.random((M, R)), rng.random((N, R))
        stack = np.stack([W, 2 * W + 1]), np.stack([H, H**2])
        losses, bars = factor_loss(*stack, *truth)
        for k in range(2):
            loss, single = factor_loss(stack[0][k], stack[1][k], *truth)
            assert losses[k] == pytest.approx(loss, rel=1e-14)
            for bar, expected in zip(bars, single):
                np.testing.assert_allclose(bar[k], expected, rtol=1e-12)
