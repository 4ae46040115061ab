"""Feasible sets of data with noise: simulated reactions, and mixtures of amino acids."""

from dataclasses import dataclass

import numpy as np

from multiconvex.datasets import load_or_simulate
from multiconvex.diagnostics import spectral_angle
from multiconvex.models.feasible_sets import feasible_set
from multiconvex.studies._reaction_mixtures import make_reaction

_THINNED = 2


@dataclass(frozen=True)
class NoiseRow:
    """How often the set contains the true spectra, and how large it is."""

    data: str
    noise: str
    truth_inside: str
    after_clipping: str
    area: float
    area_without_noise: float


def measure_noise(*, seeds=6):
    """Ask sets of noisy data for the true spectra, with negative entries and without."""
    reaction = make_reaction()
    sparse = make_sparse_mixture()
    cases = [("reaction", reaction.X, reaction.W, 1e-3), ("reaction", reaction.X, reaction.W, 1e-2)]
    cases += [("many zeros", *sparse, 1e-3), ("many zeros", *sparse, 1e-2)]
    return [_measure(*case, seeds) for case in cases]


def make_sparse_mixture(*, wavelengths=40, instants=300, random_state=1):
    """Draw data of rank three whose spectra have many zeros; return ``X`` and ``W``."""
    rng = np.random.default_rng(random_state)
    W = rng.dirichlet(np.full(wavelengths, 0.3), 3).T
    W = np.where(W < 0.02, 0.0, W)
    return W @ rng.dirichlet(np.full(3, 0.6), instants).T, W


def _measure(name, X, W, level, seeds):
    counts, areas = [0, 0], []
    for seed in range(seeds):
        error = level * X.max() * np.random.default_rng(seed).standard_normal(X.shape)
        for k, data in enumerate((X + error, np.maximum(X + error, 0.0))):
            solutions = _set_or_none(data)
            counts[k] += solutions is not None and solutions.contains(W)
            if solutions is not None and k == 0:
                areas.append(solutions.area)
    texts = [f"{count} of {seeds}" for count in counts]
    exact = float(feasible_set(X, 3, noise=0.0).area)
    return NoiseRow(name, f"{100 * level:g}%", *texts, float(np.mean(areas)), exact)


def _set_or_none(X):
    """The set with the measured noise, or None where the data contradict the rank."""
    try:
        return feasible_set(X, 3)
    except ValueError:
        return None


@dataclass(frozen=True, eq=False)
class Mixtures:
    """What two mixtures tell of three amino acids.

    Attributes
    ----------
    solutions : FeasibleSet
        Of emission spectra.
    reference : ndarray, shape (wavelengths, 3)
        Spectra measured on the pure substances, or those of the simulation; sum one.
    lower, upper : ndarray, shape (wavelengths, 3)
        Least and largest entries of spectra in the set, in the order of the reference.
    angles : ndarray, shape (3,)
        Largest angle, in degrees, between a spectrum of the set and the reference.
    wavelengths : ndarray
    names : tuple of str
    contains_reference : bool
    note : str
    """

    solutions: object
    reference: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    angles: np.ndarray
    wavelengths: np.ndarray
    names: tuple
    contains_reference: bool
    note: str


def look_at_mixtures(tol=0.01):
    """The feasible set of the last two samples of amino acids, and the others as witnesses."""
    data = load_or_simulate("amino_acids")
    X = np.hstack([data.tensor[-2], data.tensor[-1]])[:, ::_THINNED]
    solutions = feasible_set(X, 3)
    reference = _reference_spectra(data)
    corners = solutions.plane.points(reference)
    columns = [solutions.plane.columns(points) for points in solutions.extents(corners)]
    return Mixtures(
        solutions=solutions,
        reference=reference,
        lower=np.maximum(np.column_stack([C.min(axis=1) for C in columns]), 0.0),
        upper=np.column_stack([C.max(axis=1) for C in columns]),
        angles=np.array(
            [
                spectral_angle(C, np.tile(w[:, None], C.shape[1])).max()
                for C, w in zip(columns, reference.T)
            ]
        ),
        wavelengths=data.axes[1].values,
        names=data.names,
        contains_reference=solutions.contains(reference, tol),
        note=data.note,
    )


def _reference_spectra(data):
    """Emission of the pure samples where there are some, else that of the simulator."""
    if data.factors is not None:
        W = data.factors[1]
    else:
        W = np.column_stack([np.linalg.svd(sample)[0][:, 0] for sample in data.tensor[:3]])
    W = np.abs(W)
    return W / W.sum(axis=0)
