r"""Experiments of the chapter on complete dictionary learning.

Every fit minimises :math:`\tfrac12 \|X - D B\|_F^2` over dictionaries and over codes with at most k
nonzero entries in each column, as :func:`multiconvex.complete_dictionary` does.
"""

import warnings
from dataclasses import dataclass
from math import ceil

import numpy as np

from multiconvex import (
    ConvergenceWarning,
    complete_dictionary,
    identifiability_bound,
    match_components,
    spectral_angle,
)
from multiconvex.studies._page_atoms import PageCode, learn_page
from multiconvex.studies._sparse_models import ROUNDING, Model, draw_model
from multiconvex.studies._triangles import (
    CORNERS,
    Crossing,
    Ends,
    Explanations,
    count_explanations,
    cross_triangles,
    find_triangles,
    fit_crossing,
    place_points,
    plane,
)

__all__ = [
    "Crossing",
    "Ends",
    "Explanations",
    "FacetCount",
    "Model",
    "PageCode",
    "PhaseDiagram",
    "Repeats",
    "SearchRate",
    "Tilt",
    "count_explanations",
    "count_facets",
    "cross_triangles",
    "draw_model",
    "find_triangles",
    "fit_crossing",
    "learn_page",
    "make_samples",
    "map_recovery",
    "place_points",
    "repeat_experiment",
    "search_blindly",
    "tilt_facet",
]

_SAME = 0.01
_EXACT = 1e-18


def make_samples(per_side=4, random_state=19):
    """Samples of three atoms, two in each, on the sides of a triangle; amplitudes vary in sign."""
    rng = np.random.default_rng(random_state)
    points = plane(place_points((per_side,) * 3, rng)).T
    X = points * rng.uniform(0.5, 2.0, points.shape[1]) * rng.choice([-1, 1], points.shape[1])
    dictionary = plane(CORNERS).T
    dictionary = dictionary / np.linalg.norm(dictionary, axis=0)
    codes = np.linalg.solve(dictionary, X[:, rng.permutation(X.shape[1])])
    return Model(dictionary, np.where(np.abs(codes) < ROUNDING, 0.0, codes))


@dataclass(frozen=True)
class FacetCount:
    """Counts for one sparsity, measured and from the theorem.

    Attributes
    ----------
    k : int
    facets : int
        Of the dictionary.
    of_a_sample : str
        Facets on which a sample lies, measured.
    per_facet : int
        Samples on each facet with which the dictionary is the only one.
    sufficient : int
        Least number of samples that can put so many on every facet.
    necessary : int
        Least number of samples that can span every facet.
    """

    k: int
    facets: int
    of_a_sample: str
    per_facet: int
    sufficient: int
    necessary: int

    @property
    def row(self):
        """What the table of the chapter says."""
        return {
            "k": self.k,
            "facets": self.facets,
            "facets of a sample": self.of_a_sample,
            "on each facet": self.per_facet,
            "sufficient": self.sufficient,
            "necessary": self.necessary,
        }


def count_facets(rank=8, n_samples=200, random_state=0):
    """Measure on how many facets a sample lies, and what the theorem asks, for each sparsity."""
    rng = np.random.default_rng(random_state)
    rows = []
    for k in range(1, rank):
        facets = draw_model(rank, k, n_samples, random_state=rng).facets
        counts = np.unique(facets.sum(axis=0))
        bound = identifiability_bound(rank, k)
        measured = ", ".join(str(count) for count in counts)
        rows.append(FacetCount(k, len(facets), measured, *bound, _count_to_span(rank, k)))
    return rows


@dataclass(frozen=True, eq=False)
class Tilt:
    """A second dictionary with the supports of the first.

    Attributes
    ----------
    on_facet : int
        Samples on the facet that was tilted.
    angle : float
        Largest angle between matched atoms, in degrees.
    residual : float
        Of the second dictionary, relative to the data.
    same_supports : bool
    """

    on_facet: int
    angle: float
    residual: float
    same_supports: bool


def tilt_facet(rank=8, sparsity=3, n_samples=12, amount=0.3, random_state=0):
    """Turn the facet with the fewest samples, which do not span it, about those samples."""
    model = draw_model(rank, sparsity, n_samples, random_state=random_state)
    normals = np.linalg.inv(model.dictionary)
    facet = int(model.facets.sum(axis=1).argmin())
    on = model.facets[facet]
    free = np.linalg.svd(model.X[:, on].T)[2][on.sum() :]
    change = free.sum(axis=0)
    normals[facet] += amount * np.linalg.norm(normals[facet]) / np.linalg.norm(change) * change
    tilted = np.linalg.inv(normals)
    codes = np.where(model.codes == 0.0, 0.0, normals @ model.X)
    residual = np.linalg.norm(model.X - tilted @ codes) / np.linalg.norm(model.X)
    return Tilt(
        int(on.sum()),
        _largest_angle(tilted, model.dictionary),
        float(residual),
        bool(((codes != 0.0) == (model.codes != 0.0)).all()),
    )


@dataclass(frozen=True, eq=False)
class Repeats:
    """One experiment over several seeds.

    Attributes
    ----------
    name : str
    angles : ndarray
        Largest angle between an atom and its estimate, in degrees.
    f_measures : ndarray
        Harmonic mean of precision and recall of the supports.
    rmse, relative : ndarray
        Root mean square and relative error of the dictionary.
    pinned : ndarray of bool
        Whether the samples span every facet.
    """

    name: str
    angles: np.ndarray
    f_measures: np.ndarray
    rmse: np.ndarray
    relative: np.ndarray
    pinned: np.ndarray

    @property
    def recovered(self):
        """Which seeds end at the true dictionary."""
        return self.angles < _SAME

    @property
    def row(self):
        """What the table of the chapter says."""
        right = self.f_measures == 1.0
        return {
            "codes by": self.name,
            "facets spanned": int(self.pinned.sum()),
            "supports right": int(right.sum()),
            "dictionary right": int(self.recovered.sum()),
            "only supports": int((right & ~self.recovered).sum()),
        }


