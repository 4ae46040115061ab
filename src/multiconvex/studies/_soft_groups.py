"""The tasks of the chapter, and how its validation loss depends on who belongs to which group."""

from dataclasses import dataclass

import numpy as np

from multiconvex.datasets import make_grouped_tasks
from multiconvex.datasets.groups import GroupedTasks
from multiconvex.nested.hypergradients import TaskProblems, hypergradient

LAM, RIDGE = 0.25, 0.025
_COUNTS = (3, 10, 30, 100, 300, 1000)


@dataclass(frozen=True, eq=False)
class Setting:
    """Tasks, the weight of the penalty, and three sets of groups.

    Attributes
    ----------
    data : GroupedTasks
    problems : TaskProblems
    lam : float
    theta : dict of str to ndarray of shape (P, L)
        "vague" is random, "blurred" nearly right, "hard" the truth.
    """

    data: GroupedTasks
    problems: TaskProblems
    lam: float
    theta: dict


def make_setting(n_tasks=40, random_state=0):
    """Draw tasks as in the first experiment of the source, and groups on the way to the truth."""
    rng = np.random.default_rng(random_state)
    data = make_grouped_tasks(n_tasks, random_state=rng)
    problems = TaskProblems.prepare(data.X, data.Y, data.X_val, data.Y_val, ridge=RIDGE)
    vague = rng.dirichlet(np.full(data.theta.shape[1], 3.0), len(data.theta))
    theta = {"vague": vague, "blurred": 0.8 * data.theta + 0.2 * vague, "hard": data.theta}
    return Setting(data, problems, LAM, theta)


def validation_loss(setting, theta, lam=LAM):
    """Mean validation loss of the exact lower level."""
    return hypergradient(setting.problems, theta, lam, method="implicit").values.mean()


def fresh_loss(setting, theta):
    """Mean squared residual of the exact lower level on samples that nothing was chosen by."""
    coef = hypergradient(setting.problems, theta, setting.lam, method="implicit").coef
    gap = np.einsum("tnp,tp->tn", setting.data.X_test, coef) - setting.data.Y_test
    return np.mean(gap**2)


@dataclass(frozen=True, eq=False)
class Slice:
    """Validation loss while one feature moves from its group to another.

    Attributes
    ----------
    share : ndarray
        Its membership in the other group.
    values, slopes : dict of int to ndarray
        Loss and derivative after some inner steps; of the exact lower level under 0.
    """

    share: np.ndarray
    values: dict
    slopes: dict


def follow_slice(setting, feature=0, n_points=21):
    """Move a feature to the next group and differentiate on the way."""
    start = setting.data.theta
    towards = np.zeros_like(start)
    towards[feature] = np.roll(start[feature], 1) - start[feature]
    share = np.linspace(0.02, 0.98, n_points)
    runs = {0: {"method": "implicit"}, **{count: {"n_inner": count} for count in _COUNTS}}
    values, slopes = {}, {}
    for count, options in runs.items():
        found = [
            hypergradient(setting.problems, start + t * towards, setting.lam, **options)
            for t in share
        ]
        values[count] = np.array([one.values.mean() for one in found])
        slopes[count] = np.array([np.vdot(one.theta.mean(axis=0), towards) for one in found])
    return Slice(share, values, slopes)


@dataclass(frozen=True)
class StartRow:
    """How much a derivative tells about where to go from some groups.

    Attributes
    ----------
    start : str
    difference_between_groups : float
        Largest difference of the derivatives in two memberships of one feature, over the largest
        derivative.
    at_zeros : float or None
        Largest derivative in a membership that is zero, over the largest of all.
    at_zeros_of_squares : float or None
        The same for derivatives in the squares.
    """

    start: str
    difference_between_groups: float
    at_zeros: float | None
    at_zeros_of_squares: float | None


def compare_starts(setting):
    """Derivatives at equal groups, at nearly equal ones, and at hard ones."""
    equal = np.full_like(setting.data.theta, 1.0 / setting.data.theta.shape[1])
    starts = {
        "equal groups": equal,
        "a little noise": 0.95 * equal + 0.05 * setting.theta["vague"],
        "hard groups": setting.theta["hard"],
    }
    return [_start_row(setting, name, theta) for name, theta in starts.items()]


def _start_row(setting, name, theta):
    found = hypergradient(setting.problems, theta, setting.lam)
    slope, square = found.theta.mean(axis=0), found.square.mean(axis=0)
    between = np.ptp(slope, axis=1).max() / np.abs(slope).max()
    zeros = theta == 0.0
    shares = [
        float(np.abs(each[zeros]).max() / np.abs(each).max()) if zeros.any() else None
        for each in (slope, square)
    ]
    return StartRow(name, float(between), *shares)
