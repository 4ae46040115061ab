"""Mixtures of a few pixels of a scene, with the pixels of the scene as dictionary."""

from dataclasses import dataclass

import numpy as np

from multiconvex import datasets
from multiconvex.engine import alternate
from multiconvex.models.dictionary_problem import DictionaryProblem
from multiconvex.penalties import ColumnSparse, NonNegative, NoPenalty
from multiconvex.stopping import Patience, RelativeDecrease
from multiconvex.updates import HALS, ActiveSet, AtomAssignment, LeastSquares

PLACES = np.array([(62, 70), (100, 40), (100, 10)])
"""Rows and columns of the three pixels that the source picks by hand."""


@dataclass(frozen=True, eq=False)
class Mixtures:
    """Combinations of three pixels of Indian Pines, without noise.

    Attributes
    ----------
    band : ndarray, shape (rows, cols)
        The scene at one band, to look at.
    wavelengths : ndarray, shape (bands,)
        In nanometres.
    atoms : ndarray, shape (bands, d)
        Pixels of the scene, which serve as dictionary; its largest entry is one.
    places : ndarray of int, shape (d, 2)
        Row and column of each of them.
    indices : ndarray of int, shape (3,)
        Atoms that were mixed.
    H : ndarray, shape (n, 3)
        Abundances.
    X : ndarray, shape (bands, n)
    """

    band: np.ndarray
    wavelengths: np.ndarray
    atoms: np.ndarray
    places: np.ndarray
    indices: np.ndarray
    H: np.ndarray
    X: np.ndarray

    def count_found(self, indices):
        """Return how many of the three pixels are among ``indices``."""
        return len(set(indices.tolist()) & set(self.indices.tolist()))

    def problem(self, *, nonnegative=True):
        """State the fit of the mixtures by three atoms."""
        other = NonNegative() if nonnegative else NoPenalty()
        return DictionaryProblem(self.X, 3, self.atoms, (ColumnSparse(1, nonnegative), other))


def mix_pixels(n_mixtures, *, step=1, density=0.5, random_state=0):
    """Mix three pixels of Indian Pines at random; every ``step``-th row and column is an atom."""
    scene = datasets.load_indian_pines()
    cube = scene.cube / scene.cube.max()
    rows, cols, bands = cube[::step, ::step].shape
    places = step * np.indices((rows, cols)).reshape(2, -1).T
    indices = np.array([np.flatnonzero((places == place).all(axis=1))[0] for place in PLACES])
    atoms = np.ascontiguousarray(cube[::step, ::step].reshape(-1, bands).T)
    H = np.random.default_rng(random_state).random((n_mixtures, 3))
    H[np.quantile(H, 1.0 - density) > H] = 0.0
    return Mixtures(
        cube[:, :, 70], scene.wavelengths, atoms, places, indices, H, atoms[:, indices] @ H.T
    )


@dataclass(frozen=True, eq=False)
class Choice:
    """Where one sweep leads.

    Attributes
    ----------
    sweep : int
    indices : ndarray of int, shape (3,)
    objective : float
    """

    sweep: int
    indices: np.ndarray
    objective: float


def follow_choices(mixtures, random_state=1):
    """Sweep from random abundances until nothing changes, and keep the atoms of each sweep."""
    problem = mixtures.problem()
    start = _random_start(problem, np.random.default_rng(random_state))
    return _choices(problem, start, ActiveSet(), stop=Patience(1e-9), max_iter=60)


@dataclass(frozen=True)
class RuleRecord:
    """How often one way of solving for the abundances leads to the pixels that were mixed.

    Attributes
    ----------
    abundances : str
        How they are solved for.
    three, two, fewer : int
        Numbers of starts that find so many of the pixels.
    rises : int
        Sweeps that raised the objective, over all starts.
    """

    abundances: str
    three: int
    two: int
    fewer: int
    rises: int


def compare_rules(mixtures, n_starts=8, n_sweeps=15, random_state=1):
    """Assign atoms with three rules for the abundances, each from the same random starts."""
    rules = {
        "exact, nonnegative": (True, ActiveSet()),
        "ten passes of HALS": (True, HALS()),
        "exact, any sign": (False, LeastSquares()),
    }
    records = []
    for name, (nonnegative, rule) in rules.items():
        problem = mixtures.problem(nonnegative=nonnegative)
        rng = np.random.default_rng(random_state)
        runs = [
            _choices(problem, _random_start(problem, rng), rule, RelativeDecrease(0.0), n_sweeps)
            for _ in range(n_starts)
        ]
        best = [min(run, key=lambda choice: choice.objective) for run in runs]
        found = np.bincount([mixtures.count_found(b.indices) for b in best], minlength=4)
        rises = sum(_count_rises([choice.objective for choice in run]) for run in runs)
        records.append(RuleRecord(name, int(found[3]), int(found[2]), int(found[:2].sum()), rises))
    return records


def _choices(problem, start, rule, stop, max_iter):
    """Return what each sweep chooses, the worse ones too."""
    choices = []

    def note(sweep):
        indices = sweep.blocks["codes"].argmax(axis=0)
        choices.append(Choice(sweep.iteration, indices, sweep.objective))

    updates = {"codes": AtomAssignment(), "H": rule}
    alternate(problem, start, updates, stop=stop, max_iter=max_iter, callback=note)
    return tuple(choices)


def _count_rises(objectives):
    floor = 1e-9 * objectives[0]
    return int(np.sum(np.diff(objectives) > floor))


def _random_start(problem, rng):
    """Draw abundances, and take the atoms that suit them."""
    codes, H = problem.blocks
    x = np.zeros(codes.shape), rng.random(H.shape)
    return AtomAssignment()(problem, x, 0, None)[0], x[1]
