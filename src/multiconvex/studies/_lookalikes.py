"""Pixels that resemble each other, and mixtures among which none is pure."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import unit_columns
from multiconvex.diagnostics import match_components, spectral_angle
from multiconvex.models.dictionary_lra import dictionary_lra
from multiconvex.regression import nnls


@dataclass(frozen=True)
class Lookalikes:
    """How well three picked pixels can be told from others.

    Attributes
    ----------
    pair : float
        Angle between the first two, in degrees.
    fewest : int
        Least number of atoms with a cosine above 0.999 to one of them.
    neighbour : float
        Angle between the second and the atom that is most like it, in degrees.
    error : float
        Relative residual of the mixtures when this atom takes its place.
    """

    pair: float
    fewest: int
    neighbour: float
    error: float


def measure_lookalikes(mixtures):
    """Compare the mixed pixels with all atoms, and replace one of them by its double."""
    D = unit_columns("atoms", mixtures.atoms)
    first, second, third = mixtures.indices
    cosines = D[:, mixtures.indices].T @ D
    double = int(np.argsort(-cosines[1])[1])
    loss = nnls(D[:, [first, double, third]], mixtures.X).objective
    return Lookalikes(
        float(spectral_angle(D[:, first], D[:, second])),
        int((cosines > 0.999).sum(axis=1).min()),
        float(spectral_angle(D[:, double], D[:, second])),
        float(np.sqrt(2.0 * loss) / np.linalg.norm(mixtures.X)),
    )


@dataclass(frozen=True)
class ImpureFit:
    """A self-dictionary without pure pixels.

    Attributes
    ----------
    error : float
        Relative residual.
    angle : float
        Largest angle of a chosen mixture with the pixel it stands for, in degrees.
    """

    error: float
    angle: float


def fit_impure(mixtures, ceiling=0.7, n_starts=20, random_state=0):
    """Keep the mixtures with no share above ``ceiling`` and let them explain themselves."""
    totals = mixtures.H.sum(axis=1)
    kept = (totals > 0) & (mixtures.H.max(axis=1) <= ceiling * totals)
    X, truth = mixtures.X[:, kept], mixtures.atoms[:, mixtures.indices]
    fit = dictionary_lra(X, 3, X, n_starts=n_starts, random_state=random_state)
    order, _ = match_components(X[:, fit.indices], truth)
    angles = spectral_angle(X[:, fit.indices[order]], truth)
    return ImpureFit(float(np.sqrt(2.0 * fit.objective) / np.linalg.norm(X)), float(angles.max()))
