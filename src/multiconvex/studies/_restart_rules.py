"""What happens to exact alternation when extrapolation is checked late, half-heartedly or never."""

from dataclasses import dataclass

import numpy as np

from multiconvex import ActiveSet, Extrapolation, FactorProblem, NonNegative, alternate
from multiconvex.datasets import make_low_rank, make_nonnegative_cp
from multiconvex.models.initialization import random_factors
from multiconvex.operands import DenseTensor
from multiconvex.studies._coupled_numbers import best_factor, best_weight
from multiconvex.studies._inertial_sweeps import (
    BlockRestart,
    Held,
    ListedRestart,
    PrintedRestart,
    Unchecked,
)
from multiconvex.studies.alternating_optimization import NEVER

RULES = {
    "no restart": Unchecked,
    "all fall back, once a sweep": PrintedRestart,
    "all fall back, each block": ListedRestart,
    "one block falls back": BlockRestart,
    "the sweep is redone": Extrapolation,
}

CAUTIOUS = {"beta": 0.01, "gamma": 1.2, "eta": 5.0}
BOLD = {"beta": 0.9, "gamma": 1.2, "eta": 1.5}


@dataclass(frozen=True, eq=False)
class Instance:
    """A nonnegative factorisation and a place to start from."""

    problem: FactorProblem
    start: tuple

    def run(self, acceleration=None, *, sweeps):
        """Alternate exactly for so many sweeps."""
        return alternate(
            self.problem,
            self.start,
            ActiveSet(),
            acceleration=acceleration,
            stop=NEVER,
            max_iter=sweeps,
        )


def draw_instance(shape, rank, random_state):
    """Draw noisy low-rank data, a matrix or a tensor, and random factors."""
    rng = np.random.default_rng(random_state)
    options = {"density": 0.7, "snr": 30.0, "random_state": rng}
    draw = make_nonnegative_cp if len(shape) > 2 else lambda mn, r, **o: make_low_rank(*mn, r, **o)
    X = draw(shape, rank, **options).X
    problem = FactorProblem(X, rank, (NonNegative(),) * len(shape))
    return Instance(problem, random_factors(DenseTensor(X), rank, rng, nonnegative=True))


def _small_instances(count=6):
    return [
        draw_instance(shape, 4, [seed, 17])
        for seed in range(count)
        for shape in ((24, 20), (12, 10, 8))
    ]


@dataclass(frozen=True)
class RuleRow:
    """Rises of the objective, and fits that end above plain alternation, for one rule.

    Attributes
    ----------
    rule : str
    rises, rises_bold : int
        Sweeps after which the objective is larger than before, cautiously and boldly set.
    above, above_bold : int
        Problems on which the last objective exceeds that of as many plain sweeps by a twentieth.
    """

    rule: str
    rises: int
    above: int
    rises_bold: int
    above_bold: int


def compare_rules(*, sweeps=60):
    """Run five rules with two settings on twelve small problems.

    Returns
    -------
    tuple of RuleRow
    """
    instances = _small_instances()
    plain = [instance.run(sweeps=sweeps).objective for instance in instances]
    rows = []
    for name, rule in RULES.items():
        counts = []
        for setting in (CAUTIOUS, BOLD):
            traces = [instance.run(rule(**setting), sweeps=sweeps).trace for instance in instances]
            counts.append(sum(count_rises(trace.objective) for trace in traces))
            above = (bool(t.objective[-1] > 1.05 * end) for t, end in zip(traces, plain))
            counts.append(sum(above))
        rows.append(RuleRow(name, *counts))
    return tuple(rows)


def count_rises(objective):
    """Sweeps after which the objective is larger than before, rounding left out."""
    return int(np.sum(np.diff(objective) > 1e-12 * objective[0]))


def follow_rules(*, number=8, sweeps=60):
    """Traces of plain alternation and of all rules, boldly set, on one of the small problems.

    Returns
    -------
    dict of str to Trace
    """
    instance = _small_instances()[number]
    rules = {"plain": None} | {name: rule(**BOLD) for name, rule in RULES.items()}
    return {name: instance.run(rule, sweeps=sweeps).trace for name, rule in rules.items()}


