"""Fits that are stopped, lose a worker, or run beside each other, and what that changes."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from multiconvex import Checkpoint, Extrapolation, nmf
from multiconvex.studies._virtual_rows import VirtualRows, workers_in_threads

_SMALL = VirtualRows(1200, 50, 4, 200)


@dataclass(frozen=True)
class ResumedFit:
    """A fit that was stopped and went on from its checkpoint, beside one that was not.

    Attributes
    ----------
    stopped_after : int
        Sweeps before the stop.
    whole, resumed : dict of str to ndarray
        Objectives by sweep, plain and extrapolated.
    megabytes : float
        On disk, of one checkpoint.
    """

    stopped_after: int
    whole: dict
    resumed: dict
    megabytes: float


def resume_fits(stopped_after=6, sweeps=18):
    """Stop fits of chunked data, and go on from what the callback wrote."""
    import dask

    whole, resumed, megabytes = {}, {}, 0.0
    data = _SMALL.array()
    with dask.config.set(scheduler="synchronous"):
        for name, acceleration in (("plain", None), ("extrapolated", Extrapolation())):
            fit = {"acceleration": acceleration, "tol": 0, "random_state": 0}
            whole[name] = nmf(data, 4, max_iter=sweeps, **fit).trace.objective
            with TemporaryDirectory() as folder:
                saved = Checkpoint(folder)
                nmf(data, 4, max_iter=stopped_after, callback=saved, **fit)
                megabytes = sum(file.stat().st_size for file in Path(folder).rglob("*.npy")) / 1e6
                rest = nmf(
                    data, 4, init=saved.latest().init, max_iter=sweeps - stopped_after, **fit
                )
            resumed[name] = rest.trace.objective
    return ResumedFit(stopped_after, whole, resumed, megabytes)


@dataclass(frozen=True)
class WorkerLoss:
    """A fit on two workers of which one is closed, beside the same fit in memory.

    Attributes
    ----------
    lost_after : int
        Sweeps before the loss.
    workers : tuple of int
        Workers before and after.
    gap : float
        Largest relative distance of the objectives from those in memory.
    """

    lost_after: int
    workers: tuple
    gap: float


def lose_a_worker(lost_after=4, sweeps=8):
    """Close one of two workers, with all that it holds, in the middle of a fit."""
    fit = {"acceleration": Extrapolation(), "max_iter": sweeps, "tol": 0, "random_state": 0}
    local = nmf(_SMALL.array().compute(scheduler="synchronous"), 4, **fit).trace.objective
    with workers_in_threads() as (cluster, client):
        before = len(cluster.workers)

        def close(sweep):
            if sweep.iteration == lost_after:
                client.sync(cluster.workers[0].close)

        chunked = nmf(_SMALL.array(), 4, callback=close, **fit).trace.objective
        after = len(client.scheduler_info()["workers"])
    gap = float(np.abs(chunked / local - 1.0).max())
    return WorkerLoss(lost_after, (before, after), gap)


@dataclass(frozen=True)
class StartsOnWorkers:
    """Final objectives from several starts, one after the other and on workers."""

    in_turn: np.ndarray
    on_workers: np.ndarray


def compare_starts(n_starts=6):
    """Fit from several starts in turn, and through joblib on the workers of Dask."""
    from joblib import Parallel, delayed, parallel_config

    X = _SMALL.rows(0)
    calls = [
        delayed(nmf)(X, 4, init="random", max_iter=40, tol=0, random_state=seed)
        for seed in range(n_starts)
    ]
    in_turn = [call(*args, **options).objective for call, args, options in calls]
    with workers_in_threads(), parallel_config(backend="dask"):
        on_workers = [fit.objective for fit in Parallel(n_jobs=2)(calls)]
    return StartsOnWorkers(np.array(in_turn), np.array(on_workers))
