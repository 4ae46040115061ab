"""Rules that say when a fit has converged."""

import math
import sys
import warnings
from dataclasses import dataclass
from typing import Protocol

from multiconvex.checks import check_positive


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


class ConvergenceWarning(UserWarning):
    """A fit used all its sweeps before its stopping rule was met."""


def warn_unconverged(stop, max_iter):
    """Warn, at the line of the caller outside the package, that the sweeps ran out."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("multiconvex"):
        frame, level = frame.f_back, level + 1
    warnings.warn(
        f"The fit used all {max_iter} sweeps before {stop} was met: raise max_iter, loosen the "
        "rule, or set tol=0 to ask for a fixed number of sweeps.",
        ConvergenceWarning,
        stacklevel=level,
    )
