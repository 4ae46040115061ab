"""Rules that improve one block while the others stay fixed."""

from multiconvex.updates.active_set import ActiveSet
from multiconvex.updates.base import Update
from multiconvex.updates.factor_update import FactorUpdate
from multiconvex.updates.hals import HALS
from multiconvex.updates.least_squares import LeastSquares
from multiconvex.updates.multiplicative import MultiplicativeUpdate
from multiconvex.updates.nolips import NoLips
from multiconvex.updates.parameter_update import ParameterUpdate
from multiconvex.updates.prox_gradient import ProxGradient
from multiconvex.updates.refined_active_set import RefinedActiveSet
from multiconvex.updates.scalar_newton import ScalarNewton

__all__ = [
    "HALS",
    "ActiveSet",
    "FactorUpdate",
    "LeastSquares",
    "MultiplicativeUpdate",
    "NoLips",
    "ParameterUpdate",
    "ProxGradient",
    "RefinedActiveSet",
    "ScalarNewton",
    "Update",
]
