r"""Losses between data ``y`` and model ``z``, entry by entry, and their majorants.

Multiplicative updates come from one majorant for all three losses: with ``x >= 0`` the current
point, ``num`` and ``den`` the two halves of the gradient (``gradient = den - num``), each class
gives in closed form the minimiser of its separable majorant plus
:math:`\lambda_1 \sum x + \tfrac{\lambda_2}{2} \sum x^2`.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frobenius:
    r"""Half squared distance, :math:`\tfrac12 \sum (y - z)^2`."""

    def value(self, y, z):
        gap = np.subtract(y, z).ravel()
        return 0.5 * float(gap @ gap)

    def halves(self, y, z):
        """Return the weights of the two halves of the derivative ``z - y``."""
        return y, z

    def curvature(self, y, z):
        """Return the second derivative in ``z``."""
        return np.ones_like(z)

    def majorant_minimizer(self, x, num, den, l1, l2):
        r""":math:`x\,[\text{num} - \lambda_1]_+ / (\text{den} + \lambda_2 x)`."""
        return x * _divide(np.maximum(num - l1, 0.0), den + l2 * x)


@dataclass(frozen=True)
class KullbackLeibler:
    r"""Generalised Kullback-Leibler divergence, :math:`\sum y \log(y/z) - y + z`."""

    def value(self, y, z):
        # fmax turns 0/0 and 0/z into a finite logarithm, which y = 0 then multiplies
        with np.errstate(divide="ignore", invalid="ignore"):
            log_ratio = np.log(np.fmax(np.divide(y, z), np.finfo(np.asarray(z).dtype).tiny))
        return max(float(np.vdot(y, log_ratio) + np.sum(z - y)), 0.0)

    def halves(self, y, z):
        """Return the weights of the two halves of the derivative ``1 - y/z``; ``z`` is positive."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return y / z, np.ones_like(z)

    def curvature(self, y, z):
        """Return the second derivative in ``z``."""
        return _divide(y, z * z)

    def majorant_minimizer(self, x, num, den, l1, l2):
        r""":math:`2a / (b + \sqrt{b^2 + 4 \lambda_2 a})`, ``a = x num``, ``b = den + l1``.

        The positive root of :math:`\lambda_2 x^2 + b x - a`, in the form that is stable for
        every :math:`\lambda_2 \ge 0`.
        """
        a, b = x * num, den + l1
        return _divide(2.0 * a, b + np.sqrt(b * b + 4.0 * l2 * a))


@dataclass(frozen=True)
class BetaDivergence:
    r"""Beta-divergence for :math:`1 < \beta < 2`, where it is convex in the model:

    .. math:: \sum \frac{y^\beta + (\beta - 1) z^\beta - \beta\, y z^{\beta - 1}}
              {\beta (\beta - 1)}.

    The limits are :class:`KullbackLeibler` at 1 and :class:`Frobenius` at 2.
    """

    beta: float = 1.5

    def __post_init__(self):
        if not 1.0 < self.beta < 2.0:
            raise ValueError(
                f"beta must lie strictly between 1 and 2, got {self.beta}: use KullbackLeibler() "
                "at 1 and Frobenius() at 2."
            )

    def value(self, y, z):
        b = self.beta
        terms = np.power(y, b) + (b - 1.0) * np.power(z, b) - b * y * np.power(z, b - 1.0)
        return float(terms.sum()) / (b * (b - 1.0))

    def halves(self, y, z):
        """Return the weights of the two halves of the derivative."""
        return _divide(y, np.power(z, 2.0 - self.beta)), np.power(z, self.beta - 1.0)

    def curvature(self, y, z):
        """Return the second derivative in ``z``."""
        b = self.beta
        return (b - 1.0) * np.power(z, b - 2.0) + (2.0 - b) * y * np.power(z, b - 3.0)

    def majorant_minimizer(self, x, num, den, l1, l2):
        """Return ``x num / den``; with weights the majorant has no closed form and is refused."""
        if l1 or l2:
            raise ValueError(
                "MultiplicativeUpdate has no closed form for a beta-divergence with l1 or l2: "
                "use loss='kullback-leibler' or 'frobenius', or drop the weights."
            )
        return x * _divide(num, den)


LOSSES = {"frobenius": Frobenius(), "kullback-leibler": KullbackLeibler()}


def as_loss(loss):
    """Return the loss of that name, or the loss itself."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            listed = ", ".join(map(repr, LOSSES))
            raise ValueError(f"loss must be one of {listed} or a loss object, got {loss!r}.")
        return LOSSES[loss]
    if not isinstance(loss, Frobenius | KullbackLeibler | BetaDivergence):
        raise TypeError(f"loss must be a name or a loss object, got {type(loss).__name__}.")
    return loss


def _divide(num, den):
    """Divide, with 0 where the denominator is 0 (no data and no model there)."""
    return np.divide(
        num, den, out=np.zeros(np.broadcast_shapes(num.shape, den.shape), den.dtype), where=den > 0
    )
