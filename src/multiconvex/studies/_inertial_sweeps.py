"""Ways of extrapolating that the package does not offer, for comparison with the one it does.

All reuse the sweep of :class:`multiconvex.Extrapolation`; they differ in what they accept.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from multiconvex import Extrapolation
from multiconvex.acceleration import Momentum, State, Weights


@dataclass(frozen=True)
class Unchecked(Extrapolation):
    """Accept every sweep, and let the weight grow."""

    def sweep(self, problem, updates, state):
        tried = self._extrapolated_sweep(problem, updates, state)
        weights = self.next_weights(state.momentum.weights)
        return replace(tried, momentum=replace(tried.momentum, weights=weights)), "sweep"

    def next_weights(self, weights):
        return Weights(min(1.0, self.gamma * weights.beta), weights.beta, 1.0)


@dataclass(frozen=True)
class Held(Unchecked):
    """Accept every sweep, with the same weight throughout."""

    def next_weights(self, weights):
        return weights


class Counted(NamedTuple):
    """An extrapolation weight that depends on the number of steps."""

    beta: float
    steps: int
    ceiling: float


@dataclass(frozen=True)
class Nesterov(Unchecked):
    r"""Accept every sweep; the weight after step :math:`k` is :math:`(k - 1) / (k + 2)`."""

    def start(self, problem, x, memory):
        state = super().start(problem, x, memory)
        return replace(state, momentum=replace(state.momentum, weights=Counted(0.0, 1, 1.0)))

    def next_weights(self, weights):
        return Counted(weights.steps / (weights.steps + 3), weights.steps + 1, 1.0)


@dataclass(frozen=True)
class PrintedRestart(Extrapolation):
    """Where the extrapolated blocks raise the objective, fall back on the updates they came from.

    The objective is checked once a sweep, at all extrapolated blocks.
    """

    def start(self, problem, x, memory):
        weights = Weights(self.beta, self.beta, 1.0)
        return State(x, memory, Momentum(x, x, problem.objective(x), weights))

    def sweep(self, problem, updates, state):
        momentum = state.momentum
        x, y, memory = list(momentum.working), list(momentum.updated), list(state.memory)
        last, beta, event = momentum.objective, momentum.weights.beta, "sweep"
        for k, update in enumerate(updates):
            new, memory[k] = update(problem, tuple(x), k, memory[k])
            moved = new + beta * (new - y[k])
            x[k], y[k] = problem.blocks[k].penalty.prox(moved, 0.0), new
            if not self.is_checked(k, len(updates)):
                continue
            objective = problem.objective(tuple(x))
            if objective <= last:
                beta = min(1.0, self.gamma * beta)
            else:
                x, beta, event = self.fall_back(x, y, k), beta / self.eta, "restart"
                objective = problem.objective(tuple(x))
            last = objective
        weights = Weights(beta, momentum.weights.beta, 1.0)
        return State(tuple(x), tuple(memory), Momentum(tuple(x), tuple(y), last, weights)), event

    def is_checked(self, k, n_blocks):
        return k == n_blocks - 1

    def fall_back(self, x, y, k):
        return list(y)


@dataclass(frozen=True)
class ListedRestart(PrintedRestart):
    """The same, with the objective checked after each block."""

    def is_checked(self, k, n_blocks):
        return True


@dataclass(frozen=True)
class BlockRestart(ListedRestart):
    """Check after each block, and take back the extrapolation of that block only."""

    def fall_back(self, x, y, k):
        return [*x[:k], y[k], *x[k + 1 :]]
