"""Ways of giving atoms of several dictionaries to components, against every choice."""

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from scipy.optimize import linear_sum_assignment

from multiconvex import datasets
from multiconvex.models.multiple_dictionaries import multiple_dictionaries
from multiconvex.picked_atoms import transport
from multiconvex.regression import nnls

_COUNTS, _SIZES = (1, 1, 2), (4, 4, 5)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Pairing:
    """How one rule chose the atoms of many random instances.

    Attributes
    ----------
    rule : str
    best, repeated, worse : int
        Instances where the total score equals that of the best of all allowed choices, where one
        atom was taken twice, and where the atoms are allowed but not the best.
    loss : float
        Largest part of the best score that was missed by allowed atoms.
    """

    rule: str
    best: int
    repeated: int
    worse: int
    loss: float


def compare_pairings(trials=200, random_state=0):
    """Choose atoms for random columns by three rules and compare with every choice.

    Columns and atoms have nonnegative entries. Of three dictionaries the last may give two atoms.

    Returns
    -------
    tuple of Pairing
    """
    rng = np.random.default_rng(random_state)
    rules = {
        "rows in their order": _in_order,
        "repeated rows, assigned": _assigned,
        "transportation": lambda scores: transport(scores, _COUNTS),
    }
    found = {rule: [] for rule in rules}
    allowed = _allowed_choices()
    for _ in range(trials):
        columns = _unit(rng.random((8, sum(_COUNTS))))
        scores = [_unit(rng.random((8, size))).T @ columns for size in _SIZES]
        best = np.vstack(scores)[allowed, np.arange(sum(_COUNTS))].sum(axis=1).max()
        for rule, choose in rules.items():
            picks = choose(scores)
            repeated = len(np.unique(picks, axis=0)) < len(picks)
            found[rule].append((repeated, 1.0 - _total(scores, picks) / best))
    return tuple(_counted(rule, *zip(*outcomes)) for rule, outcomes in found.items())


@dataclass(frozen=True, eq=False)
class ChoiceSearch:
    """Ways to look for three atoms in small scenes, against a regression with every choice.

    Attributes
    ----------
    choices : int
        Possible choices in each scene.
    excess : dict of str to ndarray, shape (scenes,)
        For each way, how much larger the norm of the residual is than the least, relative.
    regressions : dict of str to ndarray, shape (scenes,)
        Regressions of all abundances that each way needed.
    """

    choices: int
    excess: dict
    regressions: dict

    @property
    def rows(self):
        """What the table of the chapter says of each way."""
        return [
            {
                "search": way,
                "regressions": float(np.median(self.regressions[way])),
                "best choice found": int((excess <= _ROUNDING).sum()),
                "excess residual, median": f"{np.median(excess):.0%}",
                "excess residual, worst": f"{excess.max():.0%}",
            }
            for way, excess in self.excess.items()
        ]


def search_every_choice(trials=20, pixels=6, random_state=0):
    """Fit small scenes of three materials and compare with every choice of three pixels.

    Each of three dictionaries holds one pure pixel of another material, and mixtures. Random
    choices are as many as the regressions of ten starts.
    """
    rng = np.random.default_rng(random_state)
    excess, regressions = np.empty((3, trials)), np.empty((3, trials), int)
    for trial in range(trials):
        regions = _planted_regions(pixels, rng)
        X = np.hstack(regions)
        objectives = np.array(
            [
                nnls(np.column_stack(atoms), X).objective
                for atoms in product(*(region.T for region in regions))
            ]
        )
        one, ten = (_search(X, regions, n_starts, rng) for n_starts in (1, 10))
        tried = rng.permutation(objectives)[: ten[1]]
        found, regressions[:, trial] = zip(one, ten, (tried.min(), len(tried)))
        excess[:, trial] = np.sqrt(np.array(found) / objectives.min()) - 1.0
    ways = ("one start", "ten starts", "random choices")
    return ChoiceSearch(pixels**3, dict(zip(ways, excess)), dict(zip(ways, regressions)))


def _search(X, regions, n_starts, rng):
    """Objective of a fit, and the regressions that it took, one a sweep and one a start."""
    sweeps = []
    fit = multiple_dictionaries(
        X, regions, (1,) * len(regions), n_starts=n_starts, callback=sweeps.append, random_state=rng
    )
    return fit.objective, len(sweeps) + n_starts


def _planted_regions(pixels, rng):
    """Pixels of three regions as columns, the first of each pure."""
    scene = datasets.make_mixture(
        (3, pixels), bands=30, rank=3, concentration=0.7, pure_pixels=False, random_state=rng
    )
    noise = scene.cube - scene.abundances @ scene.spectra.T
    shares = scene.abundances.copy()
    shares[:, 0] = np.eye(3)
    planted = np.maximum(shares @ scene.spectra.T + noise, 0.0)
    return [region.T for region in planted]


def _in_order(scores):
    """The first component takes from the first row, the second from the second, and so on."""
    rows, atoms, _ = _repeated_rows(scores)
    return np.column_stack([rows, np.diagonal(atoms)])


def _assigned(scores):
    rows, atoms, best = _repeated_rows(scores)
    taken, components = linear_sum_assignment(best, maximize=True)
    row_of = np.empty(len(rows), int)
    row_of[components] = taken
    return np.column_stack([rows[row_of], atoms[row_of, np.arange(len(rows))]])


def _repeated_rows(scores):
    """Owner, best atoms and best scores of every dictionary, repeated as often as it counts."""
    rows = np.repeat(np.arange(len(scores)), _COUNTS)
    atoms = np.stack([table.argmax(axis=0) for table in scores])
    best = np.stack([table.max(axis=0) for table in scores])
    return rows, atoms[rows], best[rows]


def _allowed_choices():
    """All choices of distinct atoms within the counts, numbered through all dictionaries."""
    owners = np.repeat(np.arange(len(_SIZES)), _SIZES)
    choices = np.array(list(permutations(range(len(owners)), sum(_COUNTS))))
    used = np.stack([(owners[choices] == i).sum(axis=1) for i in range(len(_SIZES))], axis=1)
    return choices[(used <= _COUNTS).all(axis=1)]


def _total(scores, picks):
    return sum(scores[i][atom, q] for q, (i, atom) in enumerate(picks))


def _counted(rule, repeated, lost):
    repeated, lost = np.array(repeated), np.array(lost)
    worse = ~repeated & (lost > _ROUNDING)
    best = ~repeated & ~worse
    worst = float(lost[~repeated].max(initial=0.0))
    return Pairing(rule, int(best.sum()), int(repeated.sum()), int(worse.sum()), worst)


def _unit(matrix):
    return matrix / np.linalg.norm(matrix, axis=0)
