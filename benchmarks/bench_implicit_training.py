"""Training of implicit networks: 1000 samples, 100 hidden units."""

import time

from harness import Limit, Race

from multiconvex import (
    AcceleratedProxGradient,
    Extrapolation,
    ImplicitProblem,
    LeastSquares,
    ProxGradient,
    RelativeDecrease,
    WeightRegression,
    alternate,
    equilibrium,
    implicit_network,
)
from multiconvex.datasets import make_implicit_data
from multiconvex.models.implicit_biconvex import as_blocks

_FIXED = RelativeDecrease(0)
_BLOCKS = {
    "readout": LeastSquares(),
    "weights": WeightRegression(),
    "states": AcceleratedProxGradient(),
}


def simulate(samples=1000, seed=0):
    data = make_implicit_data(samples, directions=2, random_state=seed)
    return data.inputs, data.targets


def pose(hidden=100):
    """Return a relaxed problem, and random features with a fitted readout to start from."""
    U, Y = simulate()
    start = implicit_network(
        U, Y, hidden, method="random_features", ridge=1.0, random_state=0
    ).weights
    states = equilibrium(*start[:3], U).states
    problem = ImplicitProblem(U, Y, start.D, lam=0.01, tether=100.0)
    return problem, as_blocks(start, states)


def train(data, n_iter):
    return alternate(
        *data, _BLOCKS, acceleration=Extrapolation(), stop=_FIXED, max_iter=n_iter,
        trace_every=n_iter,
    )  # fmt: skip


def step_plainly(data, n_iter):
    return alternate(*data, ProxGradient(), stop=_FIXED, max_iter=n_iter, trace_every=n_iter)


def seconds_of_one_fit():
    U, Y = simulate()
    implicit_network(U, Y, 100, max_iter=1, random_state=0)
    start = time.perf_counter()
    implicit_network(U, Y, 100, random_state=0)
    return time.perf_counter() - start


CASES = (
    Limit(
        "implicit network, 20 sweeps, 1000 samples, 100 units",
        seconds_of_one_fit,
        target=3.0,
    ),
    Race(
        "relaxed training of an implicit rule, 1000 samples, 100 units, to twice the best",
        ours=train,
        peer=step_plainly,
        target=5.0,
        setup=pose,
        peer_name="one gradient step a block and sweep",
        objective=lambda data, result: result.objective,
        gap=1.0,
        longest=20,
        peer_longest=300,
    ),
)
