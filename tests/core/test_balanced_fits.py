"""Fits that rescale columns: safe in every combination, and what theory promises of them."""

import itertools
import warnings

import numpy as np
import pytest
from contracts.instances import cp_to_array
from contracts.scales import levels

from multiconvex import (
    HALS,
    L1,
    L2,
    Balancing,
    Block,
    Compression,
    ConvergenceWarning,
    Extrapolation,
    FactorProblem,
    GroupL2,
    KeepBest,
    LeastSquares,
    NonNegative,
    ProxGradient,
    RelativeDecrease,
    alternate,
    cp,
    nmf,
)

SINGULAR = np.array([4.0, 3.0, 2.0, 1.0])
STAGES = [
    stages
    for count in range(4)
    for stages in itertools.combinations(("start", "sweep", "end"), count)
]


RIDGE = (NonNegative(l2=0.2), NonNegative(l2=0.5))
MIXED = (NonNegative(l1=0.1), NonNegative(l2=0.5), NonNegative(l1=0.2))


def instance(penalties, seed=0):
    """Return noisy data of rank 3, a problem of rank 4, and a start far from balanced."""
    rng = np.random.default_rng(seed)
    shape = (12, 10, 8)[: len(penalties)]
    X = cp_to_array([rng.random((n, 3)) for n in shape])
    X = X + 0.05 * rng.standard_normal(X.shape)
    start = tuple(size * (0.1 + rng.random((n, 4))) for n, size in zip(shape, (10.0, 0.1, 3.0)))
    return FactorProblem(X, 4, penalties), start


def fit(penalties, balancing, acceleration=None, *, update=HALS(), sweeps=30, seed=0):  # noqa: B008
    problem, start = instance(penalties, seed)
    return alternate(
        problem,
        start,
        update,
        acceleration=acceleration,
        balancing=balancing,
        stop=RelativeDecrease(0.0),
        max_iter=sweeps,
    )


def assert_monotone(trace):
    assert np.diff(trace.objective).max() <= 1e-12 * trace.objective[0]


