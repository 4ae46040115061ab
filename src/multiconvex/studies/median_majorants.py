"""Experiments of the chapter on majorants with one curvature for each coordinate."""

from multiconvex.studies._dark_water import Lake, LakeRuns, load_lake, watch_lake
from multiconvex.studies._divergence_steps import (
    DivergenceSlice,
    RatioGap,
    compare_test_points,
    count_increases,
    guard_far_starts,
    race_counts,
    slice_divergence,
)
from multiconvex.studies._majorant_races import (
    FactorRace,
    RaceRow,
    race_factors,
    summarise_races,
)
from multiconvex.studies._test_vectors import (
    CURVATURES,
    POINTS,
    DiagonalSteps,
    GammaPath,
    MeanTest,
    Slices,
    compare_means,
    follow_gamma,
    leading_eigenvector,
    measure_rates,
    slice_majorants,
    slowest_mode,
)

__all__ = [
    "CURVATURES",
    "POINTS",
    "DiagonalSteps",
    "DivergenceSlice",
    "FactorRace",
    "GammaPath",
    "Lake",
    "LakeRuns",
    "MeanTest",
    "RaceRow",
    "RatioGap",
    "Slices",
    "compare_means",
    "compare_test_points",
    "count_increases",
    "follow_gamma",
    "guard_far_starts",
    "leading_eigenvector",
    "load_lake",
    "measure_rates",
    "race_counts",
    "race_factors",
    "slice_divergence",
    "slice_majorants",
    "slowest_mode",
    "summarise_races",
    "watch_lake",
]
