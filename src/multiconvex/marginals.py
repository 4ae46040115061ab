r"""Scaling rows and columns of a factor model until its marginals are those of the data."""

from dataclasses import dataclass

import numpy as np

from multiconvex.acceleration import State, plain_sweep
from multiconvex.checks import check_count
from multiconvex.penalties import NonNegative


@dataclass(frozen=True)
class SinkhornScaling:
    r"""Sweeps followed by Sinkhorn's scaling of the model, for the Kullback-Leibler loss.

    Solves, over positive numbers :math:`d` and :math:`e` for the rows of both factors,

    .. math:: \min_{d, e} \; \mathrm{KL}\bigl(X, \operatorname{diag}(d)\, W H^T
              \operatorname{diag}(e)\bigr) + g_W(\operatorname{diag}(d) W)
              + g_H(\operatorname{diag}(e) H),

    by turns. Without weights each turn divides the marginals of the data by those of the model,

    .. math:: d_i \leftarrow \frac{\sum_j X_{ij}}{W_i \cdot \sum_j e_j H_j},

    which is the algorithm of Sinkhorn [1]_: at its end, rows and columns of the model sum to those
    of the data. A minimiser of the divergence has these marginals, but iterates have not, and
    :math:`X` is not read to get them. (:math:`\lambda_1` is added to the sums of the other factor,
    and :math:`\lambda_2` makes :math:`d_i` the root of a quadratic.)

    Parameters
    ----------
    rounds : int, default 5
        Turns of each factor after a sweep.

    Notes
    -----
    Guarantee: never increases the objective more than the updates do.

    Cost: O((m + n) rank) per round, beside the sweep.

    Chapter: :doc:`/chapters/open_problems/nmf_solvers`

    Updates that carry multipliers over are refused: they know nothing of the new scales.

    References
    ----------
    .. [1] R. Sinkhorn and P. Knopp, "Concerning nonnegative matrices and doubly stochastic
       matrices", Pacific Journal of Mathematics 21, 1967.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import MultiplicativeUpdate, SinkhornScaling, nmf
    >>> X = np.random.default_rng(0).poisson(5.0, (9, 7)).astype(float)
    >>> fit = nmf(
    ...     X, 2, loss="kullback-leibler", update=MultiplicativeUpdate(), max_iter=3, tol=0,
    ...     acceleration=SinkhornScaling(rounds=50), random_state=0,
    ... )
    >>> bool(np.allclose(fit.reconstruct().sum(axis=1), X.sum(axis=1)))
    True
    """

    rounds: int = 5

    def __post_init__(self):
        check_count("rounds", self.rounds)

    def start(self, problem, x, memory):
        if not hasattr(problem, "burg_constants") or len(x) != 2:
            raise TypeError(
                "SinkhornScaling needs two factors under the Kullback-Leibler loss; "
                f"{type(problem).__name__} is something else: drop it."
            )
        for block, kept in zip(problem.blocks, memory):
            if not isinstance(block.penalty, NonNegative) or kept is not None:
                raise TypeError(
                    "SinkhornScaling needs NonNegative factors and updates without memory; block "
                    f"{block.name!r} has another penalty or update: drop one of them."
                )
        totals = tuple(problem.burg_constants(x, k)[:, 0] for k in range(2))
        return State(x, memory, _Totals(totals))

    def sweep(self, problem, updates, state):
        x, memory = plain_sweep(problem, updates, state.point, state.memory)
        penalties = [block.penalty for block in problem.blocks]
        for _ in range(self.rounds):
            for k in range(2):
                scales = row_scales(
                    x[k], x[1 - k].sum(axis=0), state.momentum.rows[k], penalties[k]
                )
                x = (*x[:k], x[k] * scales[:, None], *x[k + 1 :])
        return State(x, memory, state.momentum), "sweep"


@dataclass(frozen=True)
class _Totals:
    """The sums of the data over the rows of each factor, which no rescaling changes."""

    rows: tuple

    def rescaled(self, scales):
        return self


def row_scales(block, sums, totals, penalty):
    r"""Return the best multiple of each row :math:`t` of a block, exactly.

    The positive root :math:`d` of :math:`\lambda_2 \|t\|^2 d^2 + (c + \lambda_1)^T t\, d = y`, with
    :math:`c` the sums of the other factor and :math:`y` the sum of the data; 1 where the row is
    zero.
    """
    linear = block @ (sums + penalty.l1)
    quadratic = penalty.l2 * np.einsum("iq,iq->i", block, block)
    root = linear + np.sqrt(linear * linear + 4.0 * quadratic * totals)
    scales = np.divide(2.0 * totals, root, out=np.ones_like(linear), where=root > 0)
    return scales.astype(block.dtype, copy=False)
