"""Separable factorisation through an operator: its problem, its answers and its refusals."""

import numpy as np
import pytest
from contracts.instances import generators, read_only
from scipy.sparse.linalg import aslinearoperator

from multiconvex import (
    NonNegative,
    Simplex,
    SubSimplex,
    inverse_separable_nmf,
    match_components,
    separable_nmf,
)
from multiconvex.models.inverse_separable import (
    MeasuredSimplexProblem,
    least_norm_image,
    squared_norm,
)

SPECTRA = np.array(
    [[1.0, 0.1, 0.2], [0.1, 1.0, 0.3], [0.2, 0.2, 1.0], [0.6, 0.1, 0.4], [0.1, 0.7, 0.5]]
)


def blocks_of_pixels(seed=0, n_blocks=24, size=3):
    """Maps constant on sets of pixels, three of which are pure, and the sums over those sets."""
    rng = np.random.default_rng(seed)
    shares = np.vstack([np.eye(3), rng.dirichlet(np.ones(3), n_blocks - 3)])
    maps = np.repeat(shares[rng.permutation(n_blocks)], size, axis=0)
    return maps, np.kron(np.eye(n_blocks), np.ones(size))


def problem_and_point(seed, weight=0.7, delta=0.2):
    rng = np.random.default_rng(seed)
    A, Y = rng.standard_normal((7, 9)), rng.standard_normal((7, 5))
    problem = MeasuredSimplexProblem(Y, aslinearoperator(A), 3, Simplex(), weight, delta)
    return problem, (rng.dirichlet(np.ones(3), 9), 0.2 + rng.random((5, 3))), A, Y


class TestProblem:
    def test_loss_is_the_documented_one(self):
        for seed in range(4):
            problem, (W, H), A, Y = problem_and_point(seed)
            fit = 0.5 * np.sum((Y - A @ W @ H.T) ** 2)
            volume = np.log(np.linalg.det(np.eye(3) + H.T @ H / 0.2))
            np.testing.assert_allclose(problem.loss((W, H)), fit + 0.35 * volume, rtol=1e-11)
            np.testing.assert_allclose(problem.volume.logarithm(H), volume, rtol=1e-12)

    @pytest.mark.parametrize("k", [0, 1])
    def test_gradient_agrees_with_central_differences(self, k):
        for seed in range(4):
            problem, x, *_ = problem_and_point(seed)
            d = np.random.default_rng(seed).standard_normal(x[k].shape)
            ends = [problem.loss((*x[:k], x[k] + h * d, *x[k + 1 :])) for h in (1e-6, -1e-6)]
            slope = np.vdot(problem.gradient(x, k), d)
            np.testing.assert_allclose((ends[0] - ends[1]) / 2e-6, slope, rtol=1e-6)

    def test_normal_equations_touch_the_loss_from_above(self):
        for seed in range(20):
            problem, (W, H), *_ = problem_and_point(seed)
            gram, rhs = problem.normal_equations((W, H), 1)

            def quadratic(H, gram=gram, rhs=rhs):
                return 0.5 * np.vdot(H @ gram, H) - np.vdot(rhs, H)

            for size in (0.01, 0.3, 3.0):
                other = np.abs(H + size * np.random.default_rng(seed).standard_normal(H.shape))
                change = problem.loss((W, other)) - problem.loss((W, H))
                assert change <= quadratic(other) - quadratic(H) + 1e-10

    def test_curvature_in_the_maps_is_that_of_the_quadratic(self):
        for seed in range(6):
            problem, (W, H), A, _ = problem_and_point(seed)
            exact = np.linalg.norm(np.kron(A.T @ A, H.T @ H), 2)
            assert exact <= problem.lipschitz((W, H), 0) <= 1.02 * exact

    def test_squared_norm_is_a_bound_that_is_nearly_tight(self):
        for rng in generators(8):
            A = rng.standard_normal((6, 11)) * rng.choice([1e-3, 1.0, 50.0])
            exact = np.linalg.norm(A, 2) ** 2
            assert exact <= squared_norm(aslinearoperator(A)) <= 1.02 * exact


class TestReconstruction:
    def test_it_is_the_pseudo_inverse_in_the_best_subspace(self):
        for rng in generators(4):
            A = rng.standard_normal((8, 12))
            Y = A @ rng.random((12, 3)) @ rng.random((3, 6))
            np.testing.assert_allclose(
                least_norm_image(Y, A, 3), np.linalg.pinv(A) @ Y, rtol=1e-6, atol=1e-7
            )

    def test_sums_over_sets_give_means_over_sets(self):
        maps, A = blocks_of_pixels()
        X = np.random.default_rng(1).random((len(maps), 3)) @ SPECTRA.T
        means = np.kron(A @ X / 3.0, np.ones((3, 1)))
        np.testing.assert_allclose(least_norm_image(A @ X, A, 3), means, atol=1e-8)


