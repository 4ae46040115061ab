r"""Experiments of the chapter on PARAFAC2.

Every fit minimises :math:`\tfrac12 \sum_k \|X_k - A \operatorname{diag}(C_{k:}) B_k^T\|_F^2` over
profiles :math:`B_k` whose cross products agree, as :func:`multiconvex.parafac2` does. Errors are
distances to the data relative to their norm.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex import (
    NonNegative,
    NoPenalty,
    RelativeDecrease,
    alternate,
    cp,
    factor_match_score,
    match_components,
    parafac2,
    project_parafac2,
)
from multiconvex.acceleration import Extrapolation
from multiconvex.datasets import Chromatograms, load_or_simulate, make_chromatograms
from multiconvex.models.parafac2_problem import Parafac2Problem, SliceData
from multiconvex.models.parafac2_updates import Parafac2ADMM, RowsOfSlices
from multiconvex.updates import HALS

FREE = (NonNegative(), NoPenalty(), NonNegative())


@dataclass(frozen=True)
class RunFits:
    """Two fits of the same runs, with components in the order of their peaks in the first run.

    Attributes
    ----------
    runs : Chromatograms
    profiles : dict of str to list of ndarray
        For ``"nonnegative"`` and ``"free"``: what each component adds to the sum over wavelengths.
    spectra : dict of str to ndarray
    errors, lowest, spread : dict of str to float
        Relative errors, the lowest entry of a profile relative to the highest, and the relative
        difference of cross products.
    """

    runs: Chromatograms
    profiles: dict
    spectra: dict
    errors: dict
    lowest: dict
    spread: dict


def load_runs(first=13.4, last=15.0):
    """Four extracts of goldenrod roots between two minutes."""
    return load_or_simulate("goldenrod").between(first, last)


def fit_runs(runs, rank=3, random_state=0):
    """Fit runs with nonnegative and with free profiles, the best of four starts each."""
    options = {"n_starts": 4, "random_state": random_state, "max_iter": 5000}
    fits = {
        "nonnegative": parafac2(runs.slices, rank, **options),
        "free": parafac2(runs.slices, rank, update="reparametrized", **options),
    }
    fits = {name: _in_order(fit) for name, fit in fits.items()}
    stacked = {name: np.vstack(fit[1]) for name, fit in fits.items()}
    return RunFits(
        runs=runs,
        profiles={
            name: [profiles * row * A.sum(axis=0) for profiles, row in zip(B, C)]
            for name, (A, B, C) in fits.items()
        },
        spectra={name: fit[0] / fit[0].max(axis=0) for name, fit in fits.items()},
        errors={name: relative_error(runs.slices, *fit) for name, fit in fits.items()},
        lowest={name: float((B.min(0) / B.max(0)).min()) for name, B in stacked.items()},
        spread={name: cross_product_spread(fit[1]) for name, fit in fits.items()},
    )


@dataclass(frozen=True)
class ProjectionCourse:
    """Projection of random matrices on the PARAFAC2 set.

    Attributes
    ----------
    excess : ndarray
        Distance after each round above the last, relative to the last.
    factor : float
        By which a round divides the excess, the median over rounds and instances.
    instances, starts : int
    same : int
        Instances that end at one distance from all starts.
    """

    excess: np.ndarray
    factor: float
    instances: int
    starts: int
    same: int


def follow_projection(instances=40, starts=12, random_state=0):
    """Project five random matrices of shape (10, 3), as the source does, from several cores."""
    rng = np.random.default_rng(random_state)
    courses, factors, same = [], [], 0
    for _ in range(instances):
        blocks = list(rng.random((5, 10, 3)))
        distances = project_parafac2(blocks, tol=0, max_iter=60).distances
        excess = distances / distances[-1] - 1.0
        clear = excess[excess > 1e-11]
        factors.extend(clear[:-1] / clear[1:])
        courses.append(excess[:8])
        ends = [
            project_parafac2(blocks, core=rng.standard_normal((3, 3)), max_iter=500).distances[-1]
            for _ in range(starts)
        ]
        same += bool(np.ptp(ends) <= 1e-8 * distances[-1])
    length = min(map(len, courses))
    middle = np.median([course[:length] for course in courses], axis=0)
    return ProjectionCourse(middle, float(np.median(factors)), instances, starts, same)


@dataclass(frozen=True)
class FitCourse:
    """One nonnegative fit, with extrapolation and without.

    Attributes
    ----------
    traces : dict of str to Trace
    sweeps : dict of str to int
        Until the error is within 0.1% of that of the fit.
    before, after : float
        Relative distance of the profiles to the PARAFAC2 set before and after restoration.
    change : float
        Relative change of the error by the restoration and what follows it.
    """

    traces: dict
    sweeps: dict
    before: float
    after: float
    change: float


def follow_fit(max_iter=200, random_state=0):
    """Fit simulated runs from one start, plainly and extrapolated, and restore the profiles."""
    runs = make_chromatograms(12, 60, snr=20.0, random_state=random_state)
    rng = np.random.default_rng(random_state)
    start = rng.random((60, 3)), list(rng.random((12, 60, 3))), 0.5 + rng.random((12, 3))
    fit = parafac2(runs.slices, 3, init=start, max_iter=max_iter, tol=0)
    (place,) = np.flatnonzero(fit.trace.event == "restored")
    problem = Parafac2Problem(SliceData(runs.slices), 3, (NonNegative(),) * 3)
    updates = {"A": HALS(), "B": Parafac2ADMM(), "C": RowsOfSlices()}
    options = {"stop": RelativeDecrease(0), "max_iter": int(fit.trace.iteration[place])}
    stacked = (start[0], np.vstack(start[1]), start[2])
    plain, faster = (
        alternate(problem, stacked, updates, acceleration=way, **options)
        for way in (None, Extrapolation())
    )
    traces = {"plain": plain.trace, "extrapolated": faster.trace}
    finish = 1.001**2 * fit.objective
    unrestored = np.split(faster.blocks["B"], 12)
    nearest = np.vstack(project_parafac2(unrestored).blocks)
    gap = np.linalg.norm(faster.blocks["B"] - nearest) / np.linalg.norm(nearest)
    return FitCourse(
        traces=traces,
        sweeps={name: int(np.argmax(t.objective <= finish)) for name, t in traces.items()},
        before=float(gap),
        after=fit.feasibility.parafac2,
        change=float(np.sqrt(fit.objective / faster.objective) - 1.0),
    )


@dataclass(frozen=True)
class DriftScores:
    """Agreement with the true profiles at one largest drift, the mean over instances."""

    drift: float
    cp: float
    free: float
    nonnegative: float


def compare_models(drifts=(0.0, 0.05, 0.1), instances=2, random_state=0):
    """Fit CP, free and nonnegative PARAFAC2 to five simulated runs that drift more and more."""
    rows = []
    for drift in drifts:
        scores = []
        for seed in _seeds(instances, random_state):
            runs = make_chromatograms(5, 80, drift=drift, snr=25.0, random_state=seed)
            tensor = cp(np.array(runs.slices), 3, nonnegative=True, random_state=seed).factors
            scores.append([_profile_match([tensor[2]] * 5, runs), *_agreement(runs, seed)])
        rows.append(DriftScores(drift, *np.mean(scores, axis=0).tolist()))
    return tuple(rows)


@dataclass(frozen=True)
class SignScores:
    """Agreement with the true profiles of free and of nonnegative fits: means over instances."""

    runs: int
    background: float
    free: float
    nonnegative: float


def compare_signs(runs=4, background=0.1, instances=3, random_state=0):
    """Fit simulated runs of two compounds and a background with profiles of either kind."""
    scores = []
    for seed in _seeds(instances, random_state):
        made = make_chromatograms(
            runs, 80, rank=2, drift=0.08, baseline=background, snr=25.0, random_state=seed
        )
        scores.append(_agreement(made, seed))
    return SignScores(runs, background, *np.mean(scores, axis=0).tolist())


@dataclass(frozen=True)
class Scattered:
    """Runs whose overlapping peaks drift one by one, and the fit that must not allow it.

    Attributes
    ----------
    scatter : float
        Largest shift of a peak on its own, in minutes.
    runs : Chromatograms
    profiles : list of ndarray
        Fitted, scaled to the true amounts.
    true_spread, error, match : float
        Relative difference of the true cross products; relative error of the model to the
        noiseless data; agreement with the true profiles.
    """

    scatter: float
    runs: Chromatograms
    profiles: list
    true_spread: float
    error: float
    match: float


def scatter_peaks(scatter, random_state=0):
    """Fit simulated runs whose peaks move on their own as well, from the truth on."""
    runs = make_chromatograms(
        6, 80, drift=0.05, scatter=scatter, snr=np.inf, random_state=random_state
    )
    truth = (runs.spectra, list(runs.profiles), runs.amounts)
    fit = parafac2(runs.slices, 3, init=truth, max_iter=300, tol=0)
    A, B, C = _matched(fit.factors, runs)
    heights = runs.spectra.sum(axis=0)
    return Scattered(
        scatter=scatter,
        runs=runs,
        profiles=[p * row * A.sum(axis=0) / (t * heights) for p, row, t in zip(B, C, runs.amounts)],
        true_spread=cross_product_spread(runs.profiles),
        error=relative_error(runs.slices, *fit.factors),
        match=_profile_match(B, runs),
    )


def relative_error(slices, A, B, C):
    """Distance of a model to the data relative to the norm of the data."""
    gaps = [X - (A * row) @ profiles.T for X, row, profiles in zip(slices, C, B)]
    size = sum(np.sum(X**2) for X in slices)
    return float(np.sqrt(sum(np.sum(gap**2) for gap in gaps) / size))


def cross_product_spread(blocks):
    """Largest distance of a cross product to their mean, relative to the mean."""
    products = np.array([block.T @ block for block in blocks])
    mean = products.mean(axis=0)
    return float(np.linalg.norm(products - mean, axis=(1, 2)).max() / np.linalg.norm(mean))


def _seeds(instances, random_state):
    return np.random.default_rng(random_state).integers(2**31, size=instances).tolist()


def _agreement(runs, seed):
    """Agreement of free and nonnegative PARAFAC2 of rank three with the true profiles."""
    options = {"n_starts": 2, "random_state": seed, "max_iter": 200, "tol": 0}
    free = parafac2(runs.slices, 3, update="reparametrized", penalties=FREE, **options)
    return _profile_match(free.B, runs), _profile_match(parafac2(runs.slices, 3, **options).B, runs)


def _profile_match(B, runs):
    return float(np.mean([factor_match_score(*pair) for pair in zip(B, runs.profiles)]))


def _matched(factors, runs):
    """Return factors with components in the order of the true spectra."""
    order, _ = match_components(factors[0], runs.spectra)
    A, B, C = factors
    return A[:, order], [profiles[:, order] for profiles in B], C[:, order]


def _in_order(fit):
    """Return factors by the place of their peaks in the first slice."""
    order = np.abs(fit.B[0]).argmax(axis=0).argsort(kind="stable")
    return fit.A[:, order], [profiles[:, order] for profiles in fit.B], fit.C[:, order]
