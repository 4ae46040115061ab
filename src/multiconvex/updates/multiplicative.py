"""Multiplicative updates by majorisation."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count, check_positive
from multiconvex.penalties import NonNegative
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class MultiplicativeUpdate(Update):
    r"""Multiplicative updates, from the separable majorant of the loss [1]_.

    With the gradient of the loss written as ``den - num``, both nonnegative, one pass minimises
    exactly the majorant plus :math:`\lambda_1 \sum x + \tfrac{\lambda_2}{2} \sum x^2`:

    .. math::
        \text{Frobenius:} \quad x \leftarrow x \frac{[\text{num} - \lambda_1]_+}
        {\text{den} + \lambda_2 x}, \qquad
        \text{Kullback-Leibler:} \quad x \leftarrow \frac{2a}{b + \sqrt{b^2 + 4\lambda_2 a}},
        \quad a = x\,\text{num}, \; b = \text{den} + \lambda_1 .

    Parameters
    ----------
    sweeps : int, default 1
        Passes over the block before moving to the next one.
    floor : float, default 1e-12
        Smallest entry, relative to the largest of the block; the constrained minimiser of the
        separable majorant over ``x >= floor`` is the update cut at the floor. Without a floor an
        entry that reaches zero stays there.

    Notes
    -----
    Guarantee: never increases the objective over blocks whose entries are above the floor.

    Cost: one product with the data (Frobenius) or with the ratio of data and model per pass.

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    References
    ----------
    .. [1] D. D. Lee and H. S. Seung, "Algorithms for non-negative matrix factorization",
       NIPS 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnkl
    >>> nnkl(np.eye(2), np.array([3.0, 1.0]), update=MultiplicativeUpdate()).x
    array([3., 1.])
    """

    sweeps: int = 1
    floor: float = 1e-12
    requires: ClassVar[tuple[str, ...]] = ("multiplicative_terms",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_count("sweeps", self.sweeps)
        check_positive("floor", self.floor, allow_zero=True)

    def __call__(self, problem, x, k, memory):
        penalty = problem.blocks[k].penalty
        floor = self.floor * float(x[k].max())
        for _ in range(self.sweeps):
            num, den = problem.multiplicative_terms(x, k)
            new = problem.loss_function.majorant_minimizer(x[k], num, den, penalty.l1, penalty.l2)
            x = (*x[:k], np.maximum(new, floor), *x[k + 1 :])
        return x[k], memory
