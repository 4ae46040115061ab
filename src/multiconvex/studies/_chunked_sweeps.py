"""What a sweep over chunks computes, reads and sends: on paper, counted, and measured."""

import json
import math
from dataclasses import asdict, dataclass
from importlib.resources import files

import numpy as np

from multiconvex import Extrapolation, nmf, nnls, separable_nmf
from multiconvex.operands_chunked import FAN_IN
from multiconvex.studies._virtual_rows import VirtualRows, WorkerRun

_DOUBLE = 8


@dataclass(frozen=True)
class SweepCost:
    """One sweep of two factors over a dense matrix in chunks of rows.

    Attributes
    ----------
    flops : float
        Additions and multiplications, with ten passes of HALS over ``W``.
    bytes_read : float
        Of the data: two passes.
    messages : int
        Small matrices that chunks and the nodes of the tree hand on.
    bytes_sent : float
    """

    flops: float
    bytes_read: float
    messages: int
    bytes_sent: float


def sweep_cost(n_rows, n_columns, rank, height):
    """Return the cost of one sweep on paper."""
    messages = tree_nodes(math.ceil(n_rows / height))
    return SweepCost(
        4.0 * n_rows * n_columns * rank + 22.0 * n_rows * rank**2,
        2.0 * _DOUBLE * n_rows * n_columns,
        messages,
        float(_DOUBLE * messages * rank * (n_columns + rank)),
    )


def tree_nodes(leaves):
    """Return the number of matrices in a tree of sums, the leaves included."""
    total = leaves
    while leaves > 1:
        leaves = math.ceil(leaves / FAN_IN)
        total += leaves
    return total


@dataclass(frozen=True)
class CountedSweep:
    """The cost of a sweep on paper beside what was counted while it ran."""

    what: str
    on_paper: float
    counted: float


def count_sweep(virtual=None, sweeps=4):
    """Count what sweeps read and send, by listening to the scheduler."""
    virtual = virtual or VirtualRows(20 * 256, 100, 6, 256)
    counts = [_count_tasks(virtual, n) for n in (2, 2 + sweeps)]
    drawn, messages, sent = ((b - a) / sweeps for a, b in zip(*counts))
    cost = sweep_cost(virtual.n_rows, virtual.n_columns, virtual.rank, virtual.height)
    return [
        CountedSweep("megabytes of data read", cost.bytes_read / 1e6, drawn / 1e6),
        CountedSweep("messages", cost.messages, messages),
        CountedSweep("megabytes sent", cost.bytes_sent / 1e6, sent / 1e6),
    ]


def _count_tasks(virtual, sweeps):
    """Return bytes of chunks drawn, and number and bytes of the statistics that were added."""
    import dask
    from dask.callbacks import Callback

    drawn, sent = [], []
    page = virtual.n_columns + virtual.rank, virtual.rank

    def listen(key, value, graph, state, worker):
        if np.shape(value)[-2:] == page and not str(key).startswith("finalize"):
            sent.append(value.nbytes)

    with dask.config.set(scheduler="synchronous"), Callback(posttask=listen):
        nmf(
            virtual.array(watch=drawn.append),
            virtual.rank,
            init="random",
            acceleration=None,
            max_iter=sweeps,
            tol=0,
            random_state=0,
        )
    return sum(drawn), len(sent), sum(sent)


@dataclass(frozen=True)
class HeightComparison:
    """Fits of the same data in memory and in chunks.

    Attributes
    ----------
    local : Trace
    chunked : dict of int to Trace
        By the height of the chunks.
    """

    local: object
    chunked: dict

    def gaps(self, height):
        """Return the relative distances of the objectives from those in memory."""
        return np.abs(self.chunked[height].objective / self.local.objective - 1.0)

    @property
    def largest_gap(self):
        """The largest of all distances."""
        return max(float(self.gaps(height).max()) for height in self.chunked)


