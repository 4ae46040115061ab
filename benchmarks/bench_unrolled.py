"""Trained layers: a pass forward and one in reverse through all of them."""

import time
from typing import NamedTuple

import numpy as np
from harness import Limit

from multiconvex.unrolled_layers import forward, reverse

_SHAPE, _RANK, _LAYERS = (200, 10_000), 5, 25


class Scene(NamedTuple):
    """Data, a start, weights, and the gradient of a loss in the factors after each layer."""

    X: np.ndarray
    start: tuple
    weights: tuple
    adjoints: list


def simulate(seed=0):
    rng = np.random.default_rng(seed)
    m, n = _SHAPE
    start = rng.random((m, _RANK)), rng.random((n, _RANK))
    weights = (
        rng.uniform(0.9, 1.1, (_LAYERS, m, _RANK)),
        rng.uniform(0.9, 1.1, (_LAYERS, _RANK)),
    )
    return Scene(rng.random(_SHAPE), start, weights, [start] * _LAYERS)


def differentiate(scene):
    run = forward(scene.X, *scene.start, *scene.weights)
    return reverse(scene.X, run, *scene.weights, scene.adjoints)


def seconds_of_one_pass():
    scene = simulate()
    differentiate(scene)
    start = time.perf_counter()
    differentiate(scene)
    return time.perf_counter() - start


CASES = (
    Limit(
        "25 unrolled layers forward and in reverse, 200 x 10000, rank 5",
        seconds_of_one_pass,
        target=0.3,
    ),
)
