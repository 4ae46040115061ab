"""Why an expression breaks the rules of disciplined convex programming, in words."""

import re

import cvxpy as cp
from cvxpy.atoms.affine.binary_operators import DivExpression, MulExpression, multiply

_LONGEST = 70


def why_not(expression, wanted):
    """Return the reason why an expression is not ``"convex"``, ``"concave"`` or ``"affine"``.

    The variables of the expression are free, everything else is a parameter or a constant.
    """
    text = quoted(expression)
    if isinstance(expression, MulExpression | multiply) and not _has_constant(expression):
        return _why_not_product(expression, text)
    if isinstance(expression, DivExpression) and not expression.args[1].is_constant():
        return f"{_names(expression.args[1])} appears in the denominator of {text}"
    if not expression.args:
        return f"{text} is not {wanted}"
    atom = _atom_curvature(expression)
    if atom != "affine" and atom != wanted:
        curvature = _curvature(expression)
        if curvature is not None:
            return (
                f"{text} is {curvature} in {_names(expression)}, where {_article(wanted)} is needed"
            )
        return (
            f"{text} is the {_atom_name(expression)} of an expression that is not affine, and that "
            f"function is {atom}, where {_article(wanted)} is needed"
        )
    for index, arg in enumerate(expression.args):
        reason = _why_not_argument(expression, index, arg, wanted)
        if reason:
            return reason
    return f"{text} is not {wanted} by the rules of disciplined convex programming"


def why_not_constraint(constraint):
    """Return the reason why a constraint does not describe a convex set."""
    if isinstance(constraint, cp.constraints.Inequality):
        smaller, larger = constraint.args
        if not smaller.is_convex():
            return why_not(smaller, "convex")
        if not larger.is_concave():
            return why_not(larger, "concave")
    for arg in constraint.args:
        if not arg.is_affine():
            return why_not(arg, "affine")
    return f"{quoted(constraint)} is not a convex constraint"


def quoted(thing):
    """Return an expression or constraint as short text between backquotes."""
    text = re.sub(r"\s+", " ", str(thing))
    text = re.sub(r"\bPowerApprox\(", "power(", text)
    text = re.sub(r"\bPnormApprox\(", "norm(", text)
    text = re.sub(r"\b(?:Promote|broadcast_to)\(([^(),]*), \([^()]*\)\)", r"\1", text)
    text = re.sub(r"\bSum\((.*), None, False\)", r"sum(\1)", text)
    text = re.sub(r"\bquad_over_lin\(([^()]*), 1\.0, None, False\)", r"sum_squares(\1)", text)
    return f"`{text}`" if len(text) <= _LONGEST else f"`{text[: _LONGEST - 3]}...`"


def _why_not_argument(expression, index, arg, wanted):
    """Return why one argument spoils a composition, or None when it does not."""
    if arg.is_affine():
        return None
    straight, turned = ("convex", "concave") if wanted == "convex" else ("concave", "convex")
    if expression.is_incr(index):
        needed = straight
    elif expression.is_decr(index):
        needed = turned
    else:
        needed = "affine"
    if wanted == "affine":
        needed = "affine"
    curvature = _curvature(arg)
    if curvature == needed:
        return None
    if curvature is None:
        return why_not(arg, needed)
    if isinstance(expression, MulExpression | multiply | DivExpression) and needed == "affine":
        return (
            f"{quoted(expression)} multiplies {_article(curvature)} with something whose sign is "
            "not known (declare it nonneg=True, or add a constraint >= 0, if that is so)"
        )
    return (
        f"{quoted(expression)} is the {_atom_name(expression)} of {_article(curvature)}, "
        f"{quoted(arg)}, where {_article(needed)} is needed"
    )


def _why_not_product(expression, text):
    left, right = expression.args
    shared = [variable for variable in left.variables() if variable in set(right.variables())]
    if shared:
        verb = "appears" if len(shared) == 1 else "appear"
        itself = "itself" if len(shared) == 1 else "themselves"
        return f"{_listed(shared)} {verb} multiplied with {itself} in {text}"
    return f"{_names(left)} is multiplied with {_names(right)} in {text}"


def _has_constant(expression):
    return any(arg.is_constant() for arg in expression.args)


def _curvature(expression):
    if expression.is_affine():
        return "affine"
    if expression.is_convex():
        return "convex"
    return "concave" if expression.is_concave() else None


def _atom_curvature(expression):
    convex, concave = expression.is_atom_convex(), expression.is_atom_concave()
    if convex and concave:
        return "affine"
    return "convex" if convex else "concave" if concave else "neither convex nor concave"


def _atom_name(expression):
    kind = type(expression).__name__
    if kind in ("Power", "PowerApprox", "power"):
        exponent = float(expression.p.value)
        return "square" if exponent == 2 else f"power {exponent:g}"
    names = {
        "quad_over_lin": "sum of squares",
        "QuadForm": "quadratic form",
        "multiply": "multiple",
    }
    return names.get(kind, kind.removesuffix("Approx").removesuffix("Expression").lower())


def _article(curvature):
    return f"{'an' if curvature == 'affine' else 'a'} {curvature} expression"


def _names(expression):
    return _listed(expression.variables())


def _listed(variables):
    return " and ".join(variable.name() for variable in variables)
