"""`solve_blockwise`: a local minimum of a multi-convex program, by the package's one loop."""

from dataclasses import dataclass, replace

import cvxpy as cp
import numpy as np
import scipy.sparse as sp

from multiconvex.checks import check_count, check_entries, check_positive
from multiconvex.engine import alternate
from multiconvex.programming.program import BlockFailure, BlockSolve, Program, ProximalBlockSolve
from multiconvex.programming.starts import first_start, random_start
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Result


@dataclass(frozen=True, repr=False)
class ProgramResult(Result):
    """Outcome of :func:`solve_blockwise`; ``blocks`` holds one value for each variable name.

    Attributes
    ----------
    starts : ndarray
        Final objective of each start; infinite (minus infinite for a maximisation) where a block
        had no solution, or that was not reached because the callback stopped the fit.
    """

    starts: np.ndarray


def solve_blockwise(
    problem,
    *,
    blocks=None,
    n_starts=1,
    proximal=0.0,
    max_iter=200,
    tol=1e-8,
    solver="CLARABEL",
    random_state=None,
    callback=None,
):
    r"""Solve a multi-convex program written in CVXPY, one block of variables at a time.

    .. math:: \min_{x_1, \dots, x_K} \; f(x_1, \dots, x_K) \quad \text{subject to constraints},

    convex in each block :math:`x_k` when the others are fixed.

    Parameters
    ----------
    problem : cvxpy.Problem
        A minimisation or a maximisation. After the call its variables hold the best point found.
    blocks : list of list of cvxpy.Variable, optional
        A partition of the variables, each block convex when the others are fixed. By default
        chosen greedily from the sets that :func:`multiconvex.fixed_sets` leaves free.
    n_starts : int, default 1
        The first start uses the ``.value`` of the variables that have one. What is missing, and
        all of the other starts, is random.
    proximal : float, default 0
        Adds ``proximal / 2`` times the squared distance from the current point to the problem of
        each block, which damps the steps.
    max_iter : int, default 200
        Largest number of sweeps of each start; 0 returns the best start.
    tol : float, default 1e-8
        Stop when a sweep changes the objective by less than this fraction; 0 for exactly
        ``max_iter`` sweeps.
    solver : str, default "CLARABEL"
        Any solver that CVXPY has installed.
    random_state : int, numpy.random.Generator or None
    callback : callable, optional
        Called with a :class:`~multiconvex.trace.Sweep` whose blocks are named after the variables;
        a true return value stops the fit, and no other start is made.

    Returns
    -------
    ProgramResult
        Objectives are those of ``problem``, also for a maximisation.

    Raises
    ------
    NotMultiConvex
        If no partition exists, or a given block is not convex with the others fixed.
    ValueError
        For blocks that are no partition, data that are not finite, parameters without a value, or
        an expression that cannot be compiled once.
    BlockFailure
        If the problem of a block is infeasible, unbounded, or too hard for the solver, from every
        start.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` sweeps were not enough.

    Notes
    -----
    Guarantee: the objective never gets worse; restarts never return less than the first start.

    Cost: one convex program for each block and sweep, compiled once for the whole call.

    Chapter: :doc:`/chapters/latent_structure/multiconvex_programs`

    A block solution that the tolerance of the solver makes worse than the current point is not
    taken. Constraints may be violated by the tolerance of the solver.

    Examples
    --------
    >>> import cvxpy as cp
    >>> import numpy as np
    >>> from multiconvex.programming import solve_blockwise
    >>> X = np.outer([1.0, 2.0, 3.0], [4.0, 5.0])
    >>> w, h = cp.Variable((3, 1), nonneg=True, name="w"), cp.Variable((1, 2), name="h")
    >>> problem = cp.Problem(cp.Minimize(cp.sum_squares(X - w @ h)), [cp.sum(w) == 1])
    >>> result = solve_blockwise(problem, random_state=0)
    >>> result.status, bool(result.objective < 1e-6), bool(problem.objective.value < 1e-6)
    ('converged', True, True)
    """
    n_starts = check_count("n_starts", n_starts)
    check_positive("proximal", proximal, allow_zero=True)
    _check_data(problem)
    program = Program(problem, blocks, proximal=proximal, solver=solver)
    rng = np.random.default_rng(random_state)
    watch = None if callback is None else _Watch(program, callback)
    best, finals, failure = None, np.full(n_starts, program.sense * np.inf), None
    for start in range(n_starts):
        choose = random_start if start else first_start
        try:
            result = alternate(
                program,
                program.pack(choose(problem, program, rng)),
                ProximalBlockSolve() if proximal else BlockSolve(),
                stop=RelativeDecrease(tol),
                max_iter=max_iter,
                callback=watch,
            )
        except BlockFailure as error:
            failure = failure or error
            continue
        finals[start] = program.sense * result.objective
        if best is None or result.objective < best.objective:
            best = result
        if result.status == "stopped":
            break
    if best is None:
        raise failure
    return _outcome(program, best, finals)


@dataclass(frozen=True)
class _Watch:
    """Shows the user's callback the variables and the objective of the user's problem."""

    program: Program
    callback: callable

    def __call__(self, sweep):
        blocks = self.program.named(tuple(sweep.blocks.values()))
        objective = self.program.sense * sweep.objective
        return self.callback(replace(sweep, blocks=blocks, objective=objective))


def _outcome(program, result, finals):
    """Return the result in the user's terms, and leave it in the user's variables."""
    x = tuple(result.blocks.values())
    values = program.unpack(x)
    for variable in program.variables:
        variable.save_value(values[id(variable)])
    trace = replace(result.trace, objective=program.sense * result.trace.objective)
    return ProgramResult(
        program.named(x),
        program.sense * result.objective,
        result.n_iter,
        result.status,
        trace,
        finals,
    )


def _check_data(problem):
    """Refuse numbers in the problem that are not finite, and parameters without any."""
    if not isinstance(problem, cp.Problem):
        raise TypeError(f"problem must be a cvxpy.Problem, got {type(problem).__name__}.")
    for parameter in problem.parameters():
        if parameter.value is None:
            raise ValueError(f"The parameter {parameter.name()} has no value: set its .value.")
        check_entries(f"The parameter {parameter.name()}", np.asarray(parameter.value, float))
    for constant in problem.constants():
        value = constant.value.data if sp.issparse(constant.value) else constant.value
        check_entries("A constant of the problem", np.asarray(value, float))
    names = [variable.name() for variable in problem.variables()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"Several variables are called {twice[0]!r}: give each a name of its own, such as "
            "cp.Variable(3, name='theta')."
        )
