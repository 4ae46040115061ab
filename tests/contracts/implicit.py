"""Implicit rules by brute force, for a few units."""

from itertools import combinations

import numpy as np

from multiconvex import ImplicitProblem, SpectralBall


def has_positive_minors(matrix):
    """Whether all principal minors are positive: one state for every input, by brute force."""
    h = len(matrix)
    return all(
        np.linalg.det(matrix[np.ix_(kept, kept)]) > 0
        for size in range(1, h + 1)
        for kept in combinations(range(h), size)
    )


def solve_by_enumeration(D, b):
    """Return the state by trying every set of active units."""
    h = len(D)
    for size in range(h + 1):
        for active in map(list, combinations(range(h), size)):
            x = np.zeros(h)
            block = np.eye(size) - D[np.ix_(active, active)]
            x[active] = np.linalg.solve(block, b[active])
            if x.min(initial=0) >= 0 and np.all((D @ x + b)[x == 0] <= 1e-12):
                return x
    raise AssertionError("no state")


def implicit_problem(rng, *, m=9, n=2, hidden=4, outputs=2, radius=0.95, **options):
    """Return a small training problem with unequal weights of its units, and a feasible point."""
    U, Y = rng.standard_normal((m, n)), rng.standard_normal((m, outputs))
    D = rng.standard_normal((hidden, hidden))
    D *= 0.1 / np.linalg.norm(D, 2)
    settings = {"lam": rng.uniform(0.5, 2.0, hidden), "ridge": 0.3, "tether": 0.2, **options}
    problem = ImplicitProblem(U, Y, D, allowed=SpectralBall(radius), **settings)
    width = hidden + n + 1
    weights = np.hstack([0.5 * D, rng.standard_normal((hidden, n + 1))])
    return problem, (rng.standard_normal((outputs, width)), weights, rng.random((m, hidden)))
