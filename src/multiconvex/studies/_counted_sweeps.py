"""How many sweeps extrapolation saves: on three models, across its knobs, in swamps."""

from dataclasses import dataclass

import numpy as np

from multiconvex import Extrapolation, Trace, cp, nmf
from multiconvex.datasets import (
    FluorescenceTensor,
    load_kinetic,
    make_low_rank,
    make_nonnegative_cp,
)
from multiconvex.studies.low_rank_tensors import complete_samples


@dataclass(frozen=True)
class Cost:
    """What it took to reach an objective.

    Attributes
    ----------
    sweeps : int
        Recorded sweeps, None where the objective was not reached.
    work : int
        Sweeps computed: those that were undone count too.
    """

    sweeps: int | None
    work: int | None


def cost_to(trace, target):
    """Count the sweeps until the objective is at most `target`."""
    reached = np.flatnonzero(trace.objective <= target)
    if not len(reached):
        return Cost(None, None)
    sweeps = int(reached[0])
    return Cost(sweeps, sweeps + int(np.sum(trace.event[: sweeps + 1] == "restart")))


def stop_at(target):
    """Return a callback that stops a fit at an objective."""
    return lambda sweep: sweep.objective <= target


@dataclass(frozen=True, eq=False)
class Reaction:
    """Fits of a mixture of substances in the middle of a reaction.

    Attributes
    ----------
    data : FluorescenceTensor
    rank : int
    norm : float
        Of the data.
    plain, fast : Trace
        Without and with extrapolation, from one random start.
    """

    data: FluorescenceTensor
    rank: int
    norm: float
    plain: Trace
    fast: Trace

    def relative_error(self, trace):
        """Norm of the residual over the norm of the data, sweep by sweep."""
        return np.sqrt(2.0 * trace.objective) / self.norm


def follow_reaction(*, minute=10.0, rank=3, sweeps=1000, random_state=1):
    """Fit a nonnegative tensor model to fluorescence after so many minutes, in two ways."""
    data = complete_samples(load_kinetic()).at_time(minute)
    plain, fast = _both_fits(cp, data.tensor, rank, sweeps, random_state, nonnegative=True)
    return Reaction(data, rank, float(np.linalg.norm(data.tensor)), plain.trace, fast.trace)


def _both_fits(model, X, rank, sweeps, random_state, **options):
    """Fit without and with extrapolation, from the same random start."""
    options |= {"init": "random", "tol": 0.0, "max_iter": sweeps, "random_state": random_state}
    return [model(X, rank, acceleration=rule, **options) for rule in (None, Extrapolation())]


@dataclass(frozen=True)
class StartCount:
    """How fits of one record from several starts compare, in pairs from the same start.

    Attributes
    ----------
    starts : int
    earlier : int
        Extrapolated fits that reach the last objective of plain sweeps with less work.
    missed : int
        Those that never reach it.
    better, worse : int
        Those that end more than a hundredth below or above the plain fit.
    """

    starts: int
    earlier: int
    missed: int
    better: int
    worse: int


def compare_starts(*, minute=10.0, rank=4, sweeps=200, starts=12):
    """Fit the reaction with one component too many from several starts, in two ways."""
    X = complete_samples(load_kinetic()).at_time(minute).tensor
    earlier = missed = better = worse = 0
    for seed in range(starts):
        plain, fast = _both_fits(cp, X, rank, sweeps, seed, nonnegative=True)
        work = cost_to(fast.trace, plain.objective).work
        earlier += work is not None and work < sweeps
        missed += work is None
        better += bool(fast.objective < plain.objective / 1.01)
        worse += bool(fast.objective > plain.objective * 1.01)
    return StartCount(starts, earlier, missed, better, worse)


@dataclass(frozen=True, eq=False)
class Speedups:
    """Work of extrapolated fits to where as many plain sweeps lead.

    Attributes
    ----------
    plain_sweeps : int
    costs : dict of str to tuple of Cost
        By model, one cost for each data set.
    """

    plain_sweeps: int
    costs: dict[str, tuple[Cost, ...]]

    def ratios(self, model, counted):
        """Plain sweeps over ``"sweeps"`` or ``"work"``, for the fits that arrive."""
        counts = [getattr(cost, counted) for cost in self.costs[model]]
        return self.plain_sweeps / np.array([count for count in counts if count is not None])

    def missed(self, model):
        """Number of fits that never arrive."""
        return sum(cost.sweeps is None for cost in self.costs[model])

    def median(self, model, counted):
        """Median ratio."""
        return float(np.median(self.ratios(model, counted)))


def _draw(model, seed):
    """Data, function and options of one fit."""
    rng = np.random.default_rng([seed, 41])
    noisy = {"density": 0.7, "snr": 30.0, "random_state": rng}
    if model == "CP":
        return make_nonnegative_cp((14, 12, 10), _RANK, **noisy).X, cp, {"nonnegative": True}
    if model == "NMF":
        return make_low_rank(40, 30, _RANK, **noisy).X, nmf, {}
    expected = make_low_rank(40, 30, _RANK, density=0.7, random_state=rng).X
    counts = rng.poisson(20.0 * expected / expected.mean()).astype(float)
    return counts, nmf, {"loss": "kullback-leibler"}


