"""Steps that have no fast path, as CVXPY problems compiled once."""

import cvxpy as cp
import networkx as nx
import numpy as np

from multiconvex.chains import LabelPenalty
from multiconvex.models.latent.expressions import assign, preserved
from multiconvex.models.latent.problem import Emission
from multiconvex.penalties import Simplex
from multiconvex.programming.subproblem import BlockFailure, Subproblem

_SLACK = 1e-6
_FLOOR = 1e-10


class ProgramEmission(Emission):
    """Losses, penalty and constraints as CVXPY expressions of the parameters.

    Factors that share no constraint and no term of the penalty are fitted apart.

    Parameters
    ----------
    factors : list of list of cvxpy.Variable
        The parameters of each factor.
    losses : list of cvxpy.Expression
        Of shape (m,).
    penalty : list of cvxpy.Expression
        Its terms.
    constraints : list of cvxpy.Constraint
    """

    def __init__(self, factors, losses, penalty, constraints):
        self.factors, self.losses = factors, losses
        self._penalty, self._constraints = penalty, constraints
        self.n_samples, self.n_factors = losses[0].shape[0], len(losses)
        self.sizes = tuple(sum(variable.size for variable in factor) for factor in factors)
        self._groups = [self._compile(group) for group in self._coupled()]

    @property
    def shape(self):
        return (self.n_factors, max(self.sizes))

    def values(self, thetas):
        with self._at(thetas):
            return np.column_stack([np.asarray(loss.value, float) for loss in self.losses])

    def penalty(self, thetas):
        with self._at(thetas):
            if any(np.max(c.violation(), initial=0.0) > _SLACK for c in self._constraints):
                return np.inf
            return float(sum(np.sum(term.value) for term in self._penalty))

    def restrict(self, rows):
        losses = [loss[rows] for loss in self.losses]
        return ProgramEmission(self.factors, losses, self._penalty, self._constraints)

    def fit(self, weights, thetas):
        fitted = thetas.copy()
        for group, problem, loads in self._groups:
            for k, load in zip(group, loads):
                load.save_value(np.maximum(weights[:, k], 0.0))
            values = iter(_solve(problem, self._split(thetas, group)))
            for k in group:
                pieces = [next(values).ravel() for _ in self.factors[k]]
                fitted[k, : self.sizes[k]] = np.concatenate(pieces)
        return self._lower(weights, thetas, fitted)

    def _split(self, thetas, group):
        """Return the values of the variables of some factors, in order."""
        with self._at(thetas):
            return [variable.value for k in group for variable in self.factors[k]]

    def _lower(self, weights, thetas, fitted):
        """Return the fit unless the accuracy of the solver left it above feasible parameters."""
        old, new = (
            float(np.vdot(weights, self.values(point))) + self.penalty(point)
            for point in (thetas, fitted)
        )
        return thetas if old < new else fitted

    def _compile(self, group):
        """Return the factors, their problem and the parameters that hold their weights."""
        variables = [variable for k in group for variable in self.factors[k]]
        own = {variable.id for variable in variables}
        loads = [cp.Parameter(self.n_samples, nonneg=True) for _ in group]
        terms = [cp.sum(cp.multiply(load, self.losses[k])) for k, load in zip(group, loads)]
        terms += [term for term in self._penalty if _ids(term) & own]
        constraints = [c for c in self._constraints if _ids(c) & own]
        title = f"The step on the parameters of factors {list(group)}"
        return group, Subproblem(title, terms, constraints, variables), loads

    def _coupled(self):
        graph = nx.Graph()
        graph.add_nodes_from(range(self.n_factors))
        owner = {v.id: k for k, factor in enumerate(self.factors) for v in factor}
        for piece in [*self._penalty, *self._constraints, *self.losses]:
            nx.add_path(graph, sorted({owner[i] for i in _ids(piece) if i in owner}))
        return [tuple(sorted(component)) for component in nx.connected_components(graph)]

    def _at(self, thetas):
        variables = [variable for factor in self.factors for variable in factor]
        context = preserved(variables)
        return _Assigned(context, self.factors, thetas, self.sizes)


class _Assigned:
    """Gives variables the values of the rows of the block while a block of code runs."""

    def __init__(self, context, factors, thetas, sizes):
        self._context, self._rows = context, list(zip(factors, thetas, sizes))

    def __enter__(self):
        self._context.__enter__()
        for factor, theta, size in self._rows:
            assign(factor, theta[:size])

    def __exit__(self, *error):
        return self._context.__exit__(*error)


class ProgramLabels(LabelPenalty):
    """A penalty and constraints on the labels, written as CVXPY expressions.

    Parameters
    ----------
    penalty : callable or None
        From a variable of shape (m, K) to a convex expression.
    constraints : callable or None
        From that variable to a list of constraints.
    shape : tuple of int
    """

    def __init__(self, penalty, constraints, shape):
        self._z = cp.Variable(shape)
        self._losses = cp.Parameter(shape)
        self._penalty = cp.Constant(0.0) if penalty is None else cp.sum(penalty(self._z))
        self._constraints = [] if constraints is None else list(constraints(self._z))
        simplex = [self._z >= 0, cp.sum(self._z, axis=1) == 1]
        terms = [cp.sum(cp.multiply(self._losses, self._z)), self._penalty]
        constraints = simplex + self._constraints
        if not cp.Problem(cp.Minimize(sum(terms)), constraints).is_dcp():
            raise ValueError(
                "The penalty and constraints of the labels must be convex in z by the rules of "
                "disciplined convex programming: rewrite them with convex atoms."
            )
        self._problem = Subproblem("The step on the labels", terms, constraints, [self._z])

    def value(self, z):
        if Simplex().value(z) > 0.0:
            return np.inf
        self._z.save_value(z)
        if any(np.max(c.violation(), initial=0.0) > _SLACK for c in self._constraints):
            return np.inf
        return float(self._penalty.value)

    def minimize(self, losses, z):
        self._losses.save_value(losses)
        solved = _solve(self._problem, [z])[0]
        candidates = [z, _in_simplex(solved, 0.0), _in_simplex(solved, _FLOOR)]
        costs = [np.vdot(losses, candidate) + self.value(candidate) for candidate in candidates]
        return candidates[int(np.argmin(costs))].copy()


def _in_simplex(z, floor):
    """Return rows that sum to one; divergences are infinite at 0, where solvers leave -1e-12."""
    rows = np.maximum(z, floor)
    return rows / rows.sum(axis=1, keepdims=True)


def _ids(piece):
    return {variable.id for variable in piece.variables()}


def _solve(problem, current):
    try:
        return problem.solve(current)
    except BlockFailure as error:
        raise ValueError(
            f"{problem.title} has no solution: check that its constraints can hold together, and "
            "that its penalty keeps what it is over bounded."
        ) from error
