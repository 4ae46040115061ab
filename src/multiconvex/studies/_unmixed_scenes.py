"""Scenes that are their own dictionaries, and a tensor with a dictionary of candidates."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from multiconvex import datasets
from multiconvex.diagnostics import match_components, spectral_angle
from multiconvex.models.cp import cp
from multiconvex.models.dictionary_lra import DictionaryFactorization, dictionary_lra
from multiconvex.models.separable_nmf import separable_nmf
from multiconvex.regression import nnls


@dataclass(frozen=True)
class SceneScore:
    """How well pixels chosen as materials agree with the references of a scene.

    Attributes
    ----------
    scene, method : str
    objective : float
    angle : float
        Mean spectral angle with the reference spectra, in degrees.
    rmse : float
        Of the abundances, scaled to sum to one in each pixel.
    """

    scene: str
    method: str
    objective: float
    angle: float
    rmse: float


@dataclass(frozen=True, eq=False)
class UnmixedScene:
    """A scene, its scores, and abundances in the order of its references.

    Attributes
    ----------
    scene : HyperspectralImage
    scores : tuple of SceneScore
    maps : dict of str to ndarray, shape (rows, cols, r)
    """

    scene: object
    scores: tuple
    maps: dict


def unmix_scene(name, n_starts=10, random_state=0):
    """Choose as many pixels of a scene as it has materials, in four ways and with the truth."""
    scene = datasets.load_or_simulate(name)
    X, rank = scene.matrix, len(scene.names)
    separable = separable_nmf(X, rank)
    codes = np.zeros((X.shape[1], rank))
    codes[separable.indices, np.arange(rank)] = 1.0
    choices = {
        "SNPA": separable.indices,
        "assignment, one start": dictionary_lra(X, rank, X, random_state=random_state).indices,
        f"assignment, {n_starts} starts": dictionary_lra(
            X, rank, X, n_starts=n_starts, random_state=random_state
        ).indices,
        "assignment after SNPA": dictionary_lra(X, rank, X, init=(codes, separable.H)).indices,
        "pixels nearest to the references": _nearest_pixels(X, scene.spectra),
    }
    fits = {
        method: _score(scene, X, (name.capitalize(), method), chosen)
        for method, chosen in choices.items()
    }
    return UnmixedScene(
        scene,
        tuple(score for score, _ in fits.values()),
        {method: scene.maps(H) for method, (_, H) in fits.items()},
    )


def _score(scene, X, labels, chosen):
    order, _ = match_components(X[:, chosen], scene.spectra)
    W = X[:, chosen[order]]
    fit = nnls(W, X)
    shares = (fit.x / np.maximum(fit.x.sum(axis=0), np.finfo(float).tiny)).T
    truth = scene.abundances.reshape(shares.shape)
    rmse = float(np.sqrt(np.mean((shares - truth) ** 2)))
    angle = float(spectral_angle(W, scene.spectra).mean())
    return SceneScore(*labels, float(fit.objective), angle, rmse), shares


def _nearest_pixels(X, spectra):
    lengths = np.linalg.norm(X, axis=0)
    return (X.T @ spectra / np.where(lengths > 0, lengths, 1.0)[:, None]).argmax(axis=0)


@dataclass(frozen=True, eq=False)
class NamedAnalytes:
    """Analytes of two mixtures, chosen from candidate emission spectra.

    Attributes
    ----------
    note : str
        What the page must say of the data.
    n_candidates : int
    fit : DictionaryFactorization
    labels : tuple of (str, int)
        For each component, the analyte whose spectrum was chosen and its shift in nanometres.
    successes : int
        Starts that end at the least objective.
    ratios, true_ratios : dict of str to float
        Amount of each analyte in the second mixture, relative to the first.
    """

    note: str
    n_candidates: int
    fit: DictionaryFactorization
    labels: tuple
    successes: int
    ratios: dict
    true_ratios: dict

    @property
    def rows(self):
        """What the table of the chapter says of each component."""
        return [
            {
                "analyte": name,
                "shift (nm)": shift,
                "ratio": self.ratios[name],
                "prepared": self.true_ratios[name],
            }
            for name, shift in self.labels
        ]


def name_analytes(n_starts=40, random_state=0):
    """Fit two mixtures of amino acids with candidates made from samples of one analyte each."""
    data = datasets.load_or_simulate("amino_acids")
    emission = data.axes[1].values
    measured = _reference_spectra(data)
    shifts = np.arange(-60, 61, 10)
    candidates = {
        (name, int(shift)): np.interp(emission - shift, emission, spectrum, left=0.0, right=0.0)
        for name, spectrum in zip(data.names, measured.T)
        for shift in shifts
    }
    candidates = {label: atom for label, atom in candidates.items() if atom @ atom > 0.25}
    D = np.stack(list(candidates.values()), axis=1)
    fit = dictionary_lra(
        data.tensor[3:], 3, D, tensor=True, mode=1, n_starts=n_starts, random_state=random_state
    )
    labels = tuple(list(candidates)[atom] for atom in fit.indices)
    amounts = fit.factors[0][1] / fit.factors[0][0]
    truth = data.concentrations[4] / data.concentrations[3]
    return NamedAnalytes(
        data.note,
        len(candidates),
        fit,
        labels,
        int(np.sum(fit.starts <= (1 + 1e-6) * fit.objective)),
        {name: float(amount) for (name, _), amount in zip(labels, amounts)},
        dict(zip(data.names, map(float, truth))),
    )


def _reference_spectra(data):
    """Return the emission of each analyte alone: planted, or measured in the first samples."""
    if data.factors is not None:
        return data.factors[1] / np.linalg.norm(data.factors[1], axis=0)
    spectra = [np.abs(np.linalg.svd(sample)[0][:, 0]) for sample in data.tensor[:3]]
    return np.stack(spectra, axis=1)


@dataclass(frozen=True)
class TermSize:
    """A fit of a tensor that has no best approximation of rank two.

    Attributes
    ----------
    factors : str
        Whether all are free, or one is made of atoms.
    sweeps : int
    objective : float
    term : float
        Norm of the larger of both terms.
    """

    factors: str
    sweeps: int
    objective: float
    term: float


def follow_terms(sweeps=(10, 100, 1000), n_directions=18, random_state=0):
    """Fit a tensor of rank three and border rank two with and without atoms."""
    a, b = np.eye(2)
    X = sum(np.einsum("i,j,k->ijk", *term) for term in ((a, a, b), (a, b, a), (b, a, a)))
    turns = np.pi * np.arange(n_directions) / n_directions
    D = np.stack([np.cos(turns), np.sin(turns)])
    fits = {
        "all free": partial(cp, X, 2, init="random"),
        "one of atoms": partial(
            dictionary_lra, X, 2, D, tensor=True, nonnegative=False, n_starts=5
        ),
    }
    rows = []
    for name, fit in fits.items():
        for count in sweeps:
            result = fit(max_iter=count, tol=0.0, random_state=random_state)
            rows.append(TermSize(name, count, result.objective, _largest_term(result)))
    return rows


def _largest_term(result):
    norms = [np.linalg.norm(factor, axis=0) for factor in result.factors]
    return float(np.prod(norms, axis=0).max())
