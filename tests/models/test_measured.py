"""Images and factors straight from measurements: the problems, and the fits against solvers."""

import numpy as np
import pytest
from contracts.problem import ProblemContract

from multiconvex import (
    Box,
    Frobenius,
    ImageTotalVariation,
    KullbackLeibler,
    MeasuredFactorProblem,
    MeasuredRegressionProblem,
    MetricProxGradient,
    MultiplicativeUpdate,
    NonNegative,
    SplitHadamard2D,
    alternate,
    coarse_patterns,
    measured_nmf,
    measured_regression,
    spectral_angle,
)

RNG = np.random.default_rng(0)
CAMERA = SplitHadamard2D(2)
A = CAMERA.as_linear_operator()
DENSE = A @ np.eye(4)
Y = RNG.poisson(5.0, (8, 3)).astype(float) * (DENSE.sum(axis=1) > 0)[:, None]
H = 0.2 + RNG.random((3, 2))
DARK = RNG.random(8)


def divergence(y, z):
    return np.sum(np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / z), 0.0) - y + z)


class TestFactorProblem(ProblemContract):
    loss_function = KullbackLeibler()
    smooth_everywhere = False
    background = DARK

    def problem(self):
        plain = NonNegative()
        return MeasuredFactorProblem(
            Y, A, 2, self.loss_function, (plain, plain), gain=1.5, background=self.background
        )

    def model(self, W, H):
        return 1.5 * DENSE @ W @ H.T + np.broadcast_to(self.background, 8)[:, None]

    def documented_loss(self, x):
        return divergence(Y, self.model(*x))

    def minimiser(self):
        problem = self.problem()
        start = self.point(problem, np.random.default_rng(1))
        fit = alternate(problem, start, MetricProxGradient(), stop=_never(), max_iter=3000)
        return problem, tuple(fit.blocks.values())


class TestQuadraticFactorProblem(TestFactorProblem):
    loss_function = Frobenius()
    smooth_everywhere = True
    background = 0.0

    def documented_loss(self, x):
        return 0.5 * np.sum((Y - self.model(*x)) ** 2)


class TestRegressionProblem(TestFactorProblem):
    def problem(self):
        return MeasuredRegressionProblem(
            Y, A, H, self.loss_function, NonNegative(), gain=1.5, background=self.background
        )

    def documented_loss(self, x):
        return divergence(Y, self.model(x[0], H))


def _never():
    from multiconvex import RelativeDecrease

    return RelativeDecrease(0.0)


def convex_image(y, matrix, penalty=0.0, spectra=None, loss="kl", dark=0.0):
    """Return the optimal value by a general convex solver."""
    import cvxpy

    W = cvxpy.Variable((matrix.shape[1], 1 if spectra is None else spectra.shape[1]), nonneg=True)
    model = matrix @ (W if spectra is None else W @ spectra.T) + dark
    shown = matrix.sum(axis=1) > 0
    y = y.reshape(len(y), -1)
    if loss == "kl":
        cost = cvxpy.sum(cvxpy.kl_div(y[shown], model[shown]))
    else:
        cost = cvxpy.sum_squares(y - model) / 2
    if penalty:
        image = cvxpy.reshape(W[:, 0], (4, 4), order="C")
        image = cvxpy.vstack([image, image[-1:, :]])
        cost += penalty * cvxpy.tv(cvxpy.hstack([image, image[:, -1:]]))
    problem = cvxpy.Problem(cvxpy.Minimize(cost))
    problem.solve(solver=cvxpy.CLARABEL)
    return problem.value


@pytest.fixture(scope="module")
def counts():
    camera = SplitHadamard2D(4)
    image = np.random.default_rng(2).random((4, 4)) * (np.arange(16).reshape(4, 4) > 5)
    return camera, camera.acquire(image, gain=4.0, random_state=0).ravel()


