"""Experiments of the chapter on multi-convex programs.

Each function is seeded and returns frozen dataclasses or the rows of a table.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import cvxpy as cp
import numpy as np

from multiconvex import (
    ActiveSet,
    BlockSolve,
    FactorProblem,
    NonNegative,
    Program,
    RelativeDecrease,
    Update,
    alternate,
    solve_blockwise,
)
from multiconvex.studies._program_grammar import (
    Node,
    collect_failures,
    grow_tree,
    read_expressions,
    read_programs,
)
from multiconvex.studies._reaction_courses import (
    KNOWLEDGE,
    Fan,
    Reaction,
    compare_on_samples,
    fit_with_knowledge,
    fit_without_knowledge,
    load_reactions,
)

__all__ = [
    "KNOWLEDGE",
    "Damping",
    "Factors",
    "Fan",
    "Node",
    "Reaction",
    "Walk",
    "collect_failures",
    "compare_on_samples",
    "damp",
    "draw_matrix",
    "fit_with_knowledge",
    "fit_without_knowledge",
    "grow_tree",
    "load_reactions",
    "race_solvers",
    "read_expressions",
    "read_programs",
    "walk",
]

_NEVER = RelativeDecrease(0)


@dataclass(frozen=True, eq=False)
class Factors:
    """A nonnegative matrix, and factors to start from.

    Attributes
    ----------
    X : ndarray, shape (m, n)
    start : tuple of ndarray
        ``W, H`` with as many columns as the rank.
    """

    X: np.ndarray
    start: tuple

    @property
    def rank(self):
        """Number of columns of the factors."""
        return self.start[0].shape[1]


def draw_matrix(size=30, rank=5, random_state=0):
    """Draw a square matrix and a start, all entries uniform on the unit interval."""
    rng = np.random.default_rng(random_state)
    return Factors(rng.random((size, size)), (rng.random((size, rank)), rng.random((size, rank))))


@dataclass(frozen=True, eq=False)
class RebuiltSolve(Update):
    """One factor of a nonnegative factorisation, by a new program for every call."""

    X: np.ndarray
    handles: ClassVar[tuple] = (NonNegative,)
    exact: ClassVar[bool] = True

    def __call__(self, problem, x, k, memory):
        data, other = (self.X, x[1]) if k == 0 else (self.X.T, x[0])
        block = cp.Variable(x[k].shape, nonneg=True)
        cp.Problem(cp.Minimize(cp.sum_squares(data - block @ other.T) / 2)).solve("CLARABEL")
        return np.maximum(block.value, 0.0), memory


def race_solvers(factors, sweeps=25, repeats=2):
    """Run alternation three times from one start: programs rebuilt, compiled once, and no program.

    Parameters
    ----------
    factors : Factors
    sweeps : int
    repeats : int
        Runs of each kind; each sweep counts as long as it took in the fastest.

    Returns
    -------
    dict of str to Trace
    """
    X, start = factors.X, factors.start
    factorisation = FactorProblem(X, factors.rank, (NonNegative(), NonNegative()))
    routes = {
        "rebuilt": (lambda: factorisation, RebuiltSolve(X)),
        "compiled once": (lambda: Program(_written(factors)), BlockSolve()),
        "active sets": (lambda: factorisation, ActiveSet()),
    }
    traces = {}
    for name, (make, update) in routes.items():
        runs = [
            alternate(make(), start, update, stop=_NEVER, max_iter=sweeps).trace
            for _ in range(repeats)
        ]
        sweeps_alone = np.min([np.diff(run.seconds, prepend=0.0) for run in runs], axis=0)
        traces[name] = replace(runs[0], seconds=np.cumsum(sweeps_alone))
    return traces


def _written(factors):
    W, H = (
        cp.Variable(block.shape, nonneg=True, name=name) for name, block in zip("WH", factors.start)
    )
    return cp.Problem(cp.Minimize(cp.sum_squares(factors.X - W @ H.T) / 2))


@dataclass(frozen=True, eq=False)
class Damping:
    """Runs of one program with different proximal weights.

    Attributes
    ----------
    objectives : dict of float to ndarray
        The objective at the start and after each sweep, by weight.
    """

    objectives: dict

    def sweeps_to(self, level):
        """Return the number of sweeps until the objective is at most a level, by weight."""
        return {
            weight: int(np.argmax(values <= level)) if (values <= level).any() else None
            for weight, values in self.objectives.items()
        }


def damp(problem, start, weights, sweeps=20):
    """Solve a program from one start with several proximal weights.

    Parameters
    ----------
    problem : cvxpy.Problem
    start : dict of str to float
        Values by the name of the variable.
    weights : sequence of float
    """
    objectives = {}
    for weight in weights:
        for variable in problem.variables():
            variable.value = start[variable.name()]
        result = solve_blockwise(problem, proximal=weight, max_iter=sweeps, tol=0)
        objectives[weight] = result.trace.objective
    return Damping(objectives)


@dataclass(frozen=True, eq=False)
class Walk:
    """Alternation on ``abs(x * y)`` subject to ``x + y >= 1``.

    Attributes
    ----------
    points : ndarray, shape (2 * sweeps + 1, 2)
        One point for each update of a block.
    objective : float
        At the last of them.
    """

    points: np.ndarray
    objective: float


def walk(problem, start, sweeps=3):
    """Follow alternation on a program in two numbers, x being updated first.

    Parameters
    ----------
    problem : cvxpy.Problem
    start : pair of float
    """
    points = [tuple(start)]

    def keep(sweep):
        x, y = (float(value) for value in sweep.blocks.values())
        points.extend([(x, points[-1][1]), (x, y)])

    for variable, value in zip(problem.variables(), start):
        variable.value = value
    result = solve_blockwise(problem, max_iter=sweeps, tol=0, callback=keep)
    return Walk(np.array(points), result.objective)
