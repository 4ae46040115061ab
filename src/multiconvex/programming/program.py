"""A multi-convex program as a multi-block problem that the engine can run."""

from dataclasses import dataclass
from typing import ClassVar

import cvxpy as cp
import numpy as np

from multiconvex.memo import IdentityMemo
from multiconvex.penalties import NoPenalty
from multiconvex.problem import Block, MultiblockProblem
from multiconvex.programming.fixing import stand_in, substitute
from multiconvex.programming.grammar import Grammar, NotMultiConvex, summands
from multiconvex.programming.subproblem import BlockFailure, Subproblem
from multiconvex.updates.base import Update

# First-order solvers meet constraints less closely than interior-point ones.
_VIOLATION_OF = {"CLARABEL": 1e-6}
_VIOLATION = 1e-4

__all__ = ["BlockFailure", "BlockSolve", "Program"]


class Program(MultiblockProblem):
    """A CVXPY problem whose blocks are groups of variables.

    A block of one variable has its shape; the variables of a larger one are flattened and joined.
    The loss is the objective, to be minimised (that of a maximisation changes sign), and infinite
    where a constraint is violated by more than 1e-6 times its size (1e-4 for solvers other than
    Clarabel).

    Parameters
    ----------
    problem : cvxpy.Problem
    groups : sequence of sequence of cvxpy.Variable, optional
        A partition of the variables; by default as few groups as a greedy choice among the sets
        that may be free together gives.
    proximal : float
        Weight of half the squared distance from the current point in the problem of each block.
    solver : str
    """

    def __init__(self, problem, groups=None, *, proximal=0.0, solver="CLARABEL"):
        grammar = Grammar(problem)
        self.variables = grammar.variables
        self.groups = partition(grammar, groups)
        self.sense = -1.0 if isinstance(problem.objective, cp.Maximize) else 1.0
        self.blocks = tuple(
            Block(", ".join(variable.name() for variable in group), _shape(group), NoPenalty())
            for group in self.groups
        )
        self.signs = grammar.signs
        self._values = {
            id(variable): stand_in(variable, grammar.signs[id(variable)])
            for variable in self.variables
        }
        constants = {
            id(parameter): cp.Constant(parameter.value) for parameter in problem.parameters()
        }
        memo = {}
        everything = self._values | constants
        expression = self.sense * problem.objective.args[0]
        self._objective = substitute(expression, everything, memo)
        self._constraints = [substitute(one, everything, memo) for one in problem.constraints]
        self._subproblems = [
            self._subproblem(problem, expression, block.name, group, constants, proximal, solver)
            for block, group in zip(self.blocks, self.groups)
        ]
        self._losses = IdentityMemo()
        self._violation = _VIOLATION_OF.get(solver, _VIOLATION)

    def loss(self, x):
        """Return the objective, or infinity where a constraint does not hold."""
        return self._losses("loss", x, lambda: self._loss(x))

    def residual(self, x):
        """Return the largest relative decrease that an exact solve of one block still gives."""
        loss = self.loss(x)
        worst = 0.0
        for k in range(len(self.blocks)):
            solved = (*x[:k], self.solve_block(x, k), *x[k + 1 :])
            worst = max(worst, (loss - self.loss(solved)) / max(abs(loss), np.finfo(float).eps))
        return worst

    def solve_block(self, x, k):
        """Return the minimising block ``k``, or the present one when that is no worse.

        Raises
        ------
        BlockFailure
            If the solver returns no minimiser.
        """
        before = self.loss(x)
        self._place(x)
        group = self.groups[k]
        current = [self._values[id(variable)].value for variable in group]
        values = [
            self.admissible(variable, value)
            for variable, value in zip(group, self._subproblems[k].solve(current))
        ]
        solved = _joined(values)
        after = self.loss((*x[:k], solved, *x[k + 1 :]))
        return solved if after <= before else x[k]

    def admissible(self, variable, value):
        """Return the nearest value with the attributes and the sign of a variable."""
        value = np.asarray(variable.project(value), float).reshape(variable.shape)
        sign = self.signs[id(variable)]
        if sign == "nonneg":
            return np.maximum(value, 0.0)
        return np.minimum(value, 0.0) if sign == "nonpos" else value

    def pack(self, values):
        """Return the blocks of a dict of values by ``id`` of the variables."""
        return tuple(_joined([values[id(variable)] for variable in group]) for group in self.groups)

    def unpack(self, x):
        """Return the values by ``id`` of the variables."""
        values = {}
        for group, block in zip(self.groups, x):
            flat, start = np.asarray(block).ravel(), 0
            for variable in group:
                end = start + variable.size
                values[id(variable)] = flat[start:end].reshape(variable.shape)
                start = end
        return values

    def named(self, x):
        """Return the values by name, in the order of the problem's variables."""
        values = self.unpack(x)
        return {variable.name(): values[id(variable)] for variable in self.variables}

    def _place(self, x):
        for key, value in self.unpack(x).items():
            self._values[key].save_value(value)

    def _loss(self, x):
        self._place(x)
        with np.errstate(all="ignore"):
            if not all(_holds(one, self._violation) for one in self._constraints):
                return np.inf
            value = self._objective.value
        return float(value) if np.isfinite(value) else np.inf

    def _subproblem(self, problem, expression, name, group, constants, proximal, solver):
        own = {id(variable) for variable in group}
        fixed = {key: value for key, value in self._values.items() if key not in own} | constants
        memo = {}
        terms = [substitute(term, fixed, memo) for term in summands(expression)]
        constraints = [substitute(one, fixed, memo) for one in problem.constraints]
        return Subproblem(
            f"The problem of block {name}",
            [term for term in terms if term.variables()],
            [one for one in constraints if one.variables()],
            list(group),
            proximal=proximal,
            solver=solver,
        )


