r"""Experiments of the chapter on unrolled multiplicative updates.

Errors of factors are relative squared distances of W and of H, added, after the scale of each
component has been moved into H, as in :class:`multiconvex.UnrolledNMF`.
"""

from multiconvex.studies._trained_pixels import HalfScene, PixelRow, unmix_half
from multiconvex.studies._trained_regression import (
    RegressionRow,
    RegressionToy,
    compare_regressions,
    make_regression_toy,
)
from multiconvex.studies._trained_scenes import (
    Progress,
    Residuals,
    SpectraPath,
    Supervision,
    Training,
    TransferRow,
    compare_residuals,
    compare_supervision,
    follow_errors,
    follow_spectra,
    make_family,
    make_scenes,
    mean_errors,
    measure_transfer,
    scene_error,
    train_layers,
)
from multiconvex.studies._weighted_costs import (
    TiedLimit,
    WeightedCosts,
    check_gradient,
    compare_costs,
    follow_tied_weights,
)

__all__ = [
    "HalfScene",
    "PixelRow",
    "Progress",
    "RegressionRow",
    "RegressionToy",
    "Residuals",
    "SpectraPath",
    "Supervision",
    "TiedLimit",
    "Training",
    "TransferRow",
    "WeightedCosts",
    "check_gradient",
    "compare_costs",
    "compare_regressions",
    "compare_residuals",
    "compare_supervision",
    "follow_errors",
    "follow_spectra",
    "follow_tied_weights",
    "make_family",
    "make_regression_toy",
    "make_scenes",
    "mean_errors",
    "measure_transfer",
    "scene_error",
    "train_layers",
    "unmix_half",
]