class TestWithinFits:
    @pytest.mark.parametrize("stages", STAGES, ids="-".join)
    @pytest.mark.parametrize("acceleration", [None, Extrapolation(), Extrapolation(beta=0.9)])
    @pytest.mark.parametrize("penalties", [RIDGE, MIXED])
    def test_the_objective_never_increases(self, stages, acceleration, penalties):
        result = fit(penalties, Balancing(stages), acceleration)
        assert_monotone(result.trace)
        problem, _ = instance(penalties)
        blocks = tuple(result.blocks.values())
        np.testing.assert_allclose(problem.objective(blocks), result.objective, rtol=1e-12)

    @pytest.mark.parametrize("stages", STAGES, ids="-".join)
    @pytest.mark.parametrize("model", [nmf, cp])
    def test_nor_on_compressed_data(self, stages, model):
        penalties = RIDGE if model is nmf else MIXED
        problem, start = instance(penalties)
        trace = model(
            problem.data.array.clip(0.0),
            4,
            penalties=penalties,
            init=start,
            acceleration=Compression(oversampling=1),
            balancing=Balancing(stages),
            max_iter=30,
            tol=0,
        ).trace
        assert "compressed" in trace.event
        assert_monotone(trace)

    def test_nor_when_updates_do_not_descend(self):
        """The best point gets better by rescaling too, and what follows must beat that."""

        class Erratic(HALS):
            def __call__(self, problem, x, k, memory):
                block, memory = super().__call__(problem, x, k, memory)
                return block * (1.0 + 0.3 * np.sin(1e4 * block.sum())), memory

        for seed in range(10):
            result = fit(RIDGE, Balancing(), KeepBest(), update=Erratic(), seed=seed)
            assert_monotone(result.trace)

    @pytest.mark.parametrize("penalties", [RIDGE, MIXED, (L1(0.1), GroupL2(0.2), L2(0.3))])
    @pytest.mark.parametrize("stages", [("end",), ("sweep", "end"), ("start", "sweep", "end")])
    def test_the_end_is_balanced(self, penalties, stages):
        update = ProxGradient() if isinstance(penalties[0], L1) else HALS()
        result = fit(penalties, Balancing(stages), Extrapolation(), update=update)
        after = levels(tuple(result.blocks.values()), penalties)
        np.testing.assert_allclose(after, np.broadcast_to(after[0], after.shape), rtol=1e-8)
        assert result.trace.event[-1] == "balanced"
        assert result.trace.iteration[-1] == result.n_iter == 30

    @pytest.mark.parametrize("penalties", [RIDGE, MIXED])
    def test_the_end_is_never_above_what_it_was_balanced_from(self, penalties):
        for seed in range(5):
            plain = fit(penalties, None, sweeps=3, seed=seed)
            ended = fit(penalties, Balancing(("end",)), sweeps=3, seed=seed)
            np.testing.assert_array_equal(ended.trace.objective[:-1], plain.trace.objective)
            assert ended.objective < plain.objective

    @pytest.mark.parametrize("penalties", [RIDGE, MIXED])
    def test_the_start_takes_its_best_scales(self, penalties):
        problem, start = instance(penalties)
        first = Balancing(("start",)).first(problem, start)
        assert fit(penalties, Balancing(("start",))).trace.objective[0] == problem.objective(first)
        assert problem.objective(first) < problem.objective(start)
        after = levels(first, penalties)
        np.testing.assert_allclose(after, np.broadcast_to(after[0], after.shape), rtol=1e-10)

    def test_no_sweeps_return_the_start(self):
        result = fit(RIDGE, Balancing(), sweeps=0)
        _, start = instance(RIDGE)
        for block, given in zip(result.blocks.values(), start):
            np.testing.assert_array_equal(block, given)
        assert result.trace.event.tolist() == ["start"]

    def test_a_term_that_is_zero_in_one_factor_at_the_start_comes_to_life(self):
        problem, (W, H) = instance(RIDGE)
        W = W * [0.0, 1.0, 1.0, 1.0]
        first = Balancing().first(problem, (W, H))
        assert np.any(first[1][:, 0])

    def test_an_infeasible_start_is_a_start(self):
        problem, (W, H) = instance(RIDGE)
        result = alternate(problem, (W - 2.0, H), HALS(), balancing=Balancing(), max_iter=500)
        assert np.isfinite(result.objective)

    def test_single_precision_is_kept(self):
        problem, start = instance(RIDGE)
        X = problem.data.array.astype(np.float32).clip(0.0)
        init = [block.astype(np.float32) for block in start]
        result = nmf(X, 4, penalties=RIDGE, init=init, max_iter=5, tol=0)
        assert {block.dtype for block in result.blocks.values()} == {np.dtype(np.float32)}

    @pytest.mark.parametrize("gain", [0.0, 1.0])
    def test_terms_that_fade_away_are_dropped_where_that_costs_nothing(self, gain):
        """The second term is small; it pays for itself where the data contain it."""
        basis, sizes = np.eye(3)[:, :2], np.array([1.0, 1e-3])
        X = (basis * sizes * [1.0, gain]) @ basis.T
        problem = FactorProblem(X, 2, (L2(1e-5), L2(1e-5)))
        point = (basis * sizes, basis)
        end = Balancing(("end",)).last(problem, point)
        assert problem.objective(end) < problem.objective(point)
        for block in end:
            assert np.all(np.any(block, axis=0) == [True, gain > 0])

    @pytest.mark.parametrize("acceleration", [Extrapolation(beta=0.9), KeepBest()])
    def test_what_an_acceleration_remembers_is_rescaled_with_the_point(self, acceleration):
        problem, start = instance(MIXED)
        state = acceleration.start(problem, start, (None,) * 3)
        for _ in range(3):
            state, _ = acceleration.sweep(problem, (HALS(),) * 3, state)
        scales = np.random.default_rng(0).uniform(0.5, 2.0, (3, 4))
        moved = state.rescaled(scales)
        names = [name for name in ("working", "updated", "point") if hasattr(state.momentum, name)]
        assert names in (["working", "updated"], ["point"])
        pairs = [(state.point, moved.point)]
        pairs += [(getattr(state.momentum, n), getattr(moved.momentum, n)) for n in names]
        for before, after in pairs:
            for one, other, s in zip(before, after, scales):
                np.testing.assert_array_equal(other, s * one)

    def test_models_balance_where_penalties_allow_it(self):
        problem, start = instance(RIDGE)
        X = problem.data.array.clip(0.0)
        options = {"init": start, "max_iter": 5, "tol": 0}
        auto = nmf(X, 4, penalties=RIDGE, **options)
        always = nmf(X, 4, penalties=RIDGE, balancing=Balancing(), **options)
        np.testing.assert_array_equal(auto.trace.objective, always.trace.objective)
        never = nmf(X, 4, penalties=RIDGE, balancing=None, **options)
        assert "balanced" in auto.trace.event
        assert "balanced" not in never.trace.event
        assert "balanced" not in nmf(X, 4, **options).trace.event

    def test_a_weight_of_zero_is_no_weight(self):
        X = np.random.default_rng(0).standard_normal((6, 5))
        options = {"init": "random", "random_state": 0, "tol": 1e-12, "max_iter": 2000}
        free = (L2(0.0), L2(0.0))
        tail = np.linalg.svd(X, compute_uv=False)[2:]
        result = nmf(X, 2, penalties=free, **options)
        np.testing.assert_allclose(result.objective, 0.5 * np.sum(tail**2), rtol=1e-6)


