"""Multi-convex models for latent structure, solved block by block.

Every public name is importable from here; names are loaded when first used, so that
``import multiconvex`` stays light.
"""

from importlib import import_module
from importlib.metadata import version

_ROOMS = {
    "acceleration": ("Extrapolation", "KeepBest"),
    "balancing": ("Balancing", "balance", "implicit_penalty"),
    "chains": ("IndependentLabels", "KLSmoothness", "LabelPenalty", "TotalVariation"),
    "checkpoints": ("Checkpoint",),
    "diagnostics": (
        "LabelMatch",
        "factor_match_score",
        "kkt_residual",
        "match_components",
        "match_labels",
        "spectral_angle",
        "transition_matrix",
    ),
    "engine": ("alternate",),
    "estimators.behaviour": ("ForgettingQLearning", "InputOutputHMM"),
    "estimators.clustering": ("ConstrainedKMeans",),
    "estimators.factorizations": ("NMF", "SeparableNMF"),
    "estimators.group_structure": ("GroupLasso", "GroupStructureLasso"),
    "estimators.implicit": ("ImplicitClassifier", "ImplicitRegressor"),
    "estimators.mixtures": ("MixtureOfLinearRegressions", "MixtureOfLogisticRegressions"),
    "estimators.task_groups": ("MultiTaskGroups",),
    "image_penalties": ("NonNegativeImage",),
    "implicit_rules.adjoint": ("EquilibriumGradient", "equilibrium_gradient"),
    "implicit_rules.certificates": ("Certificate", "UncertifiedWarning", "certify"),
    "implicit_rules.equilibria": ("Equilibrium", "equilibrium"),
    "implicit_rules.fenchel": ("FenchelDivergence", "FenchelGradients"),
    "implicit_rules.sets": (
        "Intersection",
        "MonotoneSet",
        "RowL1Ball",
        "SpectralBall",
        "WellPosedSet",
        "WellPosedWeights",
    ),
    "implicit_rules.weights": ("ImplicitWeights", "feed_forward"),
    "losses": ("BetaDivergence", "Frobenius", "KullbackLeibler"),
    "models.complete_dictionary": (
        "DictionaryLearning",
        "IdentifiabilityBound",
        "complete_dictionary",
        "identifiability_bound",
    ),
    "marginals": ("SinkhornScaling",),
    "models.compression": ("Compression",),
    "models.convolutive_nmf": (
        "ConvolutiveFactorization",
        "convolutive_nmf",
        "template_activations",
    ),
    "models.convolutive_problem": ("ActivationProblem", "ConvolutiveProblem"),
    "models.coupled": ("CoupledFactorization", "coupled_factorization"),
    "models.couplings": ("Coupling",),
    "models.cp": ("TensorFactorization", "cp"),
    "models.detector_nmf": ("poisson_gaussian_nmf",),
    "models.dictionary_lra": ("DictionaryFactorization", "dictionary_lra"),
    "models.dictionary_problem": ("DictionaryProblem",),
    "models.factor_problem": ("DivergenceProblem", "FactorProblem"),
    "models.feasible_sets": ("FeasibleSet", "feasible_set"),
    "models.group_mergers": ("Merger",),
    "models.group_structure": ("GroupStructure", "learn_groups"),
    "models.grouped_logistic": ("GroupedClassifiers", "grouped_logistic"),
    "models.implicit": ("ImplicitNetwork", "implicit_network"),
    "models.implicit_problem": ("ImplicitProblem",),
    "models.inverse_separable": (
        "InverseSeparableFactorization",
        "inverse_separable_nmf",
    ),
    "models.jennrich": ("jennrich",),
    "models.joint_groups": ("joint_groups",),
    "models.joint_problem": ("JointProblem",),
    "models.latent.hidden_markov": ("hidden_markov_em", "viterbi_training"),
    "models.latent.links": ("Huber", "Power"),
    "models.latent.selection": ("Selection",),
    "models.latent.starts": ("LatentFactorFit",),
    "models.latent_factors": ("LatentFactorModel",),
    "models.minvol_nmf": ("MinimumVolumeFactorization", "MinimumVolumeProblem", "minvol_nmf"),
    "models.measured": (
        "MeasuredFactorization",
        "MeasuredRegression",
        "measured_nmf",
        "measured_regression",
    ),
    "models.measured_problem": ("MeasuredFactorProblem", "MeasuredRegressionProblem"),
    "models.multiple_dictionaries": ("MultipleDictionaries", "multiple_dictionaries"),
    "models.nmf": ("MatrixFactorization", "nmf"),
    "models.parafac2": ("Feasibility", "Parafac2Factorization", "parafac2"),
    "models.rank_one": ("rank_one",),
    "models.separable_nmf": ("SeparableFactorization", "separable_nmf"),
    "models.spline_dictionary": ("bspline_dictionary",),
    "models.task_groups": ("TaskGroups", "learn_task_groups"),
    "models.transcription": (
        "NoteTemplates",
        "Transcription",
        "note_templates",
        "transcribe",
    ),
    "models.uniqueness": ("UniquenessReport", "uniqueness_report"),
    "models.unrolled_nmf": ("UnrolledNMF",),
    "nested.group_regression": ("GroupRegression", "group_lasso"),
    "nested.hypergradients": (
        "Hypergradient",
        "TaskProblems",
        "hypergradient",
        "solve_lower_level",
    ),
    "nested.outer": ("OuterProblem", "bilevel"),
    "nested.outer_steps": ("OuterStep", "ProjectedAdam", "ProjectedGradient", "Saga"),
    "nested.task_hypergradients": ("LabelledTasks", "TaskHypergradient", "task_hypergradient"),
    "operators.haar": ("HaarWavelets2D",),
    "operators.hadamard": ("hadamard_transform",),
    "operators.spectrogram": ("Spectrogram",),
    "operators.split_hadamard": ("SplitHadamard2D", "coarse_patterns"),
    "operands_chunked": ("ChunkedMatrix",),
    "parafac2_set": ("project_parafac2",),
    "penalties": (
        "L1",
        "L2",
        "Box",
        "ColumnSparse",
        "GroupL2",
        "MaxColumnL1",
        "NoPenalty",
        "NonNegative",
        "Penalty",
        "RowSparse",
        "Simplex",
        "SubSimplex",
        "TraceNorm",
        "UnitBall",
    ),
    "picked_atoms": ("PickedAtoms",),
    "problem": ("Block", "MultiblockProblem"),
    "programming": (
        "BlockFailure",
        "BlockSolve",
        "NotMultiConvex",
        "Program",
        "ProgramResult",
        "fixed_sets",
        "is_multiconvex",
        "solve_blockwise",
    ),
    "regression": ("Regression", "nnkl", "nnls"),
    "sparse_regression": ("SparseRegression", "sparse_nnls"),
    "stabilisation": (
        "ShiftedKullbackLeibler",
        "StabilizedSquares",
        "anscombe",
        "inverse_anscombe",
    ),
    "stopping": ("ConvergenceWarning", "RelativeDecrease"),
    "total_variation": ("ImageTotalVariation",),
    "trace": ("Result", "Sweep", "Trace"),
    "updates": (
        "ADMM",
        "AcceleratedProxGradient",
        "HALS",
        "HOMP",
        "IHT",
        "MSOM",
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
    ),
    "updates.msom": ("separable_curvature",),
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
