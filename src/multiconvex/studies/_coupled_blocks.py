"""Small coupled models, each for one question: uniqueness, splitting, weights, what is shared."""

from dataclasses import dataclass

import cvxpy as cvx
import numpy as np

from multiconvex import (
    CoupledADMM,
    Coupling,
    NonNegative,
    NoPenalty,
    coupled_factorization,
    factor_match_score,
    match_components,
)
from multiconvex.models.coupled_inputs import check_datasets, check_penalties
from multiconvex.models.coupled_problem import CoupledProblem, wire_factors
from multiconvex.studies._two_instruments import (
    PAIR,
    bands,
    course_error,
    courses,
    observe_reaction,
)

MINUTES = np.linspace(0.0, 30.0, 20)
SAME = Coupling(PAIR)


@dataclass(frozen=True, eq=False)
class SpectraFan:
    """Absorbance spectra from several starts, in the order of the truth and at peaks of one.

    Attributes
    ----------
    truth : ndarray, shape (40, 3)
    fits : dict of str to ndarray, shapes (starts, 40, 3)
        From the matrix alone and together with the tensor.
    """

    truth: np.ndarray
    fits: dict

    @property
    def spread(self):
        """Largest difference between two starts, for each way of fitting."""
        return {name: float(np.ptp(fits, axis=0).max()) for name, fits in self.fits.items()}


def fan_spectra(n_starts=6, *, noise=0.01):
    """Fit one matrix from several starts, alone and coupled with a tensor."""
    (T, X), _, factors = observe_together(noise=(noise, noise), random_state=0)
    truth, fits = factors[1][1], {}
    ways = {"alone": ([X], (), (1,)), "together": ([T, X], [SAME], (1, 1))}
    for name, (data, couplings, weights) in ways.items():
        spectra = [
            coupled_factorization(
                data, 3, couplings=couplings, weights=weights, penalties=NonNegative(),
                tol=1e-7, random_state=seed,
            ).factors[-1][1]
            for seed in range(n_starts)
        ]  # fmt: skip
        fits[name] = np.array([_in_order(found, truth) for found in spectra])
    return SpectraFan(truth / truth.max(axis=0), fits)


@dataclass(frozen=True)
class Rescue:
    """Similarity of the free factor of a matrix with the truth, from several starts.

    Attributes
    ----------
    data : str
    least, mean : float
    misfit : float
        Largest relative residual of the matrix.
    """

    data: str
    least: float
    mean: float
    misfit: float


def measure_rescue(n_starts=10):
    """Fit exact Gaussian data without any sign, alone and coupled with a tensor."""
    rng = np.random.default_rng(0)
    A, B, C, D = (rng.standard_normal((n, 3)) for n in (12, 8, 7, 15))
    T, X = np.einsum("iq,jq,kq->ijk", A, B, C), A @ D.T
    ways = {
        "the matrix alone": ([X], ()),
        "with the tensor, not coupled": ([T, X], ()),
        "with the tensor, coupled": ([T, X], [SAME]),
    }
    rows = []
    for name, (data, couplings) in ways.items():
        fits = [
            coupled_factorization(
                data, 3, couplings=couplings, weights=[1] * len(data), random_state=seed,
                tol=1e-10, max_iter=3000,
            )
            for seed in range(n_starts)
        ]  # fmt: skip
        scores = [factor_match_score(fit.factors[-1][1], D) for fit in fits]
        gaps = [np.linalg.norm(fit.reconstruct()[-1] - X) / np.linalg.norm(X) for fit in fits]
        rows.append(Rescue(name, min(scores), float(np.mean(scores)), float(max(gaps))))
    return rows


def observe_together(*, noise, random_state, sizes=(8, 7, 40)):
    """Simulate a tensor and a matrix of the same minutes.

    Returns
    -------
    data : list of ndarray
    sigma : tuple of float
        Standard deviations of the noise.
    factors : tuple of tuple of ndarray
    """
    rng = np.random.default_rng(random_state)
    A = courses(MINUTES)
    share = np.array(sizes) / np.array([24, 14, 40])
    centres = [np.array(c) * s for c, s in zip(((6, 12, 17), (3, 6, 10), (12, 18, 25)), share)]
    widths = share * np.array([3.0, 2.0, 7.0])
    B, C, D = (bands(n, c, w) for n, c, w in zip(sizes, centres, widths))
    factors = (A, B, C), (A, D)
    return *_with_noise(rng, factors, noise), factors


def _with_noise(rng, factors, noise):
    """Return a noisy tensor and a noisy matrix, and the standard deviations of their noise."""
    clean = [np.einsum("iq,jq,kq->ijk", *factors[0]), factors[1][0] @ factors[1][1].T]
    sigma = tuple(level * X.std() for level, X in zip(noise, clean))
    return [X + s * rng.standard_normal(X.shape) for X, s in zip(clean, sigma)], sigma


