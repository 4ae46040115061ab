"""Simulated tasks that share the groups of their features, and what learns those groups."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score

from multiconvex.datasets import make_grouped_tasks
from multiconvex.models.group_structure import learn_groups
from multiconvex.models.joint_groups import joint_groups
from multiconvex.nested.group_regression import group_lasso
from multiconvex.nested.outer_steps import Saga

SETTINGS = {
    "slides": {"n_samples": 25, "noise": 0.1},
    "demonstration": {"n_samples": 20, "noise": 0.2, "noise_unit": "signal"},
}
STEP = Saga(batch=10)
LAM, RIDGE = 0.25, 0.02
_FACTORS = (0.1, 0.3, 1.0)
_CHOOSING = 50
_TOL = 1e-3
_FEW_INNER = 30
_HEAVY = 4.0


def make_tasks(setting="slides", random_state=0, **changes):
    """Return the tasks of the slides or of the published demonstration, with some changes."""
    return make_grouped_tasks(**(SETTINGS[setting] | changes), random_state=random_state)


def mean_error(X, Y, coef):
    """Return the mean squared error of the predictions of all tasks."""
    return float(np.mean((np.einsum("tnp,tp->tn", X, coef) - Y) ** 2))


def measure_test_error(tasks, groups):
    """Return the test error of a group lasso whose weight is chosen on validation samples."""
    few = slice(_CHOOSING)

    def validate(factor):
        coef = _fit(tasks.X[few], tasks.Y[few], groups, factor * LAM)
        return mean_error(tasks.X_val[few], tasks.Y_val[few], coef)

    coef = _fit(tasks.X, tasks.Y, groups, min(_FACTORS, key=validate) * LAM)
    return mean_error(tasks.X_test, tasks.Y_test, coef)


def learn(tasks, n_groups, *, lam=LAM, outer=STEP, n_inner=100, max_iter=250, **options):
    """Return groups learned from the training samples and judged on the validation samples."""
    return learn_groups(
        tasks.X, tasks.Y, n_groups, validation=(tasks.X_val, tasks.Y_val), lam=lam, ridge=RIDGE,
        candidates=n_groups, outer=outer, n_inner=n_inner, max_iter=max_iter, tol=0.0, **options,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Recovery:
    """Groups learned from several draws of the same tasks.

    Attributes
    ----------
    setting : str
    steps : ndarray, shape (n,)
    index : ndarray, shape (n_seeds, n)
        Adjusted Rand index with the true groups after so many outer steps.
    errors : dict of str to ndarray, shape (n_seeds,)
        Mean squared test error with every feature alone, with learned and with true groups.
    """

    setting: str
    steps: np.ndarray
    index: np.ndarray
    errors: dict

    @property
    def ratios(self):
        """Test error with learned groups over that with the true ones, for each draw."""
        return self.errors["learned"] / self.errors["oracle"]


def recover_groups(setting="slides", *, n_seeds=5, n_groups=5, max_iter=250):
    """Learn a known number of groups, and compare predictions with the lasso and the oracle."""
    curves, errors = [], {"lasso": [], "learned": [], "oracle": []}
    for seed in range(n_seeds):
        tasks = make_tasks(setting, seed)
        history = {}

        def watch(sweep, history=history):
            history[sweep.iteration] = sweep.blocks["theta"]

        fitted = learn(
            tasks, n_groups, max_iter=max_iter, callback=watch, parsimony=None, random_state=seed
        )
        curves.append([agreement(tasks, theta) for theta in history.values()])
        for name, groups in zip(errors, ("singletons", fitted.theta, tasks.groups)):
            errors[name].append(measure_test_error(tasks, groups))
    return Recovery(
        setting,
        np.array(list(history)),
        np.array(curves),
        {name: np.array(values) for name, values in errors.items()},
    )


def agreement(tasks, theta):
    """Return the adjusted Rand index of the largest memberships and the true groups."""
    return float(adjusted_rand_score(tasks.groups, theta.argmax(axis=1)))


@dataclass(frozen=True)
class FormulationRow:
    """One way to learn groups: groups in use, agreement with the true ones, and errors."""

    groups: str
    in_use: int
    rand_index: float
    training_objective: float
    test_error: float


def compare_formulations(tasks, n_groups=5):
    """Learn groups with the weights in one objective, and by the validation error.

    All objectives are those of a group lasso on the training samples with the same weight.
    """
    joint = joint_groups(tasks.X, tasks.Y, n_groups, lam=LAM, ridge=RIDGE, random_state=0)
    bilevel = learn(tasks, n_groups, parsimony=None, random_state=0)
    one = np.zeros(len(tasks.groups), int)
    rows = []
    for name, groups in (
        ("learned jointly", joint.theta),
        ("all features in one group", np.eye(1)[one]),
        ("learned by validation", bilevel.theta),
        ("true", tasks.theta),
    ):
        coef = _fit(tasks.X, tasks.Y, groups, LAM)
        rows.append(
            FormulationRow(
                name,
                _in_use(groups),
                agreement(tasks, groups),
                _objective(tasks, groups, coef),
                mean_error(tasks.X_test, tasks.Y_test, coef),
            )
        )
    return rows


@dataclass(frozen=True, eq=False)
class GroupSplit:
    """What happens to the validation error when every true group is shared by two columns.

    Attributes
    ----------
    unevenness : ndarray
        Half the features of a group have memberships of one half plus so much in the first column
        and minus so much in the second, the other half the other way round.
    changes : dict of float to ndarray
        Relative change of the validation error, for multiples of the weight of the penalty.
    even : float
        The same for even memberships in place of one column, with the usual weight.
    """

    unevenness: np.ndarray
    changes: dict
    even: float


def split_groups(tasks, *, factors=(0.1, 1.0, 4.0), n_tasks=150):
    """Give every true group two columns, and shares that agree less and less."""
    few = slice(n_tasks)
    unevenness = np.linspace(0.0, 0.5, 6)
    signs = np.empty(len(tasks.groups))
    signs[np.argsort(tasks.groups, kind="stable")] = np.resize([1.0, -1.0], len(signs))

    def validate(theta, factor):
        coef = _fit(tasks.X[few], tasks.Y[few], theta, factor * LAM, tol=1e-6)
        return mean_error(tasks.X_val[few], tasks.Y_val[few], coef)

    changes = {}
    for factor in factors:
        errors = []
        for amount in unevenness:
            shares = 0.5 + amount * signs[:, None]
            theta = np.hstack([shares * tasks.theta, (1.0 - shares) * tasks.theta])
            errors.append(validate(theta, factor))
        changes[factor] = np.array(errors) / errors[0] - 1.0
    half = np.hstack([tasks.theta, tasks.theta]) / 2.0
    return GroupSplit(
        unevenness, changes, abs(validate(half, 1.0) / validate(tasks.theta, 1.0) - 1.0)
    )


@dataclass(frozen=True, eq=False)
class Discovery:
    """What became of more candidates than groups.

    Attributes
    ----------
    fitted : GroupStructure
        Its path of mergers starts with all candidates that were in use.
    index : tuple of float
        Adjusted Rand index with the true groups, before and after the mergers.
    """

    fitted: object
    index: tuple[float, float]

    @property
    def in_use(self):
        """Number of groups before and after, by the largest memberships."""
        return _in_use(self.fitted.path[0].theta), self.fitted.n_groups


def discover(tasks, n_candidates=10, *, n_inner=100, random_state=0):
    """Learn with a number of candidates, then merge as long as the validation error allows."""
    fitted = learn(tasks, n_candidates, n_inner=n_inner, random_state=random_state)
    index = agreement(tasks, fitted.path[0].theta), agreement(tasks, fitted.theta)
    return Discovery(fitted, index)


@dataclass(frozen=True)
class DiscoveryRow:
    """Candidates before and after mergers in one draw, and test errors over that of the oracle."""

    draw: int
    index_before: float
    groups_before: int
    index_after: float
    groups_after: int
    error_over_oracle: float


def discover_numbers(recovery, *, n_candidates=10):
    """Learn with more candidates than groups in the draws of a :class:`Recovery`."""
    rows = []
    for seed, oracle in enumerate(recovery.errors["oracle"]):
        tasks = make_tasks(recovery.setting, seed)
        found = discover(tasks, n_candidates, random_state=seed)
        learned = measure_test_error(tasks, found.fitted.theta)
        (before, after), (many, few) = found.index, found.in_use
        rows.append(DiscoveryRow(seed + 1, before, many, after, few, float(learned / oracle)))
    return rows


def scan_candidates(tasks, counts=(3, 5, 10, 15)):
    """Learn with several numbers of candidates; return a dictionary of :class:`Discovery`."""
    return {count: discover(tasks, count, n_inner=50) for count in counts}


@dataclass(frozen=True)
class RemedyRow:
    """One way to deal with too many candidates: agreement with the truth over several draws."""

    remedy: str
    lowest_index: float
    median_index: float
    highest_index: float
    groups: int


def compare_remedies(*, n_candidates=10, n_seeds=3, n_tasks=250, max_iter=100):
    """Learn with more candidates than groups once, and with five remedies."""
    found = {}
    for seed in range(n_seeds):
        tasks = make_tasks(random_state=seed, n_tasks=n_tasks)
        for name, theta in _remedies(tasks, n_candidates, seed, max_iter):
            found.setdefault(name, []).append((agreement(tasks, theta), _in_use(theta)))
    rows = []
    for name, values in found.items():
        index, used = np.array(values).T
        spread = (float(summary(index)) for summary in (np.min, np.median, np.max))
        rows.append(RemedyRow(name, *spread, int(np.median(used))))
    return rows


@dataclass(frozen=True)
class TaskCountRow:
    """Groups learned from few tasks: medians over draws, and errors over that of the oracle."""

    tasks: int
    rand_index: float
    groups: int
    learned_over_oracle: float
    lasso_over_oracle: float


def vary_tasks(counts=(15, 50, 150), *, n_candidates=10, n_seeds=3):
    """Learn groups from few tasks; the test errors are those of new tasks with these groups."""
    values = np.empty((len(counts), n_seeds, 4))
    for seed in range(n_seeds):
        strangers = make_tasks(random_state=100 + seed, n_tasks=60)
        lasso, oracle = (
            measure_test_error(strangers, groups) for groups in ("singletons", strangers.groups)
        )
        for row, count in zip(values, counts):
            tasks = make_tasks(random_state=seed, n_tasks=count)
            found = discover(tasks, n_candidates, n_inner=50, random_state=seed).fitted
            learned = measure_test_error(strangers, found.theta)
            index = agreement(tasks, found.theta)
            row[seed] = index, found.n_groups, learned / oracle, lasso / oracle
    return [
        TaskCountRow(count, float(index), int(groups), float(learned), float(lasso))
        for count, (index, groups, learned, lasso) in zip(counts, np.median(values, axis=1))
    ]


def _remedies(tasks, n_candidates, seed, max_iter):
    """Yield names and memberships; only the last may merge columns."""

    def run(**options):
        options = {"max_iter": 2 * max_iter, "parsimony": None} | options
        return learn(tasks, n_candidates, random_state=seed, **options)

    merged = run(max_iter=max_iter, parsimony=1.0)
    yield "none", merged.path[0].theta
    yield "twice the steps", run().theta
    yield "better of two starts", run(max_iter=max_iter, n_starts=2).theta
    yield "twice the steps, short lower level", run(n_inner=_FEW_INNER).theta
    yield "twice the steps, heavy penalty", run(lam=_HEAVY * LAM).theta
    yield "mergers", merged.theta


def _fit(X, Y, groups, lam, tol=_TOL):
    return group_lasso(X, Y, groups, lam=lam, ridge=RIDGE, tol=tol).coef


def _in_use(theta):
    return len(np.unique(theta.argmax(axis=1)))


def _objective(tasks, theta, coef):
    """Return the mean over tasks of what a group lasso minimises."""
    fit = 0.5 * np.sum((np.einsum("tnp,tp->tn", tasks.X, coef) - tasks.Y) ** 2)
    norms = np.sqrt(coef**2 @ theta**2).sum()
    return float(fit + 0.5 * RIDGE * np.sum(coef**2) + LAM * norms) / len(coef)
