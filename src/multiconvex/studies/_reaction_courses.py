"""A reaction seen through one lamp: courses of its two products, with and without chemistry."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from multiconvex import cp as cp_tensor
from multiconvex import nmf, solve_blockwise
from multiconvex.datasets import load_kinetic
from multiconvex.studies.low_rank_tensors import complete_samples

PEAK_MINUTES = 5.0
"""When the first product is taken to stop rising and to begin fading."""

KNOWLEDGE = ("nothing", "the first rises, then fades", "the second grows", "both")


@dataclass(frozen=True, eq=False)
class Reaction:
    """Emission against time of one mixture under one lamp, and what the whole set says of it.

    Attributes
    ----------
    X : ndarray, shape (12, 60)
        Intensities, scaled to a largest entry of one.
    emission, minutes : ndarray
    sample : int
    lamp : float
        Excitation wavelength in nanometres.
    spectra, courses : ndarray, shapes (12, 2) and (60, 2)
        Factors of the two products from the whole record, all samples and lamps, which no fit sees.
    """

    X: np.ndarray
    emission: np.ndarray
    minutes: np.ndarray
    sample: int
    lamp: float
    spectra: np.ndarray
    courses: np.ndarray

    @property
    def late(self):
        """Whether an instant lies after the peak of the first product, a mask of shape (60,)."""
        return self.minutes > PEAK_MINUTES

    def fan(self, factors):
        """Compare factors from several starts, products in order, with those of the whole record.

        Parameters
        ----------
        factors : sequence of pairs of ndarray, shapes (12, 2) and (60, 2)
        """
        angles = [[*_angles(W, self.spectra), *_angles(H, self.courses)] for W, H in factors]
        misfit = [np.linalg.norm(self.X - W @ H.T) / np.linalg.norm(self.X) for W, H in factors]
        spectra, courses = (
            np.array([factor / factor.max(axis=0) for factor in side]) for side in zip(*factors)
        )
        return Fan(spectra, courses, np.array(angles), np.array(misfit))

    def in_order(self, W, H):
        """Exchange the products if that brings them nearer to those of the whole record."""
        kept = np.sum(_angles(W, self.spectra) + _angles(H, self.courses))
        swapped = np.sum(_angles(W[:, ::-1], self.spectra) + _angles(H[:, ::-1], self.courses))
        return (W, H) if kept <= swapped else (W[:, ::-1], H[:, ::-1])


@dataclass(frozen=True, eq=False)
class Fan:
    """Fits of one reaction from several starts.

    Attributes
    ----------
    spectra, courses : ndarray, shapes (starts, 12, 2) and (starts, 60, 2)
        Scaled to peaks of one.
    angles : ndarray, shape (starts, 4)
        Degrees between both spectra, then both courses, and those of the whole record.
    misfit : ndarray, shape (starts,)
        Relative residual.
    """

    spectra: np.ndarray
    courses: np.ndarray
    angles: np.ndarray
    misfit: np.ndarray


def load_reactions(count=8, lamp=5):
    """Load the mixtures in which the weaker product is strongest, under one lamp.

    Returns
    -------
    tuple of Reaction
        The most even mixture first.
    """
    kinetic = complete_samples(load_kinetic())
    amounts, spectra, _, courses = cp_tensor(
        kinetic.tensor, rank=2, nonnegative=True, random_state=0
    ).factors
    order = np.argsort(courses[-1] / courses.max(axis=0))
    evenness = (amounts / amounts.max(axis=0)).min(axis=1)
    return tuple(
        Reaction(
            kinetic.tensor[i, :, lamp] / kinetic.tensor[i, :, lamp].max(),
            kinetic.axes[1].values,
            kinetic.axes[3].values,
            int(kinetic.axes[0].values[i]),
            float(kinetic.axes[2].values[lamp]),
            spectra[:, order],
            courses[:, order],
        )
        for i in np.argsort(-evenness, kind="stable")[:count]
    )


def fit_without_knowledge(reaction, n_starts=8):
    """Factorise with nonnegativity alone, by the package's own solver."""
    fits = (
        nmf(reaction.X, 2, init="random", random_state=seed, tol=1e-7, max_iter=5000)
        for seed in range(n_starts)
    )
    return reaction.fan([reaction.in_order(fit.W, fit.H) for fit in fits])


def fit_with_knowledge(reaction, knowledge, n_starts=3, sweeps=60):
    """Factorise with lines on the courses.

    Parameters
    ----------
    reaction : Reaction
    knowledge : str
        One of ``KNOWLEDGE``.
    """
    if knowledge == "nothing":
        return fit_without_knowledge(reaction)
    problem, W, H = _program(reaction, knowledge)
    factors = []
    for seed in range(n_starts):
        W.value = H.value = None
        solve_blockwise(problem, random_state=seed, max_iter=sweeps, tol=0)
        factors.append((W.value, H.value))
    return reaction.fan(factors)


def compare_on_samples(reactions):
    """Return a table of median angles over several mixtures, by what was known.

    Returns
    -------
    list of dict
        The angles of courses and spectra, in degrees, and the residual in per cent.
    """
    names = ("spectrum 1", "spectrum 2", "course 1", "course 2")
    rows = []
    for known in KNOWLEDGE:
        fans = [fit_with_knowledge(reaction, known, n_starts=1) for reaction in reactions]
        angles = np.median([np.median(fan.angles, axis=0) for fan in fans], axis=0).tolist()
        residual = float(100 * np.median([np.median(fan.misfit) for fan in fans]))
        rows.append({"known": known} | dict(zip(names, angles)) | {"residual (%)": residual})
    return rows


def _program(reaction, knowledge):
    points, times = reaction.X.shape
    W = cp.Variable((points, 2), nonneg=True, name="W")
    H = cp.Variable((times, 2), nonneg=True, name="H")
    first = [cp.diff(H[~reaction.late, 0]) >= 0, cp.diff(H[reaction.late, 0]) <= 0]
    second = [cp.diff(H[:, 1]) >= 0]
    lines = dict(zip(KNOWLEDGE, ([], first, second, first + second)))
    misfit = cp.sum_squares(reaction.X - W @ H.T)
    constraints = [cp.sum(W, axis=0) == 1, *lines[knowledge]]
    return cp.Problem(cp.Minimize(misfit), constraints), W, H


def _angles(columns, reference):
    norms = np.linalg.norm(columns, axis=0) * np.linalg.norm(reference, axis=0)
    cosines = np.sum(columns * reference, axis=0) / np.maximum(norms, np.finfo(float).tiny)
    return np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
