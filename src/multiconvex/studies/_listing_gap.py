"""The stopping rule of the source: the difference of two costs, one of them from a solver."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from multiconvex.datasets import make_regression_mixture


@dataclass(frozen=True, eq=False)
class GapTrace:
    """Cost before minus cost after the factor step, for each sweep.

    Attributes
    ----------
    gaps : ndarray
    cost : float
        At the end.
    """

    gaps: np.ndarray
    cost: float


def follow_gap(start_seed, *, factor_step, sweeps=25, data_seed=1, tol=1e-6):
    """Alternate weighted least squares and a factor step until the costs differ by ``tol``.

    Parameters
    ----------
    start_seed : int
        Of the labels at the start.
    factor_step : {"program", "argmin"}
        A linear program for an interior-point solver, as in the source, or its closed form.
    sweeps : int
        Most sweeps; the source sets no bound.
    data_seed : int
    tol : float

    Returns
    -------
    GapTrace
    """
    data = make_regression_mixture(random_state=data_seed)
    shape = len(data.y), len(data.parameters)
    step = {"program": _linear_program, "argmin": lambda shape: _nearest}[factor_step](shape)
    z = np.random.default_rng(start_seed).dirichlet(np.ones(shape[1]), size=shape[0])
    gaps = []
    while len(gaps) < sweeps:
        weighted = [data.X.T * column for column in z.T]
        thetas = np.stack([np.linalg.solve(rows @ data.X, rows @ data.y) for rows in weighted])
        losses = np.square(data.X @ thetas.T - data.y[:, None])
        new = step(losses)
        gaps.append(float(np.vdot(z, losses) - np.vdot(new, losses)))
        z = np.abs(new)
        if abs(gaps[-1]) < tol:
            break
    return GapTrace(np.array(gaps), float(np.vdot(z, losses)))


def _nearest(losses):
    return np.eye(losses.shape[1])[losses.argmin(axis=1)]


def _linear_program(shape):
    """Compile the factor step once; its data change."""
    losses, z = cp.Parameter(shape), cp.Variable(shape)
    rows = [z >= 0, z <= 1, cp.sum(z, axis=1) == 1]
    program = cp.Problem(cp.Minimize(cp.sum(cp.multiply(z, losses))), rows)

    def step(values):
        losses.value = values
        program.solve(solver=cp.CLARABEL)
        return z.value

    return step
