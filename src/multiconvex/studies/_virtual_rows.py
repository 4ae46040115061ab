"""Matrices that exist chunk by chunk only, and what it takes to factorise them on workers."""

import logging
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multiconvex import nmf

_QUIET = {
    "threads_per_worker": 1,
    "dashboard_address": "127.0.0.1:0",
    "worker_dashboard_address": "127.0.0.1:0",
    "silence_logs": "CRITICAL",
}


@dataclass(frozen=True)
class VirtualRows:
    """A nonnegative matrix of low rank plus noise, drawn when its rows are asked for.

    Attributes
    ----------
    n_rows, n_columns, rank : int
    height : int
        Rows of a chunk.
    noise : float
        Noise is uniform in [0, noise].
    random_state : int
    """

    n_rows: int
    n_columns: int = 1000
    rank: int = 10
    height: int = 8192
    noise: float = 0.5
    random_state: int = 0

    @property
    def n_bytes(self):
        """Bytes that the matrix would fill."""
        return 8 * self.n_rows * self.n_columns

    @property
    def heights(self):
        """Rows of each chunk."""
        whole, rest = divmod(self.n_rows, self.height)
        return (self.height,) * whole + ((rest,) if rest else ())

    def factor(self):
        """Return the factor of the columns, shape (n_columns, rank)."""
        rng = np.random.default_rng([self.random_state, 0])
        return _partly_zero(rng, (self.n_columns, self.rank))

    def rows(self, number):
        """Return one chunk, the same whenever it is asked for."""
        rng = np.random.default_rng([self.random_state, 1, number])
        rows = _partly_zero(rng, (self.heights[number], self.rank)) @ self.factor().T
        rows += self.noise * rng.random(rows.shape, dtype=np.float32)
        return rows

    def array(self, watch=None):
        """Return the Dask array; nothing is drawn.

        Parameters
        ----------
        watch : callable, optional
            Called with the bytes of each chunk when it is drawn, in the process that draws it.
        """
        import dask.array as da

        return da.map_blocks(
            self._draw,
            watch=watch,
            chunks=(self.heights, (self.n_columns,)),
            dtype=float,
            meta=np.empty((0, 0)),
        )

    def _draw(self, block_info=None, watch=None):
        rows = self.rows(block_info[None]["chunk-location"][0])
        if watch is not None:
            watch(rows.nbytes)
        return rows


def _partly_zero(rng, shape):
    return rng.random(shape) * (rng.random(shape) < 0.6)


@contextmanager
def worker_processes(n_workers=2, memory="2GB"):
    """Workers of one thread each on this machine, reachable from it only; yields their client."""
    from distributed import Client, LocalCluster

    _silence()
    cluster = LocalCluster(n_workers=n_workers, memory_limit=memory, host="127.0.0.1", **_QUIET)
    with cluster, Client(cluster) as client:
        yield client


@contextmanager
def workers_in_threads(n_workers=2):
    """Workers that are threads of this process; yields the cluster and its client."""
    from distributed import Client, LocalCluster

    _silence()
    cluster = LocalCluster(n_workers=n_workers, processes=False, **_QUIET)
    with cluster, Client(cluster) as client:
        yield cluster, client


def _silence():
    """Keep quiet about connections that close, which happens after the cluster has closed."""
    logging.getLogger("distributed").setLevel(logging.WARNING)


def peak_gigabytes():
    """Return the largest memory this program has had so far.

    Linux tells it in a file; the usual counter starts from what the parent process had.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else ()
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


@dataclass(frozen=True)
class WorkerRun:
    """A fit on workers, as measured.

    Attributes
    ----------
    n_rows, n_columns, rank, height, n_workers : int
    gigabytes : float
        That the data would fill.
    start, sweep : float
        Seconds to the end of the first sweep, and median seconds of the later ones.
    peak : float
        Largest memory of a worker in gigabytes, the interpreter included.
    objectives : tuple of float
        At the start and after each sweep, relative to the first.
    """

    n_rows: int
    n_columns: int
    rank: int
    height: int
    n_workers: int
    gigabytes: float
    start: float
    sweep: float
    peak: float
    objectives: tuple


def run_on_workers(virtual, *, n_workers=2, memory="2GB", sweeps=3):
    """Factorise a virtual matrix on a local cluster, and measure seconds and memory."""
    with worker_processes(n_workers, memory) as client:
        times = [time.perf_counter()]
        result = nmf(
            virtual.array(),
            virtual.rank,
            init="random",
            max_iter=sweeps,
            tol=0,
            random_state=virtual.random_state,
            callback=lambda sweep: times.append(time.perf_counter()),
        )
        peaks = client.run(peak_gigabytes).values()
    objectives = result.trace.objective / result.trace.objective[0]
    return WorkerRun(
        virtual.n_rows,
        virtual.n_columns,
        virtual.rank,
        virtual.height,
        n_workers,
        virtual.n_bytes / 1e9,
        times[1] - times[0],
        float(np.median(np.diff(times[1:]))),
        max(peaks),
        tuple(objectives.tolist()),
    )
