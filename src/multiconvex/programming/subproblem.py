"""The convex problem of one block, compiled once and solved for any value of the others."""

import warnings
from contextlib import contextmanager

import clarabel
import cvxpy as cp
import numpy as np
import scipy.sparse as sp
from cvxpy import settings
from cvxpy.reductions.solution import Solution
from cvxpy.reductions.solvers.conic_solvers.clarabel_conif import CLARABEL, dims_to_solver_cones

from multiconvex.programming.cones import ConeProgram, condensed
from multiconvex.programming.explanation import quoted
from multiconvex.programming.grammar import summands
from multiconvex.programming.lowering import Lowering


class BlockFailure(RuntimeError):
    """A solver did not return a minimiser of a block."""


class Subproblem:
    """Minimise over some variables, the others being parameters.

    Parameters
    ----------
    title : str
        What is solved, for messages.
    terms : list of cvxpy.Expression
        What is minimised, summed; the fixed variables are already parameters.
    constraints : list of cvxpy.Constraint
    variables : list of cvxpy.Variable
    proximal : float
        Weight of half the squared distance from the current point.
    solver : str
    """

    def __init__(self, title, terms, constraints, variables, *, proximal=0.0, solver="CLARABEL"):
        self.title, self._variables = title, variables
        lowering = Lowering()
        objective = [lowering(term) for term in terms]
        lowered = [lowering(constraint) for constraint in constraints]
        self._lowering = lowering
        self._previous = []
        if proximal:
            self._previous = [cp.Parameter(variable.shape) for variable in variables]
            objective += [
                proximal / 2.0 * cp.sum_squares(variable - previous)
                for variable, previous in zip(variables, self._previous)
            ]
        self.problem = cp.Problem(cp.Minimize(cp.sum(objective)), lowered + lowering.constraints)
        _check_compilable(title, self.problem)
        self._solver = solver
        self._route = None

    def solve(self, current):
        """Return the minimising values of the variables, in order.

        Parameters
        ----------
        current : list of ndarray
            Their current values, from which the proximal term is measured.
        """
        for previous, value in zip(self._previous, current):
            previous.save_value(value)
        self._refresh()
        if self._route is None:
            self._route = self._compile()
        solution = self._route()
        if solution.status not in (settings.OPTIMAL, settings.OPTIMAL_INACCURATE):
            raise BlockFailure(_failure(self.title, solution.status, self._solver))
        return [
            np.asarray(solution.primal_vars[variable.id], float) for variable in self._variables
        ]

    def _refresh(self):
        with np.errstate(all="ignore"):
            self._lowering.refresh()
        for parameter, _ in self._lowering.refreshed:
            if not np.all(np.isfinite(parameter.value)):
                raise BlockFailure(
                    f"{self.title} has coefficients that are not finite at "
                    "the current point (a division by zero, or a point outside the domain): "
                    "start elsewhere, or add constraints that keep the other blocks away from it."
                )

    def _compile(self):
        try:
            chain = self.problem._construct_chain(solver=self._solver)
        except cp.error.SolverError as error:
            raise BlockFailure(f"{self.title} cannot be given to a solver: {error}") from error
        route = ClarabelRoute if isinstance(chain.solver, CLARABEL) else CvxpyRoute
        with _any_backend():
            return route(self.problem, chain)


class ClarabelRoute:
    """Straight from the compiled arrays to Clarabel, which keeps its memory between solves."""

    def __init__(self, problem, chain):
        self._steps = []
        for reduction in chain.reductions[:-1]:
            problem, inverse = reduction.apply(problem)
            self._steps.insert(0, (reduction, inverse))
        compiled = chain.solver.format_constraints(problem, chain.solver.EXP_CONE_ORDER)
        self._unknowns = compiled.x.id
        self._program = condensed(ConeProgram(compiled))
        self._cones = dims_to_solver_cones(self._program.dims)
        self._solver = None

    def __call__(self):
        program = self._program
        P, q, A, b = program.arrays(program.theta())
        answer = None
        if self._solver is not None and self._solver.is_data_update_allowed():
            self._solver.update(P=P, q=q, A=A, b=b)
            answer = self._solver.solve()
        if answer is None or str(answer.status) != CLARABEL.SOLVED:
            self._solver = self._new_solver(P, q, A, b)
            answer = self._solver.solve()
        status = CLARABEL.STATUS_MAP.get(str(answer.status), settings.SOLVER_ERROR)
        values = {}
        if status in settings.SOLUTION_PRESENT:
            values = {self._unknowns: program.expand(np.array(answer.x))}
        solution = Solution(status, answer.obj_val, values, {}, {})
        for reduction, inverse in self._steps:
            solution = reduction.invert(solution, inverse)
        return solution

    def _new_solver(self, P, q, A, b):
        options = clarabel.DefaultSettings()
        options.verbose = False
        program = self._program
        matrices = [
            sp.csc_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)
            for data, pattern in ((P, program.P), (A, program.A))
        ]
        return clarabel.DefaultSolver(matrices[0], q, matrices[1], b, self._cones, options)


class CvxpyRoute:
    """Any other solver, through the interface that CVXPY has for it."""

    def __init__(self, problem, chain):
        self._problem, self._solver = problem, chain.solver.name()

    def __call__(self):
        problem = self._problem
        with _any_backend():
            data, chain, inverse = problem.get_problem_data(self._solver, solver_opts={})
        raw = chain.solve_via_data(problem, data, warm_start=True, verbose=False)
        return chain.invert(raw, inverse)


@contextmanager
def _any_backend():
    """Let CVXPY choose its slower compiler, where its faster one cannot, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The problem includes expressions", UserWarning)
        yield


def _check_compilable(title, problem):
    if problem.is_dpp():
        return
    parts = [*summands(problem.objective.args[0]), *problem.constraints]
    part = next(part for part in parts if not part.is_dcp(dpp=True))
    raise ValueError(
        f"{title} cannot be compiled once for all values of the other blocks because of "
        f"{quoted(part)}: give the factor that multiplies other blocks a variable of its own, "
        "with an equality constraint."
    )


def _failure(title, status, solver):
    if status in (settings.INFEASIBLE, settings.INFEASIBLE_INACCURATE):
        return (
            f"{title} is infeasible with the other variables at their current "
            "values: set .value of the variables to a feasible start, or correct the constraints."
        )
    if status in settings.INF_OR_UNB:
        return (
            f"{title} is unbounded with the other variables at their current "
            "values: add bounds or a penalty on its variables, or pass proximal=1e-3."
        )
    return (
        f"{title} was not solved by {solver} (status {status}): rescale the "
        "data to entries around 1, pass proximal=1e-3, or choose another solver."
    )
