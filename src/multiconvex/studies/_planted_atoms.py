"""Planted atoms: what identifies them, what hides them, and to which component they belong."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from multiconvex.checks import unit_columns
from multiconvex.engine import alternate
from multiconvex.models.dictionary_problem import DictionaryProblem
from multiconvex.penalties import ColumnSparse, NonNegative
from multiconvex.stopping import Patience
from multiconvex.updates import ActiveSet, AtomAssignment

_ROUNDING = 1e-9


@dataclass(frozen=True)
class SupportCount:
    """How many choices of atoms explain noiseless data exactly.

    Attributes
    ----------
    rows, rank, atoms : int
    spark : int
        Least number of dependent atoms.
    problems : int
    unique : int
        Problems that only the planted choice explains.
    most : int
        Largest number of choices that explain one problem.
    """

    rows: int
    rank: int
    atoms: int
    spark: int
    problems: int
    unique: int
    most: int


def count_supports(problems=50, random_state=0):
    """Try every choice of atoms on random problems, around the bound of the theorem."""
    rng = np.random.default_rng(random_state)
    cases = ((2, 2, 3), (3, 3, 6), (3, 2, 7), (4, 3, 8))
    return [_count_supports(*case, problems, rng) for case in cases]


def _count_supports(rows, rank, atoms, problems, rng):
    counts, sparks = [], []
    for _ in range(problems):
        D = rng.standard_normal((rows, atoms))
        X = D[:, rng.choice(atoms, rank, replace=False)] @ rng.standard_normal((rank, 20))
        errors = [relative_residual(D[:, K], X) for K in combinations(range(atoms), rank)]
        counts.append(int(np.sum(np.array(errors) < _ROUNDING)))
        sparks.append(_spark(D))
    return SupportCount(rows, rank, atoms, min(sparks), problems, counts.count(1), max(counts))


def relative_residual(A, X):
    """Return the norm of what the columns of ``A`` leave of ``X``, relative to that of ``X``."""
    return float(np.linalg.norm(X - A @ np.linalg.lstsq(A, X, rcond=None)[0]) / np.linalg.norm(X))


def _spark(D):
    """Return the least number of dependent columns, one more than there are if none depend."""
    sizes = range(1, D.shape[1] + 1)
    dependent = (
        size
        for size in sizes
        for K in combinations(range(D.shape[1]), size)
        if np.linalg.matrix_rank(D[:, K]) < size
    )
    return next(dependent, D.shape[1] + 1)


@dataclass(frozen=True, eq=False)
class LiftedAtom:
    """Three atoms, the third of which stands off the plane of the other two.

    Attributes
    ----------
    degrees : float
        Angle of the third atom with the plane.
    atoms : ndarray, shape (3, 3)
    X : ndarray, shape (3, n)
        Combinations of the first two atoms.
    errors : dict of str to float
        Relative residual of the best combinations of each pair.
    """

    degrees: float
    atoms: np.ndarray
    X: np.ndarray
    errors: dict


def lift_atom(degrees, n_samples=30, random_state=0):
    """Lift one of three atoms off a plane and fit data in the plane by each pair."""
    turns = np.radians([10.0, 75.0, 130.0])
    plane = np.stack([np.cos(turns), np.sin(turns), np.zeros(3)])
    lift = np.radians(degrees)
    atoms = plane.copy()
    atoms[:, 2] = np.cos(lift) * plane[:, 2] + np.sin(lift) * np.array([0.0, 0.0, 1.0])
    weights = np.random.default_rng(random_state).uniform(-1.0, 1.0, (2, n_samples))
    X = atoms[:, :2] @ weights
    errors = {
        f"{i + 1} and {j + 1}": relative_residual(atoms[:, [i, j]], X)
        for i, j in combinations(range(3), 2)
    }
    return LiftedAtom(degrees, atoms, X, errors)


@dataclass(frozen=True)
class Blindness:
    """What the free factor says of wrong atoms; medians and extremes over random problems.

    Attributes
    ----------
    trials : int
    atoms_error : float
        Median relative residual with the wrong atoms.
    free_error : float
        Largest relative residual with the free factor.
    shadow_gap : float
        Largest distance between the wrong atoms and the projections of the free factor on them.
    """

    trials: int
    atoms_error: float
    free_error: float
    shadow_gap: float


def measure_blindness(trials=100, random_state=0):
    """Fit abundances to wrong atoms, then a free factor to the abundances, without signs."""
    rng = np.random.default_rng(random_state)
    records = []
    for _ in range(trials):
        D = unit_columns("atoms", rng.standard_normal((12, 40)))
        X = D[:, :3] @ rng.standard_normal((3, 30))
        wrong = D[:, 3 + rng.choice(37, 3, replace=False)]
        inverse = np.linalg.pinv(wrong)
        H = (inverse @ X).T
        free = np.linalg.lstsq(H, X.T, rcond=None)[0].T
        gap = np.abs(wrong @ (inverse @ free) - wrong).max()
        error = np.linalg.norm(X - free @ H.T) / np.linalg.norm(X)
        records.append((relative_residual(wrong, X), error, gap))
    atoms, frees, gaps = np.array(records).T
    return Blindness(trials, float(np.median(atoms)), float(frees.max()), float(gaps.max()))


class _SortedAssignment(AtomAssignment):
    """The right atoms in increasing order, which forgets the components they belong to."""

    def __call__(self, problem, x, k, memory):
        codes, memory = super().__call__(problem, x, k, memory)
        ordered = np.zeros_like(codes)
        ordered[np.sort(codes.argmax(axis=0)), np.arange(codes.shape[1])] = 1.0
        return ordered, memory


@dataclass(frozen=True)
class OrderTest:
    """Atoms for known abundances, with their columns and without.

    Attributes
    ----------
    trials : int
    wrong_paired, wrong_sorted : int
        Trials in which an atom is given to the wrong component.
    error_paired, error_sorted : float
        Median relative error of the data with those atoms and the known abundances.
    same_ends : int
        Trials in which whole fits of both kinds, with exact abundances, end with the same atoms.
    """

    trials: int
    wrong_paired: int
    wrong_sorted: int
    error_paired: float
    error_sorted: float
    same_ends: int


def measure_order(trials=200, rank=4, random_state=0):
    """Ask for planted atoms with the abundances known, and then with abundances unknown."""
    rng = np.random.default_rng(random_state)
    rules = AtomAssignment(), _SortedAssignment()
    wrong, errors, same = np.zeros(2, int), np.empty((trials, 2)), 0
    for trial in range(trials):
        D, H = rng.random((15, 30)), rng.random((25, rank))
        K = rng.choice(30, rank, replace=False)
        X = unit_columns("atoms", D)[:, K] @ H.T
        problem = DictionaryProblem(X, rank, D, (ColumnSparse(1, nonnegative=True), NonNegative()))
        ends, H0 = [], rng.random(H.shape)
        for number, rule in enumerate(rules):
            codes, _ = rule(problem, (np.zeros((30, rank)), H), 0, None)
            wrong[number] += not np.array_equal(codes.argmax(axis=0), K)
            errors[trial, number] = np.sqrt(2.0 * problem.loss((codes, H)))
            codes, _ = rule(problem, (np.zeros((30, rank)), H0), 0, None)
            updates = {"codes": rule, "H": ActiveSet()}
            fit = alternate(problem, (codes, H0), updates, stop=Patience(1e-9), max_iter=200)
            ends.append(set(fit.blocks["codes"].argmax(axis=0)))
        errors[trial] /= np.linalg.norm(X)
        same += ends[0] == ends[1]
    paired, shuffled = np.median(errors, axis=0)
    return OrderTest(trials, int(wrong[0]), int(wrong[1]), float(paired), float(shuffled), same)
