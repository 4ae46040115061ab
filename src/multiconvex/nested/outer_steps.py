r"""Rules that move hyper-parameters along hypergradients: the steps of the outer loop."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from multiconvex.checks import check_count, check_positive

_HALVINGS = 30
_GROWTH = 1.5
_MEAN, _SCALE, _TINY = 0.9, 0.999, 1e-30


@dataclass(frozen=True)
class OuterState:
    """Where an outer loop stands.

    Attributes
    ----------
    theta : ndarray
    values : ndarray, shape (n_terms,)
        The latest value seen of each term.
    memory : object
        What the step carries over.
    """

    theta: np.ndarray
    values: np.ndarray
    memory: Any


@dataclass(frozen=True)
class OuterStep(ABC):
    r"""A rule that moves :math:`\theta` along hypergradients and back into its set.

    Subclasses are frozen dataclasses of options. Rates are free of scales: gradients are measured
    against the root mean square of all entries of the gradients of all terms at the start, which
    does not vanish where their mean does.

    Attributes
    ----------
    exact : bool
        Whether the values in a state are those at its point.
    scheduled : bool
        Whether steps fall to zero over those allowed, so that a fit ends with them.

    Parameters
    ----------
    rate : float
        Typical change of an entry by a step along the gradient of one term.
    """

    exact: ClassVar[bool] = False
    scheduled: ClassVar[bool] = False

    rate: float

    def __post_init__(self):
        check_positive("rate", self.rate)

    def batch_size(self, problem):
        """Return how many terms a step looks at."""
        return problem.n_terms

    @abstractmethod
    def start(self, problem, theta, rng):
        """Return the state at the start."""

    @abstractmethod
    def __call__(self, problem, state, rng, remaining):
        """Return the next state; ``remaining`` falls from 1 to 0 as the allowed steps go by."""

    def _step_size(self, gradients):
        return self.rate / max(float(np.sqrt(np.mean(gradients**2))), _TINY)


@dataclass(frozen=True)
class ProjectedGradient(OuterStep):
    """Steps along the whole hypergradient, halved until the objective decreases enough.

    Examples
    --------
    >>> ProjectedGradient()
    ProjectedGradient(rate=0.4)
    """

    exact: ClassVar[bool] = True

    rate: float = 0.4

    def start(self, problem, theta, rng):
        values, gradients = problem.values_and_gradients(theta, np.arange(problem.n_terms))
        return OuterState(theta, values, (gradients.mean(axis=0), self._step_size(gradients)))

    def __call__(self, problem, state, rng, remaining):
        gradient, size = state.memory
        for _ in range(_HALVINGS):
            theta = problem.block.penalty.prox(state.theta - size * gradient, size)
            move = theta - state.theta
            values, new_gradient = _all_terms(problem, theta)
            bound = np.vdot(gradient, move) + np.vdot(move, move) / (2.0 * size)
            if values.mean() <= state.values.mean() + bound:
                return OuterState(theta, values, (new_gradient, _GROWTH * size))
            size /= 2.0
        return state


@dataclass(frozen=True)
class _StochasticStep(OuterStep):
    scheduled: ClassVar[bool] = True

    batch: int = 20

    def __post_init__(self):
        super().__post_init__()
        check_count("batch", self.batch)

    def batch_size(self, problem):
        return min(self.batch, problem.n_terms)

    def _draw(self, problem, queue, rng):
        """Return the next batch and what is left of the pass; a new pass is a new order."""
        size = self.batch_size(problem)
        if not len(queue):
            queue = rng.permutation(problem.n_terms)
        return queue[:size], queue[size:]


@dataclass(frozen=True)
class Saga(_StochasticStep):
    r"""Steps along the gradients of a few terms, corrected by the latest ones of all others [1]_.

    .. math:: \theta \leftarrow \Pi_\Theta \Bigl( \theta - \gamma \Bigl[ \frac1{|B|}
              \sum_{t \in B} (g_t^{\text{new}} - g_t^{\text{old}}) + \frac1T \sum_t g_t^{\text{old}}
              \Bigr] \Bigr)

    Parameters
    ----------
    rate : float, default 0.4
        :math:`\gamma` at the start, but for scales; it falls linearly to zero over all steps.
    batch : int, default 20
        Terms in a step; each pass visits all in a new order.

    References
    ----------
    .. [1] A. Defazio, F. Bach and S. Lacoste-Julien, "SAGA: a fast incremental gradient method with
       support for non-strongly convex composite objectives", NeurIPS 2014.

    Examples
    --------
    >>> Saga(batch=5)
    Saga(rate=0.4, batch=5)
    """

    rate: float = 0.4

    def start(self, problem, theta, rng):
        values, table = problem.values_and_gradients(theta, np.arange(problem.n_terms))
        memory = table, table.mean(axis=0), self._step_size(table), np.array([], int)
        return OuterState(theta, values, memory)

    def __call__(self, problem, state, rng, remaining):
        table, mean, size, queue = state.memory
        terms, queue = self._draw(problem, queue, rng)
        values, table = state.values.copy(), table.copy()
        values[terms], gradients = problem.values_and_gradients(state.theta, terms)
        change = gradients - table[terms]
        direction = mean + change.mean(axis=0)
        table[terms] = gradients
        mean = mean + change.sum(axis=0) / problem.n_terms
        theta = problem.block.penalty.prox(state.theta - remaining * size * direction, size)
        return OuterState(theta, values, (table, mean, size, queue))


@dataclass(frozen=True)
class ProjectedAdam(_StochasticStep):
    """Steps by Adam [1]_ with one scale for each row, then projected.

    A running mean of the gradients is divided by a running scale of them. With a scale for each
    entry, as usual, a step would not stay where the gradient is constant in each row, which is what
    an optimum on the simplex looks like. The rate falls linearly to zero over all steps.

    Parameters
    ----------
    rate : float, default 0.05
        Typical change of an entry in the first steps.
    batch : int, default 20

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> ProjectedAdam()
    ProjectedAdam(rate=0.05, batch=20)
    """

    rate: float = 0.05

    def start(self, problem, theta, rng):
        values = problem.values(theta, np.arange(problem.n_terms))
        return OuterState(theta, values, (np.zeros_like(theta), 0.0, 0, np.array([], int)))

    def __call__(self, problem, state, rng, remaining):
        mean, square, done, queue = state.memory
        terms, queue = self._draw(problem, queue, rng)
        values = state.values.copy()
        values[terms], gradients = problem.values_and_gradients(state.theta, terms)
        gradient, done = gradients.mean(axis=0), done + 1
        mean = _MEAN * mean + (1.0 - _MEAN) * gradient
        size = np.mean(gradient**2, axis=tuple(range(1, gradient.ndim)), keepdims=True)
        square = _SCALE * square + (1.0 - _SCALE) * size
        scale = np.sqrt(square / (1.0 - _SCALE**done)) + _TINY
        step = self.rate * remaining * mean / (1.0 - _MEAN**done) / scale
        theta = problem.block.penalty.prox(state.theta - step, 1.0)
        return OuterState(theta, values, (mean, square, done, queue))


def _all_terms(problem, theta):
    values, gradients = problem.values_and_gradients(theta, np.arange(problem.n_terms))
    return values, gradients.mean(axis=0)
