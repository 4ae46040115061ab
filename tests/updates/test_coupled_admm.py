"""ADMM on coupled factors: the optimum of a convex solver, penalties and multipliers."""

from itertools import chain

import cvxpy as cp
import numpy as np
import pytest
from contracts.coupled import KINDS, coupled
from contracts.instances import generators
from contracts.update import Bare

from multiconvex import (
    L1,
    CoupledADMM,
    CoupledLeastSquares,
    NonNegative,
    NoPenalty,
    Simplex,
    alternate,
)
from multiconvex.models.coupled_problem import Split

EXACT = CoupledADMM(steps=20000, inner_tol=1e-13)
MAPS = ("right", "left", "both", "matrices")
TIGHT = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}


def signed(kind, penalty):
    """Return a problem with data of both signs, so that some constraints are active."""
    return coupled(kind, penalty=penalty, shift=0.4)(np.random.default_rng(5))


def images(problem, shared):
    """Return the coupled factors as expressions of a variable."""
    link, wire = problem.link(0), problem.wires[0]
    units = np.eye(np.prod(link.shape)).reshape(-1, *link.shape)
    maps = [np.stack([link.image(u, j).ravel() for u in units], axis=1) for j in range(link.count)]
    return [
        cp.reshape(M @ cp.vec(shared, order="C"), size, order="C")
        for M, size in zip(maps, wire.sizes)
    ]


def convex_optimum(problem, x, penalty_of):
    """Return the least objective over all factors of the first coupling."""
    shared = cp.Variable(problem.link(0).shape)
    factors = images(problem, shared)
    (_, B, C), (_, D) = problem.factors(x)
    T, M = (term.data.array for term in problem.terms)
    design = np.einsum("jq,kq->jkq", B, C).reshape(-1, B.shape[1])
    cost = problem.weights[0] / 2 * cp.sum_squares(factors[0] @ design.T - T.reshape(len(T), -1))
    cost = cost + problem.weights[1] / 2 * cp.sum_squares(factors[1] @ D.T - M)
    terms, constraints = zip(*(penalty_of(factor) for factor in factors))
    return cp.Problem(cp.Minimize(cost + sum(terms)), list(chain(*constraints))).solve(
        solver=cp.CLARABEL, **TIGHT
    )


