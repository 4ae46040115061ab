r"""Separable factorisation of an image that is known only through linear measurements."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import aslinearoperator, lsqr

from multiconvex.checks import (
    check_array,
    check_blocks,
    check_count,
    check_option,
    check_positive,
    check_rank,
)
from multiconvex.engine import alternate
from multiconvex.memo import IdentityMemo
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.models.nmf import MatrixFactorization
from multiconvex.models.separable_nmf import separable_nmf
from multiconvex.models.span_volume import SpanVolume
from multiconvex.penalties import NonNegative, NoPenalty, Simplex, SubSimplex
from multiconvex.problem import Block, MultiblockProblem
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.updates import HALS, AcceleratedProxGradient

_FIRST_STEPS = 60
_FIRST_VOLUME = 1e-2
_POWER_STEPS = 200
_SETTLED = 1e-7
_SHARES = Simplex()


class MeasuredSimplexProblem(MultiblockProblem):
    r"""Factor model of an image behind an operator, which pays for the volume of its spectra.

    .. math:: \tfrac12 \|Y - A W H^T\|_F^2 + \tfrac{\lambda}{2} \log\det(I + H^T H / \delta)
              + g(W) \quad\text{subject to}\quad H \ge 0

    The data term is convex in each block. A ridge lies above the volume and touches it at the
    current spectra (``span_volume``); with it, the normal equations of ``H`` are those of a convex
    majorant.

    Parameters
    ----------
    Y : ndarray, shape (q, m)
    operator : LinearOperator, shape (q, n)
        The matrix :math:`A`.
    rank : int
    penalty : Penalty
        Of the rows of ``W``, shape (n, rank).
    weight, delta : float
        :math:`\lambda` and :math:`\delta`.
    """

    def __init__(self, Y, operator, rank, penalty, weight, delta):
        self.operator = operator
        self.volume = SpanVolume(weight, delta)
        self._fit = FactorProblem(Y, rank, (NoPenalty(), NonNegative()))
        self._bound = squared_norm(operator)
        self._images = IdentityMemo()
        self.blocks = (
            Block("W", (operator.shape[1], rank), penalty),
            Block("H", (Y.shape[1], rank), NonNegative()),
        )

    def loss(self, x):
        return self._fit.loss(self._measured(x)) + self.volume.value(x[1])

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` of the quadratic in ``H`` that touches the loss from above."""
        gram, rhs = self._fit.normal_equations(self._measured(x), k)
        return gram + self.volume.ridge(x[1]), rhs

    def gradient(self, x, k):
        if k == 0:
            return self.operator.rmatmat(self._fit.gradient(self._measured(x), 0))
        gram, rhs = self.normal_equations(x, 1)
        return x[1] @ gram - rhs

    def lipschitz(self, x, k):
        """Return the largest curvature in ``W``, or that of the majorant in ``H``."""
        if k == 0:
            return self._bound * self._fit.lipschitz(self._measured(x), 0)
        return float(np.linalg.eigvalsh(self.normal_equations(x, 1)[0])[-1])

    def _measured(self, x):
        return self._images(0, x[:1], lambda: self.operator.matmat(x[0])), x[1]


@dataclass(frozen=True, repr=False, kw_only=True)
class InverseSeparableFactorization(MatrixFactorization):
    r"""A model ``W @ H.T`` of an image that was measured; see :class:`MatrixFactorization`.

    Attributes
    ----------
    indices : ndarray of int, shape (rank,)
        For each component the row of the image that holds most of it.
    volume : float
        :math:`\log\det(I + H^T H / \delta)` at the end.
    """

    indices: np.ndarray
    volume: float


