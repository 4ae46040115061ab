"""Nonnegative CP decomposition: time to within 1e-3 of the best objective seen, same start.

The compressed fit pays for its compression inside the clock.
"""

import warnings
from functools import partial

import numpy as np
import tensorly.cp_tensor
import tensorly.decomposition
from harness import Race

import multiconvex
from multiconvex.operands import factors_to_array


def tensor(shape, rank, seed=0):
    """Uniform factors and noise of 1 % of the mean; a random start at the scale of the data."""
    rng = np.random.default_rng(seed)
    X = factors_to_array([rng.random((n, rank)) for n in shape])
    X = np.maximum(X + 0.01 * X.mean() * rng.standard_normal(shape), 0.0)
    start = [rng.random((n, rank)) for n in shape]
    scale = (X.mean() / factors_to_array(start).mean()) ** (1.0 / len(shape))
    return X, tuple(scale * factor for factor in start)


def ours(data, n_iter, **how):
    X, start = data
    rank = start[0].shape[1]
    options = {"init": start, "max_iter": n_iter, "tol": 0, "random_state": 0} | how
    return multiconvex.cp(X, rank, nonnegative=True, **options).factors


def tensorly_hals(data, n_iter):
    X, start = data
    rank = start[0].shape[1]
    init = tensorly.cp_tensor.CPTensor((np.ones(rank), [factor.copy() for factor in start]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = tensorly.decomposition.non_negative_parafac_hals(
            X, rank, n_iter_max=n_iter, init=init, tol=0
        )
    return (model.factors[0] * model.weights, *model.factors[1:])


def half_distance2(data, factors):
    gap = (data[0] - factors_to_array(factors)).ravel()
    return 0.5 * float(gap @ gap)


def race(shape, rank, target, longest, *, kind="nonnegative", how=None, **options):
    return Race(
        name=f"cp, {kind}, {' × '.join(map(str, shape))}, rank {rank}, to 1e-3",
        setup=partial(tensor, shape, rank),
        ours=partial(ours, **(how or {})),
        peer=tensorly_hals,
        peer_name="tensorly non_negative_parafac_hals",
        objective=half_distance2,
        target=target,
        longest=longest,
        **options,
    )


CASES = (
    race((18, 251, 21), 3, target=10, longest=1000, calls=10),
    race((100, 100, 100), 10, target=7, longest=300),
    race(
        (100, 100, 100),
        10,
        target=10,
        longest=300,
        kind="nonnegative and compressed",
        how={"compress": "tucker"},
    ),
)
