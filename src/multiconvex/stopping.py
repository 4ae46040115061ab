"""Rules that say when a fit has converged."""

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
        return self.tol > 0 and previous - current <= self.tol * abs(previous)


class ConvergenceWarning(UserWarning):
    """A fit used all its sweeps before its stopping rule was met."""
