r"""The outer loop of bilevel problems: hyper-parameters chosen by what the inner fits predict."""

from abc import ABC, abstractmethod

import numpy as np

from multiconvex.checks import check_blocks, check_count
from multiconvex.problem import Block
from multiconvex.stopping import Settled, warn_unconverged
from multiconvex.trace import Recorder, Result, Sweep

_TOL = 1e-4


class OuterProblem(ABC):
    r"""A mean of terms, each of which solves an inner problem to be evaluated.

    .. math:: \min_{\theta \in \Theta} \; \frac1T \sum_{t=1}^T E_t(\hat w_t(\theta))

    Attributes
    ----------
    block : Block
        Name and shape of :math:`\theta`; its penalty is the set :math:`\Theta`.
    n_terms : int
        T, 1 where the inner problem does not separate.
    """

    block: Block
    n_terms: int

    @abstractmethod
    def values(self, theta, terms):
        """Return the terms of the given indices, shape (len(terms),)."""

    @abstractmethod
    def values_and_gradients(self, theta, terms):
        """Return the terms, shape (b,), and their gradients, one of the shape of theta for each."""

    def objective(self, theta):
        """Return the mean of all terms."""
        return float(self.values(theta, np.arange(self.n_terms)).mean())


def bilevel(
    problem,
    init,
    step,
    *,
    stop=None,
    max_iter=500,
    callback=None,
    trace_every=None,
    recorder=None,
    random_state=None,
):
    r"""Minimise over hyper-parameters what the fits that they govern lose on other data.

    .. math:: \min_{\theta \in \Theta} \; \frac1T \sum_{t=1}^T E_t(\hat w_t(\theta)),
              \qquad \hat w_t(\theta) \approx \arg\min_w \mathcal{L}_t(w; \theta)

    The counterpart of :func:`multiconvex.alternate` where one block is nested in the other: the
    inner fits are functions of :math:`\theta`, and a step differentiates them.

    Parameters
    ----------
    problem : OuterProblem
    init : ndarray
        A feasible start. Never modified.
    step : OuterStep
        ``ProjectedGradient()``, ``Saga()`` or ``ProjectedAdam()``.
    stop : callable, optional
        Called as ``stop(previous, current)`` with the last two recorded objectives; by default the
        fit ends when three of them in a row differ by less than 1e-4 of their size.
    max_iter : int, default 500
        Largest number of steps; 0 returns the start.
    callback : callable, optional
        Called with a :class:`multiconvex.Sweep` after each recorded step; a true value stops.
    trace_every : int, optional
        Record, test for convergence and call back every so many steps; by default once in a pass
        over all terms.
    recorder : Recorder, optional
        A running clock and the entries to go on from, when one fit continues another.
    random_state : None, int or numpy.random.Generator
        Order of the terms.

    Returns
    -------
    Result
        ``n_iter`` counts steps. Between the start and the end, objectives in the trace are means
        of the latest values seen of all terms; the last entry is measured.

    Raises
    ------
    ValueError
        If the start has another shape than the block, or lies outside its set.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` steps whose rate does not fall to zero left the rule unsatisfied.

    Notes
    -----
    Guarantee: with whole gradients the objective never increases; with a few terms at a time it
    does so on average, for rates that are small enough. The iterates stay in the set.

    Cost: the gradients of as many terms as a step looks at, and one more evaluation of all terms
    at the start and at the end.

    Chapter: :doc:`/chapters/learning/groups_of_features`

    References
    ----------
    J. Frecon, S. Salzo and M. Pontil, "Bilevel learning of the group Lasso structure", NeurIPS
    2018, algorithm 1.

    Examples
    --------
    The ridge parameter whose fit to one point predicts another, in closed form:

    >>> import numpy as np
    >>> from multiconvex import Block, Box, bilevel
    >>> from multiconvex.nested.outer import OuterProblem
    >>> from multiconvex.nested.outer_steps import ProjectedGradient
    >>> class Shrinkage(OuterProblem):
    ...     block, n_terms = Block("theta", (1,), Box(0.0, 10.0)), 1
    ...     def values(self, theta, terms):
    ...         return (0.5 - 1.0 / (1.0 + theta)) ** 2
    ...     def values_and_gradients(self, theta, terms):
    ...         fit = 1.0 / (1.0 + theta)
    ...         return self.values(theta, terms), 2.0 * (0.5 - fit)[:, None] * fit[:, None] ** 2
    >>> result = bilevel(Shrinkage(), np.zeros(1), ProjectedGradient())
    >>> result.blocks["theta"].round(2)
    array([1.])
    """
    max_iter = check_count("max_iter", max_iter, least=0)
    theta = _checked_start(problem, init)
    stop = stop or Settled(_TOL)
    rng = np.random.default_rng(random_state)
    if trace_every is None:
        trace_every = -(-problem.n_terms // step.batch_size(problem))
    trace_every = check_count("trace_every", trace_every)
    recorder = recorder or Recorder()
    state = step.start(problem, theta, rng)
    recorder.clock.pause()
    if not recorder.entries:
        recorder.add(0, state.values.mean(), "start")
    recorder.clock.resume()
    first, status = recorder.entries[-1].iteration, "max_iter"
    for iteration in range(first + 1, first + max_iter + 1):
        remaining = 1.0 - (iteration - first - 1) / max_iter
        state = step(problem, state, rng, remaining)
        if (iteration - first) % trace_every and iteration < first + max_iter:
            continue
        recorder.clock.pause()
        previous = recorder.entries[-1].objective
        entry = recorder.add(iteration, state.values.mean(), "step")
        if callback is not None and callback(Sweep(*entry, {problem.block.name: state.theta})):
            status = "stopped"
        elif stop(previous, entry.objective):
            status = "converged"
        recorder.clock.resume()
        if status != "max_iter":
            break
    recorder.clock.pause()
    if max_iter and not step.exact:
        recorder.add(iteration, problem.objective(state.theta), "measured")
    missed = status == "max_iter" and max_iter > 0 and not step.scheduled
    if missed and getattr(stop, "tol", 1.0) > 0:
        warn_unconverged(stop, max_iter)
    last = recorder.entries[-1]
    blocks = {problem.block.name: state.theta}
    return Result(blocks, last.objective, last.iteration, status, recorder.trace())


def break_symmetry(theta, random_state, scale=0.05):
    """Return memberships of which no two columns are equal, and whether that took noise.

    Equal columns have equal hypergradients and would stay equal for ever. Those that have a twin
    get normal noise; a projection brings their rows back to where they belong.

    Parameters
    ----------
    theta : ndarray, shape (P, L)
    random_state : None, int or numpy.random.Generator
    scale : float, default 0.05
        Standard deviation of the noise. Columns that differ by a thousandth of it are twins.

    Returns
    -------
    theta : ndarray, shape (P, L)
        A copy, not projected.
    broken : bool

    Examples
    --------
    >>> import numpy as np
    >>> break_symmetry(np.eye(3), 0)[1], break_symmetry(np.full((3, 2), 0.5), 0)[1]
    (False, True)
    """
    distances = np.abs(theta[:, :, None] - theta[:, None, :]).max(axis=0)
    twins = (distances <= 1e-3 * scale).sum(axis=0) > 1
    noise = np.random.default_rng(random_state).standard_normal(theta.shape)
    return theta + scale * noise * twins, bool(twins.any())


def _checked_start(problem, init):
    block = problem.block
    (theta,) = check_blocks((init,), [block.shape], [block.name])
    if not np.isfinite(block.penalty.value(theta)):
        raise ValueError(
            f"init of {block.name} lies outside {block.penalty}: project it with its prox first."
        )
    return theta
