r"""Experiments of the chapter on spectral unmixing.

:func:`report` unmixes any cube; the other studies look at what it assumes. Abundances are shares
that sum to one in each pixel, after each spectrum has been scaled to its reference.
"""

from multiconvex.studies._drawn_regions import Region
from multiconvex.studies._farm_classes import FarmReport, unmix_farm
from multiconvex.studies._mixed_paints import Mixtures, colours_of, mix_paints
from multiconvex.studies._purity_limits import (
    PurityRecord,
    compare_purities,
    make_limited_scene,
)
from multiconvex.studies._stained_tissue import TissueReport, unmix_tissue
from multiconvex.studies._unmixing_report import MethodResult, UnmixingReport, report
from multiconvex.studies._unmixing_starts import (
    StartRow,
    WeightPath,
    follow_weights,
    outline_materials,
    provoke_errors,
    repeat_starts,
)

__all__ = [
    "FarmReport",
    "MethodResult",
    "Mixtures",
    "PurityRecord",
    "Region",
    "StartRow",
    "TissueReport",
    "UnmixingReport",
    "WeightPath",
    "colours_of",
    "compare_purities",
    "follow_weights",
    "make_limited_scene",
    "mix_paints",
    "outline_materials",
    "provoke_errors",
    "repeat_starts",
    "report",
    "unmix_farm",
    "unmix_tissue",
]