MODELS = ("NMF", "CP", "KL-NMF")
_RANK = 5


def count_speedups(*, seeds=20, sweeps=200):
    """Fit three models to 20 data sets each, plainly and extrapolated, from the same start."""
    costs = {model: [] for model in MODELS}
    for model in MODELS:
        for seed in range(seeds):
            X, fit, options = _draw(model, seed)
            plain, fast = _both_fits(fit, X, _RANK, sweeps, seed, **options)
            costs[model].append(cost_to(fast.trace, plain.objective))
    return Speedups(sweeps, {model: tuple(found) for model, found in costs.items()})


@dataclass(frozen=True, eq=False)
class KnobScan:
    """Median work across the options of extrapolation, in plain sweeps.

    Attributes
    ----------
    beta, gamma, eta : tuple of float
    ratio : ndarray, shape (len(beta), len(eta), len(gamma))
        Plain sweeps over median work.
    """

    beta: tuple
    gamma: tuple
    eta: tuple
    ratio: np.ndarray


def turn_knobs(
    beta=(0.01, 0.1, 0.3, 0.5, 0.9),
    gamma=(1.01, 1.02, 1.05, 1.2),
    eta=(1.25, 1.5, 2.0, 5.0),
    *,
    seeds=5,
    sweeps=100,
):
    """Reach what plain sweeps reach with all combinations of the options, on matrices."""
    ratio = np.empty((len(beta), len(eta), len(gamma)))
    problems = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 43])
        X = make_low_rank(30, 25, 4, density=0.7, snr=30.0, random_state=rng).X
        options = {"init": "random", "tol": 0.0, "random_state": seed}
        plain = nmf(X, 4, acceleration=None, max_iter=sweeps, **options)
        problems.append((X, options | {"callback": stop_at(plain.objective)}, plain.objective))
    for place in np.ndindex(ratio.shape):
        rule = Extrapolation(
            beta=beta[place[0]], eta=eta[place[1]], gamma=gamma[place[2]], gamma_bar=1.01
        )
        works = []
        for X, options, target in problems:
            fit = nmf(X, 4, acceleration=rule, max_iter=2 * sweeps, **options)
            works.append(cost_to(fit.trace, target).work or 2 * sweeps)
        ratio[place] = sweeps / np.median(works)
    return KnobScan(tuple(beta), tuple(gamma), tuple(eta), ratio)


@dataclass(frozen=True, eq=False)
class Swamps:
    """Fits of tensors whose components resemble each other.

    Attributes
    ----------
    cosine : ndarray, shape (fits,)
        Between any two components, in every mode.
    plain : ndarray, shape (fits,)
        Sweeps without extrapolation until the gap is a millionth of the least objective.
    work : ndarray, shape (fits,)
        Sweeps computed with extrapolation.
    digits : float
        Natural logarithm of the factor by which the distance to the solution has to shrink, the
        mean over the fits.
    """

    cosine: np.ndarray
    plain: np.ndarray
    work: np.ndarray
    digits: float

    def predicted(self, plain):
        r"""Sweeps at the best weight of two numbers that plainly take so many.

        If a plain sweep shrinks the distance by :math:`1 - 2 \epsilon`, one at the best weight
        shrinks it by about :math:`1 - \sqrt{8 \epsilon / 3}`.
        """
        return np.sqrt(0.75 * self.digits * plain)


def wade_swamps(cosines=(0.1, 0.3, 0.5, 0.7, 0.8, 0.9), *, seeds=4, size=12, rank=3, noise=1e-2):
    """Fit tensors with collinear components by alternating least squares, in two ways."""
    rows, distances = [], []
    for cosine in cosines:
        for seed in range(seeds):
            rng = np.random.default_rng([seed, 47])
            X = _collinear_tensor(size, rank, cosine, noise, rng)
            options = {"init": "random", "tol": 0.0, "random_state": seed}
            fast = cp(X, rank, acceleration=Extrapolation(), max_iter=400, **options)
            target = fast.objective * (1.0 + 1e-6)
            plain = cp(
                X, rank, acceleration=None, max_iter=3000, callback=stop_at(target), **options
            )
            rows.append((cosine, cost_to(plain.trace, target).sweeps, cost_to(fast.trace, target)))
            gap = plain.trace.objective[1] - fast.objective
            distances.append(0.5 * np.log(gap / (target - fast.objective)))
    cosine, sweeps, costs = zip(*rows)
    work = [cost.work for cost in costs]
    return Swamps(
        *(np.array(column, float) for column in (cosine, sweeps, work)), np.mean(distances)
    )


def _collinear_tensor(size, rank, cosine, noise, rng):
    """Draw a tensor whose unit components have the same cosine in every mode, with noise."""
    mixing = np.linalg.cholesky((1.0 - cosine) * np.eye(rank) + cosine)
    factors = [np.linalg.qr(rng.standard_normal((size, rank)))[0] @ mixing.T for _ in range(3)]
    clean = np.einsum("iq,jq,kq->ijk", *factors)
    error = rng.standard_normal(clean.shape)
    return clean + noise * np.linalg.norm(clean) / np.linalg.norm(error) * error
