"""Seconds and bytes of callables, measured so that two of them can be compared."""

import ctypes
import gc
import os
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence

Clock = Callable[[], float]


def interleaved_medians(
    calls: Sequence[Callable[[], object]], repetitions: int, clock: Clock = time.perf_counter
) -> list[float]:
    """Median seconds of each call, the calls taking turns so that they share the machine's moods.

    The calls were made before, outside the clock: nothing is compiled or loaded here.
    """
    seconds = [[] for _ in calls]
    for _ in range(repetitions):
        for call, measured in zip(calls, seconds):
            gc.collect()
            start = clock()
            call()
            measured.append(clock() - start)
    return [statistics.median(measured) for measured in seconds]


def iterations_to_target(
    objective_after: Callable[[int], float], target: float, longest: int
) -> int | None:
    """Smallest number of iterations, within 5 %, whose whole run ends at or below the target.

    Every value comes from a run of its own, from the start: lengths double until one reaches the
    target, then the last interval is halved. None when ``longest`` iterations do not reach it.
    """
    short, long = 0, 1
    while objective_after(long) > target:
        if long == longest:
            return None
        short, long = long, min(2 * long, longest)
    while long - short > max(1, long // 20):
        middle = (short + long) // 2
        if objective_after(middle) > target:
            short = middle
        else:
            long = middle
    return long


def peak_bytes(call: Callable[[], object]) -> int:
    """Memory that a call needs beyond what the process held before it, compiled code included.

    The call runs in a forked child whose high-water mark starts at what it holds; freed memory is
    handed back to the system first, or the child would fill it unseen.
    """
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            before = _high_water_bytes()
            call()
            os.write(writer, str(_high_water_bytes() - before).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError(
            "The call whose memory was to be measured failed; call it alone to see why."
        )
    return int(text)


def _high_water_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
