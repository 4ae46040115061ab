r"""Groups of classification tasks, learned together with the classifiers."""

import math
from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_count
from multiconvex.models.group_structure import GroupStructure
from multiconvex.models.grouped_logistic import grouped_logistic
from multiconvex.models.memberships import as_step, best_memberships
from multiconvex.models.task_folds import deal_tasks, labelled_tasks
from multiconvex.nested.outer import OuterProblem, bilevel, break_symmetry
from multiconvex.nested.outer_steps import ProjectedAdam, ProjectedGradient
from multiconvex.nested.task_hypergradients import LabelledTasks, last_step, task_hypergradient
from multiconvex.penalties import Simplex
from multiconvex.problem import Block
from multiconvex.stopping import Settled

_STEPS = {"adaptive": ProjectedAdam(rate=0.1), "gradient": ProjectedGradient()}
_REFIT_GAP = 0.01


@dataclass(frozen=True, repr=False, kw_only=True)
class TaskGroups(GroupStructure):
    """Memberships of tasks in groups, and the classifiers of all tasks.

    Attributes
    ----------
    theta : ndarray, shape (T, L)
        Memberships: rows are nonnegative and sum to one.
    groups : ndarray of int, shape (T,)
        The group of each task, by its largest membership, numbered from 0.
    n_groups : int
        Number of groups in use.
    coef : ndarray, shape (T, P)
    intercept : ndarray, shape (T,)
    lam, ridge : float
        Of the penalties.
    starts : ndarray
        Final objective of each start.
    """

    intercept: np.ndarray


@dataclass(frozen=True, eq=False)
class TaskGroupProblem(OuterProblem):
    r"""What classifiers lose on the part of the samples that was kept from them, given the groups.

    Each part is a term: the mean logistic loss over tasks, fitted to the other parts.

    Parameters
    ----------
    pairs : tuple of pairs of LabelledTasks
        What is fitted, and what judges.
    n_groups : int
    lam : float
    n_inner : int
        Bregman steps of the lower level.
    """

    pairs: tuple[tuple[LabelledTasks, LabelledTasks], ...]
    n_groups: int
    lam: float
    n_inner: int
    scale = math.log(2.0)

    @property
    def block(self):
        return Block("theta", (self.pairs[0][0].shape[0], self.n_groups), Simplex())

    @property
    def n_terms(self):
        return len(self.pairs)

    def values(self, theta, terms):
        return np.array([self._judge(theta, *self.pairs[term]) for term in terms])

    def values_and_gradients(self, theta, terms):
        found = [
            task_hypergradient(*self.pairs[term], theta, self.lam, n_inner=self.n_inner)
            for term in terms
        ]
        # Rows keep their sum: only what remains along the simplex can move them.
        gradients = [one.theta - one.theta.mean(axis=1, keepdims=True) for one in found]
        return np.array([one.values.mean() for one in found]), np.stack(gradients)

    def _judge(self, theta, training, judging):
        state = last_step(training, theta.T**2, self.lam, self.n_inner)
        return judging.losses(state.coef).mean()


