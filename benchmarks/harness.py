"""What a benchmark declares: :class:`Case`, :class:`Race` and :class:`Limit`.

Each has a name, a target and a ``measure`` that returns a :class:`Measurement`.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from timing import Clock, interleaved_medians, iterations_to_target, peak_bytes


@dataclass(frozen=True)
class Measurement:
    """Medians in seconds, extra bytes at the peak, and whether the target was reached."""

    name: str
    unit: str
    figure: float
    target: float
    reached: bool
    ours_seconds: float
    peer_name: str = ""
    peer_seconds: float | None = None
    ours_bytes: int | None = None
    peer_bytes: int | None = None
    remark: str = ""


@dataclass(frozen=True)
class Case:
    """Peer seconds over our seconds, for two callables that do the same work.

    Parameters
    ----------
    name : str
        What is compared, with the sizes.
    ours, peer : callable
        Called with what ``setup`` returned, which they leave as it is; only these calls are timed.
    target : float
        Smallest acceptable ratio.
    setup : callable
        Returns the data, once, outside the clock.
    peer_name : str
        Who the peer is, as a reader would look it up.
    repetitions : int
        Measurements of each, taking turns; the medians count.
    calls : int
        Calls in one measurement, for work so short that one call would measure a cold cache.
    peer_calls : int
        The same for the peer; by default ``calls``.
    gap, largest_gap : callable, float
        ``gap(ours(data), peer(data))`` says how far the answers are apart: times are comparable
        only when it is at most ``largest_gap``, and the case fails otherwise.
    needs : dict of str to str
        Modules that the lock does not have, each with the command that installs it. The case is
        left out where one is missing, so ``setup`` imports them.
    """

    name: str
    ours: Callable[[Any], Any]
    peer: Callable[[Any], Any]
    target: float
    setup: Callable[[], Any]
    peer_name: str
    repetitions: int = 5
    calls: int = 1
    peer_calls: int | None = None
    gap: Callable[[Any, Any], float] = lambda ours, peer: 0.0
    largest_gap: float = 0.0
    needs: Mapping[str, str] = field(default_factory=dict)

    def measure(self, clock: Clock = time.perf_counter) -> Measurement:
        data = self.setup()
        gap = self.gap(self.ours(data), self.peer(data))
        singles = [partial(method, data) for method in (self.ours, self.peer)]
        calls = (self.calls, self.peer_calls or self.calls)
        batches = [partial(repeat, single, times) for single, times in zip(singles, calls)]
        medians = interleaved_medians(batches, self.repetitions, clock)
        ours, peer = (seconds / times for seconds, times in zip(medians, calls))
        ours_bytes, peer_bytes = map(peak_bytes, singles)
        return Measurement(
            name=self.name,
            unit="ratio",
            figure=peer / ours,
            target=self.target,
            reached=bool(peer >= self.target * ours and gap <= self.largest_gap),
            ours_seconds=ours,
            peer_name=self.peer_name,
            peer_seconds=peer,
            ours_bytes=ours_bytes,
            peer_bytes=peer_bytes,
            remark=f"answers {gap:.1e} apart" if gap else "",
        )


def repeat(call: Callable[[], Any], times: int) -> None:
    """Call so many times."""
    for _ in range(times):
        call()


@dataclass(frozen=True)
class Race:
    """Peer seconds over our seconds, for two methods that go to one objective from one start.

    Both first run ``longest`` iterations; the finish is the best objective that either reached
    plus ``gap`` times its size. Times are those of whole runs that are just long enough, since a
    method called in many short runs pays its start-up every time.

    Parameters
    ----------
    name, target, setup, peer_name, repetitions
        As in :class:`Case`.
    ours, peer : callable
        ``method(data, n_iter)`` runs ``n_iter`` iterations from the start that is in ``data``.
    objective : callable
        ``objective(data, what a method returned)``, outside the clock.
    gap : float
        Relative distance from the best objective at which the race is over.
    calls : int
        Runs in one measurement, as in :class:`Case`.
    longest, peer_longest : int
        Iterations of the runs that look for the best objective; by default the same for both.
    """

    name: str
    ours: Callable[[Any, int], Any]
    peer: Callable[[Any, int], Any]
    target: float
    setup: Callable[[], Any]
    peer_name: str
    objective: Callable[[Any, Any], float]
    gap: float = 1e-3
    longest: int = 1000
    peer_longest: int | None = None
    repetitions: int = 3
    calls: int = 1

    def measure(self, clock: Clock = time.perf_counter) -> Measurement:
        data = self.setup()
        methods = (self.ours, self.peer)

        def objective_after(method, n_iter):
            return self.objective(data, method(data, n_iter))

        longest = (self.longest, self.peer_longest or self.longest)
        best = min(map(objective_after, methods, longest))
        finish = best + self.gap * abs(best)
        needed = [
            iterations_to_target(partial(objective_after, method), finish, most)
            for method, most in zip(methods, longest)
        ]
        runs = [n or most for n, most in zip(needed, longest)]
        batches = [
            partial(repeat, partial(method, data, n), self.calls)
            for method, n in zip(methods, runs)
        ]
        ours, peer = (
            seconds / self.calls
            for seconds in interleaved_medians(batches, self.repetitions, clock)
        )
        return Measurement(
            name=self.name,
            unit="ratio",
            figure=peer / ours if needed[0] else 0.0,
            target=self.target,
            reached=needed[0] is not None and peer >= self.target * ours,
            ours_seconds=ours,
            peer_name=self.peer_name,
            peer_seconds=peer,
            remark="{} iterations, peer {}".format(
                *(n or f"> {most}" for n, most in zip(needed, longest))
            ),
        )


@dataclass(frozen=True)
class Limit:
    """Seconds of one thing that measures itself, because it cannot be repeated in one process.

    Parameters
    ----------
    name : str
        What is measured.
    seconds : callable
        Returns the seconds it took.
    target : float
        Largest acceptable median.
    repetitions : int
        Calls whose median counts.
    """

    name: str
    seconds: Callable[[], float]
    target: float
    repetitions: int = 5

    def measure(self) -> Measurement:
        median = statistics.median(self.seconds() for _ in range(self.repetitions))
        return Measurement(
            name=self.name,
            unit="seconds",
            figure=median,
            target=self.target,
            reached=median <= self.target,
            ours_seconds=median,
        )