class TestFactorization:
    def test_pure_sets_of_pixels_are_found(self):
        for seed in range(3):
            maps, A = blocks_of_pixels(seed)
            result = inverse_separable_nmf(A @ maps @ SPECTRA.T, A, 3)
            order, cosines = match_components(result.H, SPECTRA)
            assert cosines.min() > np.cos(np.radians(1.0))
            assert np.abs(result.W[:, order] - maps).max() < 0.05
            np.testing.assert_array_equal(maps[result.indices[order]], np.eye(3))

    def test_identity_agrees_with_selection(self):
        maps, _ = blocks_of_pixels()
        X = maps @ SPECTRA.T
        joint = inverse_separable_nmf(X, np.eye(len(X)), 3)
        _, cosines = match_components(joint.H, separable_nmf(X.T, 3).W)
        assert cosines.min() > np.cos(np.radians(1.0))

    def test_trace_never_rises_over_all_stages(self):
        maps, A = blocks_of_pixels()
        noise = 0.05 * np.random.default_rng(0).standard_normal((len(A), len(SPECTRA)))
        result = inverse_separable_nmf(A @ maps @ SPECTRA.T + noise, A, 3, stages=6, sweeps=4)
        trace = result.trace
        assert np.diff(trace.objective).max() <= 1e-10 * trace.objective[0]
        np.testing.assert_array_equal(trace.iteration, np.arange(result.n_iter + 1))
        assert result.n_iter > 24
        assert result.objective == trace.objective[-1]

    def test_abundances_sum_as_asked(self):
        maps, A = blocks_of_pixels()
        light = np.random.default_rng(0).uniform(0.5, 1.0, (len(maps), 1))
        Y = A @ (light * maps) @ SPECTRA.T
        for penalty in (Simplex(), SubSimplex()):
            result = inverse_separable_nmf(Y, A, 3, penalty=penalty)
            assert penalty.value(result.W) == 0.0
            assert result.H.min() >= 0.0
        assert result.W.sum(axis=1).min() < 0.9

    def test_units_of_the_data_do_not_matter(self):
        maps, A = blocks_of_pixels()
        Y = A @ maps @ SPECTRA.T
        one, other = (inverse_separable_nmf(c * Y, A, 3) for c in (1.0, 1e3))
        np.testing.assert_allclose(other.H, 1e3 * one.H, rtol=1e-4, atol=1e-3)

    def test_larger_volumes_are_smaller(self):
        maps, A = blocks_of_pixels()
        Y = A @ maps @ SPECTRA.T
        sizes = [inverse_separable_nmf(Y, A, 3, volume=v).H for v in (1e-6, 1e-3, 1e-1)]
        volumes = [np.linalg.det(H.T @ H) for H in sizes]
        assert volumes[0] > volumes[1] > volumes[2]

    def test_a_start_that_is_given_is_used_and_kept(self):
        maps, A = blocks_of_pixels()
        (W, H) = read_only(maps, SPECTRA)
        result = inverse_separable_nmf(A @ maps @ SPECTRA.T, A, 3, init=(W, H), volume=1e-8)
        _, cosines = match_components(result.H, SPECTRA)
        assert cosines.min() > np.cos(np.radians(0.5))

    def test_the_objective_is_the_documented_one_at_the_final_weight(self):
        maps, A = blocks_of_pixels()
        Y = A @ maps @ SPECTRA.T + 0.1
        result = inverse_separable_nmf(Y, A, 3, init=(maps, SPECTRA), volume=1e-3, delta=0.01)
        delta = 0.01 * np.sum(SPECTRA**2) / 3
        volume = np.log(np.linalg.det(np.eye(3) + result.H.T @ result.H / delta))
        fit = 0.5 * np.sum((Y - A @ result.reconstruct()) ** 2)
        assert result.volume == pytest.approx(volume, rel=1e-9)
        assert result.objective == pytest.approx(fit + 5e-4 * np.sum(Y**2) * volume, rel=1e-9)

    def test_a_callback_stops_at_any_stage(self):
        maps, A = blocks_of_pixels()
        Y = A @ maps @ SPECTRA.T
        for last in (3, 17):
            result = inverse_separable_nmf(
                Y, A, 3, sweeps=5, callback=lambda sweep, last=last: sweep.iteration == last
            )
            assert (result.n_iter, result.status) == (last, "stopped")

    def test_inputs_are_never_written_to_and_the_same_bytes_come_twice(self):
        maps, A = blocks_of_pixels()
        Y, A = read_only(A @ maps @ SPECTRA.T, A)
        first, second = (inverse_separable_nmf(Y, A, 3) for _ in range(2))
        assert first.H.tobytes() == second.H.tobytes()


class TestRefusals:
    Y, A = np.ones((4, 5)), np.ones((4, 9))

    def test_shapes(self):
        with pytest.raises(ValueError, match="operator gives 4 measurements but Y has 3 rows"):
            inverse_separable_nmf(self.Y[:3], self.A, 2)
        with pytest.raises(ValueError, match="rank must be at most 4"):
            inverse_separable_nmf(self.Y, self.A, 5)
        with pytest.raises(ValueError, match="init of W must have shape"):
            inverse_separable_nmf(self.Y, self.A, 2, init=(np.ones((4, 2)), np.ones((5, 2))))

    @pytest.mark.parametrize("name", ["volume", "delta"])
    def test_weights(self, name):
        with pytest.raises(ValueError, match=f"{name} must be a finite positive number"):
            inverse_separable_nmf(self.Y, self.A, 2, **{name: 0.0})

    @pytest.mark.parametrize("penalty", [NonNegative(), Simplex(axis=0)])
    def test_penalties(self, penalty):
        with pytest.raises(TypeError, match="penalty must be Simplex"):
            inverse_separable_nmf(self.Y, self.A, 2, penalty=penalty)

    def test_data(self):
        with pytest.raises(ValueError, match="Y is zero"):
            inverse_separable_nmf(0.0 * self.Y, self.A, 2)
        with pytest.raises(ValueError, match="NaN"):
            inverse_separable_nmf(np.full((4, 5), np.nan), self.A, 2)
        with pytest.raises(ValueError, match="init must be one of"):
            inverse_separable_nmf(self.Y, self.A, 2, init="random")
