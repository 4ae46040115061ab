"""What extrapolation saves in seconds: the same fit from the same start, with and without it."""

from functools import partial

import bench_cp
import bench_kl
import bench_nmf
from harness import Race

import multiconvex


def nmf(data, n_iter, **options):
    X, W, H = data
    result = multiconvex.nmf(X, W.shape[1], init=(W, H), max_iter=n_iter, tol=0, **options)
    return result.W, result.H


def race(name, fit, setup, objective, target, longest, gap=1e-3):
    return Race(
        name=f"extrapolation, {name}, to {gap:g}",
        setup=setup,
        ours=partial(fit, acceleration=multiconvex.Extrapolation()),
        peer=partial(fit, acceleration=None),
        peer_name="the same without extrapolation",
        objective=objective,
        gap=gap,
        target=target,
        longest=longest,
        peer_longest=4 * longest,
    )


CASES = (
    race(
        "nmf 200 × 100, rank 10",
        nmf,
        partial(bench_nmf.dense_problem, 200, 100, 10, noise=0.01),
        bench_nmf.half_distance2,
        target=1.5,
        longest=500,
    ),
    race(
        "cp 40 × 35 × 30, rank 8",
        bench_cp.ours,
        partial(bench_cp.tensor, (40, 35, 30), 8),
        bench_cp.half_distance2,
        target=1.5,
        longest=500,
    ),
    race(
        "nmf of counts 100 × 80, rank 6",
        bench_kl.ours,
        partial(bench_kl.counts, 100, 80, 6),
        bench_kl.divergence,
        target=1.2,
        longest=300,
        gap=5e-3,
    ),
)
