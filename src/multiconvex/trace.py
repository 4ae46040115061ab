"""What a fit leaves behind: its history and its result."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class Clock:
    """A stopwatch that is paused while objectives are measured and callbacks run."""

    def __init__(self):
        self._elapsed = 0.0
        self._since = time.perf_counter()

    def pause(self):
        self._elapsed += time.perf_counter() - self._since

    def resume(self):
        self._since = time.perf_counter()

    def elapsed(self):
        """Return the seconds counted up to the last pause."""
        return self._elapsed


@dataclass(frozen=True)
class Trace:
    """History of a fit, one entry for each recorded sweep, the start included.

    Attributes
    ----------
    iteration : ndarray of int
        Number of sweeps done.
    seconds : ndarray
        Time spent in the algorithm, without the evaluation of the trace itself.
    objective : ndarray
    event : ndarray of str
        ``"start"``, ``"sweep"``, ``"restart"`` (an extrapolated sweep was undone and redone),
        ``"compressed"`` (a sweep on compressed data, measured on the data), ``"no better"`` (a
        sweep that left the best point as it was), ``"balanced"`` (the last rescaling),
        ``"decompressed"`` (the end of a compressed fit, measured on the data), ``"restored"``
        (profiles moved into all their constraints), ``"best"`` (back to the step that validation
        chose), or ``"dual step"`` (multipliers were raised; the objective is the new one at the old
        blocks). Outer loops record ``"step"`` (the mean of the
        latest values of all terms), ``"measured"`` (all terms at the last point), ``"perturbed"``
        (noise that broke a symmetry) and ``"merged"`` (groups put together).
    """

    iteration: np.ndarray
    seconds: np.ndarray
    objective: np.ndarray
    event: np.ndarray

    def __len__(self):
        return len(self.iteration)


class Entry(NamedTuple):
    """One line of a trace."""

    iteration: int
    seconds: float
    objective: float
    event: str


@dataclass
class Recorder:
    """Collects the entries of a trace while a fit runs, with the clock that dates them."""

    entries: list[Entry] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def add(self, iteration, objective, event):
        """Record and return an entry; the clock must be paused."""
        entry = Entry(iteration, self.clock.elapsed(), float(objective), event)
        self.entries.append(entry)
        return entry

    def trace(self):
        """Return what has been recorded so far."""
        return Trace(*(np.array(column) for column in zip(*self.entries)))


@dataclass(frozen=True)
class Sweep:
    """What a callback sees after each sweep.

    Attributes
    ----------
    iteration : int
    seconds : float
    objective : float
        Of ``blocks``, penalties included.
    event : str
        As in :class:`Trace`.
    blocks : dict of str to ndarray
    """

    iteration: int
    seconds: float
    objective: float
    event: str
    blocks: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Result:
    """Outcome of a fit.

    Attributes
    ----------
    blocks : dict of str to ndarray
    objective : float
        Loss plus penalties at ``blocks``.
    n_iter : int
        Number of sweeps done.
    status : str
        ``"converged"``, ``"max_iter"`` or ``"stopped"`` (by the callback).
    trace : Trace
    """

    blocks: Mapping[str, np.ndarray]
    objective: float
    n_iter: int
    status: str
    trace: Trace

    def __repr__(self):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.blocks.items())
        return (
            f"{type(self).__name__}({shapes}; objective {self.objective:.6g} "
            f"after {self.n_iter} sweeps, {self.status})"
        )
