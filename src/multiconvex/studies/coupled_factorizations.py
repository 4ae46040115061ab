r"""Experiments of the chapter on coupled factorisations.

Every fit minimises :math:`\sum_i \tfrac{w_i}{2} \|X_i - \hat X_i\|_F^2` over the observed entries
of simulated data, as :func:`multiconvex.coupled_factorization` does.
"""

from multiconvex.studies._coupled_blocks import (
    LagCurve,
    NodeCount,
    Rescue,
    SharingScore,
    SpectraFan,
    Splitting,
    WeightCurve,
    count_nodes,
    fan_spectra,
    follow_lag,
    follow_splitting,
    measure_rescue,
    observe_together,
    share_partly,
    share_slopes,
    vary_weights,
)
from multiconvex.studies._two_instruments import (
    SPECIES,
    Comparison,
    FitScore,
    Reaction,
    compare_fits,
    course_error,
    courses,
    observe_reaction,
)

__all__ = [
    "SPECIES",
    "Comparison",
    "FitScore",
    "LagCurve",
    "NodeCount",
    "Reaction",
    "Rescue",
    "SharingScore",
    "SpectraFan",
    "Splitting",
    "WeightCurve",
    "compare_fits",
    "count_nodes",
    "course_error",
    "courses",
    "fan_spectra",
    "follow_lag",
    "follow_splitting",
    "measure_rescue",
    "observe_reaction",
    "observe_together",
    "share_partly",
    "share_slopes",
    "vary_weights",
]
