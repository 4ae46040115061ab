r"""Experiments of the chapter on sets of nonnegative factorisations.

All distances and areas are between columns with sum one, in which a factorisation of rank three is
a triangle.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex.models.feasible_sets import FeasibleSet, feasible_set
from multiconvex.studies._nested_examples import (
    BruteForce,
    KnownCase,
    compare_with_triangles,
    list_known_cases,
    make_case,
)
from multiconvex.studies._reaction_mixtures import Reaction, Starts, collect_starts, make_reaction
from multiconvex.studies._spectra_in_noise import (
    Mixtures,
    NoiseRow,
    look_at_mixtures,
    make_sparse_mixture,
    measure_noise,
)

__all__ = [
    "BruteForce",
    "KnownCase",
    "Mixtures",
    "NoiseRow",
    "Reaction",
    "Recording",
    "Starts",
    "collect_starts",
    "compare_with_triangles",
    "list_known_cases",
    "look_at_mixtures",
    "make_case",
    "make_four_species",
    "make_reaction",
    "make_sparse_mixture",
    "measure_noise",
    "watch_from",
]


@dataclass(frozen=True, eq=False)
class Recording:
    """A reaction and what its recording leaves open.

    Attributes
    ----------
    reaction : Reaction
    solutions : FeasibleSet
    lower, upper : ndarray, shape (wavelengths, 3)
        Least and largest entries of all spectra that may stand in place of each true one.
    """

    reaction: Reaction
    solutions: FeasibleSet
    lower: np.ndarray
    upper: np.ndarray


def watch_from(instants):
    """Feasible sets of exact recordings that begin at different instants.

    Returns
    -------
    dict of float to Recording
    """
    recordings = {}
    for instant in instants:
        reaction = make_reaction(instant)
        solutions = feasible_set(reaction.X, 3, noise=0.0)
        extents = solutions.extents(solutions.plane.points(reaction.W))
        columns = [solutions.plane.columns(points) for points in extents]
        recordings[instant] = Recording(
            reaction,
            solutions,
            np.maximum(np.column_stack([C.min(axis=1) for C in columns]), 0.0),
            np.column_stack([C.max(axis=1) for C in columns]),
        )
    return recordings


def make_four_species(*, wavelengths=24, instants=40, random_state=0):
    """Draw spectra with some zeros and concentrations of four species; return ``X, W, H``."""
    rng = np.random.default_rng(random_state)
    W = rng.dirichlet(np.full(wavelengths, 0.8), 4).T
    W = np.where(W < 0.01, 0.0, W)
    W = W / W.sum(axis=0)
    H = rng.dirichlet(np.full(4, 1.5), instants)
    return W @ H.T, W, H
