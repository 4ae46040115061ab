r"""How scales slow alternating fits down, for the chapter on implicit regularisation.

The smallest example is :math:`\tfrac12 (y - x_1 x_2)^2 + \tfrac{\lambda}{2} (x_1^2 + x_2^2)`.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex import (
    L2,
    Balancing,
    Extrapolation,
    FactorProblem,
    LeastSquares,
    NonNegative,
    RelativeDecrease,
    alternate,
    cp,
)

_NEVER = RelativeDecrease(0.0)
_EVERY_SWEEP = Balancing(at=("sweep",))


@dataclass(frozen=True, eq=False)
class Swamp:
    """A run of alternating least squares on two numbers.

    Attributes
    ----------
    weight, y : float
    points : ndarray, shape (sweeps + 1, 2)
    objective : ndarray, shape (sweeps + 1,)
    """

    weight: float
    y: float
    points: np.ndarray
    objective: np.ndarray

    @property
    def solution(self):
        """Common value of both numbers at the minimum."""
        return float(np.sqrt(max(self.y - self.weight, 0.0)))

    @property
    def gap(self):
        """Relative excess of the objective over its minimum."""
        product = self.solution**2
        least = 0.5 * (self.y - product) ** 2 + self.weight * product
        return self.objective / least - 1.0

    def sweeps_to(self, gap):
        """Sweeps until the relative gap is at most `gap`, None where it never is."""
        reached = self.gap <= gap
        return int(reached.argmax()) if reached.any() else None


def run_swamp(weight, *, balancing=None, y=1.0, start=(0.2, 5.0), sweeps=200):
    """Alternate from a badly scaled start."""
    problem = FactorProblem(np.array([[y]]), 1, (L2(weight), L2(weight)))
    points = [start]
    result = alternate(
        problem,
        tuple(np.array([[number]]) for number in start),
        LeastSquares(),
        balancing=balancing,
        stop=_NEVER,
        max_iter=sweeps,
        callback=lambda sweep: points.append([float(b[0, 0]) for b in sweep.blocks.values()]),
    )
    return Swamp(weight, y, np.array(points), result.trace.objective)


def compare_swamps(weight, **options):
    """Run the same start without balancing, and balanced before every sweep."""
    return {
        "plain": run_swamp(weight, **options),
        "balanced": run_swamp(weight, balancing=_EVERY_SWEEP, **options),
    }


@dataclass(frozen=True)
class RateRow:
    """Factors by which the error shrinks in a sweep, measured and predicted.

    Attributes
    ----------
    weight : float
        Relative to the data.
    plain, plain_predicted : float
        Of the logarithm of the ratio of the two numbers, without balancing.
    balanced, balanced_predicted : float
        Of the distance from the solution, balanced before every sweep.
    plain_sweeps, balanced_sweeps : int
        Until the objective is within a millionth of its minimum.
    """

    weight: float
    plain: float
    plain_predicted: float
    balanced: float
    balanced_predicted: float
    plain_sweeps: int
    balanced_sweeps: int


def measure_rates(weights=(0.001, 0.01, 0.1, 0.3), *, y=1.0):
    """Measure the linear rates of plain and balanced alternation.

    Returns
    -------
    tuple of RateRow
    """
    rows = []
    for weight in weights:
        plain = run_swamp(weight, y=y, sweeps=20 + int(3.0 * y / weight))
        balanced = run_swamp(weight, y=y, sweeps=20, balancing=_EVERY_SWEEP)
        ratio = np.abs(np.log(plain.points[:, 0] / plain.points[:, 1]))
        distance = np.abs(balanced.points[:, 0] - balanced.solution)
        contraction = 1.0 - 2.0 * weight / y
        rows.append(
            RateRow(
                weight=weight,
                plain=_last_factor(ratio, 1e-7),
                plain_predicted=contraction**2,
                balanced=_last_factor(distance, 1e-10),
                balanced_predicted=weight / y * abs(contraction),
                plain_sweeps=plain.sweeps_to(1e-6),
                balanced_sweeps=balanced.sweeps_to(1e-6),
            )
        )
    return tuple(rows)


def _last_factor(errors, floor):
    """The last ratio of successive errors before rounding matters."""
    last = int(np.flatnonzero(errors > floor)[-1])
    return float(errors[last] / errors[last - 1])


@dataclass(frozen=True)
class RaceRow:
    """Fits of a planted tensor from badly scaled starts, with one way of balancing.

    Attributes
    ----------
    ridge : float
    balanced : str
    sweeps, sweeps_extrapolated : int
        Median number of sweeps to within a ten-thousandth of the objective at the end.
    objective : float
        Median at the end, without extrapolation.
    components : float
        Median number at the end, without extrapolation.
    """

    ridge: float
    balanced: str
    sweeps: int
    sweeps_extrapolated: int
    objective: float
    components: int


def race_scales(ridges=(0.05, 0.6), *, starts=4):
    """Fit six components to tensors of three, from factors whose scales differ by a hundred.

    Returns
    -------
    tuple of RaceRow
    """
    stages = {"never": (), "at the start": ("start",), "every sweep": ("start", "sweep")}
    cases = [_planted_tensor(seed) for seed in range(starts)]
    rows = []
    for ridge in ridges:
        for name, at in stages.items():
            plain, extrapolated = (
                [
                    cp(
                        X,
                        6,
                        penalties=(NonNegative(l2=ridge),) * 3,
                        init=init,
                        acceleration=acceleration,
                        balancing=Balancing(at=at),
                        tol=1e-9,
                        max_iter=20_000,
                    )
                    for X, init in cases
                ]
                for acceleration in (None, Extrapolation())
            )
            rows.append(
                RaceRow(
                    ridge=ridge,
                    balanced=name,
                    sweeps=_median_sweeps(plain),
                    sweeps_extrapolated=_median_sweeps(extrapolated),
                    objective=float(np.median([fit.objective for fit in plain])),
                    components=int(np.median([fit.n_active for fit in plain])),
                )
            )
    return tuple(rows)


def _planted_tensor(seed, shape=(10, 11, 12)):
    rng = np.random.default_rng(seed)
    planted = [rng.random((n, 3)) for n in shape]
    X = np.einsum("iq,jq,kq->ijk", *planted) + 0.1 * rng.standard_normal(shape)
    return X, tuple(10.0**-mode * rng.random((n, 6)) for mode, n in enumerate(shape))


def _median_sweeps(fits, gap=1e-4):
    reached = [(fit.trace.objective <= (1 + gap) * fit.objective).argmax() for fit in fits]
    return int(np.median(reached))


@dataclass(frozen=True, eq=False)
class ScaleCurve:
    """The objective along multiples of one starting point.

    Attributes
    ----------
    weight : float
    scales, objective : ndarray
        The objective is relative to that of the zero model.
    best : float
        The scale that ``FactorProblem.optimal_scale`` returns.
    roots : ndarray
        Positive stationary scales.
    """

    weight: float
    scales: np.ndarray
    objective: np.ndarray
    best: float
    roots: np.ndarray


def trace_scales(shares=(0.5, 0.92, 1.1), *, random_state=0):
    """Scale one start of a ridge CP model, for three weights.

    Parameters
    ----------
    shares : sequence of float
        Weights, relative to the largest at which a positive scale is stationary.

    Returns
    -------
    tuple of ScaleCurve
    """
    X, start = _planted_tensor(random_state)
    start = tuple(factor * 10.0**mode for mode, factor in enumerate(start))
    model = np.einsum("iq,jq,kq->ijk", *start)
    inner, squared = float(np.vdot(X, model)), float(np.vdot(model, model))
    lengths = float(sum(np.vdot(factor, factor) for factor in start))
    turning = (inner / (4.0 * squared)) ** (1.0 / 3.0)
    largest = 3.0 * (inner * turning - squared * turning**4) / lengths
    scales = np.linspace(0.0, 1.17 * (inner / squared) ** (1.0 / 3.0), 121)
    curves = []
    for share in shares:
        weight = share * largest
        problem = FactorProblem(X, 6, (L2(weight),) * 3)
        costs = [problem.objective(tuple(s * factor for factor in start)) for s in scales]
        roots = np.roots([3.0 * squared, 0.0, 0.0, -3.0 * inner, weight * lengths])
        real = np.sort(roots.real[np.abs(roots.imag) < 1e-9])
        best = problem.optimal_scale(start)
        curves.append(ScaleCurve(weight, scales, np.array(costs) / costs[0], best, real))
    return tuple(curves)
