"""Factorisations by rules whose steps cost the same and differ in their lengths."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.datasets import make_low_rank
from multiconvex.engine import alternate
from multiconvex.models import FactorProblem
from multiconvex.penalties import NonNegative
from multiconvex.stopping import RelativeDecrease
from multiconvex.studies._test_vectors import DiagonalSteps
from multiconvex.updates import HALS, MSOM, MultiplicativeUpdate, Update

_STEPS = 10
_NEVER = RelativeDecrease(0)


@dataclass(frozen=True)
class AcceleratedSteps(Update):
    """Projected gradient with Nesterov's extrapolation, restarted at every visit of a block."""

    requires: ClassVar[tuple[str, ...]] = ("normal_equations", "lipschitz")
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        step, weight = 1.0 / problem.lipschitz(x, k), 1.0
        block = ahead = x[k]
        for _ in range(_STEPS):
            new = np.maximum(ahead - step * (ahead @ gram - rhs), 0.0)
            grown = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * weight**2))
            ahead = new + (weight - 1.0) / grown * (new - block)
            block, weight = new, grown
        return block, memory


RULES = {
    "multiplicative": (MultiplicativeUpdate(sweeps=_STEPS), None),
    "gradient, γ = 1": (DiagonalSteps("gradient", 1.0, _STEPS), None),
    "ones, γ = 1": (MSOM(gamma=1.0, steps=_STEPS, inner_tol=0.0), None),
    "gradient, γ = 1.9": (DiagonalSteps("gradient", 1.9, _STEPS), None),
    "ones, γ = 1.9": (MSOM(gamma=1.9, steps=_STEPS, inner_tol=0.0), None),
    "accelerated gradient": (AcceleratedSteps(), None),
    "HALS": (HALS(sweeps=_STEPS, inner_tol=0.0), None),
    "ones, extrapolated": (MSOM(gamma=1.9, steps=_STEPS, inner_tol=0.0), Extrapolation()),
    "HALS, extrapolated": (HALS(sweeps=_STEPS, inner_tol=0.0), Extrapolation()),
}
"""Update and acceleration of each rule; all make ten passes over a block."""


@dataclass(frozen=True, eq=False)
class FactorRace:
    """Runs of all rules from one random start until the model is close to the data.

    Attributes
    ----------
    target : float
        Relative error at which a run ends.
    errors : dict of str to ndarray
        Relative error after each sweep, the start included.
    """

    target: float
    errors: dict

    def sweeps(self, rule):
        """Sweeps that a rule took, infinite where it did not arrive."""
        errors = self.errors[rule]
        return len(errors) - 1.0 if errors[-1] <= self.target else np.inf


def race_factors(*, target=0.006, longest=2000, random_state=0):
    """Factorise 200 by 100 data of rank 10 with 100 dB of signal to noise by all of RULES."""
    rng = np.random.default_rng(random_state)
    X = make_low_rank(200, 100, 10, snr=100, random_state=rng).X
    start = rng.random((200, 10)), rng.random((100, 10))
    problem = FactorProblem(X, 10, (NonNegative(), NonNegative()))
    finish = 0.5 * target**2 * problem.data.norm2
    errors = {}
    for name, (update, acceleration) in RULES.items():
        trace = alternate(
            problem,
            start,
            update,
            acceleration=acceleration,
            stop=_NEVER,
            max_iter=longest,
            callback=lambda sweep: sweep.objective <= finish,
        ).trace
        errors[name] = np.sqrt(2.0 * trace.objective / problem.data.norm2)
    return FactorRace(target, errors)


@dataclass(frozen=True)
class RaceRow:
    """Medians over several races."""

    rule: str
    sweeps: float
    fewer_than_multiplicative: float


def summarise_races(races):
    """Tabulate the median number of sweeps, and how many times fewer than multiplicative ones."""
    rows = []
    for rule in RULES:
        sweeps = np.array([race.sweeps(rule) for race in races])
        slowest = np.array([race.sweeps("multiplicative") for race in races])
        rows.append(RaceRow(rule, float(np.median(sweeps)), float(np.median(slowest / sweeps))))
    return rows
