"""Planted codes and how to find them, for the chapter on mixed sparse coding."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from multiconvex import HOMP, IHT, BlockFISTA, ColumnSparse, DictionaryProblem, NoPenalty, TrickOMP

HEURISTICS = {
    "Trick-OMP": TrickOMP(),
    "HOMP": HOMP(sweeps=20),
    "Block-FISTA": BlockFISTA(steps=100),
    "IHT": IHT(steps=100),
}


@dataclass(frozen=True, eq=False)
class PlantedCoding:
    """Data with known codes.

    Attributes
    ----------
    X : ndarray, shape (m, n)
    dictionary : ndarray, shape (m, d)
    H : ndarray, shape (n, r)
    codes : ndarray, shape (d, r)
    k : int
        Nonzeros in each column of the codes.
    """

    X: np.ndarray
    dictionary: np.ndarray
    H: np.ndarray
    codes: np.ndarray
    k: int

    @property
    def problem(self):
        """The model whose codes are sought, all of them for the factor H."""
        penalties = (ColumnSparse(self.k), NoPenalty())
        return DictionaryProblem(self.X, self.H.shape[1], self.dictionary, penalties)


def plant_codes(*, shape=(24, 48), rank=3, k=3, condition=10.0, snr=20.0, random_state=0):
    """Draw a dictionary, a factor of a given condition number, codes and noise.

    Parameters
    ----------
    shape : tuple of int
        Rows and atoms of the dictionary; the data are square.
    rank, k : int
    condition : float
        Largest over smallest singular value of H, the others in geometric progression.
    snr : float
        Signal to noise ratio in decibels.
    """
    rng = np.random.default_rng(random_state)
    rows, atoms = shape
    D = rng.standard_normal(shape)
    D /= np.linalg.norm(D, axis=0)
    left = np.linalg.qr(rng.standard_normal((rows, rank)))[0]
    right = np.linalg.qr(rng.standard_normal((rank, rank)))[0]
    H = (left * np.geomspace(1.0, 1.0 / condition, rank)) @ right.T
    codes = np.zeros((atoms, rank))
    for q in range(rank):
        size = rng.uniform(0.5, 1.5, k) * rng.choice([-1.0, 1.0], k)
        codes[rng.choice(atoms, k, replace=False), q] = size
    clean = D @ codes @ H.T
    noise = rng.standard_normal(clean.shape)
    noise *= 10.0 ** (-snr / 20.0) * np.linalg.norm(clean) / np.linalg.norm(noise)
    return PlantedCoding(clean + noise, D, H, codes, k)


def estimate_codes(planted, update):
    """Run one heuristic once, from zero."""
    start = (np.zeros_like(planted.codes), planted.H)
    return update(planted.problem, start, 0, None)[0]


@dataclass(frozen=True, eq=False)
class Recovery:
    """How much of a planted support each heuristic finds.

    Attributes
    ----------
    snr : tuple of float
        Decibels.
    conditions : tuple of float
        Condition numbers of H.
    found : dict of str to ndarray, shape (len(conditions), len(snr))
        Fraction of planted nonzeros found, the mean over trials.
    trials : int
    """

    snr: tuple
    conditions: tuple
    found: dict
    trials: int


def measure_recovery(
    snr=(0, 10, 20, 30, 40), conditions=(1, 3, 10, 30, 100), *, trials=12, random_state=0
):
    """Plant codes for each noise level and condition number, and count what is found."""
    seeds = np.random.SeedSequence(random_state).spawn(trials)
    found = {name: np.zeros((len(conditions), len(snr))) for name in HEURISTICS}
    for i, condition in enumerate(conditions):
        for j, level in enumerate(snr):
            for seed in seeds:
                planted = plant_codes(condition=condition, snr=level, random_state=seed)
                for name, update in HEURISTICS.items():
                    hits = (estimate_codes(planted, update) != 0) & (planted.codes != 0)
                    found[name][i, j] += hits.sum() / (planted.codes != 0).sum() / trials
    return Recovery(tuple(snr), tuple(conditions), found, trials)


def search_every_support(planted):
    """Return the least objective over all supports, and codes that attain it (two columns).

    Every pair of supports has its own least-squares problem in ``2 k`` unknowns, and all of them
    are solved at once.
    """
    D, H, X = planted.dictionary, planted.H, planted.X
    atom_gram, gram, correlations = D.T @ D, H.T @ H, D.T @ X @ H
    choices = np.array(list(combinations(range(D.shape[1]), planted.k)))
    first, second = (side.ravel() for side in np.indices((len(choices),) * 2))
    atoms = np.hstack([choices[first], choices[second]])
    column = np.repeat([0, 1], planted.k)
    matrices = atom_gram[atoms[:, :, None], atoms[:, None, :]] * gram[column[:, None], column]
    sides = correlations[atoms, column]
    values = np.linalg.solve(matrices, sides[..., None])[..., 0]
    gains = np.einsum("ij,ij->i", values, sides)
    best = gains.argmax()
    codes = np.zeros_like(planted.codes)
    codes[atoms[best], column] = values[best]
    return 0.5 * (np.vdot(X, X) - gains[best]), codes


@dataclass(frozen=True)
class SearchCount:
    """Heuristics against every support, for one condition number of H.

    Attributes
    ----------
    condition : float
    trials : int
    found : dict of str to int
        Problems in which the support of each heuristic is the best of all.
    planted : int
        Problems in which the best support is the planted one.
    least_excess : float
        Smallest relative excess of an objective over the exhaustive one.
    """

    condition: float
    trials: int
    found: dict
    planted: int
    least_excess: float

    @property
    def row(self):
        """What the table of the chapter says of this condition number."""
        return {"condition of H": self.condition} | self.found | {"planted": self.planted}


def compare_with_search(
    conditions=(1, 3, 10, 30), *, shape=(6, 8), k=2, snr=30.0, trials=40, random_state=0
):
    """Count the small problems with two components whose best support each heuristic finds."""
    seeds = np.random.SeedSequence(random_state).spawn(trials)
    counts = []
    for condition in conditions:
        found, planted_is_best, lowest = dict.fromkeys(HEURISTICS, 0), 0, np.inf
        for seed in seeds:
            planted = plant_codes(
                shape=shape, rank=2, k=k, condition=condition, snr=snr, random_state=seed
            )
            least, best = search_every_support(planted)
            planted_is_best += _same_support(best, planted.codes)
            for name, update in HEURISTICS.items():
                codes = estimate_codes(planted, update)
                found[name] += _same_support(codes, best)
                lowest = min(lowest, planted.problem.loss((codes, planted.H)) / least - 1.0)
        counts.append(SearchCount(condition, trials, found, planted_is_best, float(lowest)))
    return counts


def count_thresholding(conditions=(1, 3, 10, 30), *, size=8, k=2, trials=60, random_state=0):
    """Count the problems with orthonormal atoms that keeping the largest entries solves.

    The ``k`` largest entries of each column of the free factor are kept.

    Returns
    -------
    dict of float to int
        From the condition number of H.
    """
    seeds = np.random.SeedSequence(random_state).spawn(trials)
    solved = dict.fromkeys(conditions, 0)
    for condition in conditions:
        for seed in seeds:
            drawn = plant_codes(
                shape=(size, size), rank=2, k=k, condition=condition, random_state=seed
            )
            atoms = np.linalg.qr(drawn.dictionary)[0]
            planted = PlantedCoding(drawn.X, atoms, drawn.H, drawn.codes, k)
            free = atoms.T @ np.linalg.lstsq(planted.H, planted.X.T, rcond=None)[0].T
            kept = ColumnSparse(k).prox(free, 1.0)
            solved[condition] += _same_support(kept, search_every_support(planted)[1])
    return solved


def _same_support(codes, others):
    return np.array_equal(codes != 0, others != 0)
