r"""Experiments of the chapter on single-pixel imaging.

Intensities are relative to the brightest pixel; *photons* are what a pixel of intensity one sends
during the exposure of one pattern. Errors are root mean square over pixels.
"""

from multiconvex.studies._filtered_light import (
    Overlap,
    Unmixing,
    UnmixingRow,
    unmix_overlap,
    unmix_scene,
)
from multiconvex.studies._pattern_gains import (
    DarkGains,
    GainRow,
    follow_darkness,
    measure_gains,
)
from multiconvex.studies._pictured_cats import (
    Reconstruction,
    ReconstructionRow,
    UpdateRace,
    choose_weight,
    race_updates,
    reconstruct_cat,
)
from multiconvex.studies._scanned_target import TargetImages, reconstruct_target

__all__ = [
    "DarkGains",
    "GainRow",
    "Overlap",
    "Reconstruction",
    "ReconstructionRow",
    "TargetImages",
    "Unmixing",
    "UnmixingRow",
    "UpdateRace",
    "choose_weight",
    "follow_darkness",
    "measure_gains",
    "race_updates",
    "reconstruct_cat",
    "reconstruct_target",
    "unmix_overlap",
    "unmix_scene",
]