@dataclass(frozen=True, eq=False)
class Splitting:
    """Steps of ADMM on one block of coupled and nonnegative factors.

    Attributes
    ----------
    steps : ndarray of int
    strengths : tuple of float
    gaps, errors : ndarray, shape (strengths, steps)
        Coupling gap, and objective above the optimum of a convex solver, relative to it.
    optimum : float
    """

    steps: np.ndarray
    strengths: tuple
    gaps: np.ndarray
    errors: np.ndarray
    optimum: float


def follow_splitting(strengths=(0.1, 1.0, 10.0), longest=500):
    """Improve the courses of both instruments by more and more steps, the spectra being known."""
    reaction = observe_reaction(noise=(0.1, 0.3))
    data = [np.nan_to_num(reaction.tensor), reaction.matrix]
    terms = check_datasets(data, 3, "frobenius")
    wires = wire_factors(terms, [reaction.coupling], check_penalties(NonNegative(), terms))
    problem = CoupledProblem(terms, (1.0, 1.0), wires)
    (_, B, C), (_, D) = reaction.factors
    x = (np.ones(problem.blocks[0].shape), B, C, D)
    optimum = _convex_optimum(problem, x)
    steps = np.unique(np.geomspace(1, longest, 25).astype(int))
    ends = [_walk(problem, x, strength, np.diff(steps, prepend=0)) for strength in strengths]
    objectives, gaps = np.moveaxis(np.array(ends), -1, 0)
    return Splitting(steps, strengths, gaps, (objectives - optimum) / optimum, optimum)


def _walk(problem, x, strength, lengths):
    """Return objective and gap after each of several stretches of steps."""
    memory, ends = CoupledADMM().start(problem, x, 0), []
    for length in lengths:
        rule = CoupledADMM(int(length), strength, 0.0)
        block, memory = rule(problem, x, 0, memory)
        x = (block, *x[1:])
        ends.append((problem.objective(x), problem.coupling_gap(x)))
    return ends


def _convex_optimum(problem, x):
    """Return the least objective over the shared courses, by a general convex solver."""
    link = problem.link(0)
    A = cvx.Variable(link.shape)
    images = [matrix @ A for matrix in link.matrices]
    quadratics = [
        cvx.sum_squares(image @ np.linalg.cholesky(gram)) / 2 - cvx.sum(cvx.multiply(rhs, image))
        for image, (gram, rhs) in zip(images, problem.member_equations(x, 0))
    ]
    size = sum(term.data.norm2 for term in problem.terms) / 2
    constraints = [image >= 0 for image in images]
    program = cvx.Problem(cvx.Minimize(sum(quadratics)), constraints)
    tight = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    return float(size + program.solve(solver=cvx.CLARABEL, **tight))


@dataclass(frozen=True)
class NodeCount:
    """Whether two samplings determine a curve with straight pieces.

    Attributes
    ----------
    nodes : int
    slow_rank, fast_rank, stacked_rank : int
        Of the interpolation matrices: the curve is determined where a rank is the number of nodes.
    """

    nodes: int
    slow_rank: int
    fast_rank: int
    stacked_rank: int


def count_nodes(counts=(8, 14, 18, 24)):
    """Count what two coarse samplings, of 8 and 10 points, say about finer and finer grids."""
    slow = np.linspace(0.0, 1.0, 8)
    fast = np.sort(np.random.default_rng(1).uniform(0.0, 1.0, 10))
    rows = []
    for n in counts:
        matrices = Coupling.on_grids(PAIR, np.linspace(0.0, 1.0, n), [slow, fast]).left
        ranks = [int(np.linalg.matrix_rank(M)) for M in (*matrices, np.vstack(matrices))]
        rows.append(NodeCount(n, *ranks))
    return rows


@dataclass(frozen=True, eq=False)
class WeightCurve:
    """Error of the shared courses against the weight of the matrix, that of the tensor being one.

    Attributes
    ----------
    noise : tuple of float
        Standard deviations, relative to each data set.
    weights : ndarray
    errors : ndarray
        Relative error of the courses, mean over several draws of the noise.
    best : float
        The inverse ratio of the variances.
    estimated : float
        What separate fits say of it, geometric mean over the draws.
    """

    noise: tuple
    weights: np.ndarray
    errors: np.ndarray
    best: float
    estimated: float


def vary_weights(noise, *, draws=3, span=3):
    """Fit with many weights of the matrix, from the truth so that starts play no part."""
    exponents = np.arange(-span, span + 1)
    errors, estimates = [], []
    for seed in range(draws):
        data, sigma, factors = observe_together(noise=noise, random_state=seed, sizes=(6, 5, 40))
        best = (sigma[0] / sigma[1]) ** 2
        options = {
            "couplings": [SAME], "penalties": NonNegative(), "init": factors, "tol": 1e-6,
        }  # fmt: skip
        fits = [
            coupled_factorization(data, 3, weights=(1.0, best * 10.0**e), **options)
            for e in exponents
        ]
        errors.append([course_error(MINUTES, fit.shared[0]) for fit in fits])
        guess = coupled_factorization(data, 3, random_state=seed, max_iter=0, **options).weights
        estimates.append(guess[1] / guess[0])
    estimated = float(np.exp(np.mean(np.log(estimates))))
    weights = best * 10.0**exponents
    return WeightCurve(noise, weights, np.mean(errors, axis=0), best, estimated)