class TestRegression:
    @pytest.mark.parametrize(("loss", "short"), [("kullback-leibler", "kl"), ("frobenius", "ls")])
    def test_reaches_the_convex_optimum(self, counts, loss, short):
        camera, y = counts
        operator = camera.as_linear_operator()
        fit = measured_regression(y, operator, gain=4.0, loss=loss, tol=1e-13)
        best = convex_image(y, 4.0 * (operator @ np.eye(16)), loss=short)
        assert fit.objective == pytest.approx(best, rel=1e-6)
        assert fit.x.shape == (16,) and fit.x.min() >= 0

    def test_total_variation_reaches_it_too(self, counts):
        camera, y = counts
        operator, penalty = camera.as_linear_operator(), ImageTotalVariation((4, 4), 3.0, tol=1e-10)
        fit = measured_regression(y, operator, gain=4.0, penalty=penalty, tol=1e-12)
        best = convex_image(y, 4.0 * (operator @ np.eye(16)), penalty=3.0)
        assert fit.objective == pytest.approx(best, rel=1e-6)

    def test_few_patterns_and_a_dark_current(self, counts):
        image = np.random.default_rng(3).random((4, 4))
        camera = SplitHadamard2D(4, shown=coarse_patterns(4, 0.6))
        y = camera.acquire(image, gain=9.0, dark=2.0, random_state=0).ravel()
        operator = camera.as_linear_operator()
        dense = 9.0 * (operator @ np.eye(16))
        fit = measured_regression(y, operator, gain=9.0, background=2.0, tol=1e-13, max_iter=5000)
        reached = dense.sum(axis=1) > 0
        constant = 2.0 * np.count_nonzero(~reached)
        assert fit.objective - constant == pytest.approx(convex_image(y, dense, dark=2.0), rel=1e-5)

    def test_known_spectra(self):
        rng = np.random.default_rng(4)
        camera, spectra = SplitHadamard2D(4), 0.1 + rng.random((5, 2))
        operator = camera.as_linear_operator()
        y = rng.poisson(operator @ rng.random((16, 2)) @ spectra.T).astype(float)
        fit = measured_regression(y, operator, spectra=spectra, tol=1e-13)
        best = convex_image(y, operator @ np.eye(16), spectra=spectra)
        assert fit.objective == pytest.approx(best, rel=1e-6)
        assert fit.x.shape == (16, 2)

    def test_bands_without_spectra_are_images_of_their_own(self):
        rng = np.random.default_rng(5)
        camera = SplitHadamard2D(4)
        operator, y = camera.as_linear_operator(), rng.poisson(9.0, (32, 3)).astype(float)
        together = measured_regression(y, operator, tol=1e-14).x
        alone = [measured_regression(y[:, b], operator, tol=1e-14).x for b in range(3)]
        np.testing.assert_allclose(together, np.stack(alone, axis=1), atol=1e-4)

    def test_any_nonnegative_matrix_is_an_operator(self):
        rng = np.random.default_rng(6)
        matrix, y = rng.random((9, 5)), rng.poisson(4.0, 9).astype(float)
        fit = measured_regression(y, matrix, tol=1e-14, max_iter=20000)
        assert fit.objective == pytest.approx(convex_image(y, matrix), rel=1e-6)

    def test_the_trace_never_rises_and_starts_at_init(self, counts):
        camera, y = counts
        init = 0.1 + np.random.default_rng(7).random(16)
        fit = measured_regression(y, camera.as_linear_operator(), gain=4.0, init=init)
        assert np.diff(fit.trace.objective).max() <= 0
        same = measured_regression(y, camera.as_linear_operator(), gain=4.0, init=init, max_iter=0)
        np.testing.assert_array_equal(same.x, init)

    def test_a_box_is_honoured(self, counts):
        camera, y = counts
        fit = measured_regression(y, camera.as_linear_operator(), gain=4.0, penalty=Box(0.0, 0.5))
        assert fit.x.max() == pytest.approx(0.5) and fit.x.min() >= 0

    def test_single_precision_is_kept(self, counts):
        camera, y = counts
        operator = camera.as_linear_operator(np.float32)
        fit = measured_regression(y.astype(np.float32), operator, gain=4.0)
        assert fit.x.dtype == np.float32
        exact = measured_regression(y, camera.as_linear_operator(), gain=4.0).x
        np.testing.assert_allclose(fit.x, exact, atol=2e-2)


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(8)
    W = rng.random((256, 2)) * (rng.random((256, 2)) > 0.5)
    H = np.array([[4.0, 3.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.5, 2.0, 3.0, 1.0]]).T
    camera = SplitHadamard2D(16)
    images = np.moveaxis((W @ H.T).reshape(16, 16, 6), 2, 0)
    counts = camera.acquire(images, gain=20.0, random_state=0).reshape(6, -1).T
    return camera.as_linear_operator(), counts, W, H


