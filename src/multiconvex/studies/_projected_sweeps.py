"""Projected least squares against coordinate descent, from one start."""

from dataclasses import dataclass

import numpy as np

from multiconvex import ProjectedLeastSquares, cp
from multiconvex.operands import factors_to_array

SWEEPS = 100
_SHAPE = (20, 20, 20)
_RANK = 4


@dataclass(frozen=True, eq=False)
class Wandering:
    """Two fits of one tensor from one start.

    Attributes
    ----------
    likeness : float
        Mean cosine between columns of the planted factors.
    results : dict of str to TensorFactorization
        HALS, and projected least squares wherever it goes.
    """

    likeness: float
    results: dict

    @property
    def rises(self):
        """Number of sweeps of projected least squares that raised the objective."""
        objective = self.results["projected"].trace.objective
        return int(np.sum(np.diff(objective) > 1e-9 * objective.min()))

    @property
    def excess(self):
        """By how much its last error exceeds that of HALS, as a fraction."""
        hals, projected = (self.results[name].objective for name in ("HALS", "projected"))
        return float(np.sqrt(projected / hals) - 1.0)


def follow_sweeps(width, *, random_state=2):
    """Fit a noisy tensor whose factors are four bumps each.

    Parameters
    ----------
    width : float
        Standard deviation of the bumps, which lie in an interval of length one.
    """
    rng = np.random.default_rng(random_state)
    grid = np.linspace(0.0, 1.0, _SHAPE[0])[:, None]
    planted = [np.exp(-0.5 * ((grid - rng.random(_RANK)) / width) ** 2) for _ in _SHAPE]
    X = factors_to_array(planted)
    X = X + 0.02 * X.std() * rng.standard_normal(X.shape)
    start = [rng.random((n, _RANK)) for n in _SHAPE]
    likeness = float(np.mean([_likeness(factor) for factor in planted]))
    return Wandering(likeness, fit_both(X, start))


def fit_both(X, start, sweeps=SWEEPS):
    """Run both methods without acceleration; the second may raise the objective."""
    options = {"nonnegative": True, "init": start, "acceleration": None}
    options |= {"max_iter": sweeps, "tol": 0}
    rank = start[0].shape[1]
    projected = cp(X, rank, update=ProjectedLeastSquares(), **options)
    return {"HALS": cp(X, rank, **options), "projected": projected}


def count_rises(widths=(0.05, 0.2, 0.4), tensors=12):
    """Repeat for several tensors of each width.

    Returns
    -------
    list of dict
        The likeness of planted columns, the share of sweeps that rise, and the numbers of tensors
        in which projected least squares ends more than 1% lower or higher than HALS.
    """
    rows = []
    for width in widths:
        cases = [follow_sweeps(width, random_state=seed) for seed in range(tensors)]
        excess = np.array([case.excess for case in cases])
        rows.append(
            {
                "width": width,
                "cosine of columns": float(np.mean([case.likeness for case in cases])),
                "rises (%)": float(100 * np.mean([case.rises for case in cases]) / SWEEPS),
                "ends lower": int(np.sum(excess < -0.01)),
                "alike": int(np.sum(np.abs(excess) <= 0.01)),
                "ends higher": int(np.sum(excess > 0.01)),
            }
        )
    return rows


def _likeness(factor):
    unit = factor / np.linalg.norm(factor, axis=0)
    return (unit.T @ unit)[np.triu_indices(unit.shape[1], 1)].mean()
