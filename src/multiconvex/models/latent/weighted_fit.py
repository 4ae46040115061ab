r"""The exact parameter step: weighted losses of linear predictors over a parameter space."""

import numpy as np
from scipy.optimize import linprog

_RIDGE = 1e-10
_ROUNDING = 1e-13
_MAX_NEWTON = 200
_SUFFICIENT = 0.25
_DECREMENT = 1e-13
_HALVINGS = 50


def fit_newton(loss, weights, space, theta):
    r"""Minimise by Newton steps, each a quadratic program, with a line search.

    A norm penalty is smooth away from 0; whether 0 itself is optimal is decided first, by the
    length of the steepest feasible descent from there.
    """
    theta = space.project(theta)
    if space.norm:
        zero = np.zeros_like(theta)
        if space.value(zero) == 0.0:
            pull = space.tangent_project(-loss.derivatives(weights, zero)[0], zero)
            if np.linalg.norm(pull) <= space.norm:
                return zero
            theta = _leave_zero(loss, weights, space, theta, pull)
    cost = loss.total(weights, theta) + space.cost(theta)
    for _ in range(_MAX_NEWTON):
        gradient, hessian = _penalised_derivatives(loss, weights, space, theta)
        target = space.minimize_quadratic(hessian, hessian @ theta - gradient)
        move = target - theta
        decrease = -float(gradient @ move)
        if decrease <= _DECREMENT * (1.0 + abs(cost)):
            return theta
        step = 1.0
        for _ in range(_HALVINGS):
            trial = theta + step * move
            trial_cost = loss.total(weights, trial) + space.cost(trial)
            if trial_cost <= cost - _SUFFICIENT * step * decrease:
                break
            step *= 0.5
        else:
            return theta
        theta, cost = trial, trial_cost
    return theta


def fit_absolute(loss, weights, space, theta):
    r"""Minimise weighted absolute values exactly, through the dual linear program.

    .. math:: \max_{\lambda, \mu} \; b^T \lambda - d^T \mu \quad\text{subject to}\quad
              A^T \lambda + C^T \mu = 0, \; |\lambda| \le w, \; \mu \ge 0

    for residuals :math:`A \theta + b` and inequalities :math:`C \theta \le d`. It has one equality
    for each parameter, and their multipliers are the parameters.
    """
    theta = space.project(theta)
    rows = loss.design.reshape(-1, loss.n_parameters)
    residual_weights = np.repeat(weights, loss.design.shape[1])
    limits = np.concatenate(
        [
            np.column_stack([-residual_weights, residual_weights]),
            np.tile([0.0, np.inf], (len(space.bound), 1)),
        ]
    )
    solved = linprog(
        np.concatenate([-loss.offset.ravel(), space.bound]),
        A_eq=np.hstack([rows.T, space.matrix.T]),
        b_eq=np.zeros(loss.n_parameters),
        bounds=limits,
        method="highs",
    )
    if solved.x is None:
        raise ValueError(f"The absolute loss could not be minimised: {solved.message}")
    return _better(loss, weights, space, theta, solved.eqlin.marginals)


def _penalised_derivatives(loss, weights, space, theta):
    gradient, hessian = loss.derivatives(weights, theta)
    gradient = gradient + space.ridge * theta
    length = np.linalg.norm(theta)
    if space.norm and length > 0:
        unit = theta / length
        gradient = gradient + space.norm * unit
        hessian = hessian + space.norm / length * (np.eye(len(theta)) - np.outer(unit, unit))
    return gradient, _regularised(hessian, loss, weights, space.ridge)


def _leave_zero(loss, weights, space, theta, pull):
    """Return a point of lower cost than 0, along the pull where the start is not one."""
    at_zero = loss.total(weights, np.zeros_like(theta))
    if np.any(theta) and loss.total(weights, theta) + space.cost(theta) < at_zero:
        return theta
    curvature = max(float(pull @ loss.derivatives(weights, 0.0 * pull)[1] @ pull), _RIDGE)
    slope = float(pull @ pull) - space.norm * float(np.linalg.norm(pull))
    step = slope / curvature
    for _ in range(_HALVINGS):
        trial = space.project(step * pull)
        if loss.total(weights, trial) + space.cost(trial) < at_zero:
            return trial
        step *= 0.5
    return np.zeros_like(theta)


def _regularised(hessian, loss, weights, ridge):
    """Add the ridge, and as much as keeps a singular matrix definite.

    Steps are taken from the current parameters, so this shortens them and moves no minimiser.
    """
    size = len(hessian)
    floor = _RIDGE * max(float(weights @ loss.squared_norms) / size, 1e-12)
    floor = max(floor, _ROUNDING * float(np.trace(hessian)))
    return hessian + (ridge + floor) * np.eye(size)


def _better(loss, weights, space, theta, new):
    """Return ``new`` unless rounding left it above a feasible ``theta``."""
    old_cost = loss.total(weights, theta) + space.value(theta)
    return new if loss.total(weights, new) + space.cost(new) <= old_cost else theta
