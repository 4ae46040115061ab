"""Two opposite laws: what hard labels do to their slopes, and labels that stay in doubt."""

from dataclasses import dataclass

import numpy as np
from scipy.special import erf, softmax, xlogy

from multiconvex.chains import LabelPenalty
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.problem import LatentFactorProblem, SeparateFactors
from multiconvex.models.latent.sample_losses import SquaredLoss
from multiconvex.models.latent.starts import fit_from_starts
from multiconvex.penalties import Simplex


@dataclass(frozen=True)
class SoftLabels(LabelPenalty):
    r"""Entropy of the labels, :math:`s \sum_i \sum_k z_{ik} \log z_{ik}`.

    The minimiser is :math:`z_{ik} \propto e^{-r_{ik} / s}`: the probabilities of the labels under
    normal noise of variance :math:`s / 2` and equal weights.
    """

    weight: float

    def value(self, z):
        inside = Simplex().value(z) == 0.0
        return self.weight * float(xlogy(z, z).sum()) if inside else np.inf

    def minimize(self, losses, z):
        return softmax(-losses / self.weight, axis=1)


@dataclass(frozen=True, eq=False)
class LabelShift:
    """Fitted slopes of two opposite laws.

    Attributes
    ----------
    slopes : ndarray, shape (n,)
        Of the law that made the data; the other one has the opposite slope.
    hard, soft : ndarray, shape (n,)
        Half the distance of the two fitted slopes.
    predicted : ndarray, shape (n,)
        Expected slope with hard labels.
    """

    slopes: np.ndarray
    hard: np.ndarray
    soft: np.ndarray
    predicted: np.ndarray


def measure_shift(
    slopes=(0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.3), n_samples=4000, random_state=0
):
    """Fit two slopes to samples of ``y = ±slope x + noise`` with hard and with soft labels.

    The noise is standard normal, and x takes the values 1, 2 and 3.
    """
    rng = np.random.default_rng(random_state)
    x = rng.choice([1.0, 2.0, 3.0], n_samples)
    hard, soft, predicted = [], [], []
    for slope in slopes:
        sign = rng.choice([-1.0, 1.0], n_samples)
        y = sign * slope * x + rng.standard_normal(n_samples)
        loss = SquaredLoss(x[:, None, None], -y[:, None])
        hard.append(_half_distance(loss, None))
        soft.append(_half_distance(loss, SoftLabels(2.0)))
        predicted.append(np.sum(x * folded_mean(slope * x)) / np.sum(x**2))
    return LabelShift(*map(np.array, (slopes, hard, soft, predicted)))


def folded_mean(mean):
    """Return the expectation of the absolute value of a normal variable of variance one."""
    return np.sqrt(2.0 / np.pi) * np.exp(-(mean**2) / 2.0) + mean * erf(mean / np.sqrt(2.0))


def _half_distance(loss, penalty):
    spaces = [ParameterSpace.from_pair(None, 1)] * 2
    best, _ = fit_from_starts(
        LatentFactorProblem(SeparateFactors([loss] * 2, spaces), penalty),
        n_starts=3,
        init=None,
        random_state=0,
        max_iter=2000,
        tol=1e-10,
        n_jobs=None,
        callback=None,
    )
    return 0.5 * float(np.ptp(best.blocks["parameters"]))
