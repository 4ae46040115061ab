r"""Scales of the columns of factors, where the penalties depend on them and the model does not.

Multiplying column :math:`q` of each factor by numbers whose product is one leaves a factor model
as it is. Penalties change, and the best numbers have a closed form where every penalty is
homogeneous.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array

_FADING = 1e-2
_GAIN = 1e-6


def balance(factors, penalties):
    r"""Rescale the columns of factors so that their penalties are as small as they can be.

    .. math:: \min_{s} \; \sum_i g_i(s_{iq} A^{(i)}_{:q}) \quad\text{subject to}\quad
              \prod_i s_{iq} = 1, \; s_{iq} > 0 \quad\text{for each component } q

    For penalties of degree :math:`p_i`, with :math:`S = \sum_i 1/p_i` and :math:`\beta_q =
    \bigl(\prod_i (p_i\, g_i(A^{(i)}_{:q}))^{1/p_i}\bigr)^{1/S}`, the minimiser is
    :math:`s_{iq} = (\beta_q / (p_i\, g_i(A^{(i)}_{:q})))^{1/p_i}`: afterwards :math:`p_i\, g_i` is
    :math:`\beta_q` for every factor.

    Parameters
    ----------
    factors : sequence of ndarray, shapes (n_i, rank)
    penalties : sequence of Penalty
        One for each factor, homogeneous and with positive weights.

    Returns
    -------
    tuple of ndarray
        A component that is zero in one factor is zero in all.

    Raises
    ------
    ValueError
        For factors that do not match, or a penalty that is not homogeneous or not a sum over
        columns.

    Notes
    -----
    Guarantee: the model is the same, the penalty is minimal among rescalings; idempotent.

    Cost: O(n r) for n rows in all.

    Chapter: :doc:`/chapters/theory/implicit_regularisation`

    References
    ----------
    J. E. Cohen and V. Leplat, "Efficient algorithms for regularized nonnegative scale-invariant
    low-rank approximation models", SIAM Journal on Mathematics of Data Science, 2025, theorem 1.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import L2, balance
    >>> W, H = balance((np.array([[8.0]]), np.array([[2.0]])), (L2(1.0), L2(1.0)))
    >>> W, H
    (array([[4.]]), array([[4.]]))
    """
    factors = _checked(factors, penalties)
    return rescale(factors, balancing_scales(factors, penalties))


def implicit_penalty(factors, penalties):
    r"""Return the least penalty that rescaling the columns of the factors can reach.

    .. math:: S \sum_q \Bigl( \prod_i (p_i\, g_i(A^{(i)}_{:q}))^{1/p_i} \Bigr)^{1/S},
              \qquad S = \sum_i 1/p_i

    This is what a fit with the penalties :math:`g_i` really pays for each component: a function of
    the rank-one terms alone.

    Parameters
    ----------
    factors, penalties
        As in :func:`multiconvex.balance`.

    Returns
    -------
    float

    Notes
    -----
    Guarantee: equal to the penalties after :func:`multiconvex.balance`.

    Cost: O(n r) for n rows in all.

    Chapter: :doc:`/chapters/theory/implicit_regularisation`

    References
    ----------
    J. E. Cohen and V. Leplat, as in :func:`multiconvex.balance`.

    Examples
    --------
    Ridge on both factors of a matrix is the trace norm of rank-one terms in disguise.

    >>> import numpy as np
    >>> from multiconvex import L2, implicit_penalty
    >>> W, H = np.array([[3.0], [4.0]]), np.array([[2.0]])
    >>> round(implicit_penalty((W, H), (L2(1.0), L2(1.0))), 12)
    10.0
    """
    factors = _checked(factors, penalties)
    logs, exponents, total = _log_levels(factors, penalties)
    return float(total * np.exp(exponents @ logs / total).sum())


@dataclass(frozen=True)
class Balancing:
    """When a fit rescales the columns of its factors.

    Parameters
    ----------
    at : tuple, default ("start", "sweep", "end")
        ``"start"``: the initial point takes its best common scale, then each component its best
        scales; what is zero in one factor stays as it is, since it may come to life.
        ``"sweep"``: before each sweep, which costs nothing noticeable. ``"end"``: what is returned;
        components that fade away are set to zero where that does not raise the objective.

    Notes
    -----
    Guarantee: never increases the objective.

    Cost: O(n r) for n rows in all; one product with the data at the start.

    Chapter: :doc:`/chapters/theory/implicit_regularisation`

    References
    ----------
    J. E. Cohen and V. Leplat, as in :func:`multiconvex.balance`.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import NonNegative, nmf
    >>> X = np.outer([1.0, 2.0], [3.0, 1.0])
    >>> ridge = (NonNegative(l2=0.1), NonNegative(l2=0.1))
    >>> result = nmf(X, 1, penalties=ridge, balancing=Balancing(at=("end",)), random_state=0)
    >>> bool(np.isclose(np.linalg.norm(result.W), np.linalg.norm(result.H)))
    True
    """

    at: tuple = ("start", "sweep", "end")

    def __post_init__(self):
        unknown = set(self.at) - {"start", "sweep", "end"}
        if unknown or isinstance(self.at, str):
            raise ValueError(f'at must be a tuple of "start", "sweep" and "end", got {self.at!r}.')

    def during(self, *stages):
        """Return the same at some of its stages only."""
        return Balancing(tuple(stage for stage in self.at if stage in stages))

    def check(self, problem):
        """Refuse problems that rescaling would change."""
        if not getattr(problem, "scale_invariant", False):
            raise TypeError(
                f"Balancing needs a model that does not depend on the scales of its columns; "
                f"{type(problem).__name__} may: leave balancing out."
            )
        check_homogeneous([block.penalty for block in problem.blocks])

    def check_memory(self, memory):
        """Refuse updates that remember what rescaling would leave behind."""
        if "sweep" in self.at and any(kept is not None for kept in memory):
            raise TypeError(
                "Balancing at sweeps would leave behind what an update remembers: use "
                'Balancing(at=("start", "end")).'
            )

    def first(self, problem, x):
        """Return the start, rescaled where that is asked for."""
        if "start" not in self.at or not np.isfinite(problem.objective(x)):
            return x
        if hasattr(problem, "optimal_scale"):
            x = tuple(block * (problem.optimal_scale(x) or 1.0) for block in x)
        scales = _scales_of(problem, x)
        return rescale(x, np.where(scales > 0, scales, 1.0))

    def before_sweep(self, problem, state):
        """Return the state that a sweep starts from."""
        if "sweep" not in self.at:
            return state
        return state.rescaled(_scales_of(problem, state.point))

    def last(self, problem, x):
        """Return the end, rescaled and without fading components where that is asked for."""
        if "end" not in self.at:
            return x
        x = rescale(x, _scales_of(problem, x))
        sizes = component_sizes(x)
        objective = problem.objective(x)
        fading = np.flatnonzero((sizes > 0) & (sizes < _FADING * sizes.max(initial=0.0)))
        for kept in [*(np.arange(len(sizes)) != q for q in fading), np.zeros_like(sizes)]:
            without = rescale(x, [kept] * len(x))
            if problem.objective(without) <= objective:
                x, objective = without, problem.objective(without)
        return x


def component_sizes(factors):
    """Return the Frobenius norm of each rank-one term, shape (rank,)."""
    return np.prod([np.linalg.norm(factor, axis=0) for factor in factors], axis=0)


def rescale(blocks, scales):
    """Multiply the columns of each block by its scales."""
    return tuple(block * np.asarray(s, block.dtype) for block, s in zip(blocks, scales))


def balancing_scales(factors, penalties):
    """Return the best scales, shape (n_factors, rank).

    They are 0 for components that are zero somewhere, and 1 for those outside a constraint.
    """
    logs, exponents, total = _log_levels(factors, penalties)
    with np.errstate(invalid="ignore"):
        scales = np.exp((exponents @ logs / total - logs) * exponents[:, None])
    scales[:, logs.min(axis=0) == -np.inf] = 0.0
    scales[:, logs.max(axis=0) == np.inf] = 1.0
    return scales


def check_homogeneous(penalties):
    """Refuse penalties whose best scales have no closed form, or do not exist."""
    for k, penalty in enumerate(penalties):
        if not can_balance([penalty]):
            raise ValueError(
                f"penalties[{k}] is {penalty!r}: balancing needs one that is homogeneous with a "
                "positive weight and a sum over columns, such as L1, L2, GroupL2, or NonNegative "
                "with either l1 or l2, on every factor."
            )


def can_balance(penalties):
    """Return whether `balance` accepts these penalties."""
    return all(
        penalty.degree is not None and penalty.columnwise and penalty.value(np.ones((1, 1))) > 0
        for penalty in penalties
    )


def best_scale(inner, squared, order, penalties, factors):
    r"""Return the best common factor of all blocks of a least-squares model.

    .. math:: \min_{t \ge 0} \; \tfrac12 \|X - t^d M\|_F^2 + \sum_i t^{p_i} g_i(A^{(i)})

    The candidates are 0 and the positive roots of the derivative, a polynomial in :math:`t`
    where the degrees are integers. A root that gains less than a millionth of what it would
    without penalties counts as 0: a start there would never grow.

    Parameters
    ----------
    inner, squared : float
        :math:`\langle X, M \rangle` and :math:`\|M\|_F^2`.
    order : int
        Number of factors :math:`d`.
    penalties, factors : sequence
        Homogeneous penalties of integer degree or without a value, and what they apply to.
    """
    terms = {2 * order: 0.5 * squared, order: -inner}
    for penalty, factor in zip(penalties, factors):
        if penalty.degree is not None:
            power = int(penalty.degree)
            terms[power] = terms.get(power, 0.0) + penalty.value(factor)
    cost = np.zeros(2 * order + 1)
    for power, coefficient in terms.items():
        cost[power] += coefficient
    polynomial = np.polynomial.Polynomial(cost)
    roots = polynomial.deriv().roots()
    real = roots.real[np.abs(roots.imag) <= 1e-9 * np.abs(roots)]
    candidates = np.append(real[real > 0], 0.0)
    best = candidates[np.argmin(polynomial(candidates))]
    negligible = -polynomial(best) * squared <= _GAIN * 0.5 * inner**2
    return 0.0 if negligible else float(best)


def _scales_of(problem, x):
    return balancing_scales(x, [block.penalty for block in problem.blocks])


def _log_levels(factors, penalties):
    """Return the logarithms of ``p_i g_i`` by column, the exponents ``1 / p_i``, and their sum."""
    exponents = np.array([1.0 / penalty.degree for penalty in penalties])
    logs = np.array([_log_levels_of(factor, g) for factor, g in zip(factors, penalties)])
    return logs, exponents, exponents.sum()


def _log_levels_of(factor, penalty):
    """Return them for one factor; columns of largest entry one neither overflow nor vanish."""
    sizes = np.abs(factor).max(axis=0)
    unit = factor / np.where(sizes > 0, sizes, 1.0)
    levels = [penalty.degree * penalty.value(unit[:, [q]]) for q in range(factor.shape[1])]
    with np.errstate(divide="ignore"):
        return np.log(levels) + penalty.degree * np.log(sizes, dtype=float)


def _checked(factors, penalties):
    """Return the factors as arrays that match each other and the penalties."""
    if len(factors) != len(penalties):
        raise ValueError(
            f"penalties must hold one for each of the {len(factors)} factors, got {len(penalties)}."
        )
    check_homogeneous(penalties)
    factors = tuple(check_array(f"factors[{k}]", a, ndim=2) for k, a in enumerate(factors))
    ranks = sorted({factor.shape[1] for factor in factors})
    if len(ranks) > 1:
        raise ValueError(f"factors must have the same number of columns, got {ranks}.")
    for k, (factor, penalty) in enumerate(zip(factors, penalties)):
        if _log_levels_of(factor, penalty).max() == np.inf:
            raise ValueError(f"factors[{k}] is outside the domain of {penalty!r}.")
    return factors
