"""What happens at the border of a convolutive model, and what goes wrong there."""

from dataclasses import dataclass

import numpy as np

from multiconvex.engine import alternate
from multiconvex.losses import KullbackLeibler
from multiconvex.models.convolutive_problem import ConvolutiveProblem
from multiconvex.penalties import NonNegative
from multiconvex.stopping import RelativeDecrease
from multiconvex.updates import MultiplicativeUpdate

_SHAPE, _RANK, _WIDTH = (8, 16), 1, 8
_FIXED_NUMBER_OF_SWEEPS = RelativeDecrease(0.0)


class _FullDenominator(ConvolutiveProblem):
    """Divides activations by whole templates, also where only their beginnings fit."""

    def multiplicative_terms(self, x, k):
        num, den = super().multiplicative_terms(x, k)
        return (num, den) if k == 0 else (num, np.broadcast_to(x[0].sum(axis=(0, 1)), den.shape))


@dataclass(frozen=True, eq=False)
class BorderTraces:
    """Objectives sweep by sweep, one row a run.

    Attributes
    ----------
    exact, full : ndarray, shape (runs, sweeps + 1)
        With the denominator of the derivation, and with that of whole templates.
    """

    exact: np.ndarray
    full: np.ndarray

    @property
    def rises(self):
        """Numbers of runs in which the objective ever rises, exact and full."""
        return tuple(_rising(values) for values in (self.exact, self.full))

    @property
    def worse(self):
        """Number of runs that end higher with the full denominator."""
        return int(np.sum(self.full[:, -1] > self.exact[:, -1]))

    @property
    def excess(self):
        """Median of how much higher they end, as a ratio."""
        return float(np.median(self.full[:, -1] / self.exact[:, -1]))


def compare_borders(n_runs=30, n_sweeps=80, random_state=0):
    """Run both denominators from the same starts, on random data."""
    rng = np.random.default_rng(random_state)
    exact, full = [], []
    for _ in range(n_runs):
        X = rng.random(_SHAPE)
        start = rng.random((_SHAPE[0], _WIDTH, _RANK)), rng.random((_SHAPE[1], _RANK))
        for kind, rows in ((ConvolutiveProblem, exact), (_FullDenominator, full)):
            problem = kind(X, _RANK, _WIDTH, KullbackLeibler(), (NonNegative(), NonNegative()))
            result = alternate(
                problem,
                start,
                MultiplicativeUpdate(),
                stop=_FIXED_NUMBER_OF_SWEEPS,
                max_iter=n_sweeps,
            )
            rows.append(result.trace.objective)
    return BorderTraces(np.array(exact), np.array(full))


def _rising(values):
    return int(np.sum(np.diff(values).max(axis=1) > 1e-9 * values[:, 0]))
