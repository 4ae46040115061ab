"""Experiments of the chapter on training implicit models block by block.

Errors are root mean squared errors on test data that no fit has seen. The training error of a
*relaxed* fit is that of the trained states; predictions come from the equilibrium.
"""

from multiconvex.studies._relaxed_convexity import (
    Curvatures,
    InequalityRow,
    compare_inequalities,
    measure_curvatures,
)
from multiconvex.studies._relaxed_training import (
    Path,
    RelaxedCurve,
    SeedRow,
    compare_known_rules,
    compare_sines,
    draw_known_rule,
    draw_sine,
    fit_relaxed,
    follow_variants,
    raise_weights,
    root_mean_square,
)

__all__ = [
    "Curvatures",
    "InequalityRow",
    "Path",
    "RelaxedCurve",
    "SeedRow",
    "compare_inequalities",
    "compare_known_rules",
    "compare_sines",
    "draw_known_rule",
    "draw_sine",
    "fit_relaxed",
    "follow_variants",
    "measure_curvatures",
    "raise_weights",
    "root_mean_square",
]
