"""A real acquisition with Haar wavelets, of which the finest were never shown."""

from dataclasses import dataclass

import numpy as np

from multiconvex import HaarWavelets2D, ImageTotalVariation, measured_regression
from multiconvex.datasets import load_or_simulate

_NORMAL_MEDIAN = 0.6745


@dataclass(frozen=True)
class TargetImages:
    """The target as reconstructed, and as an ordinary camera sees it.

    Attributes
    ----------
    note : str
        Says so where simulated data stand in.
    origin : str
    share : float
        Fraction of the coefficients that were measured.
    images : dict of str to ndarray
        Each scaled to a maximum of one.
    correlations : dict of str to float
        With the ordinary camera; nothing was registered.
    """

    note: str
    origin: str
    share: float
    images: dict
    correlations: dict


def reconstruct_target(*, max_iter=100):
    """Reconstruct the target by the inverse transform, and with total variation.

    The weight is the standard deviation of the noise, estimated by the median size of the finest
    diagonal wavelets that were measured.

    Parameters
    ----------
    max_iter : int

    Returns
    -------
    TargetImages
    """
    data = load_or_simulate("jaszczak")
    n = len(data.coefficients)
    wavelets = HaarWavelets2D(n, data.levels, shown=data.shown)
    plain = wavelets.adjoint(data.coefficients)
    scale, half = plain.max(), n // 2
    finest = data.coefficients[half // 2 : half, half // 2 : half] / scale
    noise = float(np.median(np.abs(finest))) / _NORMAL_MEDIAN
    smooth = measured_regression(
        data.coefficients.ravel() / scale,
        wavelets.as_linear_operator(),
        loss="frobenius",
        penalty=ImageTotalVariation((n, n), noise, tol=1e-4),
        max_iter=max_iter,
        tol=0.0,
    ).x.reshape(n, n)
    images = {"inverse transform": plain, "total variation": smooth}
    correlations = {
        name: float(np.corrcoef(image.ravel(), data.reference.ravel())[0, 1])
        for name, image in images.items()
    }
    images["ordinary camera"] = data.reference
    images = {name: image / image.max() for name, image in images.items()}
    return TargetImages(data.note, data.origin, float(data.shown.mean()), images, correlations)
