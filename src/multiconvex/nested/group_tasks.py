"""Tasks and memberships as users give them, brought to one form."""

import numpy as np

from multiconvex.checks import check_array, check_option, check_positive

_LAM, _RIDGE = 0.05, 0.02


def stack_tasks(X, Y, names=("X", "Y")):
    """Return tasks as arrays (T, N, P) and (T, N), and their numbers of rows.

    Tasks of fewer rows than others end in rows of zeros, which change no Gram matrix and no
    residual. One table of two dimensions is shared by all tasks. Errors call them by ``names``.
    """
    one, other = names
    targets = _as_list(other, Y, 1)
    shared = isinstance(X, np.ndarray) and X.ndim == 2
    designs = [check_array(one, X, ndim=2)] * len(targets) if shared else _as_list(one, X, 2)
    if len(designs) != len(targets):
        raise ValueError(
            f"{one} and {other} must hold as many tasks, got {len(designs)} and {len(targets)}."
        )
    for t, (design, target) in enumerate(zip(designs, targets)):
        if design.shape[1] != designs[0].shape[1]:
            raise ValueError(
                f"All tasks must have the same features: {one}[{t}] has {design.shape[1]} columns, "
                f"{one}[0] has {designs[0].shape[1]}."
            )
        if len(design) != len(target):
            raise ValueError(
                f"{one}[{t}] has {len(design)} rows but {other}[{t}] has {len(target)} entries."
            )
    rows = np.array([len(target) for target in targets])
    stacked = (
        np.zeros((len(rows), rows.max(), designs[0].shape[1])),
        np.zeros((len(rows), rows.max())),
    )
    for t, pair in enumerate(zip(designs, targets)):
        for whole, part in zip(stacked, pair):
            whole[t, : rows[t]] = part
    return *stacked, rows


def split_tasks(X, Y, validation, rng):
    """Return training and validation samples of all tasks, and the numbers of the latter.

    ``validation`` is the share of the rows of each task that is drawn, or a pair of those samples.
    """
    X, Y, rows = stack_tasks(X, Y)
    if isinstance(validation, tuple):
        X_val, Y_val, counts = stack_tasks(*validation, ("validation[0]", "validation[1]"))
        if X_val.shape[::2] != X.shape[::2]:
            raise ValueError(
                f"validation must have as many tasks and features as X, {X.shape[::2]}; got "
                f"{X_val.shape[::2]}."
            )
        return (X, Y), (X_val, Y_val), counts
    if not isinstance(validation, float) or not 0.0 < validation < 1.0:
        got = repr(validation) if np.isscalar(validation) else f"a {type(validation).__name__}"
        raise ValueError(
            f"validation must be a fraction between 0 and 1 or a tuple (X, Y), got {got}."
        )
    if rows.min() < 2:
        raise ValueError(
            f"Task {rows.argmin()} has {rows.min()} rows, and it takes two to hold one out: drop "
            "the task, or give validation samples."
        )
    counts = np.clip(np.rint(validation * rows).astype(int), 1, rows - 1)
    halves = [[], []]
    for t, count in enumerate(counts):
        order = rng.permutation(rows[t])
        for half, chosen in zip(halves, (np.sort(order[count:]), np.sort(order[:count]))):
            half.append((X[t, chosen], Y[t, chosen]))
    training, judging = (stack_tasks(*map(list, zip(*half)))[:2] for half in halves)
    return training, judging, counts


def penalty_weights(X, Y, lam, ridge):
    """Return the weights of the penalties, from the size of the data where they are "auto"."""
    if isinstance(lam, str):
        check_option("lam", lam, ("auto",))
        lam = _LAM * float(np.median(np.linalg.norm(np.einsum("tnp,tn->tp", X, Y), axis=1)))
    if isinstance(ridge, str):
        check_option("ridge", ridge, ("auto",))
        ridge = _RIDGE * float(np.sum(X**2)) / (X.shape[0] * X.shape[2])
    check_positive("lam", lam, allow_zero=True)
    check_positive("ridge", ridge, allow_zero=True)
    return lam, ridge


def factorise(X, ridge):
    r"""Return :math:`X^\top X + \mu I` of every task, its inverse and its smallest eigenvalue."""
    gram = X.transpose(0, 2, 1) @ X + ridge * np.eye(X.shape[2])
    if X.shape[1] < X.shape[2]:
        return gram, _wide_inverse(X, ridge), np.full(len(X), float(ridge))
    return gram, np.linalg.inv(gram), np.linalg.eigvalsh(gram)[:, 0]


def _wide_inverse(X, ridge):
    """Inverse of ``X.T @ X + ridge I`` of every task through the smaller ``X @ X.T``."""
    small = X @ X.transpose(0, 2, 1) + ridge * np.eye(X.shape[1])
    inverse = X.transpose(0, 2, 1) @ np.linalg.solve(small, X)
    return (np.eye(X.shape[2]) - 0.5 * (inverse + inverse.transpose(0, 2, 1))) / ridge


def as_memberships(groups, n_features):
    """Return groups, however they are given, as an array (P, L)."""
    if isinstance(groups, str):
        if groups != "singletons":
            raise ValueError(
                f"groups must be 'singletons', labels, memberships or index lists; got {groups!r}."
            )
        return np.eye(n_features)
    if isinstance(groups, list | tuple) and any(np.ndim(group) == 1 for group in groups):
        return _from_indices(groups, n_features)
    given = np.asarray(groups)
    if given.ndim == 1:
        return _from_labels(given, n_features)
    theta = check_array("groups", given, ndim=2, nonnegative=True)
    if len(theta) != n_features:
        raise ValueError(
            f"groups must have one row for each of the {n_features} features, got shape "
            f"{theta.shape}."
        )
    return _covering(theta)


def _from_labels(labels, n_features):
    if labels.dtype.kind not in "iu" or len(labels) != n_features or labels.min(initial=0) < 0:
        raise ValueError(
            f"groups must be {n_features} nonnegative integers, one label for each feature; got "
            f"an array of {labels.dtype} of shape {labels.shape}."
        )
    return np.eye(labels.max() + 1)[labels]


def _from_indices(groups, n_features):
    theta = np.zeros((n_features, len(groups)))
    for l, members in enumerate(groups):
        members = np.asarray(members)
        if members.dtype.kind not in "iu" or members.min() < 0 or members.max() >= n_features:
            raise ValueError(
                f"groups[{l}] must be indices of features from 0 to {n_features - 1}, got "
                f"{members}."
            )
        theta[members, l] = 1.0
    return _covering(theta)


def _covering(theta):
    alone = np.flatnonzero(theta.max(axis=1) == 0.0)
    if len(alone):
        raise ValueError(
            f"Every feature must be in a group, but feature {alone[0]} is in none: give it a group "
            "of its own."
        )
    return theta


def _as_list(name, tasks, ndim):
    """Return the tasks as a list of checked arrays."""
    if isinstance(tasks, np.ndarray) and tasks.ndim == ndim + 1:
        return list(check_array(name, tasks))
    if not isinstance(tasks, list | tuple) or not len(tasks):
        got = getattr(tasks, "shape", type(tasks).__name__)
        raise ValueError(
            f"{name} must be an array of {ndim + 1} dimensions, tasks first, or a list of arrays, "
            f"one for each task; got {got}."
        )
    return [check_array(f"{name}[{t}]", task, ndim=ndim) for t, task in enumerate(tasks)]