def compare_heights(heights=(64, 100, 500), sweeps=20):
    """Fit the same data in memory and cut into chunks of several heights."""
    import dask
    import dask.array as da

    virtual = VirtualRows(1500, 60, 5, 1500)
    X = virtual.rows(0)
    fit = {"acceleration": Extrapolation(), "max_iter": sweeps, "tol": 0, "random_state": 0}
    with dask.config.set(scheduler="synchronous"):
        chunked = {
            height: nmf(da.from_array(X, chunks=(height, -1)), 5, **fit).trace for height in heights
        }
    return HeightComparison(nmf(X, 5, **fit).trace, chunked)


@dataclass(frozen=True)
class SelectionRow:
    """A selection of columns from chunks, compared with that in memory."""

    method: str
    cut: str
    passes: float
    same_columns: bool
    gap: float


def count_selections(rank=6):
    """Select columns from chunks and in memory, and count the passes over the data."""
    import dask

    virtual = VirtualRows(2048, 60, rank, 256, noise=0.05)
    X = virtual.array().compute(scheduler="synchronous")
    rows = []
    with dask.config.set(scheduler="synchronous"):
        for method in ("spa", "snpa"):
            for cut, data in (("rows", X), ("columns", X.T)):
                drawn = []
                lazy = virtual.array(watch=drawn.append)
                chosen = separable_nmf(lazy if cut == "rows" else lazy.T, rank, method=method)
                local = separable_nmf(data, rank, method=method)
                rows.append(
                    SelectionRow(
                        method,
                        cut,
                        sum(drawn) / virtual.n_bytes,
                        chosen.indices.tolist() == local.indices.tolist(),
                        abs(chosen.objective / local.objective - 1.0),
                    )
                )
    return rows


@dataclass(frozen=True)
class Measured:
    """Fits on workers that were measured and stored, with what is needed to believe them.

    Attributes
    ----------
    setting : dict of str to str
        Date, command, machine and versions.
    runs : tuple of WorkerRun
        By the number of rows.
    """

    setting: dict
    runs: tuple

    def seconds_per_row(self, runs=None):
        """Return overhead and seconds per row of a sweep by one worker, by least squares."""
        runs = runs or self.runs
        rows = np.array([run.n_rows / run.n_workers for run in runs])
        seconds = np.array([run.sweep for run in runs])
        # Relative errors: the runs differ by orders of magnitude.
        design = np.column_stack([np.ones_like(rows), rows]) / seconds[:, None]
        return tuple(nnls(design, np.ones_like(rows)).x.tolist())

    def sweep_seconds(self, n_rows, n_workers, runs=None):
        """Return the seconds of a sweep that the runs predict."""
        overhead, slope = self.seconds_per_row(runs)
        return overhead + slope * n_rows / n_workers

    @property
    def largest_predicted(self):
        """What the smaller runs predict for the largest, over what was measured."""
        last = self.runs[-1]
        return self.sweep_seconds(last.n_rows, last.n_workers, self.runs[:-1]) / last.sweep


def load_measured():
    """Return the stored runs."""
    stored = files("multiconvex.studies").joinpath("data/scaling_out.json")
    content = json.loads(stored.read_text(encoding="utf-8"))
    return Measured(content["setting"], tuple(_as_run(run) for run in content["runs"]))


def as_json(setting, runs):
    """Return runs as they are stored."""
    content = {"setting": setting, "runs": [asdict(run) for run in runs]}
    return json.dumps(content, indent=2) + "\n"


def _as_run(stored):
    return WorkerRun(**{**stored, "objectives": tuple(stored["objectives"])})


@dataclass(frozen=True)
class ExtrapolatedRow:
    """A sweep over more rows than were ever measured."""

    workers: int
    sweep_minutes: float
    W_gigabytes_a_worker: float
    passes_terabytes: float
    messages: int


def extrapolate(measured, n_rows=10**9, n_workers=(2, 64, 1024)):
    """Return what the measured runs and the cost on paper say of a sweep over so many rows."""
    run = measured.runs[-1]
    cost = sweep_cost(n_rows, run.n_columns, run.rank, run.height)
    return [
        ExtrapolatedRow(
            workers,
            measured.sweep_seconds(n_rows, workers) / 60.0,
            _DOUBLE * n_rows * run.rank / workers / 1e9,
            cost.bytes_read / 1e12,
            cost.messages,
        )
        for workers in n_workers
    ]