@dataclass(frozen=True, eq=False)
class Push:
    """Fits with a held weight and no restart, against plain alternation.

    Attributes
    ----------
    weights : ndarray
    excess : dict of int to ndarray, shape (weights, problems)
        For the number of blocks: the largest objective of the last sweeps over that of as many
        plain sweeps.
    """

    weights: np.ndarray
    excess: dict[int, np.ndarray]


def push_weights(
    weights=(0.3, 0.4, 0.45, 0.48, 0.52, 0.55, 0.6, 0.65, 0.68, 0.73, 0.78), *, count=3, sweeps=150
):
    """Hold the weight at a number of values, on matrices and on tensors of order three."""
    excess = {}
    for shape, rank in (((40, 30), 5), ((14, 12, 10), 5)):
        instances = [draw_instance(shape, rank, [seed, 23]) for seed in range(count)]
        plain = [instance.run(sweeps=sweeps).objective for instance in instances]
        excess[len(shape)] = np.array(
            [
                [
                    instance.run(Held(weight), sweeps=sweeps).trace.objective[-20:].max() / end
                    for instance, end in zip(instances, plain)
                ]
                for weight in weights
            ]
        )
    return Push(np.array(weights), excess)


def replay_weights(events, rule):
    """Return the weight that each sweep of :class:`multiconvex.Extrapolation` tried.

    Parameters
    ----------
    events : sequence of str
        Of the sweeps, the start left out.
    rule : Extrapolation
    """
    beta, succeeded, ceiling, tried = rule.beta, rule.beta, 1.0, []
    for event in events:
        tried.append(beta)
        if event == "restart":
            beta, ceiling = beta / rule.eta, succeeded
        else:
            succeeded = beta
            beta = min(ceiling, rule.gamma * beta)
            ceiling = min(1.0, rule.gamma_bar * ceiling)
    return np.array(tried)


def measure_refusals(*, count=6, restarts=5, sweeps=60):
    """Median weight at the first restarts of extrapolated fits of matrices."""
    refused, rule = [], Extrapolation()
    for seed in range(count):
        fit = draw_instance((40, 30), 5, [seed, 23]).run(rule, sweeps=sweeps)
        events = fit.trace.event[1:]
        refused.extend(replay_weights(events, rule)[events == "restart"][:restarts])
    return float(np.median(refused))


@dataclass(frozen=True)
class Prediction:
    """Convergence of a factorisation near its solution, and what two numbers would do.

    Attributes
    ----------
    plain : float
        Factor by which a sweep of plain alternation shrinks the gap of the objective, measured.
    weight : float
        The best weight that follows from it.
    predicted, measured : float
        The factor with this weight held.
    """

    plain: float
    weight: float
    predicted: float
    measured: float


def predict_fits(*, count=4, shape=(40, 30), rank=5):
    """Predict the rate of extrapolated alternation from that of plain alternation.

    Returns
    -------
    tuple of Prediction
    """
    rows = []
    for seed in range(count):
        instance = draw_instance(shape, rank, [seed, 23])
        near, best = _solve_and_perturb(instance, seed)
        plain = gap_factor(near.run(sweeps=300).trace.objective - best, best)
        rho = plain**0.25
        weight = best_weight(rho)
        gap = near.run(Held(weight), sweeps=120).trace.objective - best
        rows.append(Prediction(plain, weight, best_factor(rho) ** 2, gap_factor(gap, best)))
    return tuple(rows)


def _solve_and_perturb(instance, seed, size=1e-2):
    """Return the instance with a start near a solution, and the least objective there."""
    point = tuple(instance.run(Extrapolation(), sweeps=500).blocks.values())
    solved = Instance(instance.problem, point).run(sweeps=500)
    rng = np.random.default_rng(seed)
    near = tuple(x * (1 + size * rng.standard_normal(x.shape)) for x in solved.blocks.values())
    return Instance(instance.problem, near), solved.objective


def gap_factor(gap, scale):
    """Factor per sweep of a gap before rounding matters, from a line through its logarithm."""
    sweeps = np.flatnonzero((gap < 1e-4 * scale) & (gap > 1e-11 * scale))
    sweeps = sweeps[len(sweeps) // 2 :]
    slope, _ = np.polyfit(sweeps, np.log(gap[sweeps]), 1)
    return float(np.exp(slope))