def inverse_separable_nmf(
    Y,
    operator,
    rank,
    *,
    volume=1e-5,
    delta=1e-3,
    penalty=_SHARES,
    init="reconstruction",
    stages=20,
    sweeps=10,
    max_iter=1000,
    tol=1e-5,
    callback=None,
):
    r"""Factorise an image ``X ≈ W Hᵀ`` of which only ``Y ≈ A X`` was measured.

    .. math:: \min_{W, H} \; \tfrac12 \|Y - A W H^T\|_F^2 + \tfrac{\lambda}{2}
              \log\det(I + H^T H / \delta) \quad\text{subject to}\quad H \ge 0, \; W \ge 0, \;
              W \mathbf{1} = \mathbf{1},

    with :math:`\lambda` and :math:`\delta` relative to the data,

    .. math:: \lambda = \texttt{volume} \cdot \|Y\|_F^2, \qquad
              \delta = \texttt{delta} \cdot \|H_0\|_F^2 / \texttt{rank} .

    Rows of the image are pixels. If every component has a pixel to itself, the smallest simplex
    around the pixels has the pure ones as its corners. The measurements never show those pixels,
    but they bound what the simplex may be, so its volume takes the place of a selection.

    Parameters
    ----------
    Y : ndarray, shape (q, m)
        One row for each measurement, one column for each band; differences of measurements may be
        negative.
    operator : ndarray, scipy.sparse array or LinearOperator, shape (q, n)
        The matrix :math:`A` that measures images of ``n`` pixels.
    rank : int
        At most ``min(q, m)``.
    volume : float, default 1e-5
        Weight of the volume at the end.
    delta : float, default 1e-3
        Below this the size of a spectrum hardly counts.
    penalty : Simplex or SubSimplex
        What abundances of a pixel satisfy: they sum to one, or to at most one.
    init : "reconstruction" or pair of ndarray
        By default the smallest image that fits the data, then :func:`separable_nmf` on it.
    stages, sweeps : int
        The weight of the volume starts at 0.01 and falls in so many stages of so many sweeps: a
        large weight moves where a small one is stuck.
    max_iter : int
        Largest number of sweeps of the last stage, with the final weight.
    tol : float
        Stop when a sweep lowers the objective by less than this fraction.
    callback : callable, optional
        See :func:`alternate`.

    Returns
    -------
    InverseSeparableFactorization
        With ``.W`` (n, rank), ``.H`` (m, rank), ``.indices``, ``.reconstruct()`` (n, m). The trace
        goes through all stages and does not rise, because a lower weight lowers the objective.

    Raises
    ------
    ValueError
        For data that are empty, zero or not finite, shapes that do not match, a rank above the
        number of measurements or bands, or weights that are not positive.
    TypeError
        For another penalty.

    Notes
    -----
    Guarantee: the objective never increases. The answer is not proved to be the pure pixels: a
    random set of patterns that is too small gives another one.

    Cost: per sweep O(q m r) and at most five applications of the operator and of its adjoint to
    ``rank`` images.

    Chapter: :doc:`/chapters/open_problems/separable_inverse`

    References
    ----------
    X. Fu, K. Huang, B. Yang, W.-K. Ma and N. D. Sidiropoulos, "Robust volume minimization-based
    matrix factorization for remote sensing and document clustering", IEEE Transactions on Signal
    Processing 64, 2016, for the volume, without an operator.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import inverse_separable_nmf, match_components
    >>> rng = np.random.default_rng(0)
    >>> spectra = np.array([[1.0, 0.1, 0.2], [0.1, 1.0, 0.3], [0.2, 0.2, 1.0], [0.6, 0.1, 0.4]])
    >>> maps = np.repeat(np.vstack([np.eye(3), rng.dirichlet(np.ones(3), 13)]), 4, axis=0)
    >>> sums_of_four = np.kron(np.eye(16), np.ones(4))
    >>> Y = sums_of_four @ maps @ spectra.T
    >>> result = inverse_separable_nmf(Y, sums_of_four, 3)
    >>> bool(match_components(result.H, spectra)[1].min() > 0.999)
    True
    """
    recorder = Recorder()
    Y = check_array("Y", Y, ndim=2).astype(float, copy=False)
    operator = _check_operator(operator, Y)
    rank = check_rank(rank)
    if rank > min(Y.shape):
        raise ValueError(
            f"rank must be at most {min(Y.shape)}, the smaller side of Y of shape {Y.shape}, got "
            f"{rank}: spectra cannot be told apart from fewer measurements."
        )
    for name, value in (("volume", volume), ("delta", delta)):
        check_positive(name, value)
    check_count("stages", stages, least=0)
    check_count("sweeps", sweeps)
    if not isinstance(penalty, Simplex | SubSimplex) or penalty == Simplex(axis=0):
        raise TypeError(f"penalty must be Simplex() or SubSimplex(), got {penalty!r}.")
    size = float(np.vdot(Y, Y))
    if size == 0.0:
        raise ValueError("Y is zero: there is nothing to factorise.")
    problem = MeasuredSimplexProblem(Y, operator, rank, penalty, volume * size, 1.0)
    blocks = _start(problem, Y, init)
    delta *= max(float(np.vdot(blocks[1], blocks[1])), np.finfo(float).tiny) / rank
    rules = {"W": AcceleratedProxGradient(steps=5), "H": HALS()}
    options = {"callback": callback, "recorder": recorder}
    first = max(_FIRST_VOLUME, volume)
    for weight in np.geomspace(first, volume, stages, endpoint=False):
        problem.volume = SpanVolume(weight * size, delta)
        result = alternate(
            problem, blocks, rules, stop=RelativeDecrease(0.0), max_iter=sweeps, **options
        )
        blocks = tuple(result.blocks.values())
        if result.status == "stopped":
            break
    else:
        problem.volume = SpanVolume(volume * size, delta)
        stop = RelativeDecrease(tol)
        result = alternate(problem, blocks, rules, stop=stop, max_iter=max_iter, **options)
        blocks = tuple(result.blocks.values())
    return InverseSeparableFactorization(
        **vars(result), indices=blocks[0].argmax(axis=0), volume=problem.volume.logarithm(blocks[1])
    )


