"""What every factor model must satisfy."""

from typing import ClassVar

import numpy as np
import pytest

from multiconvex import factor_match_score


class ModelContract:
    """Subclasses fit exact data and noisy data, and give the factors behind the exact ones."""

    rank = 3
    converge: ClassVar[dict] = {"tol": 1e-13, "max_iter": 20000}
    objective_slack = 1e-10
    match = 1 - 1e-4
    residual = 1e-4

    def fit(self, X, **options):
        raise NotImplementedError

    def exact(self):
        """Return data that the model describes exactly, and the factors behind them."""
        raise NotImplementedError

    def noisy(self):
        """Return data that the model does not describe exactly."""
        X, _ = self.exact()
        return X * (1.0 + 0.1 * np.random.default_rng(11).random(X.shape))

    def problem(self, X):
        """Return the multi-block problem that the model solves."""
        raise NotImplementedError

    def documented_objective(self, X, factors):
        raise NotImplementedError

    def start(self, X):
        rng = np.random.default_rng(12)
        return tuple(0.1 + rng.random((n, self.rank)) for n in X.shape)

    def test_recovers_planted_factors_up_to_order_and_scale(self):
        X, factors = self.exact()
        result = self.fit(X, random_state=0, **self.converge)
        size = self.documented_objective(X, [0 * factor for factor in factors])
        assert result.objective <= self.objective_slack * min(size, np.sum(X**2))
        assert factor_match_score(list(result.blocks.values()), list(factors)) > self.match

    def test_first_order_conditions_hold_on_noisy_data(self):
        X = self.noisy()
        result = self.fit(X, random_state=0, **self.converge)
        assert self.problem(X).residual(tuple(result.blocks.values())) < self.residual

    def test_objective_is_the_documented_one(self):
        X = self.noisy()
        result = self.fit(X, random_state=0, max_iter=5, tol=0)
        documented = self.documented_objective(X, list(result.blocks.values()))
        np.testing.assert_allclose(result.objective, documented, rtol=1e-9)

    def test_shapes_and_reconstruction(self):
        X = self.noisy()
        result = self.fit(X, random_state=0, max_iter=3, tol=0)
        shapes = [(n, self.rank) for n in X.shape]
        assert [block.shape for block in result.blocks.values()] == shapes
        letters = "abcdefgh"[: X.ndim]
        model = np.einsum(
            ",".join(f"{i}q" for i in letters) + "->" + letters, *result.blocks.values()
        )
        np.testing.assert_allclose(result.reconstruct(), model, rtol=1e-11)

    def test_trace_is_monotone(self):
        trace = self.fit(self.noisy(), random_state=0, max_iter=60, tol=0).trace
        assert np.diff(trace.objective).max() <= 1e-12 * trace.objective[0]

    def test_same_seed_same_bytes(self):
        X = self.noisy()
        for init in self.inits:
            first, second = (
                self.fit(X, init=init, random_state=3, max_iter=5, tol=0) for _ in range(2)
            )
            for name, block in first.blocks.items():
                assert block.tobytes() == second.blocks[name].tobytes()

    inits = ("random",)

    def test_another_seed_is_another_start(self):
        X = self.noisy()
        one, other = (
            self.fit(X, init="random", random_state=seed, max_iter=0).objective for seed in (0, 1)
        )
        assert one != other

    def test_start_given_as_arrays_is_used_and_never_modified(self):
        X = self.noisy()
        start = self.start(X)
        before = [block.copy() for block in start]
        result = self.fit(X, init=start, max_iter=0)
        for block, given in zip(result.blocks.values(), start):
            np.testing.assert_array_equal(block, given)
        self.fit(X, init=start, max_iter=4, tol=0)
        for block, copy in zip(start, before):
            np.testing.assert_array_equal(block, copy)

    def test_data_are_never_modified(self):
        X = self.noisy()
        copy = X.copy()
        self.fit(X, random_state=0, max_iter=4, tol=0)
        np.testing.assert_array_equal(X, copy)

    def test_scale_of_the_data_does_not_matter(self):
        X = self.noisy()
        one, other = (
            self.fit(c * X, random_state=0, max_iter=20, tol=0).reconstruct() / c
            for c in (1.0, 1e6)
        )
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7 * one.max())

    def test_single_precision_is_kept(self):
        X = self.noisy()
        single = self.fit(X.astype(np.float32), random_state=0, max_iter=30, tol=0)
        double = self.fit(X, random_state=0, max_iter=30, tol=0)
        assert {block.dtype for block in single.blocks.values()} == {np.dtype(np.float32)}
        np.testing.assert_allclose(single.objective, double.objective, rtol=0.05)

    def test_callback_sees_the_true_objective(self):
        X = self.noisy()

        def watch(sweep):
            true = self.documented_objective(X, list(sweep.blocks.values()))
            np.testing.assert_allclose(sweep.objective, true, rtol=1e-8)

        assert self.fit(X, random_state=0, max_iter=8, tol=0, callback=watch).n_iter == 8

    def test_callback_stops(self):
        result = self.fit(self.noisy(), random_state=0, callback=lambda sweep: sweep.iteration == 2)
        assert (result.n_iter, result.status) == (2, "stopped")

    def test_wrong_starts_are_refused(self):
        X = self.noisy()
        with pytest.raises(ValueError, match="init must be one of"):
            self.fit(X, init="svd")
        with pytest.raises(ValueError, match=r"init of .* must have shape"):
            self.fit(X, init=[block[1:] for block in self.start(X)])
        with pytest.raises(ValueError, match=f"init must hold {X.ndim} arrays"):
            self.fit(X, init=self.start(X)[1:])

    @pytest.mark.parametrize("rank", [0, -1, 1.5, True, "two", None])
    def test_wrong_ranks_are_refused(self, rank):
        contract = type(self)()
        contract.rank = rank
        with pytest.raises(ValueError, match="rank must be an integer of at least 1, got"):
            contract.fit(self.noisy())
