"""Starting points: values the user set, and random ones that satisfy what is convex in all."""

import cvxpy as cp
import numpy as np

from multiconvex.programming.fixing import substitute
from multiconvex.programming.subproblem import Subproblem


def first_start(problem, program, rng):
    """Return the values that variables have, random ones for those that have none, by ``id``."""
    given = {
        id(variable): program.admissible(variable, variable.value)
        for variable in program.variables
        if variable.value is not None
    }
    return _completed(problem, program, given, rng)


def random_start(problem, program, rng):
    """Return random values for all variables, by ``id``."""
    return _completed(problem, program, {}, rng)


def _completed(problem, program, given, rng):
    drawn = {
        id(variable): program.admissible(variable, _draw(variable, program, rng))
        for variable in program.variables
        if id(variable) not in given
    }
    return given | _projected(problem, program, given, drawn)


def _draw(variable, program, rng):
    """Return uniform values between bounds or of known sign, normal ones otherwise."""
    if variable.attributes["PSD"] or variable.attributes["NSD"]:
        root = rng.standard_normal(variable.shape)
        sign = 1.0 if variable.attributes["PSD"] else -1.0
        return sign * root @ root.T / len(root)
    if variable.bounds is not None:
        lower, upper = (np.broadcast_to(bound, variable.shape) for bound in variable.bounds)
        lower = np.where(np.isfinite(lower), lower, np.minimum(upper - 1.0, 0.0))
        lower = np.where(np.isfinite(lower), lower, -1.0)
        upper = np.where(np.isfinite(upper), upper, np.maximum(lower + 1.0, 1.0))
        return rng.uniform(lower, upper)
    sign = program.signs[id(variable)]
    if sign is None:
        return rng.standard_normal(variable.shape)
    return rng.random(variable.shape) * (1.0 if sign == "nonneg" else -1.0)


def _projected(problem, program, given, drawn):
    """Return the nearest drawn values that satisfy the constraints convex in all of them."""
    moving = [variable for variable in program.variables if id(variable) in drawn]
    fixed = {id(one): cp.Constant(given[id(one)]) for one in program.variables if id(one) in given}
    constraints = [substitute(one, fixed, {}) for one in problem.constraints]
    constraints = [one for one in constraints if one.variables() and one.is_dcp()]
    if not constraints:
        return drawn
    distances = [cp.sum_squares(one - drawn[id(one)]) for one in moving]
    nearest = Subproblem("The search for a start", distances, constraints, moving)
    return {
        id(variable): program.admissible(variable, value)
        for variable, value in zip(moving, nearest.solve([]))
    }
