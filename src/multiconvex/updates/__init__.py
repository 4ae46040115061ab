"""Rules that improve one block while the others stay fixed."""

from multiconvex.updates.accelerated_prox import AcceleratedProxGradient, WeightRegression
from multiconvex.updates.active_set import ActiveSet
from multiconvex.updates.admm import ADMM
from multiconvex.updates.atom_assignment import AtomAssignment
from multiconvex.updates.atom_transport import AtomTransport
from multiconvex.updates.base import Update
from multiconvex.updates.block_fista import BlockFISTA
from multiconvex.updates.branch_and_bound import BranchAndBound
from multiconvex.updates.constrained_newton import ConstrainedNewton
from multiconvex.updates.coupled_admm import CoupledADMM
from multiconvex.updates.coupled_least_squares import CoupledLeastSquares
from multiconvex.updates.factor_update import FactorUpdate
from multiconvex.updates.hals import HALS
from multiconvex.updates.homp import HOMP
from multiconvex.updates.iht import IHT
from multiconvex.updates.joint_majorant import JointMajorant
from multiconvex.updates.least_squares import LeastSquares
from multiconvex.updates.metric_prox_gradient import MetricProxGradient
from multiconvex.updates.msom import MSOM
from multiconvex.updates.multiplicative import MultiplicativeUpdate
from multiconvex.updates.nolips import NoLips
from multiconvex.updates.parameter_update import ParameterUpdate
from multiconvex.updates.primal_dual import PrimalDual
from multiconvex.updates.projected_least_squares import ProjectedLeastSquares
from multiconvex.updates.prox_gradient import ProxGradient
from multiconvex.updates.quasi_newton import QuasiNewton
from multiconvex.updates.refined_active_set import RefinedActiveSet
from multiconvex.updates.scalar_newton import ScalarNewton
from multiconvex.updates.support_enumeration import SupportEnumeration
from multiconvex.updates.trick_omp import TrickOMP

__all__ = [
    "ADMM",
    "HALS",
    "HOMP",
    "IHT",
    "MSOM",
    "AcceleratedProxGradient",
    "ActiveSet",
    "AtomAssignment",
    "AtomTransport",
    "BlockFISTA",
    "BranchAndBound",
    "ConstrainedNewton",
    "CoupledADMM",
    "CoupledLeastSquares",
    "FactorUpdate",
    "JointMajorant",
    "LeastSquares",
    "MetricProxGradient",
    "MultiplicativeUpdate",
    "NoLips",
    "ParameterUpdate",
    "PrimalDual",
    "ProjectedLeastSquares",
    "ProxGradient",
    "QuasiNewton",
    "RefinedActiveSet",
    "ScalarNewton",
    "SupportEnumeration",
    "TrickOMP",
    "Update",
    "WeightRegression",
]
