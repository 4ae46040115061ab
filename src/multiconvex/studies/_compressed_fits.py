"""Compressed fits of fluorescence and of planted tensors: what they cost and where they end."""

import warnings
from dataclasses import dataclass

import numpy as np

from multiconvex import (
    ADMM,
    Compression,
    ConvergenceWarning,
    Extrapolation,
    NonNegative,
    NonNegativeImage,
    ProjectedLeastSquares,
    cp,
    factor_match_score,
    match_components,
)
from multiconvex.datasets import load_kinetic
from multiconvex.models.compressed_cp import CompressedProblem, project_on_subspaces
from multiconvex.operands import DenseTensor, factors_to_array
from multiconvex.studies._projected_sweeps import fit_both
from multiconvex.studies.low_rank_tensors import complete_samples

RULES = {
    "one step": ProjectedLeastSquares("one_step"),
    "exact projection": ProjectedLeastSquares("exact"),
    "ADMM": ADMM(),
}


@dataclass(frozen=True)
class CompressedFit:
    """One fit of the fluorescence data, as a line of a table.

    Attributes
    ----------
    method : str
    sweeps : int
    core_error, error : float
        Relative errors on the compressed data and on the data, in per cent.
    similarity : float
        Of the factors with those of HALS on the data.
    """

    method: str
    sweeps: int
    core_error: float | None
    error: float
    similarity: float


@dataclass(frozen=True, eq=False)
class FluorescenceFits:
    """Two nonnegative components of the fluorescence data, found in several ways.

    Attributes
    ----------
    entries, kept : int
        Numbers in the data and in the compressed data, bases included.
    lost : float
        Relative error of the compression, in per cent.
    rows : list of CompressedFit
    wavelengths : ndarray
        Of emission.
    core : ndarray, shape (n, 2)
        The block of emission in the core, by one step, leading coordinate first.
    raw, spectra : ndarray, shape (12, 2)
        Its image before negative entries are set to zero, and the spectra of HALS, each column
        divided by its largest entry.
    rises : int
        How many of the first 100 sweeps of projected least squares on the data raise the objective.
    """

    entries: int
    kept: int
    lost: float
    rows: list
    wavelengths: np.ndarray
    core: np.ndarray
    raw: np.ndarray
    spectra: np.ndarray
    rises: int

    def table(self):
        """Return the rows as dictionaries, with how far the factors are from those of HALS."""
        return [
            {
                "method": row.method,
                "sweeps": row.sweeps,
                "core error (%)": row.core_error,
                "error (%)": row.error,
                "1 \N{MINUS SIGN} similarity": 1.0 - row.similarity if number else None,
            }
            for number, row in enumerate(self.rows)
        ]


def fit_fluorescence(rank=2, *, random_state=0):
    """Fit the complete samples from one random start, on the data and on a core."""
    kinetic = complete_samples(load_kinetic())
    X, size = kinetic.tensor, np.linalg.norm(kinetic.tensor)
    rng = np.random.default_rng(random_state)
    start = [rng.random((n, rank)) for n in X.shape]
    options = {"nonnegative": True, "init": start, "random_state": 0, "max_iter": 3000}
    hals = cp(X, rank, **options)
    fits = {
        "HALS on the data": hals,
        "projected least squares on the data": cp(
            X, rank, update=ProjectedLeastSquares(), **options
        ),
    }
    fits |= {
        f"core, {name}": cp(X, rank, compress="tucker", update=rule, **options)
        for name, rule in RULES.items()
    }
    ranks = tuple(min(n, rank + 5) for n in X.shape)
    small = project_on_subspaces(DenseTensor(X), ranks, np.random.default_rng(0))
    problem = CompressedProblem(DenseTensor(X), small, rank, (NonNegative(),) * X.ndim)
    core = problem.compressed(fits["core, one step"].factors)[1]
    spectra = hals.factors[1]
    core = core[:, match_components(small.bases[1] @ core, spectra)[0]]
    raw = small.bases[1] @ core
    wandering = fit_both(X, start)["projected"].trace.objective
    return FluorescenceFits(
        entries=X.size,
        kept=small.core.array.size + sum(basis.size for basis in small.bases),
        lost=float(100 * np.sqrt(2.0 * problem.lost) / size),
        rows=[_line(name, fit, hals, size) for name, fit in fits.items()],
        wavelengths=kinetic.axes[1].values,
        core=core[::-1],
        raw=raw / raw.max(axis=0),
        spectra=spectra / spectra.max(axis=0),
        rises=int(np.sum(np.diff(wandering) > 1e-9 * wandering.min())),
    )


