r"""Experiments of the chapter on one-sparse dictionaries.

Every fit minimises :math:`\tfrac12 \|X - D C H^T\|_F^2` over codes with one nonzero in each column
and, unless told otherwise, nonnegative abundances, as :func:`multiconvex.dictionary_lra` does.
"""

from multiconvex.studies._lookalikes import (
    ImpureFit,
    Lookalikes,
    fit_impure,
    measure_lookalikes,
)
from multiconvex.studies._noisy_mixtures import Finder, MethodCurves, compare_methods
from multiconvex.studies._picked_pixels import (
    PLACES,
    Choice,
    Mixtures,
    RuleRecord,
    compare_rules,
    follow_choices,
    mix_pixels,
)
from multiconvex.studies._planted_atoms import (
    Blindness,
    LiftedAtom,
    OrderTest,
    SupportCount,
    count_supports,
    lift_atom,
    measure_blindness,
    measure_order,
    relative_residual,
)
from multiconvex.studies._unmixed_scenes import (
    NamedAnalytes,
    SceneScore,
    TermSize,
    UnmixedScene,
    follow_terms,
    name_analytes,
    unmix_scene,
)

__all__ = [
    "PLACES",
    "Blindness",
    "Choice",
    "Finder",
    "ImpureFit",
    "LiftedAtom",
    "Lookalikes",
    "MethodCurves",
    "Mixtures",
    "NamedAnalytes",
    "OrderTest",
    "RuleRecord",
    "SceneScore",
    "SupportCount",
    "TermSize",
    "UnmixedScene",
    "compare_methods",
    "compare_rules",
    "count_supports",
    "fit_impure",
    "follow_choices",
    "follow_terms",
    "lift_atom",
    "measure_blindness",
    "measure_lookalikes",
    "measure_order",
    "mix_pixels",
    "name_analytes",
    "relative_residual",
    "unmix_scene",
]
