"""Coupled problems against the contract of all problems, and how couplings become blocks."""

import numpy as np
import pytest
from contracts.coupled import PAIR, coupled, random_coupling
from contracts.instances import cp_to_array
from contracts.problem import ProblemContract, QuadraticContract

from multiconvex import L1, Box, Coupling, NonNegative, NoPenalty, Simplex
from multiconvex.models.coupled_inputs import check_datasets, check_penalties
from multiconvex.models.coupled_problem import CoupledProblem, Shared, Split, wire_factors


class TestSame(QuadraticContract):
    kind = "same"
    missing = 0.0

    def problem(self):
        return coupled(self.kind, missing=self.missing)(np.random.default_rng(1))[0]

    def documented_loss(self, x):
        problem, loss = self.problem(), 0.0
        for weight, term, factors in zip(problem.weights, problem.terms, problem.factors(x)):
            seen = getattr(term, "_observed", np.ones(term.data.shape, bool))
            loss += weight / 2 * np.sum((term.data.array - cp_to_array(factors))[seen] ** 2)
        return loss

    def minimiser(self):
        problem = self.problem()
        x = self.point(problem, np.random.default_rng(2))
        terms = check_datasets([cp_to_array(f) for f in problem.factors(x)], 2, "frobenius")
        penalties = check_penalties(NonNegative(), terms)
        coupling, _, _ = random_coupling(self.kind, np.random.default_rng(1))
        return CoupledProblem(terms, (2.0, 0.5), wire_factors(terms, [coupling], penalties)), x

    def test_lipschitz_is_the_largest_eigenvalue(self):
        """Several data sets add up to a bound."""
        for _, problem, x, k in self.cases():
            gram, _ = problem.normal_equations(x, k)
            assert problem.lipschitz(x, k) >= np.linalg.norm(gram, 2) * (1 - 1e-12)


class TestColumns(TestSame):
    kind = "columns"


class TestRows(ProblemContract):
    kind = "left"

    problem = TestSame.problem
    documented_loss = TestSame.documented_loss
    missing = 0.3

    def minimiser(self):
        return TestSame.minimiser(TestSame())


TENSOR, MATRIX = np.random.default_rng(0).random((6, 4, 3)), np.random.default_rng(1).random((6, 5))
LEFT = Coupling(PAIR, left=[np.eye(6), np.eye(6)])
COLUMNS = Coupling.of_columns(PAIR, [[0, 1], [0, 2]])
MIXED = Coupling(PAIR, right=[np.ones((2, 2)) + np.eye(2), np.eye(2)])


@pytest.mark.parametrize(
    ("coupling", "first", "second", "kind"),
    [
        (Coupling(PAIR), NonNegative(), NonNegative(), Shared),
        (Coupling(PAIR), NonNegative(), NoPenalty(), Shared),
        (Coupling(PAIR), NonNegative(), L1(0.1), Split),
        (Coupling(PAIR), Simplex(), Simplex(), Shared),
        (COLUMNS, NonNegative(), NonNegative(), Shared),
        (COLUMNS, NonNegative(), NoPenalty(), Split),
        (COLUMNS, Simplex(), Simplex(), Split),
        (COLUMNS, NoPenalty(), NoPenalty(), Shared),
        (MIXED, NoPenalty(), NoPenalty(), Shared),
        (MIXED, Box(), Box(), Split),
        (LEFT, NoPenalty(), NoPenalty(), Shared),
        (LEFT, NonNegative(), NonNegative(), Split),
    ],
)
def test_couplings_are_split_only_where_they_must_be(coupling, first, second, kind):
    terms = check_datasets([TENSOR, MATRIX], 2, "frobenius")
    free = NoPenalty()
    wires = wire_factors(terms, [coupling], [(first, free, free), (second, free)])
    assert type(wires[0]) is kind
    problem = CoupledProblem(terms, (1, 1), wires)
    assert problem.blocks[0].name == ("shared[0]" if kind is Shared else "coupled[0]")
    if kind is Shared:
        assert problem.blocks[0].penalty == (first if first != NoPenalty() else second)


def test_large_maps_of_rows_are_split_rather_than_solved_at_once():
    rng = np.random.default_rng(0)
    data = [rng.random((n, 3)) for n in (520, 510)]
    points = [np.linspace(0, 1, len(X)) for X in data]
    coupling = Coupling.on_grids(PAIR, np.linspace(0, 1, 501), points)
    terms = check_datasets(data, 2, "frobenius")
    wires = wire_factors(terms, [coupling], check_penalties(None, terms))
    assert isinstance(wires[0], Split)


def test_the_separate_penalties_of_a_split_block():
    terms = check_datasets([TENSOR, MATRIX], 2, "frobenius")
    free = NoPenalty()
    wire, *_ = wire_factors(terms, [LEFT], [(L1(2.0), free, free), (Box(0.0, 1.0), free)])
    block = np.random.default_rng(0).standard_normal(wire.shape)
    first, second = wire.parts(block)
    assert wire.penalty.value(block) == np.inf
    np.testing.assert_array_equal(wire.join([first, second]), block)
    moved = wire.parts(wire.penalty.prox(block, 0.25))
    np.testing.assert_array_equal(moved[0], L1(2.0).prox(first, 0.25))
    np.testing.assert_array_equal(moved[1], second.clip(0.0, 1.0))
    inside = wire.join([first, second.clip(0.0, 1.0)])
    assert wire.penalty.value(inside) == pytest.approx(2.0 * np.abs(first).sum())