def _line(name, fit, reference, size):
    core = fit.compressed_objective
    return CompressedFit(
        method=name,
        sweeps=fit.n_iter,
        core_error=None if core is None else float(100 * np.sqrt(2.0 * core) / size),
        error=float(100 * np.sqrt(2.0 * fit.objective) / size),
        similarity=factor_match_score(fit.factors, reference.factors),
    )


def plant(shape=(40, 40, 40), rank=5, *, zeros=0.3, silent=0, noise=0.0, random_state=3):
    """Return a tensor of nonnegative factors with zeros, and the factors.

    Parameters
    ----------
    zeros : float
        Probability of a zero in the factors.
    silent : int
        Number of rows of the first factor without any component.
    noise : float
        Norm of the noise relative to that of the data.
    """
    rng = np.random.default_rng(random_state)
    factors = [rng.random((n, rank)) * (rng.random((n, rank)) > zeros) for n in shape]
    factors[0][:silent] = 0.0
    X = factors_to_array(factors)
    disturbance = rng.standard_normal(shape)
    return X + noise * np.linalg.norm(X) / np.linalg.norm(disturbance) * disturbance, factors


def silence_a_row(rooms=(0, 1, 2, 5), noise=0.1):
    """Fit a planted tensor of rank five in subspaces of growing dimension, from a random start.

    The second half of the table has the same tensor with one row of noise.

    Returns
    -------
    list of dict
        In per cent: "excluded", the mean distance of the columns of the first planted factor from
        the cone that should hold them, relative to their norms; the error of HALS on the data; and
        by how much the errors of the others exceed it.
    """
    rows = []
    for silent in (0, 1):
        X, (factor, *_) = plant(silent=silent, noise=noise)
        hals = _error(X)
        for room in rooms:
            dims = (5 + room,) * 3
            excluded = _excluded(X, factor, dims)
            row = {"silent rows": silent, "room": room, "excluded": excluded, "HALS": hals}
            for name, rule in RULES.items():
                row[name] = 100 * (_error(X, compress=dims, update=rule) / hals - 1.0)
            rows.append(row)
    return rows


def _error(X, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = cp(
            X, 5, nonnegative=True, init="random", random_state=0, tol=1e-7, max_iter=200, **options
        )
    return float(100 * np.sqrt(2.0 * fit.objective) / np.linalg.norm(X))


def _excluded(X, factor, dims):
    small = project_on_subspaces(DenseTensor(X), dims, np.random.default_rng(0))
    seen = small.bases[0].T @ factor
    away = np.linalg.norm(NonNegativeImage(small.bases[0]).prox(seen, 1.0) - seen, axis=0)
    return float(100 * np.mean(away / np.linalg.norm(seen, axis=0)))


@dataclass(frozen=True, eq=False)
class Race:
    """Fits of one large tensor from one start.

    Attributes
    ----------
    noise : float
        Relative, in per cent.
    results : dict of str to TensorFactorization
    """

    noise: float
    results: dict

    def rows(self):
        """Return a table of where the fits end.

        Returns
        -------
        list of dict
            Sweeps, the objective above the least one in per cent, and the milliseconds after which
            it was within 0.1% of the least one.
        """
        best = min(fit.objective for fit in self.results.values())
        return [
            {
                "method": name,
                "sweeps": fit.n_iter,
                "excess (%)": float(100 * (fit.objective / best - 1.0)),
                "ms to 0.1%": _milliseconds(fit.trace, 1.001 * best),
            }
            for name, fit in self.results.items()
        ]


def race_on_a_large_tensor(side=100, rank=5, noise=0.01, *, sweeps=80, random_state=3):
    """Fit a noisy tensor on its core, on the data, and on the data after compressed sweeps."""
    shape = (side,) * 3
    X, _ = plant(shape, rank, zeros=0.0, noise=noise, random_state=random_state)
    rng = np.random.default_rng(random_state)
    options = {"init": [rng.random((side, rank)) for _ in shape], "random_state": 0}
    options |= {"nonnegative": True, "max_iter": sweeps, "tol": 0}
    ways = {
        "HALS": {"acceleration": None},
        "HALS, extrapolated": {"acceleration": Extrapolation()},
        "HALS, core first": {"acceleration": Compression()},
    }
    ways |= {
        f"core, {name}": {"compress": "tucker", "update": RULES[name]}
        for name in ("one step", "exact projection")
    }
    return Race(100 * noise, {name: cp(X, rank, **options, **how) for name, how in ways.items()})


def _milliseconds(trace, target):
    reached = np.flatnonzero(trace.objective <= target)
    return float(1e3 * trace.seconds[reached[0]]) if len(reached) else None