class Unsuitable(FactorProblem):
    scale_invariant = False


class Remembering(HALS):
    def start(self, problem, x, k):
        return 0


class TestRefusals:
    def test_problems_that_depend_on_scales(self):
        problem, start = instance(RIDGE)
        problem = Unsuitable(problem.data, 4, RIDGE)
        with pytest.raises(TypeError, match="Unsuitable may: leave balancing out"):
            alternate(problem, start, HALS(), balancing=Balancing())

    def test_penalties_of_blocks(self):
        problem, start = instance(RIDGE)
        problem.blocks = (problem.blocks[0], Block("H", (10, 4), NonNegative()))
        with pytest.raises(ValueError, match=r"penalties\[1\] is NonNegative"):
            alternate(problem, start, HALS(), balancing=Balancing(("end",)))
        with pytest.raises(ValueError, match=r"penalties\[0\] is NonNegative"):
            nmf(np.ones((4, 5)), 2, balancing=Balancing())

    def test_updates_that_remember(self):
        with pytest.raises(TypeError, match=r'use Balancing\(at=\("start", "end"\)\)'):
            fit(RIDGE, Balancing(), update=Remembering())
        assert_monotone(fit(RIDGE, Balancing(at=("start", "end")), update=Remembering()).trace)

    @pytest.mark.parametrize("at", [("middle",), "start", ("start", "finish")])
    def test_unknown_stages(self, at):
        with pytest.raises(ValueError, match=r'at must be a tuple of "start", "sweep" and "end"'):
            Balancing(at)

    def test_unknown_words(self):
        with pytest.raises(ValueError, match="balancing must be one of 'auto'; got 'never'"):
            nmf(np.ones((4, 5)), 2, balancing="never")


def swamp(y, weight, start, sweeps, balancing=None):
    """Return the pair that alternating least squares reaches on y ~ x1 x2 with ridge."""
    result = alternate(
        FactorProblem(np.array([[y]]), 1, (L2(weight), L2(weight))),
        [np.array([[value]]) for value in start],
        LeastSquares(),
        balancing=balancing,
        stop=RelativeDecrease(0.0),
        max_iter=sweeps,
    )
    return np.array([block.item() for block in result.blocks.values()])