class TestOptimum:
    @pytest.mark.parametrize("kind", MAPS)
    def test_nonnegative_factors_reach_the_optimum_of_the_quadratic_program(self, kind):
        problem, x = signed(kind, NonNegative())
        block, _ = EXACT(problem, x, 0, EXACT.start(problem, x, 0))
        end = (block, *x[1:])
        optimum = convex_optimum(problem, end, lambda A: (0.0, [A >= 0]))
        objective = problem.loss(end) + problem.blocks[0].penalty.value(block)
        assert objective == pytest.approx(optimum, rel=1e-7)
        assert problem.coupling_gap(end) < 1e-10
        assert block.min() == 0.0 < block.max()

    @pytest.mark.parametrize("kind", MAPS)
    def test_sparse_factors_reach_the_optimum_of_the_convex_program(self, kind):
        problem, x = signed(kind, L1(0.1))
        block, _ = EXACT(problem, x, 0, EXACT.start(problem, x, 0))
        end = (block, *x[1:])
        optimum = convex_optimum(problem, end, lambda A: (0.1 * cp.sum(cp.abs(A)), []))
        objective = problem.loss(end) + problem.blocks[0].penalty.value(block)
        assert objective == pytest.approx(optimum, rel=1e-7)
        assert problem.coupling_gap(end) < 1e-10

    @pytest.mark.parametrize("kind", KINDS)
    def test_without_penalties_it_is_least_squares(self, kind):
        problem, x = coupled(kind)(np.random.default_rng(3))
        expected, _ = CoupledLeastSquares()(problem, x, 0, None)
        wire = problem.wires[0]
        sizes = tuple(part.shape for part in wire.parts(x[0]))
        problem.wires = (Split(**vars(wire), sizes=sizes), *problem.wires[1:])
        point = (problem.wires[0].join(wire.parts(x[0])), *x[1:])
        block, memory = EXACT(problem, point, 0, EXACT.start(problem, point, 0))
        np.testing.assert_allclose(memory.shared, expected, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(
            block, problem.wires[0].join(wire.parts(expected)), rtol=1e-6, atol=1e-8
        )


class TestSteps:
    def test_penalties_hold_after_any_number_of_steps(self):
        for rng in generators(3):
            problem, x = coupled("left", penalty=Simplex())(rng)
            for steps in (1, 2, 7):
                rule = CoupledADMM(steps=steps)
                block, _ = rule(problem, x, 0, rule.start(problem, x, 0))
                assert problem.blocks[0].penalty.value(block) == 0.0

    def test_the_gap_closes_with_the_steps(self):
        problem, x = signed("left", NonNegative())
        gaps = []
        for steps in (5, 50, 500):
            rule = CoupledADMM(steps=steps, inner_tol=0.0)
            block, _ = rule(problem, x, 0, rule.start(problem, x, 0))
            gaps.append(problem.coupling_gap((block, *x[1:])))
        assert gaps[0] > 10 * gaps[1] > 100 * gaps[2]

    def test_what_is_remembered_continues_where_steps_ended(self):
        problem, x = signed("left", NonNegative())
        once = CoupledADMM(steps=20, inner_tol=0.0)
        half = CoupledADMM(steps=10, inner_tol=0.0)
        memory = once.start(problem, x, 0)
        expected, _ = once(problem, x, 0, memory)
        block, memory = half(problem, x, 0, memory)
        block, _ = half(problem, (block, *x[1:]), 0, memory)
        np.testing.assert_allclose(block, expected, rtol=1e-12, atol=1e-14)

    def test_a_loose_tolerance_ends_earlier(self):
        problem, x = signed("left", NonNegative())
        ends = []
        for tol in (1e-1, 1e-12):
            rule = CoupledADMM(steps=500, inner_tol=tol)
            ends.append(rule(problem, x, 0, rule.start(problem, x, 0))[0])
        assert np.abs(ends[0] - ends[1]).max() > 1e-4

    def test_a_minimiser_stays_where_it_is(self):
        problem, x = coupled("left")(np.random.default_rng(3))
        shared, _ = CoupledLeastSquares()(problem, x, 0, None)
        wire = problem.wires[0]
        problem.wires = (Split(**vars(wire), sizes=((5, 2), (8, 2))), *problem.wires[1:])
        x = (problem.wires[0].join(wire.parts(shared)), *x[1:])
        rule = CoupledADMM(steps=1)
        block, _ = rule(problem, x, 0, rule.start(problem, x, 0))
        np.testing.assert_allclose(block, x[0], rtol=1e-9, atol=1e-12)

    def test_inputs_are_never_written_to_and_same_bytes_twice(self):
        problem, x = coupled("left", penalty=NonNegative())(np.random.default_rng(0))
        copies = [array.copy() for array in x]
        rule = CoupledADMM()
        memory = rule.start(problem, x, 0)
        first, second = (rule(problem, x, 0, memory)[0] for _ in range(2))
        assert first.tobytes() == second.tobytes()
        for array, copy in zip(x, copies):
            np.testing.assert_array_equal(array, copy)

    def test_follows_the_scale_of_the_data(self):
        rule = CoupledADMM()
        for scale in (1e-6, 1e5):
            ends = []
            for factor in (1.0, scale):
                build = coupled("left", factor, NonNegative())
                problem, x = build(np.random.default_rng(0))
                x = (factor * x[0], *x[1:])
                ends.append(rule(problem, x, 0, rule.start(problem, x, 0))[0] / factor)
            np.testing.assert_allclose(*ends, rtol=1e-7)

    def test_single_precision_is_kept(self):
        problem, x = coupled("left", penalty=NonNegative())(np.random.default_rng(0), np.float32)
        rule = CoupledADMM()
        assert rule(problem, x, 0, rule.start(problem, x, 0))[0].dtype == np.float32


class TestRefusals:
    def test_says_what_the_problem_must_offer(self):
        with pytest.raises(TypeError, match="offers member_equations, link, split; Bare does not"):
            alternate(Bare(NoPenalty()), (np.eye(2),), CoupledADMM())

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
            ({"strength": 0.0}, "strength must be a finite positive number, got 0.0"),
            ({"inner_tol": -1.0}, "inner_tol must be a finite nonnegative number, got -1.0"),
        ],
    )
    def test_impossible_options_are_refused(self, options, sentence):
        with pytest.raises(ValueError, match=sentence):
            CoupledADMM(**options)