def repeat_experiment(
    name, update, oversampling, *, even=False, distance=0.03, max_iter=200, seeds=range(20)
):
    """Repeat the experiment of the source: eight atoms, three in a sample, a start near the truth.

    Parameters
    ----------
    name : str
        What tables and figures call it.
    update : str
        Of the codes, see :func:`multiconvex.complete_dictionary`.
    oversampling : float
        Samples as a multiple of the bound.
    even : bool
        Whether supports are spread evenly.
    distance : float
        Standard deviation of what is added to atoms and codes for the start.
    max_iter : int
    seeds : sequence of int

    Returns
    -------
    Repeats
    """
    n_samples = int(oversampling * identifiability_bound(8, 3).samples)
    columns = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        model = draw_model(8, 3, n_samples, even, random_state=rng)
        fit = _fit_near(model, 3, update, distance, max_iter, rng)
        order, signs = _match(fit.dictionary, model.dictionary)
        atoms, codes = signs * fit.dictionary[:, order], fit.codes[order]
        off = np.linalg.norm(atoms - model.dictionary)
        hits = np.sum((codes != 0.0) & (model.codes != 0.0))
        columns.append(
            (
                spectral_angle(atoms, model.dictionary).max(),
                2.0 * hits / (np.count_nonzero(codes) + np.count_nonzero(model.codes)),
                off / np.sqrt(atoms.size),
                off / np.linalg.norm(model.dictionary),
                model.pinned,
            )
        )
    return Repeats(name, *map(np.array, zip(*columns)))


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """How often the true dictionary comes back.

    Attributes
    ----------
    rank : int
    sizes : tuple of int
        Numbers of samples.
    recovered : ndarray, shape (rank - 1, sizes)
        Fraction of the draws, for each sparsity from 1.
    sufficient, necessary : tuple of int
        Counts of samples for each sparsity.
    """

    rank: int
    sizes: tuple
    recovered: np.ndarray
    sufficient: tuple
    necessary: tuple

    def share(self, low, high):
        """Fraction recovered where ``low <= samples < high``, limits given for each sparsity."""
        sizes = np.array(self.sizes)
        inside = [(a <= sizes) & (sizes < b) for a, b in zip(low, high)]
        return float(self.recovered[np.array(inside)].mean())


def map_recovery(rank=5, sizes=(5, 7, 10, 14, 20, 28, 40, 80, 160), draws=8, distance=0.01):
    """Start near the truth, for each sparsity and number of samples, with even supports."""
    sparsities = range(1, rank)
    recovered = np.empty((len(sparsities), len(sizes)))
    for row, k in zip(recovered, sparsities):
        for column, n_samples in enumerate(sizes):
            hits = 0
            for draw in range(draws):
                rng = np.random.default_rng((k, n_samples, draw))
                model = draw_model(rank, k, n_samples, even=True, random_state=rng)
                fit = _fit_near(model, k, "enumeration", distance, 200, rng)
                hits += _largest_angle(fit.dictionary, model.dictionary) < _SAME
            row[column] = hits / draws
    bounds = [identifiability_bound(rank, k).samples for k in sparsities]
    spans = [_count_to_span(rank, k) for k in sparsities]
    return PhaseDiagram(rank, tuple(sizes), recovered, tuple(bounds), tuple(spans))


@dataclass(frozen=True)
class SearchRate:
    """How often one blind start reaches the true dictionary.

    Attributes
    ----------
    samples : int
    random, whitened : float
        Percentage of starts, of each kind.
    """

    samples: int
    random: float
    whitened: float


def search_blindly(rank=8, sparsity=3, sizes=(32, 64, 128), n_starts=20, random_state=0):
    """Start anywhere, with random rotations fitted to whitened data first or not."""
    rows = []
    for n_samples in sizes:
        model = draw_model(rank, sparsity, n_samples, random_state=random_state)
        rates = []
        for init in ("random", "whitened"):
            fit = complete_dictionary(
                model.X, rank, sparsity, init=init, n_starts=n_starts, random_state=random_state
            )
            rates.append(100.0 * float((fit.starts < _EXACT * np.vdot(model.X, model.X)).mean()))
        rows.append(SearchRate(n_samples, *rates))
    return rows


def _count_to_span(rank, sparsity):
    """Least number of samples that can put ``rank - 1`` on each facet."""
    return ceil(rank * (rank - 1) / (rank - sparsity))


def _fit_near(model, sparsity, update, distance, max_iter, rng):
    """Fit from a start near the truth, with a number of sweeps that may not be enough."""
    start = [
        block + distance * rng.standard_normal(block.shape)
        for block in (model.dictionary, model.codes)
    ]
    options = {"init": start, "n_starts": 1, "max_iter": max_iter, "tol": 1e-9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return complete_dictionary(model.X, len(model.codes), sparsity, update=update, **options)


def _match(atoms, reference):
    """Order and signs that match atoms with the reference."""
    order = match_components(atoms, reference)[0]
    return order, np.where(np.sum(atoms[:, order] * reference, axis=0) < 0.0, -1.0, 1.0)


def _largest_angle(atoms, reference):
    order, signs = _match(atoms, reference)
    return float(spectral_angle(signs * atoms[:, order], reference).max())
