r"""Groups of features, learned from many tasks that share them."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from multiconvex.checks import check_count, check_option, check_positive
from multiconvex.models.group_mergers import Merger, choose_length, merger_path
from multiconvex.models.group_problem import GroupProblem
from multiconvex.models.memberships import NOISE, SETS, as_step, best_memberships
from multiconvex.nested.group_regression import group_lasso
from multiconvex.nested.group_tasks import penalty_weights, split_tasks
from multiconvex.nested.hypergradients import TaskProblems
from multiconvex.nested.outer import bilevel, break_symmetry
from multiconvex.nested.outer_steps import ProjectedAdam, ProjectedGradient, Saga
from multiconvex.stopping import Settled
from multiconvex.trace import Recorder, Result

_STEPS = {"saga": Saga(), "adaptive": ProjectedAdam(), "gradient": ProjectedGradient()}
_SCREENING = 70
_POLISHING = 4
_PASSES = 5
_REFIT_GAP = 1e-6


@dataclass(frozen=True, repr=False, kw_only=True)
class GroupStructure(Result):
    """Memberships of features in groups, and the weights of all tasks.

    Attributes
    ----------
    coef : ndarray, shape (T, P)
    lam, ridge : float
        Of the group lasso that gave the weights.
    path : tuple of Merger
        From the candidates, as the outer loop left them, down to one group; empty where nothing was
        to be merged.
    starts : ndarray
        Final objective of each start.
    """

    coef: np.ndarray
    lam: float
    ridge: float
    path: tuple[Merger, ...] = ()
    starts: np.ndarray

    @property
    def theta(self):
        """Memberships of shape (P, L), with rows on the simplex, or in a cover."""
        return self.blocks["theta"]

    @property
    def groups(self):
        """The group of each feature, by its largest membership, numbered from 0."""
        return np.unique(self.theta.argmax(axis=1), return_inverse=True)[1]

    @property
    def n_groups(self):
        """Number of groups in use."""
        return int(self.groups.max()) + 1


def learn_groups(
    X,
    Y,
    n_groups,
    *,
    lam="auto",
    ridge="auto",
    n_inner=200,
    outer="saga",
    hypergradient="reverse",
    validation=0.5,
    memberships="simplex",
    candidates=None,
    parsimony=1.0,
    init="random",
    n_starts=1,
    max_iter=500,
    tol=1e-3,
    callback=None,
    random_state=None,
):
    r"""Learn groups of features such that regressions that know them predict well.

    .. math:: \min_{\theta \in \Delta^P} \; \frac1T \sum_{t=1}^T \frac{1}{2 N_t'}
              \|y_t' - X_t' \hat w_t(\theta)\|_2^2, \qquad
              \hat w_t(\theta) = \arg\min_w \tfrac12 \|y_t - X_t w\|_2^2 + \tfrac{\mu}{2} \|w\|_2^2
              + \lambda \sum_{l=1}^L \|\theta_l * w\|_2

    The rows of each task are split in two: on some (:math:`X, y`) a group lasso is fitted, on the
    others (:math:`X', y'`) it is judged. The lower level is replaced by a number of Bregman steps
    on its dual, which are smooth, and the outer loop (:func:`multiconvex.bilevel`) follows the
    derivative of the validation error through all of them.

    Parameters
    ----------
    X : ndarray of shape (T, N, P) or (N, P), or list of T arrays (N_t, P)
        Two dimensions are one table that all tasks share. Centre the columns, and bring them to
        one scale.
    Y : ndarray of shape (T, N), or list of T arrays (N_t,)
        Centre the targets, and bring those of all tasks to one scale: tasks share one penalty, and
        a few large ones would decide alone.
    n_groups : int
        Largest number of groups.
    lam, ridge : "auto" or float
        :math:`\lambda` and :math:`\mu`, both positive; as in :func:`multiconvex.group_lasso`, from
        the rows that are fitted.
    n_inner : int, default 200
        Steps of the lower level.
    outer : {"saga", "adaptive", "gradient"} or OuterStep
        A few tasks per step with corrected or adaptive gradients, or all of them.
    hypergradient : {"reverse", "checkpointed", "implicit"}
        As ``method`` of :func:`multiconvex.hypergradient`.
    validation : float, or pair (X', Y')
        Share of the rows of each task that judge, drawn at random; or those rows themselves, in
        the form of `X` and `Y`.
    memberships : {"simplex", "cover"}
        Whether the memberships :math:`\theta_{pl} \in [0, 1]` of a feature sum to one, or to one or
        more. In a cover a feature may be in several groups, and has a nonzero weight only where all
        of them have; steps of the lower level are L times as short.
    candidates : int, optional
        Number L of groups at the start, by default as many as `init` has, twice `n_groups` on the
        simplex and `n_groups` in a cover. They are merged at the end, pair by pair: spare ones keep
        descents from getting stuck.
    parsimony : float or None, default 1
        Merge on to the smallest number of groups whose validation error is within so many standard
        errors of the lowest; None stops at `n_groups`.
    init : "random" or ndarray, shape (P, L)
        Memberships at the start: equal but for noise (1 / L on the simplex, 1 in a cover), or
        given. Equal columns get noise too: their derivatives are equal, and they would stay so.
    n_starts : int, default 1
        The start that ends with the lowest validation error is kept.
    max_iter : int, default 500
        Largest number of outer steps of a start; a quarter more after mergers.
    tol : float, default 1e-3
        Stop after five passes over the tasks that change the objective by less than this fraction
        each.
    callback : callable, optional
        As in :func:`multiconvex.bilevel`.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    GroupStructure
        With ``.theta``, ``.groups``, ``.n_groups``, ``.coef`` (the group lasso of all rows) and
        ``.path``.

    Raises
    ------
    ValueError
        For data of different numbers of tasks, rows or features, a task with fewer than two rows to
        split, or options out of range.

    Warns
    -----
    ConvergenceWarning
        If whole gradients were asked for and the best start used all its steps.

    Notes
    -----
    Guarantee: memberships stay in their set; a stationary point of the validation error at best.
    Groups come in any order.

    Cost: the hypergradients of the tasks that a step looks at, O(n_inner P^2) each.

    Chapter: :doc:`/chapters/learning/groups_of_features`

    References
    ----------
    J. Frecon, S. Salzo and M. Pontil, "Bilevel learning of the group Lasso structure", NeurIPS
    2018. The mergers are ours.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import learn_groups
    >>> rng = np.random.default_rng(0)
    >>> used = np.kron(np.eye(2)[rng.integers(2, size=40)], np.ones(3))
    >>> W = rng.standard_normal((40, 6)) * used
    >>> X = rng.standard_normal((40, 8, 6))
    >>> Y = np.einsum("tnp,tp->tn", X, W)
    >>> learn_groups(X, Y, 2, n_inner=50, random_state=0).groups.tolist() in (
    ...     [0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0])
    True
    """
    step = as_step(outer, _STEPS)
    n_groups = check_count("n_groups", n_groups)
    check_option("memberships", memberships, tuple(SETS))
    if candidates is None:
        spare = n_groups if memberships == "simplex" else 0
        start = n_groups + spare if isinstance(init, str) else np.shape(init)[-1]
        candidates = max(n_groups, start)
    candidates = check_count("candidates", candidates, least=n_groups)
    check_option("hypergradient", hypergradient, ("reverse", "checkpointed", "implicit"))
    if parsimony is not None:
        check_positive("parsimony", parsimony, allow_zero=True)
    rng = np.random.default_rng(random_state)
    training, judging, n_judging = split_tasks(X, Y, validation, rng)
    lam, ridge = penalty_weights(*training, lam, ridge)
    check_positive("lam", lam)
    tasks = TaskProblems.prepare(*training, *_mean_errors(*judging, n_judging), ridge=ridge)
    problem = GroupProblem(tasks, candidates, lam, n_inner, hypergradient, memberships)
    rule = _Rule(n_groups, parsimony)
    bounds = {"max_iter": max_iter, "tol": tol}

    def run(theta):
        return _descend(problem, theta, step, rule, callback, rng, **bounds)

    best, objectives = best_memberships(
        run, init, problem.block, step, rng, n_starts=n_starts, **bounds
    )
    rows = [np.concatenate(halves, axis=1) for halves in zip(training, judging)]
    coef = group_lasso(*rows, best.blocks["theta"], lam=lam, ridge=ridge, tol=_REFIT_GAP).coef
    return GroupStructure(**vars(best), coef=coef, lam=lam, ridge=ridge, starts=objectives)


class _Rule(NamedTuple):
    """How many groups are left."""

    most: int
    parsimony: float | None


def _descend(problem, theta, step, rule, callback, rng, *, max_iter, tol):
    """Return where one start leads, mergers included."""
    recorder = Recorder()
    options = {"callback": callback, "recorder": recorder, "random_state": rng}
    noisy, broken = break_symmetry(theta, rng, NOISE)
    if broken:
        _note(recorder, problem, theta, "start")
        theta = problem.block.penalty.prox(noisy, 1.0)
        _note(recorder, problem, theta, "perturbed")
    result = bilevel(problem, theta, step, stop=Settled(tol, _PASSES), max_iter=max_iter, **options)
    nothing_to_merge = rule.parsimony is None and problem.n_groups <= rule.most
    if result.status == "stopped" or not max_iter or nothing_to_merge:
        return _Descent(**vars(result), path=())
    recorder.clock.resume()
    tasks = np.arange(problem.n_terms)
    screening = tasks, np.sort(rng.permutation(tasks)[:_SCREENING])
    path = merger_path(result.blocks["theta"], problem.values, screening)
    chosen = choose_length(path, *rule)
    if chosen.n_groups < problem.n_groups:
        problem = replace(problem, n_groups=chosen.n_groups)
        _note(recorder, problem, chosen.theta, "merged")
        more = -(-max_iter // _POLISHING)
        result = bilevel(
            problem, chosen.theta, step, stop=Settled(tol, _PASSES), max_iter=more, **options
        )
    return _Descent(**vars(result), path=path)


@dataclass(frozen=True, repr=False, kw_only=True)
class _Descent(Result):
    path: tuple[Merger, ...]


def _note(recorder, problem, theta, event):
    """Record where a fit stands between two runs of the outer loop."""
    recorder.clock.pause()
    done = recorder.entries[-1].iteration if recorder.entries else 0
    recorder.add(done, problem.objective(theta), event)
    recorder.clock.resume()


def _mean_errors(X, Y, rows):
    """Return validation samples scaled such that sums of squares are means."""
    scale = 1.0 / np.sqrt(rows)
    return X * scale[:, None, None], Y * scale[:, None]