@dataclass(frozen=True)
class SharingScore:
    """What an assumption on the shared factor does to a fit.

    Attributes
    ----------
    assumption : str
    courses, spectra : float
        Least similarity of a component with the truth.
    misfit : float
        Squared residuals, divided by their expectation if the model were right.
    """

    assumption: str
    courses: float
    spectra: float
    misfit: float


def share_partly(*, noise=0.03):
    """Fit a tensor and a matrix that have two of four courses in common."""
    A = np.column_stack([courses(MINUTES), np.exp(-(((MINUTES - 20.0) / 5.0) ** 2))])
    B, C, D = bands(12, (2, 5, 9), 1.5), bands(10, (2, 5, 8), 1.3), bands(40, (8, 18, 29), 5.0)
    return _compare_assumptions(
        ((A[:, [0, 1, 3]], B, C), (A[:, [0, 1, 2]], D)),
        noise,
        NonNegative(),
        {
            "nothing is shared": [],
            "all three courses are shared": [SAME],
            "two of three are shared": [Coupling.of_columns(PAIR, [[0, 1, 2], [0, 1, 3]])],
        },
    )


def share_slopes(*, noise=0.03, offset=(0.3, 0.1, 0.2)):
    """Fit courses that differ by constants, what earlier batches have left in one instrument."""
    A = bands(40, (8, 17, 28), 5.0)
    B, C, D = bands(12, (2, 5, 9), 1.5), bands(10, (2, 5, 8), 1.3), bands(40, (12, 18, 25), 7.0)
    free, positive = NoPenalty(), NonNegative()
    return _compare_assumptions(
        ((A, B, C), (A + np.array(offset), D)),
        noise,
        [(free, positive, positive), (free, positive)],
        {
            "nothing is shared": [],
            "courses are shared": [SAME],
            "slopes are shared": [Coupling.of_slopes(PAIR, len(A))],
        },
    )


def _compare_assumptions(factors, noise, penalties, assumptions):
    data, sigma = _with_noise(np.random.default_rng(3), factors, (noise, noise))
    rows = []
    for name, couplings in assumptions.items():
        fit = coupled_factorization(
            data, 3, couplings=couplings, penalties=penalties, n_starts=5, random_state=0,
            weights=[1.0 / s**2 for s in sigma],
        )  # fmt: skip
        order, _ = match_components(fit.factors[1], factors[1])
        cosines = [
            float(_cosines(found[:, order], truth).min())
            for found, truth in zip(fit.factors[1], factors[1])
        ]
        size = sum(X.size for X in data)
        rows.append(SharingScore(name, *cosines, 2.0 * fit.objective / size))
    return rows


def _cosines(found, truth):
    norms = np.linalg.norm(found, axis=0) * np.linalg.norm(truth, axis=0)
    return np.abs((found * truth).sum(axis=0)) / norms


def _in_order(found, truth):
    found = found[:, match_components(found, truth)[0]]
    return found / found.max(axis=0)


@dataclass(frozen=True, eq=False)
class LagCurve:
    """Fits of two instruments whose clocks disagree, by the lag.

    Attributes
    ----------
    lags : tuple of float
        Minutes.
    together, alone : ndarray
        Relative error of the courses: coupled, and of the tensor for itself.
    misfit : ndarray
        Squared residuals of the coupled fit, divided by their expectation if the model were right.
    """

    lags: tuple
    together: np.ndarray
    alone: np.ndarray
    misfit: np.ndarray


def follow_lag(lags=(0.0, 0.5, 1.0, 2.0, 4.0)):
    """Delay the clock of the spectrometer unknown to the model; fits start at the truth."""
    options = {"penalties": NonNegative(), "tol": 1e-4}
    rows = []
    for lag in lags:
        reaction = observe_reaction(lag=lag)
        fit = coupled_factorization(
            reaction.data, 3, couplings=[reaction.coupling], init=reaction.factors,
            weights=[1.0 / sigma**2 for sigma in reaction.noise], **options,
        )  # fmt: skip
        seen = sum(np.isfinite(X).sum() for X in reaction.data)
        rows.append((course_error(reaction.grid, fit.shared[0]), 2.0 * fit.objective / seen))
    alone = coupled_factorization(
        [reaction.tensor], 3, weights=(1,), init=reaction.factors[:1], **options
    )
    together, misfit = np.array(rows).T
    error = course_error(reaction.minutes[0], alone.factors[0][0])
    return LagCurve(tuple(lags), together, np.full(len(lags), error), misfit)
