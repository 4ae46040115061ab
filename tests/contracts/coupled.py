"""Seeded coupled problems: a matrix and a tensor whose factors are coupled in one mode."""

import numpy as np

from multiconvex import Coupling, NoPenalty
from multiconvex.models.coupled_inputs import check_datasets, check_penalties
from multiconvex.models.coupled_problem import CoupledProblem, wire_factors

PAIR = [(0, 0), (1, 0)]


def random_coupling(kind, rng, n=6):
    """Return a coupling of one kind, the number of rows of both members, and their ranks."""
    if kind == "same":
        return Coupling(PAIR), (n, n), (2, 2)
    if kind == "columns":
        return Coupling.of_columns(PAIR, [[0, 1], [0, 2]]), (n, n), (2, 2)
    if kind == "right":
        return Coupling(PAIR, right=[rng.random((3, r)) for r in (2, 3)]), (n, n), (2, 3)
    if kind == "left":
        return Coupling(PAIR, left=[rng.random((m, n)) for m in (5, 8)]), (5, 8), (2, 2)
    if kind == "both":
        left, right = ([rng.random(s) for s in pair] for pair in (((5, n), (7, n)), ((2, 2),) * 2))
        return Coupling(PAIR, left=left, right=right), (5, 7), (2, 2)
    matrices = [rng.random((m * 2, 9)) for m in (5, 4)]
    return Coupling(PAIR, matrices=matrices, shape=(3, 3)), (5, 4), (2, 2)


KINDS = ("same", "columns", "right", "left", "both", "matrices")


def coupled(kind, scale=1.0, penalty=None, weights=(2.0, 0.5), missing=0.0, shift=0.0):
    """Return a builder of a coupled problem and a positive point."""

    def build(rng, dtype=np.float64):
        coupling, rows, ranks = random_coupling(kind, rng)
        data = [scale * (rng.random(shape) - shift) for shape in ((rows[0], 4, 3), (rows[1], 5))]
        for X in data:
            X[rng.random(X.shape) < missing] = np.nan
        terms = check_datasets([X.astype(dtype) for X in data], ranks, "frobenius")
        penalties = check_penalties(penalty or NoPenalty(), terms)
        problem = CoupledProblem(terms, weights, wire_factors(terms, [coupling], penalties))
        x = [0.1 + rng.random(block.shape) for block in problem.blocks]
        return problem, tuple(array.astype(dtype) for array in x)

    return build