@dataclass(frozen=True)
class BlockSolve(Update):
    r"""The exact minimiser of one block of a program, by a convex solver.

    .. math:: \min_{x_k} \; f(x_1, \dots, x_k, \dots, x_K) \quad \text{subject to constraints}

    Notes
    -----
    Guarantee: exact, and never increases the objective: a solution that a solver's tolerance makes
    worse than the present block is not taken.

    Cost: one convex program, compiled once, and two objectives.

    Chapter: :doc:`/chapters/latent_structure/multiconvex_programs`

    Examples
    --------
    >>> import cvxpy as cp
    >>> from multiconvex import alternate
    >>> from multiconvex.programming import BlockSolve, Program
    >>> x, y = cp.Variable(name="x", nonneg=True), cp.Variable(name="y", nonneg=True)
    >>> program = Program(cp.Problem(cp.Minimize(cp.square(x * y - 6) + cp.square(x - y - 1))))
    >>> result = alternate(program, (1.0, 1.0), BlockSolve())
    >>> bool(result.objective < 1e-5)
    True
    """

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("solve_block",)

    def __call__(self, problem, x, k, memory):
        return problem.solve_block(x, k), memory


@dataclass(frozen=True)
class ProximalBlockSolve(BlockSolve):
    """The same when the program has proximal terms, with which one solve is not the last."""

    exact: ClassVar[bool] = False


def partition(grammar, groups):
    """Return groups of variables, each free to move together, after checking those given."""
    if groups is None:
        return _greedy_partition(grammar)
    groups = [
        tuple(group) if isinstance(group, list | tuple) else (group,) for group in list(groups)
    ]
    index_of = {id(variable): index for index, variable in enumerate(grammar.variables)}
    listed = [variable for group in groups for variable in group]
    for variable in listed:
        if id(variable) not in index_of:
            raise ValueError(f"blocks holds {variable}, which is not a variable of the problem.")
    if len({id(variable) for variable in listed}) < len(listed):
        raise ValueError("blocks must hold each variable once: some variable is in two blocks.")
    missing = [one.name() for one in grammar.variables if id(one) not in map(id, listed)]
    if missing or not all(groups):
        raise ValueError(
            f"blocks must be a partition of the variables into non-empty lists; missing: "
            f"{', '.join(missing) or 'none'}."
        )
    for group in groups:
        free = frozenset(index_of[id(variable)] for variable in group)
        if not grammar.allows(free):
            names = ", ".join(variable.name() for variable in group)
            raise NotMultiConvex(
                f"The block ({names}) is not convex with the others fixed: {grammar.explain(free)}."
            )
    return tuple(groups)


def _greedy_partition(grammar):
    """Take the set that frees most of the variables that are left, until none is."""
    left, groups = set(range(len(grammar.variables))), []
    free_sets = grammar.free_sets()
    while left:
        best = max(free_sets, key=lambda free: len(left.intersection(free)))
        groups.append(tuple(sorted(left.intersection(best))))
        left.difference_update(best)
    return tuple(tuple(grammar.variables[index] for index in group) for group in sorted(groups))


def _shape(group):
    return group[0].shape if len(group) == 1 else (sum(variable.size for variable in group),)


def _joined(values):
    return values[0] if len(values) == 1 else np.concatenate([value.ravel() for value in values])


def _holds(constraint, tolerance):
    violation = float(np.max(constraint.violation(), initial=0.0))
    if violation <= tolerance:
        return True
    scale = max(float(np.abs(arg.value).max(initial=0.0)) for arg in constraint.args)
    return violation <= tolerance * scale
