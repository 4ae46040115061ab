"""Proximal gradient steps in the metric that the problem asks for."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count
from multiconvex.updates.base import Update

_DOUBLINGS = 60


@dataclass(frozen=True)
class MetricProxGradient(Update):
    r"""Proximal gradient steps whose metric bends as the loss does.

    .. math:: x_k \leftarrow \arg\min_u \; g_k(u) + \langle \nabla_k f(x), u - x_k \rangle
              + \tfrac t2 \|u - x_k\|_M^2

    with ``M = problem.metric(x, k)`` and :math:`t = 1`, doubled until the quadratic model lies
    above the loss at the new point. In measurements where each number is a sum over half of the
    pixels, the metric is :math:`c (I + \omega \mathbf 1 \mathbf 1^T)`, in which a step costs a
    few ordinary ones, and few steps are needed; plain gradients and multiplicative updates move
    the pixels by a fraction :math:`1/n` of what is needed.

    Parameters
    ----------
    steps : int, default 1
        Steps on the block before moving to the next one.

    Notes
    -----
    Guarantee: never increases the objective of a convex block.

    Cost: one gradient, and at least one loss and a few proximity operators, per step.

    Chapter: :doc:`/chapters/applications/single_pixel_imaging`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import SplitHadamard2D, measured_regression
    >>> camera, image = SplitHadamard2D(4), np.eye(4)
    >>> fit = measured_regression(
    ...     camera.forward(image).ravel(), camera.as_linear_operator(),
    ...     update=MetricProxGradient(),
    ... )
    >>> bool(np.allclose(fit.x.reshape(4, 4), image, atol=1e-6))
    True
    """

    steps: int = 1
    requires: ClassVar[tuple[str, ...]] = ("gradient", "metric")

    def __post_init__(self):
        check_count("steps", self.steps)

    def __call__(self, problem, x, k, memory):
        for _ in range(self.steps):
            x = (*x[:k], _one_step(problem, x, k), *x[k + 1 :])
        return x[k], memory


def _one_step(problem, x, k):
    gradient, metric, loss = problem.gradient(x, k), problem.metric(x, k), problem.loss(x)
    penalty = problem.blocks[k].penalty
    before = penalty.value(x[k])
    slack, shrink = 1e-12 * max(1.0, abs(loss)), 1.0
    for _ in range(_DOUBLINGS):
        new = metric.minimize(x[k], gradient, penalty, shrink)
        move, after = new - x[k], penalty.value(new)
        model = loss + float(np.vdot(gradient, move)) + 0.5 * shrink * metric.norm2(move)
        if loss + before - model - after <= slack:
            break
        trial = (*x[:k], new, *x[k + 1 :])
        value = problem.loss(trial)
        if value <= model + slack and value + after <= loss + before:
            return new
        shrink *= 2.0
    return x[k].copy()