def learn_task_groups(
    X,
    Y,
    n_groups,
    *,
    lam="auto",
    ridge="auto",
    n_inner=60,
    outer="adaptive",
    folds=2,
    init="random",
    n_starts=1,
    max_iter=50,
    tol=1e-4,
    callback=None,
    random_state=None,
):
    r"""Learn groups of tasks such that classifiers that share directions in them predict well.

    .. math:: \min_{\theta \in \Delta^T} \; \frac1K \sum_{k=1}^K \frac1T \sum_{t=1}^T
              \frac{1}{|I_{tk}|} \sum_{i \in I_{tk}} \bigl( \log(1 + e^{z_{ti}}) - y_{ti} z_{ti}
              \bigr), \qquad z_{ti} = \langle x_{ti}, \hat w_t(\theta) \rangle + \hat b_t(\theta)

    The samples of each task are dealt into K parts. Part k judges classifiers
    :math:`\hat w(\theta), \hat b(\theta)` that :func:`multiconvex.grouped_logistic` would fit to
    the others, with a number of Bregman steps that :func:`multiconvex.task_hypergradient`
    differentiates; :func:`multiconvex.bilevel` is the loop.

    Parameters
    ----------
    X : ndarray of shape (N, P) or (T, N, P), or list of T arrays (N_t, P)
        Two dimensions are one table that all tasks share. Bring the columns to one scale.
    Y : ndarray of shape (T, N), or list of T arrays (N_t,)
        Labels 0 or 1, both in each part of each task.
    n_groups : int
        Largest number L of groups.
    lam, ridge : "auto" or float
        As in :func:`multiconvex.grouped_logistic`, from the samples that are fitted to first.
    n_inner : int, default 60
        Steps of the lower level.
    outer : {"adaptive", "gradient"} or OuterStep
        Adaptive steps, or whole gradients with a line search.
    folds : int, default 2
        K.
    init : "random" or ndarray, shape (T, L)
        Memberships at the start: equal but for noise, or given. Equal columns get noise too: their
        derivatives are equal, and they would stay so.
    n_starts : int, default 1
        The start that ends with the lowest validation loss is kept.
    max_iter : int, default 50
        Largest number of outer steps of a start.
    tol : float, default 1e-4
        Stop after three steps in a row that change the objective by less than this fraction.
    callback : callable, optional
        As in :func:`multiconvex.bilevel`.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    TaskGroups
        With ``.theta``, ``.groups`` and ``.n_groups``; ``.coef`` and ``.intercept`` are fitted to
        all samples, to a duality gap of 1%.

    Raises
    ------
    ValueError
        For tasks of different widths, labels that are not 0 and 1, a class with fewer samples than
        parts, or options out of range.

    Warns
    -----
    ConvergenceWarning
        If whole gradients were asked for and the best start used all its steps.

    Notes
    -----
    Guarantee: memberships stay on the simplex; a stationary point of the validation loss at best.
    Groups come in any order.

    Cost: K hypergradients per outer step, O(n_inner (N P^2 + L P^3)) each.

    Chapter: :doc:`/chapters/learning/groups_of_tasks`

    References
    ----------
    J. Frecon, S. Salzo and M. Pontil, "Unveiling groups of related tasks in multi-task learning",
    ICPR 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import learn_task_groups
    >>> rng = np.random.default_rng(0)
    >>> W = np.kron(np.eye(2), np.ones((4, 3))) * rng.choice([-2.0, 2.0], (8, 1))
    >>> X = rng.standard_normal((8, 30, 6))
    >>> Y = np.einsum("tnp,tp->tn", X, W) > 0
    >>> fit = learn_task_groups(X, Y, 2, n_inner=30, max_iter=20, random_state=0)
    >>> len(set(fit.groups[:4])), len(set(fit.groups[4:]))
    (1, 1)
    """
    n_groups = check_count("n_groups", n_groups)
    step = as_step(outer, _STEPS)
    rng = np.random.default_rng(random_state)
    deals = deal_tasks(X, Y, folds, rng)
    _, lam, ridge = labelled_tasks(*deals[0][0], lam, ridge)
    pairs = tuple(
        tuple(LabelledTasks.prepare(*part, ridge=ridge) for part in parts) for parts in deals
    )
    problem = TaskGroupProblem(pairs, n_groups, lam, n_inner)

    def run(theta):
        theta = Simplex().prox(break_symmetry(theta, rng)[0], 1.0)
        return bilevel(
            problem,
            theta,
            step,
            stop=Settled(tol),
            max_iter=max_iter,
            callback=callback,
            random_state=rng,
        )

    best, objectives = best_memberships(
        run, init, problem.block, step, rng, n_starts=n_starts, max_iter=max_iter, tol=tol
    )
    fit = grouped_logistic(X, Y, best.blocks["theta"], lam=lam, ridge=ridge, tol=_REFIT_GAP)
    return TaskGroups(
        **vars(best),
        coef=fit.coef,
        intercept=fit.intercept,
        lam=lam,
        ridge=ridge,
        starts=objectives,
    )
