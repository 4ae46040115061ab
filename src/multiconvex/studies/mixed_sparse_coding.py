r"""Experiments of the chapter on mixed sparse coding.

Every objective is :math:`\tfrac12 \|X - D C H^T\|_F^2` with sparse columns of C, as in
:class:`multiconvex.DictionaryProblem`; the source leaves out the factor one half.
"""

from multiconvex.studies._coding_bounds import Robustness, measure_robustness, weakest_atoms
from multiconvex.studies._column_relaxations import (
    Relaxations,
    RelaxedCodes,
    RelaxedCoding,
    relax_columns,
)
from multiconvex.studies._planted_codes import (
    HEURISTICS,
    PlantedCoding,
    Recovery,
    SearchCount,
    compare_with_search,
    count_thresholding,
    estimate_codes,
    measure_recovery,
    plant_codes,
    search_every_support,
)
from multiconvex.studies._smooth_spectra import (
    METHODS,
    WIDTHS,
    AtomCounts,
    NoisyFluorescence,
    add_noise,
    compare_smoothers,
    fit_atom_counts,
    fit_splines,
    tabulate_smoothers,
)

__all__ = [
    "HEURISTICS",
    "METHODS",
    "WIDTHS",
    "AtomCounts",
    "NoisyFluorescence",
    "PlantedCoding",
    "Recovery",
    "Relaxations",
    "RelaxedCodes",
    "RelaxedCoding",
    "Robustness",
    "SearchCount",
    "add_noise",
    "compare_smoothers",
    "compare_with_search",
    "count_thresholding",
    "estimate_codes",
    "fit_atom_counts",
    "fit_splines",
    "measure_recovery",
    "measure_robustness",
    "plant_codes",
    "relax_columns",
    "search_every_support",
    "tabulate_smoothers",
    "weakest_atoms",
]
