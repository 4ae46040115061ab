"""Classification tasks as users give them, dealt into parts that judge one after the other."""

import numpy as np

from multiconvex.checks import check_count, check_option
from multiconvex.nested.task_hypergradients import LabelledTasks

_LAM, _RIDGE = 0.2, 0.01


def task_lists(X, Y):
    """Return tables and labels as lists, one entry a task; a table of two dimensions is shared."""
    labels = [np.asarray(y) for y in Y]
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return [X] * len(labels), labels
    return [np.asarray(table) for table in X], labels


def labelled_tasks(X, Y, lam, ridge):
    """Return the tasks and the weights of the penalties, from the data where they are "auto".

    ``ridge`` is then 0.01 of the mean squared norm of a column, and ``lam`` 0.2 of the spectral
    norm of the slopes where all weights are zero, which are what training starts from.
    """
    tables, labels = task_lists(X, Y)
    if isinstance(ridge, str):
        check_option("ridge", ridge, ("auto",))
        squares = [np.mean(np.sum(np.square(table, dtype=float), axis=0)) for table in tables]
        ridge = _RIDGE * float(np.mean(squares))
    tasks = LabelledTasks.prepare(tables, labels, ridge=ridge)
    if isinstance(lam, str):
        check_option("lam", lam, ("auto",))
        slopes = [table.T @ (y - np.mean(y)) for table, y in zip(tables, labels)]
        lam = _LAM * float(np.linalg.norm(slopes, 2))
    return tasks, lam, ridge


def deal_tasks(X, Y, folds, rng):
    """Return pairs of training and judging lists ``((X, Y), (X', Y'))``, one for each part.

    Each part judges what is fitted to the others. Parts have their share of both classes of every
    task; rows of a shared table go to the same part for all tasks.
    """
    check_count("folds", folds, least=2)
    tables, labels = task_lists(X, Y)
    shared = all(table is tables[0] for table in tables)
    if shared and len({len(y) for y in labels}) == 1:
        kinds = np.unique(np.stack(labels), axis=1, return_inverse=True)[1]
        parts = [_deal(np.ravel(kinds), folds, rng)] * len(labels)
    else:
        parts = [_deal(y, folds, rng) for y in labels]
    for t, (y, part) in enumerate(zip(labels, parts)):
        for label in np.unique(y):
            if np.bincount(part[y == label], minlength=folds).min() == 0:
                raise ValueError(
                    f"Task {t} has too few samples with label {label:g} for {folds} parts: every "
                    "part needs one. Choose fewer folds, or drop the task."
                )
    return [
        tuple(_rows(tables, labels, parts, fold, judging) for judging in (False, True))
        for fold in range(folds)
    ]


def _deal(kinds, folds, rng):
    """Return a part for each row, rows of the same kind dealt out in random order."""
    part = np.empty(len(kinds), int)
    for kind in np.unique(kinds):
        members = rng.permutation(np.flatnonzero(kinds == kind))
        part[members] = (np.arange(len(members)) + rng.integers(folds)) % folds
    return part


def _rows(tables, labels, parts, fold, judging):
    """Return the samples of one part, or those of all others; what was shared remains so."""
    masks = {id(part): (part == fold) == judging for part in parts}
    chosen = [masks[id(part)] for part in parts]
    kept = {}
    rows = [
        kept.setdefault((id(table), id(mask)), table[mask]) for table, mask in zip(tables, chosen)
    ]
    return rows, [y[mask] for y, mask in zip(labels, chosen)]
