"""What a model written as formulas refuses, in sentences."""

import cvxpy as cp
import numpy as np

from multiconvex.models.latent.expressions import split_terms


def as_factors(parameters):
    """Return the variables of each factor, no variable in two of them."""
    factors = [_as_variables(given) for given in parameters]
    seen = set()
    for variable in (variable for factor in factors for variable in factor):
        if variable.id in seen:
            raise ValueError(
                f"{variable.name()} is a parameter twice: give each factor variables of its own, "
                "and share a value by a constraint such as a == b."
            )
        seen.add(variable.id)
    return factors


def _as_variables(given):
    variables = list(given) if isinstance(given, list | tuple) else [given]
    for variable in variables:
        if not isinstance(variable, cp.Variable):
            raise TypeError(
                "parameters must hold, for each factor, a cvxpy.Variable or a list of them; got "
                f"{type(variable).__name__}."
            )
        if variable.attributes["boolean"] or variable.attributes["integer"]:
            raise ValueError(
                f"{variable.name()} is an integer variable: parameters must be continuous."
            )
    return variables


def check_variables(pieces, factors):
    """Refuse variables of losses, penalty or constraints that no factor owns."""
    known = {variable.id for factor in factors for variable in factor}
    for piece in pieces:
        for variable in piece.variables():
            if variable.id not in known:
                raise ValueError(
                    f"{variable.name()} is in a loss, penalty or constraint but not among the "
                    "parameters: list it with those of its factor."
                )


def check_losses(losses, factors):
    """Return the losses, one for each factor, convex, of shape (m,), of finite data."""
    losses = list(losses)
    if not losses or len(losses) != len(factors):
        raise ValueError(
            "parameters and losses must have one entry for each factor, got "
            f"{len(factors)} and {len(losses)}."
        )
    for k, loss in enumerate(losses):
        _check_loss(k, loss)
        if loss.shape != losses[0].shape:
            raise ValueError(
                f"losses must all have one entry for each sample: losses[0] has shape "
                f"{losses[0].shape}, losses[{k}] has shape {loss.shape}."
            )
    check_variables(losses, factors)
    return losses


def check_penalty(penalty):
    """Return the terms of a convex scalar penalty."""
    if penalty is None:
        return []
    if not isinstance(penalty, cp.Expression) or penalty.size != 1:
        raise ValueError(
            "parameter_penalty must be a scalar cvxpy expression such as "
            f"0.5 * cp.norm(theta), got {penalty!r}."
        )
    if not penalty.is_convex():
        raise ValueError(
            "parameter_penalty is not convex by the rules of disciplined convex programming: "
            f"{_shortened(penalty)}."
        )
    return split_terms(penalty)


def check_constraints(constraints):
    """Return the constraints, each convex and with sides of one shape."""
    constraints = list(constraints)
    for constraint in constraints:
        if not isinstance(constraint, cp.Constraint):
            raise TypeError(
                "parameter_constraints must be a list of cvxpy constraints such as theta >= 0, "
                f"got {type(constraint).__name__}."
            )
        if not constraint.is_dcp():
            raise ValueError(
                "A constraint is not convex by the rules of disciplined convex programming: "
                f"{_shortened(constraint)}."
            )
        sides = {arg.shape for arg in constraint.args if arg.size > 1}
        if len(sides) > 1:
            first, second = (arg.shape for arg in constraint.args[:2])
            raise ValueError(
                f"A constraint compares shapes {first} and {second}, which are broadcast to "
                f"{constraint.shape}: every entry of one side would be compared with every entry "
                "of the other. Give both sides one shape, for instance A @ theta <= b with theta "
                "of shape (n,), or b[:, None]."
            )
    return constraints


def _check_loss(k, loss):
    if not isinstance(loss, cp.Expression):
        raise TypeError(f"losses[{k}] must be a cvxpy expression, got {type(loss).__name__}.")
    if len(loss.shape) != 1:
        raise ValueError(
            f"losses[{k}] must have shape (m,), one loss for each sample, got {loss.shape}: sum "
            "over the features with cp.sum(..., axis=1)."
        )
    for constant in loss.constants() + loss.parameters():
        if constant.value is None:
            raise ValueError(f"losses[{k}] holds {constant.name()} without a value: set .value.")
        if not np.all(np.isfinite(_entries(constant.value))):
            raise ValueError(
                f"losses[{k}] holds NaN or infinite data: remove those samples or fill them in."
            )
    if not loss.is_convex():
        raise ValueError(
            f"losses[{k}] is not convex in its parameters by the rules of disciplined convex "
            f"programming: {_shortened(loss)}. Write it with convex atoms, for instance "
            "cp.logistic(u) for log(1 + exp(u)) and cp.log_sum_exp(U, axis=1)."
        )


def _entries(value):
    return value.data if hasattr(value, "tocsr") else np.asarray(value, float)


def _shortened(expression):
    text = " ".join(str(expression).split())
    return text if len(text) <= 120 else text[:117] + "..."
