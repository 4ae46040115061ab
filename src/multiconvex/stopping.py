"""Rules that say when a fit has converged."""

import math
import sys
import warnings
from dataclasses import dataclass, field
from typing import Protocol

from multiconvex.checks import check_count, check_positive


class StoppingRule(Protocol):
    """Called after each recorded sweep with the last two recorded objectives."""

    def __call__(self, previous, current): ...


@dataclass(frozen=True)
class RelativeDecrease:
    """Stop when a sweep lowers the objective by less than ``tol`` times its value.

    With ``tol=0`` the rule never fires and a fit runs for ``max_iter`` sweeps.
    """

    tol: float = 1e-6

    def __post_init__(self):
        check_positive("tol", self.tol, allow_zero=True)

    def __call__(self, previous, current):
        return (
            self.tol > 0
            and math.isfinite(previous)
            and (previous - current <= self.tol * abs(previous))
        )


@dataclass
class _IdleSweeps:
    """Fires after several sweeps in a row that were idle; it counts, so each fit needs its own."""

    tol: float = 1e-6
    sweeps: int = 3
    idle: int = field(default=0, init=False)

    def __post_init__(self):
        check_positive("tol", self.tol, allow_zero=True)
        check_count("sweeps", self.sweeps)

    def _count(self, change, previous):
        self.idle = 0 if change > self.tol * abs(previous) else self.idle + 1
        return self.tol > 0 and self.idle >= self.sweeps


@dataclass
class Patience(_IdleSweeps):
    """Stop after several sweeps that lower the objective by less than ``tol`` times its value.

    For discrete choices, which may come back from worse. The rule counts, so each fit needs its
    own. With ``tol=0`` it never fires.

    Examples
    --------
    >>> rule = Patience(1e-3, sweeps=2)
    >>> rule(1.0, 1.0), rule(1.0, 0.5), rule(0.5, 0.5), rule(0.5, 0.5)
    (False, False, False, True)
    """

    def __call__(self, previous, current):
        return self._count(previous - current, previous)


@dataclass
class Settled(_IdleSweeps):
    """Stop after several sweeps that change the objective by less than ``tol`` times its value.

    For fits whose objective may rise on the way, as the copies of a block come together. The rule
    counts, so each fit needs its own. With ``tol=0`` it never fires.

    Examples
    --------
    >>> rule = Settled(1e-3, sweeps=2)
    >>> rule(1.0, 1.5), rule(1.5, 1.5), rule(1.5, 1.5)
    (False, False, True)
    """

    def __call__(self, previous, current):
        return self._count(abs(previous - current), previous)


class ConvergenceWarning(UserWarning):
    """A fit used all its sweeps before its stopping rule was met."""


def warn_unconverged(stop, max_iter):
    """Warn, at the line of the caller outside the package, that the sweeps ran out."""
    warn_caller(
        f"The fit used all {max_iter} sweeps before {stop} was met: raise max_iter, loosen the "
        "rule, or set tol=0 to ask for a fixed number of sweeps.",
        ConvergenceWarning,
    )


def warn_caller(message, category):
    """Warn at the line of the caller outside the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("multiconvex"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
