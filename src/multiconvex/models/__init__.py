"""Models: each is a problem, a starting point and a call of the engine."""

from multiconvex.models.compression import Compression
from multiconvex.models.cp import TensorFactorization, cp
from multiconvex.models.factor_problem import DivergenceProblem, FactorProblem
from multiconvex.models.jennrich import jennrich
from multiconvex.models.nmf import MatrixFactorization, nmf
from multiconvex.models.rank_one import rank_one
from multiconvex.models.separable_nmf import SeparableFactorization, separable_nmf

__all__ = [
    "Compression",
    "DivergenceProblem",
    "FactorProblem",
    "MatrixFactorization",
    "SeparableFactorization",
    "TensorFactorization",
    "cp",
    "jennrich",
    "nmf",
    "rank_one",
    "separable_nmf",
]
