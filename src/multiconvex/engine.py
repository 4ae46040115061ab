"""The only loop over sweeps: every multi-block fit of the package runs through `alternate`."""

from multiconvex.acceleration import NoAcceleration
from multiconvex.balancing import Balancing
from multiconvex.checks import check_blocks, check_count
from multiconvex.stopping import RelativeDecrease, warn_unconverged
from multiconvex.trace import Recorder, Result, Sweep
from multiconvex.updates.base import Update

_PLAIN = NoAcceleration()
_UNBALANCED = Balancing(at=())
_DEFAULT_STOP = RelativeDecrease(1e-6)


def alternate(
    problem,
    init,
    update,
    *,
    acceleration=None,
    balancing=None,
    stop=_DEFAULT_STOP,
    max_iter=500,
    callback=None,
    trace_every=1,
    recorder=None,
):
    r"""Minimise a multi-block problem by improving one block at a time.

    .. math:: \min_{x_1, \dots, x_K} \; f(x_1, \dots, x_K) + \sum_k g_k(x_k)

    Each sweep visits the blocks in order and replaces block :math:`k` by what its update returns,
    the others being fixed at their latest values.

    Parameters
    ----------
    problem : MultiblockProblem
    init : sequence of ndarray
        One array for each block, in order. Never modified.
    update : Update or dict of str to Update
        One rule for all blocks, or one for each block name.
    acceleration : Extrapolation, optional
        Extrapolates the blocks that allow it and undoes sweeps that fail.
    balancing : Balancing, optional
        When the columns of the blocks are rescaled to what their penalties like best.
    stop : callable, default ``RelativeDecrease(1e-6)``
        Called as ``stop(previous, current)`` with the last two recorded objectives.
    max_iter : int, default 500
        Largest number of sweeps; 0 returns the start.
    callback : callable, optional
        Called with a :class:`~multiconvex.trace.Sweep` after each recorded sweep; a true return
        value stops the fit.
    trace_every : int, default 1
        Record, test for convergence and call back every so many sweeps, and at the last one.
    recorder : Recorder, optional
        A running clock and the entries to go on from, when one fit continues another.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If the initial blocks do not have the declared shapes, or are not finite.
    TypeError
        If an update needs what the problem does not offer or does not honour a penalty.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` sweeps did not satisfy a rule that could have stopped the fit.

    Notes
    -----
    Guarantee: the objective never increases when the updates never increase it.

    Cost: the updates of all blocks per sweep, plus one objective.

    Chapter: :doc:`/chapters/foundations/alternating_optimization`

    The evaluation of the trace and of the callback is not counted in ``trace.seconds``; with an
    acceleration the objective is part of the algorithm and counts.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import HALS, NonNegative, alternate
    >>> from multiconvex.models import FactorProblem
    >>> X = np.outer([1.0, 2.0, 3.0], [4.0, 5.0])
    >>> problem = FactorProblem(X, rank=1, penalties=(NonNegative(), NonNegative()))
    >>> result = alternate(problem, (np.ones((3, 1)), np.ones((2, 1))), HALS())
    >>> bool(result.objective < 1e-12)
    True
    """
    max_iter = check_count("max_iter", max_iter, least=0)
    trace_every = check_count("trace_every", trace_every)
    names = [block.name for block in problem.blocks]
    x = check_blocks(init, [block.shape for block in problem.blocks], names)
    updates = _match_updates(problem, update)
    recorder = recorder or Recorder()
    acceleration = acceleration or _PLAIN
    balancing = balancing if balancing and max_iter else _UNBALANCED
    if balancing.at:
        balancing.check(problem)
        x = balancing.first(problem, x)
    memory = tuple(rule.start(problem, x, k) for k, rule in enumerate(updates))
    balancing.check_memory(memory)
    state = acceleration.start(problem, x, memory)
    if not recorder.entries:
        recorder.clock.pause()
        recorder.add(0, problem.objective(state.point), "start")
        recorder.clock.resume()
    first = recorder.entries[-1].iteration
    status = "max_iter"
    solved_at_once = len(updates) == 1 and updates[0].exact
    for iteration in range(first + 1, first + max_iter + 1):
        state, event = acceleration.sweep(problem, updates, balancing.before_sweep(problem, state))
        if (iteration - first) % trace_every and iteration < first + max_iter:
            continue
        recorder.clock.pause()
        previous = recorder.entries[-1].objective
        entry = recorder.add(iteration, problem.objective(state.point), event)
        if callback is not None and callback(Sweep(*entry, dict(zip(names, state.point)))):
            status = "stopped"
        elif solved_at_once or stop(previous, entry.objective):
            status = "converged"
        recorder.clock.resume()
        if status != "max_iter":
            break
    if status == "max_iter" and max_iter > 0 and getattr(stop, "tol", 1.0) > 0:
        warn_unconverged(stop, max_iter)
    return conclude(problem, state.point, status, balancing, recorder)


def conclude(problem, point, status, balancing, recorder):
    """Return the result of a fit that ends at a point, rescaled where that is asked for."""
    balanced = balancing.last(problem, point)
    if balanced is not point:
        recorder.clock.pause()
        recorder.add(recorder.entries[-1].iteration, problem.objective(balanced), "balanced")
    last = recorder.entries[-1]
    blocks = {block.name: array for block, array in zip(problem.blocks, balanced)}
    return Result(blocks, last.objective, last.iteration, status, recorder.trace())


def _match_updates(problem, update):
    """Return one update for each block, after checking that each can do what is asked."""
    rules = []
    for block in problem.blocks:
        if isinstance(update, dict):
            if block.name not in update:
                raise ValueError(f"update has no rule for block {block.name!r}.")
            rule = update[block.name]
        else:
            rule = update
        if not isinstance(rule, Update):
            raise TypeError(
                f"update must be an Update such as HALS(), or a dict of them by block name; "
                f"got {rule!r}."
            )
        _check_update(problem, block, rule)
        rules.append(rule)
    return tuple(rules)


def _check_update(problem, block, rule):
    name = type(rule).__name__
    missing = [need for need in rule.requires if not hasattr(problem, need)]
    if missing:
        raise TypeError(
            f"{name} needs a problem that offers {', '.join(missing)}; "
            f"{type(problem).__name__} does not: choose another update."
        )
    penalty = type(block.penalty)
    if rule.handles is not None and penalty not in rule.handles:
        honoured = ", ".join(kind.__name__ for kind in rule.handles)
        raise TypeError(
            f"{name} honours {honoured} but block {block.name!r} has {penalty.__name__}: "
            "choose another penalty, or an update such as ProxGradient()."
        )
