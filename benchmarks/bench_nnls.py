"""Nonnegative least squares against scipy, exact solutions on both sides."""

from functools import partial

import numpy as np
import scipy.optimize
from harness import Case

import multiconvex


def regression(rows: int, columns: int, sides: int | None = None):
    """Uniform W, coefficients half of which are zero, Gaussian noise."""
    rng = np.random.default_rng(0)
    W = rng.random((rows, columns))
    shape = (columns,) if sides is None else (columns, sides)
    Y = W @ np.maximum(rng.standard_normal(shape), 0.0)
    return W, Y + 0.1 * rng.standard_normal(Y.shape)


def ours(data):
    return multiconvex.nnls(*data).x


def peer(data):
    W, Y = data
    if Y.ndim == 1:
        return scipy.optimize.nnls(W, Y)[0]
    return np.stack([scipy.optimize.nnls(W, y)[0] for y in Y.T], axis=1)


def distance(a, b):
    """Largest difference, relative to the largest entry."""
    return float(np.abs(a - b).max() / np.abs(b).max())


def case(rows, columns, sides, target, **options):
    shape = f"{rows} × {sides}" if sides else f"{rows}"
    return Case(
        name=f"nnls, W {rows} × {columns}, Y {shape}",
        setup=partial(regression, rows, columns, sides),
        ours=ours,
        peer=peer,
        peer_name="scipy.optimize.nnls" + (", column by column" if sides else ""),
        target=target,
        gap=distance,
        largest_gap=1e-12,
        **options,
    )


CASES = (
    case(200, 20, 20000, target=15, repetitions=5),
    case(2000, 500, None, target=8, repetitions=9, calls=10),
    case(200, 50, None, target=2, repetitions=9, calls=1000),
)
