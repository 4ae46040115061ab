"""Groups that are split among several columns of the memberships, put together again."""

from itertools import combinations
from typing import NamedTuple

import numpy as np


class Merger(NamedTuple):
    """A length of the path along which columns of the memberships are added to each other.

    Attributes
    ----------
    n_groups : int
        Columns that are left.
    columns : tuple of int
        The two that were added, counted before; empty at the start of the path.
    objective : float
        Mean validation error over all tasks.
    standard_error : float
        Of that mean, from the spread over tasks.
    theta : ndarray, shape (P, n_groups)
    """

    n_groups: int
    columns: tuple[int, ...]
    objective: float
    standard_error: float
    theta: np.ndarray

    def __repr__(self):
        return (
            f"Merger(n_groups={self.n_groups}, columns={self.columns}, "
            f"objective={self.objective:.4g}, standard_error={self.standard_error:.2g})"
        )


def merger_path(theta, values, screening):
    r"""Add the two columns that cost least, again and again, until one is left.

    Columns that are proportional on the features of a group are the same penalty as their sum,
    :math:`\|a \theta * w\| + \|b \theta * w\| = \|(a + b) \theta * w\|`: no gradient tells one from
    the other, and a group that was split stays split.

    Parameters
    ----------
    theta : ndarray, shape (P, L)
    values : callable
        ``values(theta, tasks)`` returns the validation errors of tasks.
    screening : tuple of ndarray
        All tasks, and those that compare pairs. A change that is known stays as it was estimated
        while other columns are added.

    Returns
    -------
    tuple of Merger
        From the columns that are in use down to one.
    """
    everyone, some = screening
    columns = [column for column in theta.T if column.any()]
    path = [_length((), columns, values, everyone)]
    changes = {pair: None for pair in combinations(range(len(columns)), 2)}
    while changes:
        current = values(_stacked(columns), some).mean()
        for pair, change in changes.items():
            if change is None:
                changes[pair] = values(_stacked(_added(columns, pair)), some).mean() - current
        best = min(changes, key=changes.get)
        changes = _renamed(changes, best, len(columns))
        columns = _added(columns, best)
        path.append(_length(best, columns, values, everyone))
    return tuple(path)


def choose_length(path, most, parsimony):
    """Return the entry of a path by the rule of standard errors.

    Among lengths of at most ``most`` groups, the shortest whose objective is within ``parsimony``
    standard errors of the lowest; the longest where ``parsimony`` is None.
    """
    allowed = [entry for entry in path if entry.n_groups <= most]
    if parsimony is None:
        return allowed[0]
    best = min(allowed, key=lambda entry: entry.objective)
    bound = best.objective + parsimony * best.standard_error
    return [entry for entry in allowed if entry.objective <= bound][-1]


def _length(pair, columns, values, tasks):
    theta = _stacked(columns)
    errors = values(theta, tasks)
    spread = errors.std(ddof=1) if len(errors) > 1 else 0.0
    error = float(spread / np.sqrt(len(errors)))
    return Merger(len(columns), pair, float(errors.mean()), error, theta)


def _stacked(columns):
    return np.stack(columns, axis=1)


def _added(columns, pair):
    """Return the columns with two of them added, no membership above one, the sum last."""
    first, second = pair
    rest = [column for i, column in enumerate(columns) if i not in pair]
    return [*rest, np.minimum(columns[first] + columns[second], 1.0)]


def _renamed(changes, pair, n_columns):
    """Return what is known of pairs after a merger, by the new indices."""
    kept = [i for i in range(n_columns) if i not in pair]
    name = {old: new for new, old in enumerate(kept)}
    known = {
        (name[k], name[l]): change
        for (k, l), change in changes.items()
        if k not in pair and l not in pair
    }
    return known | {(i, len(kept)): None for i in range(len(kept))}
