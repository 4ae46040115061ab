"""Multi-convex models for latent structure, solved block by block.

Every public name is importable from here; names are loaded when first used, so that
``import multiconvex`` stays light.
"""

from importlib import import_module
from importlib.metadata import version

_ROOMS = {
    "acceleration": ("Extrapolation",),
    "diagnostics": ("factor_match_score", "kkt_residual", "match_components", "spectral_angle"),
    "engine": ("alternate",),
    "estimators": ("NMF", "SeparableNMF"),
    "losses": ("BetaDivergence", "Frobenius", "KullbackLeibler"),
    "models.compression": ("Compression",),
    "models.cp": ("TensorFactorization", "cp"),
    "models.factor_problem": ("DivergenceProblem", "FactorProblem"),
    "models.nmf": ("MatrixFactorization", "nmf"),
    "models.rank_one": ("rank_one",),
    "models.jennrich": ("jennrich",),
    "models.separable_nmf": ("SeparableFactorization", "separable_nmf"),
    "penalties": (
        "L1",
        "L2",
        "Box",
        "ColumnSparse",
        "GroupL2",
        "NoPenalty",
        "NonNegative",
        "Penalty",
        "Simplex",
        "SubSimplex",
        "TraceNorm",
        "UnitBall",
    ),
    "problem": ("Block", "MultiblockProblem"),
    "regression": ("Regression", "nnkl", "nnls"),
    "stopping": ("ConvergenceWarning", "RelativeDecrease"),
    "trace": ("Result", "Sweep", "Trace"),
    "updates": (
        "ActiveSet",
        "HALS",
        "LeastSquares",
        "MultiplicativeUpdate",
        "NoLips",
        "ProxGradient",
        "RefinedActiveSet",
        "ScalarNewton",
        "Update",
    ),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}
_SUBMODULES = ("datasets", "studies", "viz")

__version__ = version("multiconvex")
__all__ = sorted([*_ROOM_OF, *_SUBMODULES])


def __getattr__(name):
    if name in _ROOM_OF:
        value = getattr(import_module(f"multiconvex.{_ROOM_OF[name]}"), name)
    elif name in _SUBMODULES:
        value = import_module(f"multiconvex.{name}")
    else:
        raise AttributeError(f"module 'multiconvex' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return __all__
