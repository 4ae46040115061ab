r"""How a sweep moves from one point to the next: plainly, or with extrapolation and restart."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from multiconvex.balancing import rescale
from multiconvex.checks import check_positive


@dataclass(frozen=True)
class State:
    """Where a fit stands between two sweeps.

    Attributes
    ----------
    point : tuple of ndarray
        The accepted blocks: what is recorded and returned.
    memory : tuple
        What each update carries over (ADMM duals, for example).
    momentum : Momentum or Latest, optional
        What the acceleration carries over.
    """

    point: tuple
    memory: tuple
    momentum: Any = None

    def rescaled(self, scales):
        """Return the state with the columns of all its blocks multiplied by scales."""
        momentum = self.momentum and self.momentum.rescaled(scales)
        return State(rescale(self.point, scales), self.memory, momentum)


def plain_sweep(problem, updates, x, memory):
    """Update every block once, in order; return the new blocks and memory."""
    x, memory = list(x), list(memory)
    for k, update in enumerate(updates):
        x[k], memory[k] = update(problem, tuple(x), k, memory[k])
    return tuple(x), tuple(memory)


@dataclass(frozen=True)
class NoAcceleration:
    """Sweeps as they are."""

    def start(self, problem, x, memory):
        return State(x, memory)

    def sweep(self, problem, updates, state):
        return State(*plain_sweep(problem, updates, state.point, state.memory)), "sweep"


@dataclass(frozen=True)
class KeepBest:
    """Sweeps that go on from wherever their updates lead, and report the best point seen.

    For updates that need not lower the objective, such as the choice of discrete atoms.

    Notes
    -----
    Guarantee: the recorded objective never increases.

    Cost: the updates' own per sweep, plus one objective.

    Chapter: :doc:`/chapters/theory/one_sparse_dictionaries`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import KeepBest, dictionary_lra
    >>> rng = np.random.default_rng(0)
    >>> D = rng.random((6, 20))
    >>> X = D[:, [3, 8]] @ rng.random((2, 30))
    >>> bool(np.all(np.diff(dictionary_lra(X, 2, D, random_state=0).trace.objective) <= 0))
    True
    """

    def start(self, problem, x, memory):
        return State(x, memory, Latest(x, problem.objective(x)))

    def sweep(self, problem, updates, state):
        best = state.momentum.best
        if best is None:
            best = problem.objective(state.point)
        latest, memory = plain_sweep(problem, updates, state.momentum.point, state.memory)
        objective = problem.objective(latest)
        if objective < best:
            return State(latest, memory, Latest(latest, objective)), "sweep"
        return State(state.point, memory, Latest(latest, best)), "no better"


class Latest(NamedTuple):
    """Where the last sweep led, and the best objective so far, None where it has changed since."""

    point: tuple
    best: float | None

    def rescaled(self, scales):
        return Latest(rescale(self.point, scales), None)


class Weights(NamedTuple):
    """Current extrapolation weight, the last successful one, and the ceiling."""

    beta: float
    previous: float
    ceiling: float


@dataclass(frozen=True)
class Momentum:
    """What an extrapolated fit remembers.

    Attributes
    ----------
    working : tuple of ndarray
        Extrapolated blocks, from which the next sweep starts.
    updated : tuple of ndarray
        Blocks as the updates returned them, before extrapolation; empty before the first sweep,
        which is not extrapolated: the start says nothing of where the blocks are heading.
    objective : float
        At the accepted point.
    weights : Weights
    """

    working: tuple
    updated: tuple
    objective: float
    weights: Weights

    def rescaled(self, scales):
        return replace(
            self,
            working=rescale(self.working, scales),
            updated=rescale(self.updated, scales),
        )


@dataclass(frozen=True)
class Extrapolation:
    r"""Extrapolation with restart, after the heuristic of Ang and Gillis [1]_.

    After block :math:`k` has been updated to :math:`y_k`, the sweep goes on from

    .. math:: \hat x_k = \operatorname{prox}_{0 \cdot g_k}\bigl(y_k + \beta (y_k -
              y_k^{\text{old}})\bigr),

    projected on the constraint of the block. The accepted point is
    :math:`(\hat x_1, \dots, \hat x_{K-1}, y_K)`, whose objective costs almost nothing because the
    last update has already formed what it needs. If that objective is not below the last
    accepted one, the sweep is undone (update memory included) and redone without extrapolation.

    After a success :math:`\beta \leftarrow \min(\bar\beta, \gamma\beta)` and
    :math:`\bar\beta \leftarrow \min(1, \bar\gamma \bar\beta)`; after a failure
    :math:`\bar\beta \leftarrow \beta_{\text{last success}}` and
    :math:`\beta \leftarrow \beta / \eta`.

    Parameters
    ----------
    beta : float, default 0.5
        First weight, in [0, 1).
    gamma, gamma_bar, eta : float
        Growth of the weight, growth of its ceiling, and reduction after a failure, with
        ``1 < gamma_bar <= gamma <= eta``.

    Notes
    -----
    Guarantee: the objective never increases when the updates never increase it.

    Cost: the update's own per sweep, and one more sweep after each failure.

    Chapter: :doc:`/chapters/algorithms/extrapolation`

    With two factors, whose scales are free, a weight held above one half diverges. The weight that
    grows until it fails hovers about that limit.

    References
    ----------
    .. [1] A. M. S. Ang and N. Gillis, "Accelerating nonnegative matrix factorization algorithms
       using extrapolation", Neural Computation 31, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import Extrapolation, nmf
    >>> X = np.random.default_rng(0).random((30, 20))
    >>> result = nmf(X, 3, acceleration=Extrapolation(beta=0.3), random_state=0)
    >>> bool(np.all(np.diff(result.trace.objective) <= 0))
    True
    """

    beta: float = 0.5
    gamma: float = 1.05
    gamma_bar: float = 1.01
    eta: float = 1.5

    def __post_init__(self):
        check_positive("beta", self.beta, allow_zero=True)
        if self.beta >= 1:
            raise ValueError(f"beta must be below 1, got {self.beta}.")
        if not 1 < self.gamma_bar <= self.gamma <= self.eta:
            raise ValueError(
                "Extrapolation needs 1 < gamma_bar <= gamma <= eta, got "
                f"{self.gamma_bar}, {self.gamma}, {self.eta}."
            )

    def start(self, problem, x, memory):
        weights = Weights(self.beta, self.beta, 1.0)
        return State(x, memory, Momentum(x, (), problem.objective(x), weights))

    def sweep(self, problem, updates, state):
        before = state.momentum
        tried = self._extrapolated_sweep(problem, updates, state)
        if tried.momentum.objective < before.objective:
            return tried, "sweep"
        point, memory = plain_sweep(problem, updates, state.point, state.memory)
        beta, previous, _ = before.weights
        weights = Weights(beta / self.eta, previous, previous)
        momentum = Momentum(point, point, problem.objective(point), weights)
        return State(point, memory, momentum), "restart"

    def _extrapolated_sweep(self, problem, updates, state):
        before = state.momentum
        beta, _, ceiling = before.weights
        x, memory, updated = list(before.working), list(state.memory), []
        last = len(updates) - 1
        for k, update in enumerate(updates):
            new, memory[k] = update(problem, tuple(x), k, memory[k])
            updated.append(new)
            old = before.updated[k] if before.updated else new
            x[k] = _extrapolate(problem.blocks[k], new, old, beta)
        point = (*x[:last], updated[last])
        weights = Weights(min(ceiling, self.gamma * beta), beta, min(1.0, self.gamma_bar * ceiling))
        momentum = Momentum(tuple(x), tuple(updated), problem.objective(point), weights)
        return State(point, tuple(memory), momentum)


def _extrapolate(block, new, old, beta):
    """Move past an update and come back to the domain of the block's penalty."""
    if not block.extrapolate or beta == 0.0 or old is new:
        return new
    moved = new - old
    moved *= beta
    moved += new
    return block.penalty.prox(moved, 0.0)