class TestFactorization:
    @pytest.mark.parametrize("update", [MultiplicativeUpdate(), MetricProxGradient()])
    @pytest.mark.parametrize("loss", ["kullback-leibler", "frobenius"])
    def test_the_objective_never_rises(self, scene, update, loss):
        operator, counts, _, _ = scene
        rng = np.random.default_rng(9)
        init = 0.1 + rng.random((256, 2)), 0.1 + rng.random((6, 2))
        fit = measured_nmf(
            counts,
            operator,
            2,
            gain=20.0,
            loss=loss,
            update=update,
            init=init,
            max_iter=60,
            tol=0.0,
        )
        costs = fit.trace.objective
        assert np.diff(costs).max() <= 1e-10 * costs[0] and costs[-1] < costs[0]

    def test_finds_the_planted_spectra(self, scene):
        operator, counts, W, H = scene
        fit = measured_nmf(counts, operator, 2, gain=20.0, tol=0.0, random_state=0)
        order = [int(np.argmin(spectral_angle(fit.H, h[:, None] @ np.ones((1, 2))))) for h in H.T]
        assert sorted(order) == [0, 1]
        assert spectral_angle(fit.H[:, order], H).max() < 2.0
        assert np.linalg.norm(fit.reconstruct() - W @ H.T) < 0.25 * np.linalg.norm(W @ H.T)

    def test_beats_its_own_start_and_multiplicative_updates(self, scene):
        operator, counts, _, _ = scene
        start = measured_nmf(counts, operator, 2, gain=20.0, max_iter=0, random_state=0)
        options = {"gain": 20.0, "init": start.factors, "max_iter": 30, "tol": 0.0}
        slow = measured_nmf(counts, operator, 2, update=MultiplicativeUpdate(), **options)
        fast = measured_nmf(counts, operator, 2, **options)
        assert fast.objective < slow.objective < start.objective

    def test_multiplicative_steps_are_the_documented_ones(self):
        rng = np.random.default_rng(10)
        W, V = 0.1 + rng.random((4, 2)), 0.1 + rng.random((3, 2))
        reached = DENSE.sum(axis=1) > 0
        fit = measured_nmf(
            Y, A, 2, gain=1.5, update=MultiplicativeUpdate(floor=0.0), init=(W, V), max_iter=1,
            tol=0.0,
        )  # fmt: skip
        A1, y = DENSE[reached], Y[reached]
        ratio = y / (1.5 * A1 @ W @ V.T)
        W1 = W * (A1.T @ ratio @ V) / np.outer(A1.sum(axis=0), V.sum(axis=0))
        ratio = y / (1.5 * A1 @ W1 @ V.T)
        V1 = V * (ratio.T @ A1 @ W1) / np.outer(np.ones(3), (A1 @ W1).sum(axis=0))
        np.testing.assert_allclose(fit.W, W1, rtol=1e-9)
        np.testing.assert_allclose(fit.H, V1, rtol=1e-9)

    def test_another_shape_and_precision(self):
        rng = np.random.default_rng(11)
        camera = SplitHadamard2D(8, order="natural")
        operator = camera.as_linear_operator(np.float32)
        X = (rng.random((64, 3)) @ rng.random((3, 10))).astype(np.float32)
        fit = measured_nmf((operator @ X).astype(np.float32), operator, 3, random_state=0)
        assert fit.W.dtype == fit.H.dtype == np.float32
        assert np.linalg.norm(fit.reconstruct() - X) < 0.05 * np.linalg.norm(X)

    def test_same_seed_same_bytes(self, scene):
        operator, counts, _, _ = scene
        first, second = (
            measured_nmf(counts, operator, 2, max_iter=3, tol=0.0, random_state=1) for _ in range(2)
        )
        assert first.W.tobytes() == second.W.tobytes()


def test_clipping_after_subtraction_adds_more_light_than_the_model_does():
    """Nonnegativity alone makes faint images brighter too, but by less."""
    camera, dark, gain, truth = SplitHadamard2D(8), 3.0, 0.05, 0.5
    rng, operator = np.random.default_rng(12), camera.as_linear_operator()
    clipped, fitted = [], []
    for _ in range(40):
        counts = camera.acquire(np.full((8, 8), truth), gain=gain, dark=dark, random_state=rng)
        clipped.append(camera.pinv(np.maximum(counts - dark, 0.0)).mean() / gain)
        fit = measured_regression(counts.ravel(), operator, gain=gain, background=dark)
        fitted.append(fit.x.mean())
    assert np.mean(clipped) > 1.3 * truth
    assert abs(np.mean(fitted) - truth) < 0.5 * (np.mean(clipped) - truth)


class TestRefusals:
    def test_counts(self):
        with pytest.raises(ValueError, match="Y must be nonnegative"):
            measured_regression(-np.ones(8), A)
        with pytest.raises(ValueError, match="Y has 8 NaN or infinite entries"):
            measured_nmf(np.full((8, 1), np.nan), A, 1)
        with pytest.raises(ValueError, match=r"one row for each of the 8 measurements.*got 4"):
            measured_regression(np.ones(4), A)
        with pytest.raises(ValueError, match="flatten patterns and put bands last"):
            measured_nmf(np.ones((3, 8)), A, 1)

    def test_options(self):
        with pytest.raises(ValueError, match="spectra must have one row for each of the 3 bands"):
            measured_regression(Y, A, spectra=np.ones((4, 2)))
        with pytest.raises(ValueError, match="background must be a nonnegative number"):
            measured_regression(Y, A, background=-1.0)
        with pytest.raises(ValueError, match="gain must be a finite positive number"):
            measured_regression(Y, A, gain=0.0)
        with pytest.raises(ValueError, match="loss must be one of"):
            measured_regression(Y, A, loss="poisson")
        with pytest.raises(ValueError, match="init must be one of 'reconstruct'"):
            measured_nmf(Y, A, 2, init="nndsvd")
        with pytest.raises(ValueError, match="rank must be at most"):
            measured_nmf(Y, A, 5)
