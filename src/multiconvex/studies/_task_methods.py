"""Classifiers of the same tasks by themselves, in one group, in learned and in known groups."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score

from multiconvex.models.grouped_logistic import grouped_logistic
from multiconvex.models.task_folds import deal_tasks, labelled_tasks
from multiconvex.models.task_groups import learn_task_groups
from multiconvex.nested.task_hypergradients import LabelledTasks
from multiconvex.studies._animal_tasks import make_family_tasks, make_picture_tasks

METHODS = ("each alone", "one group", "learned groups", "known families")
_RIDGES = (1.0, 4.0, 16.0)
_SHARES = (0.5, 1.0, 2.0)
_GAP, _ROUGH = 0.02, 0.05


@dataclass(frozen=True)
class MethodRow:
    """Accuracy of a method in percent: medians over seeds, and the range on poor tasks.

    Attributes
    ----------
    method : str
    all_tasks, poor_tasks, lowest, highest : float
    """

    method: str
    all_tasks: float
    poor_tasks: float
    lowest: float
    highest: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the methods reach on the same tasks, drawn with several seeds.

    Attributes
    ----------
    accuracies : dict of str to ndarray, shape (seeds, 2)
        On all tasks and on the poor ones.
    rand : ndarray, shape (seeds, 3)
        Adjusted Rand index of the learned groups: all tasks, the others, the poor ones.
    in_use : ndarray of int, shape (seeds,)
        Number of learned groups in use.
    """

    accuracies: dict
    rand: np.ndarray
    in_use: np.ndarray

    @property
    def rows(self):
        """Rows of a table."""
        return [as_row(method, values) for method, values in self.accuracies.items()]


def as_row(method, values):
    """Return the row of a table from accuracies (seeds, 2)."""
    medians, poor = 100.0 * np.median(values, axis=0), 100.0 * values[:, 1]
    return MethodRow(method, *medians.tolist(), float(poor.min()), float(poor.max()))


def compare_families(animals, seeds=5, n_groups=8, first=None, **options):
    """Compare the methods on tasks whose weights span one direction in each family.

    ``first`` are the groups learned from the tasks of the first seed, where they are known.
    """
    return _compare(make_family_tasks, animals, seeds, n_groups, first, **options)


def compare_pictures(animals, seeds=5, n_groups=8, **options):
    """Compare the methods on pictures of animals, where families are a matter of degree."""
    return _compare(make_picture_tasks, animals, seeds, n_groups, None, **options)


def accuracies(fit, X, Y):
    """Return the share of samples that each classifier labels rightly, (T,)."""
    return np.array(
        [
            np.mean((table @ w + b > 0) == (y > 0.5))
            for table, y, w, b in zip(X, Y, fit.coef, fit.intercept)
        ]
    )


def fit_rivals(X, Y, families, random_state):
    """Fit the methods that learn no groups, their weights chosen on halves of the samples."""
    rng = np.random.default_rng(random_state)
    deals = deal_tasks(X, Y, 2, rng)
    lam, ridge = labelled_tasks(*deals[0][0], "auto", "auto")[1:]
    options = {
        "each alone": [{"lam": 0.0, "ridge": ridge * factor} for factor in _RIDGES],
        "one group": [{"lam": lam * share, "ridge": ridge} for share in _SHARES],
        "known families": [
            {"lam": lam * share, "ridge": ridge, "groups": families} for share in _SHARES
        ],
    }
    return {
        method: grouped_logistic(X, Y, tol=_GAP, **min(grid, key=lambda o: held_out_loss(deals, o)))
        for method, grid in options.items()
    }


def held_out_loss(deals, options):
    """Return the mean loss of classifiers on the parts that were kept from them."""
    losses = []
    for training, (X, Y) in deals:
        fit = grouped_logistic(*training, tol=_ROUGH, **options)
        judging = LabelledTasks.prepare(X, Y, ridge=fit.ridge)
        losses.append(judging.losses(np.column_stack([fit.coef, fit.intercept])).mean())
    return float(np.mean(losses))


def fit_methods(tasks, n_groups, random_state, learned=None, n_inner=30, max_iter=25):
    """Fit all methods to the same tasks; the learned groups keep their default penalties."""
    fits = fit_rivals(tasks.X, tasks.Y, tasks.families, random_state)
    fits["learned groups"] = learned or learn_task_groups(
        tasks.X,
        tasks.Y,
        n_groups,
        n_inner=n_inner,
        max_iter=max_iter,
        random_state=random_state,
    )
    return {method: fits[method] for method in METHODS}


def _compare(make_tasks, animals, seeds, n_groups, first, **options):
    found = {method: [] for method in METHODS}
    rand, in_use = [], []
    for seed in range(seeds):
        tasks = make_tasks(animals, random_state=seed)
        fits = fit_methods(tasks, n_groups, seed, None if seed else first, **options)
        for method, fit in fits.items():
            shares = accuracies(fit, tasks.X_test, tasks.Y_test)
            found[method].append((shares.mean(), shares[tasks.poor].mean()))
        learned = fits["learned groups"]
        rand.append(
            [
                adjusted_rand_score(tasks.families[part], learned.groups[part])
                for part in (slice(None), ~tasks.poor, tasks.poor)
            ]
        )
        in_use.append(learned.n_groups)
    return Comparison(
        {method: np.array(values) for method, values in found.items()},
        np.array(rand),
        np.array(in_use),
    )
