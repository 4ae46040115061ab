"""Methods that look for the pixels of noisy mixtures."""

from dataclasses import dataclass

import numpy as np

from multiconvex import datasets
from multiconvex.checks import unit_columns
from multiconvex.diagnostics import match_components, spectral_angle
from multiconvex.models.dictionary_lra import dictionary_lra
from multiconvex.models.separable_nmf import separable_nmf

_N_STARTS = 20
_APART = np.cos(np.radians(4.0))


@dataclass(frozen=True)
class Finder:
    """How well one method finds planted pixels under one kind of data.

    Attributes
    ----------
    method : str
    found : float
        Share of the problems in which all three atoms are right.
    angle : float
        Mean spectral angle of the atoms with the true ones, in degrees.
    """

    method: str
    found: float
    angle: float


@dataclass(frozen=True, eq=False)
class MethodCurves:
    """Methods on mixtures with more and more noise.

    Attributes
    ----------
    snr : tuple of float
        Signal-to-noise ratios in decibels.
    panels : dict of str to list of list of Finder
        For data with pure pixels and without, the methods at each ratio.
    ends : dict of str to float
        Mean number of different objectives at which twenty starts end, for each kind of start.
    """

    snr: tuple
    panels: dict
    ends: dict


def compare_methods(snr=(20.0, 35.0, 50.0), trials=4, random_state=0):
    """Mix three of 225 pixels of Indian Pines at random and look for them in four ways."""
    cube = datasets.load_indian_pines().cube[::10, ::10]
    atoms = unit_columns("pixels", cube.reshape(-1, cube.shape[2]).T)
    rng = np.random.default_rng(random_state)
    plants = [(_separate_atoms(atoms, rng), int(rng.integers(2**31))) for _ in range(trials)]
    panels, ends = {}, []
    for name, ceiling in (("pure pixels among the data", 1.0), ("no abundance above 0.7", 0.7)):
        panels[name] = []
        for decibel in snr:
            searches = [_search(atoms, K, ceiling, decibel, seed) for K, seed in plants]
            panels[name].append(_tabulate(atoms, plants, [picks for picks, _ in searches]))
            ends += [levels for _, levels in searches]
    return MethodCurves(
        snr, panels, dict(zip(("abundances", "atoms"), np.mean(ends, axis=0).tolist()))
    )


def _separate_atoms(atoms, rng):
    """Draw three atoms at least four degrees apart."""
    while True:
        K = rng.choice(atoms.shape[1], 3, replace=False)
        if np.triu(atoms[:, K].T @ atoms[:, K], 1).max() < _APART:
            return K


def _search(atoms, K, ceiling, decibel, seed):
    """Return what each method picks, and at how many levels two kinds of starts end."""
    rng = np.random.default_rng(seed)
    X = _mix(atoms[:, K], ceiling, decibel, rng)
    separable = separable_nmf(np.maximum(X, 0.0), 3)
    fits = {
        kind: dictionary_lra(X, 3, atoms, init=kind, n_starts=_N_STARTS, random_state=rng)
        for kind in ("random", "atoms")
    }
    greedy = dictionary_lra(
        X, 3, atoms, method="homp", init="atoms", n_starts=2, max_iter=50, tol=0, random_state=rng
    )
    picks = {
        "SNPA": (atoms.T @ separable.W).argmax(axis=0),
        "from abundances": fits["random"].indices,
        "from atoms": fits["atoms"].indices,
        "HOMP": greedy.indices,
    }
    return picks, [_levels(fit.starts) for fit in fits.values()]


def _mix(pixels, ceiling, decibel, rng, n_mixtures=100):
    """Mix three pixels, each at most up to an abundance, and add Gaussian noise."""
    H = rng.dirichlet(np.ones(3), 20 * n_mixtures)
    H = H[H.max(axis=1) <= ceiling][:n_mixtures]
    if ceiling == 1.0:
        H[:3] = np.eye(3)
    clean, noise = pixels @ H.T, rng.standard_normal((len(pixels), n_mixtures))
    return clean + 10 ** (-decibel / 20) * np.linalg.norm(clean) / np.linalg.norm(noise) * noise


def _levels(objectives):
    """Return how many objectives there are, to a millionth of the least."""
    ordered = np.sort(objectives)
    return 1 + int(np.sum(np.diff(ordered) > 1e-6 * ordered[0]))


def _tabulate(atoms, plants, answers):
    table = []
    for method in answers[0]:
        right, angles = [], []
        for (K, _), picks in zip(plants, answers):
            order, _ = match_components(atoms[:, picks[method]], atoms[:, K])
            matched = picks[method][order]
            right.append(np.array_equal(matched, K))
            angles.append(spectral_angle(atoms[:, matched], atoms[:, K]).mean())
        table.append(Finder(method, float(np.mean(right)), float(np.mean(angles))))
    return table
