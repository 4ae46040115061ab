"""Groups of proteins that tell two kinds of mice apart, learned from few mice at a time."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from multiconvex.datasets import load_or_simulate
from multiconvex.models.group_structure import learn_groups
from multiconvex.nested.group_regression import group_lasso
from multiconvex.nested.outer_steps import Saga

_MOST_MISSING = 0.05
_CLIP = 3.0
_FACTORS = (0.1, 0.3, 1.0)
_LAM, _RIDGE = 1.0, 0.05
_TOL = 1e-3
_SHUFFLES = 200


@dataclass(frozen=True, eq=False)
class Proteins:
    """Levels of proteins without missing values.

    Attributes
    ----------
    levels : ndarray, shape (m, P)
    names : tuple of str
    mouse : ndarray of str, shape (m,)
    labels : ndarray of int, shape (m,)
    left_out : tuple of str
        Proteins with too many missing values.
    filled : int
        Missing levels that became the mean of the other rows of their mouse.
    rows_left_out : int
        Rows with most levels missing.
    note : str
        Whether the data are real.
    """

    levels: np.ndarray
    names: tuple
    mouse: np.ndarray
    labels: np.ndarray
    left_out: tuple
    filled: int
    rows_left_out: int
    note: str


def load_proteins():
    """Return the proteins of the mice, holes filled from the other rows of the same mouse."""
    data = load_or_simulate("mice_protein")
    missing = np.isnan(data.levels)
    kept = missing.mean(axis=0) <= _MOST_MISSING
    rows = missing[:, kept].mean(axis=1) < 0.5
    levels, mouse = data.levels[np.ix_(rows, kept)], np.asarray(data.mouse)[rows]
    overall = np.nanmean(levels, axis=0)
    for one in np.unique(mouse):
        own = mouse == one
        known = ~np.isnan(levels[own])
        means = np.where(known, levels[own], 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        means = np.where(known.any(axis=0), means, overall)
        levels[own] = np.where(known, levels[own], means)
    names = np.array(data.proteins, dtype=object)
    return Proteins(
        levels, tuple(names[kept]), mouse, np.asarray(data.labels)[rows], tuple(names[~kept]),
        int(missing[np.ix_(rows, kept)].sum()), int((~rows).sum()), data.note,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ProteinGroups:
    """Groups of proteins learned from several splits of the mice.

    Attributes
    ----------
    errors : dict of str to ndarray, shape (n_splits,)
        Share of test rows, of mice that no step has seen, that are assigned to the wrong class.
    validation : ndarray, shape (n_splits,)
        The same share for the learned groups on the validation mice.
    groups : ndarray of int, shape (n_splits, P)
    stability : ndarray
        Adjusted Rand index of the groups of every two splits.
    chance : ndarray
        The same after the proteins of one of the two have been shuffled.
    pairs : tuple of float
        Share of pairs of a protein and its phosphorylated form that are in one group, and the
        largest such share in 95 of 100 shuffles.
    n_pairs, n_tasks : int
    """

    errors: dict
    validation: np.ndarray
    groups: np.ndarray
    stability: np.ndarray
    chance: np.ndarray
    pairs: tuple[float, float]
    n_pairs: int
    n_tasks: int

    @property
    def statement(self):
        """What the names of the proteins say about the groups, in words."""
        if not self.n_pairs:
            return "Simulated proteins have no phosphorylated forms to look for."
        share, limit = (round(100 * value) for value in self.pairs)
        return (
            "A protein and its phosphorylated form, which one would expect together, share a group "
            f"in {share}% of {self.n_pairs} pairs and all splits; 95% of shuffled groups are "
            f"below {limit}%."
        )


def learn_protein_groups(proteins, *, n_groups=5, n_splits=5, n_draws=10, max_iter=200):
    """Learn groups that help to tell classes apart from two mice of each.

    In each split, three mice of every class are for the test only. A task compares two classes: a
    regression of plus and minus one on the proteins of two mice of each, judged by two others.
    """
    errors = {
        name: [] for name in ("lasso", "one group", "correlated", "learned, rounded", "learned")
    }
    found, validation = [], []
    for split in range(n_splits):
        tasks = _draw_tasks(proteins, n_draws, np.random.default_rng(split))
        fitted = learn_groups(
            *tasks[0], n_groups, validation=tasks[1], candidates=n_groups, parsimony=None,
            lam=_LAM * _FACTORS[0], ridge=_RIDGE, n_inner=100, outer=Saga(batch=10),
            max_iter=max_iter, tol=0.0, random_state=split,
        )  # fmt: skip
        found.append(fitted.theta.argmax(axis=1))
        candidates = (
            "singletons",
            np.zeros(len(proteins.names), int),
            _cluster(tasks[0][0], n_groups),
            fitted.groups,
            fitted.theta,
        )
        for name, groups in zip(errors, candidates):
            coef = _fit_validated(tasks, groups)
            errors[name].append(_share_wrong(tasks[2], coef))
        validation.append(_share_wrong(tasks[1], coef))
    rng = np.random.default_rng(0)
    couples = list(combinations(found, 2))
    shuffled = [(a, rng.permutation(b)) for a, b in couples for _ in range(_SHUFFLES // 10)]
    pairs, share, limit = _phosphorylated(proteins.names, np.array(found), rng)
    return ProteinGroups(
        {name: np.array(values) for name, values in errors.items()},
        np.array(validation),
        np.array(found),
        np.array([adjusted_rand_score(*couple) for couple in couples]),
        np.array([adjusted_rand_score(*couple) for couple in shuffled]),
        (share, limit),
        len(pairs),
        len(tasks[0][0]),
    )


def _draw_tasks(proteins, n_draws, rng, *, n_test=3, n_mice=2, n_rows=5):
    """Return training, validation and test samples ``(X, Y)`` of all pairs of classes.

    Levels are divided by their spread among the mice that are not for the test, and clipped; each
    task subtracts its own training mean.
    """
    mice = {
        label: rng.permutation(np.unique(proteins.mouse[proteins.labels == label]))
        for label in np.unique(proteins.labels)
    }
    seen = np.isin(proteins.mouse, np.concatenate([names[n_test:] for names in mice.values()]))
    center, spread = proteins.levels[seen].mean(axis=0), proteins.levels[seen].std(axis=0)
    levels = np.clip((proteins.levels - center) / spread, -_CLIP, _CLIP)
    rows_of = {one: np.flatnonzero(proteins.mouse == one) for one in np.unique(proteins.mouse)}

    def pick(names):
        return np.concatenate([rng.choice(rows_of[one], n_rows, replace=False) for one in names])

    samples = ([], [], [])
    for first, second in combinations(mice, 2):
        for _ in range(n_draws):
            pools = [rng.permutation(mice[label][n_test:]) for label in (first, second)]
            tests = [rng.permutation(mice[label][:n_test]) for label in (first, second)]
            mean = None
            for k, part in enumerate((pools, pools, tests)):
                start = n_mice if k == 1 else 0
                chosen = [pick(pool[start : start + n_mice]) for pool in part]
                X = levels[np.concatenate(chosen)]
                mean = X.mean(axis=0) if mean is None else mean
                samples[k].append((X - mean) / np.sqrt(len(X)))
    target = np.repeat([1.0, -1.0], n_mice * n_rows)
    return [(np.array(X), np.tile(target, (len(X), 1))) for X in samples]


def _fit_validated(tasks, groups):
    (X, Y), (X_val, Y_val), _ = tasks

    def fit(factor, some=slice(None)):
        coef = group_lasso(X[some], Y[some], groups, lam=factor * _LAM, ridge=_RIDGE, tol=_TOL).coef
        return coef

    few = slice(None, None, 4)

    def validate(factor):
        residual = np.einsum("tnp,tp->tn", X_val[few], fit(factor, few)) - Y_val[few]
        return np.mean(residual**2)

    return fit(min(_FACTORS, key=validate))


def _share_wrong(samples, coef):
    X, Y = samples
    return float(np.mean(np.einsum("tnp,tp->tn", X, coef) * Y <= 0.0))


def _cluster(X, n_groups):
    """Return clusters of features by the mean size of their correlations within tasks."""
    rows = X.reshape(-1, X.shape[2])
    distance = 1.0 - np.abs(np.corrcoef(rows.T))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    return fcluster(tree, n_groups, "maxclust") - 1


def _phosphorylated(names, found, rng):
    """Return pairs of a protein and its phosphorylated form, and how often they share a group."""
    place = {name: k for k, name in enumerate(names)}
    pairs = [(place["p" + name], k) for name, k in place.items() if "p" + name in place]
    if not pairs:
        return pairs, float("nan"), float("nan")
    left, right = np.array(pairs).T

    def share(groups):
        return float(np.mean(groups[:, left] == groups[:, right]))

    shuffles = [share(rng.permuted(found, axis=1)) for _ in range(_SHUFFLES)]
    return pairs, share(found), float(np.quantile(shuffles, 0.95))