def least_norm_image(Y, operator, rank):
    r"""Return the smallest image that fits the data in the best subspace of spectra.

    .. math:: \min_X \|X\|_F \quad\text{subject to}\quad A X = Y Q Q^T \text{ in least squares},

    with :math:`Q` the first ``rank`` right singular vectors of ``Y``: measuring mixes pixels and
    leaves the span of the spectra as it is.

    Parameters
    ----------
    Y : ndarray, shape (q, m)
    operator : ndarray, scipy.sparse array or LinearOperator, shape (q, n)
    rank : int

    Returns
    -------
    ndarray, shape (n, m)
    """
    operator = aslinearoperator(operator)
    basis = np.linalg.svd(Y, full_matrices=False)[2][:rank]
    images = [lsqr(operator, column, atol=1e-10, btol=1e-10)[0] for column in (Y @ basis.T).T]
    return np.stack(images, axis=1) @ basis


def squared_norm(operator):
    """Return a bound on the largest squared singular value, by the power method from a fixed start.

    The start is random, so that no pattern is orthogonal to it, and the bound has one per cent to
    spare.
    """
    v = np.random.default_rng(0).standard_normal(operator.shape[1])
    value = 0.0
    for _ in range(_POWER_STEPS):
        v = operator.rmatvec(operator.matvec(v / np.linalg.norm(v)))
        before, value = value, float(np.linalg.norm(v))
        if value - before <= _SETTLED * value:
            break
    return 1.01 * value


def _check_operator(operator, Y):
    operator = aslinearoperator(operator)
    if operator.shape[0] != len(Y):
        raise ValueError(
            f"operator gives {operator.shape[0]} measurements but Y has {len(Y)} rows: pass one "
            "row of Y for each row of the operator."
        )
    return operator


def _start(problem, Y, init):
    """Return feasible blocks; maps that are not given are fitted to the first spectra."""
    maps, spectra = problem.blocks
    if not isinstance(init, str):
        given = check_blocks(init, [maps.shape, spectra.shape], ["W", "H"])
        return tuple(b.penalty.prox(x, 0.0) for b, x in zip(problem.blocks, given))
    check_option("init", init, ("reconstruction",))
    rank = maps.shape[1]
    image = np.maximum(least_norm_image(Y, problem.operator, rank), 0.0)
    H = separable_nmf(image.T, rank).W
    W = np.full(maps.shape, 1.0 / rank)
    return AcceleratedProxGradient(steps=_FIRST_STEPS)(problem, (W, H), 0, None)[0], H
