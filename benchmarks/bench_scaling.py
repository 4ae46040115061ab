"""Matrices in chunks: a virtual matrix within a limit of memory, and what chunks cost in memory."""

import time
from functools import partial

import dask
import dask.array as da
import numpy as np
from harness import Case, Limit

import multiconvex
from multiconvex.studies.scaling_out import VirtualRows, run_on_workers

_SWEEPS = 5


def matrix():
    virtual = VirtualRows(100_000, 500, 10, 12_800)
    X = np.vstack([virtual.rows(k) for k in range(len(virtual.heights))])
    return X, da.from_array(X, chunks=(virtual.height, -1))


def fit(X):
    return multiconvex.nmf(
        X,
        10,
        init="random",
        acceleration=multiconvex.Extrapolation(),
        max_iter=_SWEEPS,
        tol=0,
        random_state=0,
    )


def fit_chunks(data):
    with dask.config.set(scheduler="synchronous"):
        return fit(data[1]).objective


def seconds_of_a_virtual_matrix(rows):
    start = time.perf_counter()
    run = run_on_workers(VirtualRows(rows), sweeps=2)
    if run.peak > 2.0:
        raise MemoryError(f"A worker needed {run.peak:.2f} GB, more than the 2 GB it may use.")
    return time.perf_counter() - start


CASES = (
    Case(
        name="nmf in 8 chunks, 100000 × 500, rank 10, 5 sweeps",
        setup=matrix,
        ours=fit_chunks,
        peer=lambda data: fit(data[0]).objective,
        gap=lambda ours, peer: abs(ours / peer - 1.0),
        largest_gap=1e-10,
        target=0.5,
        peer_name="nmf in memory",
    ),
    Limit(
        "nmf, virtual matrix of 20 GB, rank 10, 2 sweeps, two workers of 2 GB",
        partial(seconds_of_a_virtual_matrix, 2_500_000),
        target=400,
        repetitions=1,
    ),
)