class TestTheory:
    def orthogonal(self, *shape):
        """Return four orthonormal columns for each mode."""
        rng = np.random.default_rng(0)
        return [np.linalg.qr(rng.standard_normal((n, 4)))[0] for n in shape]

    @pytest.mark.parametrize("weight", [0.5, 1.5, 2.4, 3.5])
    @pytest.mark.parametrize("aligned", [True, False])
    def test_ridge_lowers_singular_values_and_prunes_those_below_its_weight(self, weight, aligned):
        """Its implicit form is blind to rotations: only aligned terms are pruned one by one."""
        left, right = self.orthogonal(8, 7)
        X = (left * SINGULAR) @ right.T
        ridge = (L2(weight), L2(weight))
        options = {"init": "random", "random_state": 1, "tol": 1e-15, "max_iter": 5000}
        if aligned:
            options["init"] = left, right
        result = nmf(X, 4, penalties=ridge, **options)
        kept = np.count_nonzero(weight < SINGULAR)
        fitted = np.linalg.svd(result.reconstruct(), compute_uv=False)[:4]
        np.testing.assert_allclose(fitted, np.maximum(SINGULAR - weight, 0.0), atol=1e-6)
        assert result.n_active == kept if aligned else result.n_active >= kept

    @pytest.mark.parametrize("weight", [0.2, 0.6, 1.3, 2.2])
    def test_ridge_on_three_factors_prunes_below_a_power_of_its_weight(self, weight):
        """A term of size t pays 3/2 w t^(2/3) and is worth it where sigma > 2 w^(3/4)."""
        factors = self.orthogonal(6, 5, 7)
        X = cp_to_array([factors[0] * SINGULAR, *factors[1:]])
        result = cp(X, 4, penalties=(L2(weight),) * 3, init=factors, tol=1e-15, max_iter=5000)
        assert result.n_active == np.count_nonzero(2 * weight**0.75 < SINGULAR)
        size = np.sort(result.component_sizes)[-result.n_active :]
        slope = size - SINGULAR[: result.n_active][::-1] + weight * size ** (-1 / 3)
        np.testing.assert_allclose(slope, 0.0, atol=1e-6)

    def test_two_hundred_sweeps_in_the_swamp(self):
        x = swamp(1.0, 1e-3, (0.2, 5.0), 200)
        np.testing.assert_allclose(x, [0.642558430874947, 1.5525184957484308], rtol=1e-10)

    @pytest.mark.parametrize(("y", "weight"), [(1.0, 0.01), (1.0, 0.1), (2.0, 0.1)])
    def test_the_swamp_is_left_at_the_rate_of_theory(self, y, weight):
        rate, optimum = (1 - 2 * weight / y) ** 2, np.sqrt(y - weight)
        sweeps = int(np.log(1e-6) / np.log(rate))
        errors = [swamp(y, weight, (0.9, 1.1), n)[1] - optimum for n in (sweeps, sweeps + 1)]
        assert abs(errors[1] / errors[0] - rate) < 1e-4

    def test_balanced_sweeps_leave_it_at_once(self):
        """Near the optimum c = 1 - 2 w / y is what a half sweep leaves, c (1 - c) / 2 a whole."""
        y, weight = 1.0, 0.01
        c = 1 - 2 * weight / y
        optimum = np.sqrt(y - weight)
        errors = [
            np.prod(swamp(y, weight, (0.2, 5.0), n, Balancing(("sweep", "end")))) - optimum**2
            for n in (2, 3)
        ]
        np.testing.assert_allclose(errors[1] / errors[0], -c * (1 - c) / 2, rtol=1e-2)
        quick = swamp(y, weight, (0.2, 5.0), 7, Balancing(("sweep", "end")))
        np.testing.assert_allclose(quick, optimum, rtol=1e-12)
        assert abs(swamp(y, weight, (0.2, 5.0), 7)[1] - optimum) > 0.5

    @pytest.mark.parametrize(
        "penalties", [RIDGE, MIXED, (NonNegative(l1=0.3), NonNegative(l2=0.4))]
    )
    def test_minimisers_are_balanced_without_being_told(self, penalties):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            result = fit(penalties, None, Extrapolation(), sweeps=3000)
        after = levels(tuple(result.blocks.values()), penalties)
        alive = np.all(after > 1e-6, axis=0)
        assert alive.any()
        after = after[:, alive]
        np.testing.assert_allclose(after, np.broadcast_to(after[0], after.shape), rtol=1e-4)
