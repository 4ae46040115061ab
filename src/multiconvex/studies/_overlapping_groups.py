"""Simulated tasks whose features may be in two groups, and what learns such groups."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from multiconvex.datasets import GroupedTasks
from multiconvex.models.group_structure import learn_groups
from multiconvex.studies._grouped_tasks import RIDGE, STEP, measure_test_error

_LAM = 0.16
_NOISE = 0.1
_MEMBER = 0.1


@dataclass(frozen=True, eq=False, repr=False)
class OverlappingTasks(GroupedTasks):
    """Regressions that share groups of features, some of them in two groups.

    ``groups`` numbers the parts: features of one part have the same groups.

    Attributes
    ----------
    masks : ndarray, shape (P, L)
        One where a feature is in a group.
    """

    masks: np.ndarray


def make_overlapping_tasks(random_state=0, *, n_tasks=300, n_samples=30, size=10, shared=3):
    """Draw tasks in which two of four groups are active, arranged in a ring.

    Each group has ``size`` features of its own turn and the first ``shared`` of the next group. A
    feature has a nonzero weight where all of its groups are active, as the group lasso has it. The
    rest is as in :func:`multiconvex.datasets.make_grouped_tasks`.
    """
    rng = np.random.default_rng(random_state)
    masks = np.zeros((4 * size, 4))
    for group in range(4):
        masks[(size * group + np.arange(size + shared)) % len(masks), group] = 1.0
    absent = rng.random((n_tasks, 4)).argsort(axis=1)[:, :2]
    missing = masks[:, absent].any(axis=2).T
    coef = np.where(missing, 0.0, rng.standard_normal(missing.shape))
    samples = []
    for _ in range(3):
        X = rng.standard_normal((n_tasks, n_samples, len(masks)))
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        Y = np.einsum("tnp,tp->tn", X, coef) + _NOISE * rng.standard_normal(X.shape[:2])
        samples += [X, Y]
    parts = np.unique(masks, axis=0, return_inverse=True)[1].ravel()
    return OverlappingTasks(*samples, coef, parts, np.full(n_tasks, _NOISE), masks)


def learn_overlaps(tasks, memberships="cover", *, max_iter=200, random_state=0):
    """Return memberships in as many groups as there are, with a given set of memberships."""
    return learn_groups(
        tasks.X, tasks.Y, 4, validation=(tasks.X_val, tasks.Y_val), lam=_LAM, ridge=RIDGE,
        memberships=memberships, candidates=4, parsimony=None, outer=STEP, n_inner=100,
        max_iter=max_iter, tol=0.0, random_state=random_state,
    ).theta  # fmt: skip


def share_right(tasks, theta):
    """Return the share of features that are in their true groups and in no other.

    A feature is a member where its membership is above a tenth of its largest. Columns are
    matched such that most memberships agree.
    """
    members = theta > _MEMBER * theta.max(axis=1, keepdims=True)
    agree = (tasks.masks[:, :, None] == members[:, None, :]).sum(axis=0)
    order = linear_sum_assignment(-agree)[1]
    return float(np.mean(np.all(members[:, order] == tasks.masks, axis=1)))


@dataclass(frozen=True)
class OverlapRow:
    """One kind of groups: medians over draws, and errors over that of the true groups."""

    groups: str
    right_features: float | None
    lowest: float | None
    test_error_over_true: float


def compare_overlaps(n_seeds=5, **options):
    """Learn groups of features that may be in two, on the simplex and as a cover."""
    right, errors = {}, {}
    for seed in range(n_seeds):
        tasks = make_overlapping_tasks(seed, **options)
        found = {
            "true": tasks.masks,
            "learned as a cover": learn_overlaps(tasks, "cover", random_state=seed),
            "learned on the simplex": learn_overlaps(tasks, "simplex", random_state=seed),
            "single features": np.eye(len(tasks.masks)),
            "eight true parts": tasks.theta,
        }
        for name, theta in found.items():
            if theta.shape == tasks.masks.shape:
                right.setdefault(name, []).append(share_right(tasks, theta))
            errors.setdefault(name, []).append(measure_test_error(tasks, theta))
    rows = []
    for name, values in errors.items():
        shares = right.get(name)
        right_ones = (float(np.median(shares)), min(shares)) if shares else (None, None)
        rows.append(
            OverlapRow(name, *right_ones, float(np.median(np.divide(values, errors["true"]))))
        )
    return rows
