r"""Nonnegative factorisation with a small simplex around the data."""

from dataclasses import dataclass

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.checks import (
    check_array,
    check_blocks,
    check_option,
    check_positive,
    check_rank,
)
from multiconvex.engine import alternate
from multiconvex.memo import IdentityMemo
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.models.nmf import MatrixFactorization, has_nonnegative
from multiconvex.models.separable_nmf import separable_nmf
from multiconvex.models.span_volume import SpanVolume
from multiconvex.penalties import NonNegative, Simplex, SubSimplex
from multiconvex.problem import MultiblockProblem
from multiconvex.regression import nnls
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.updates import HALS, AcceleratedProxGradient

_AT_MOST_ONE = (NonNegative(), SubSimplex())
_BOUNDED = ([NonNegative, SubSimplex], [NonNegative, Simplex])
_UPDATES = {"W": HALS(), "H": AcceleratedProxGradient()}
_FIRST_STEPS = 200


class MinimumVolumeProblem(MultiblockProblem):
    r"""Factor model of a matrix that pays for the volume spanned by its left factor.

    .. math:: \tfrac12 \|X - W H^T\|_F^2 + \tfrac{\lambda}{2} \log\det(I + W^T W / \delta)
              + g_W(W) + g_H(H)

    The second term is neither convex nor concave in ``W``; a ridge lies above it and touches it at
    the current ``W`` (``span_volume``). What the problem offers to updates of
    ``W`` are the normal equations with that ridge: those of a regression that is convex, and that
    no update can lower without lowering the objective.

    Parameters
    ----------
    X : ndarray or scipy.sparse array, shape (m, n)
    rank : int
    penalties : pair of Penalty
    weight, delta : float
        :math:`\lambda` and :math:`\delta`, in squared units of the data.
    """

    def __init__(self, X, rank, penalties, weight, delta):
        self._fit = FactorProblem(X, rank, penalties)
        self.data, self.blocks = self._fit.data, self._fit.blocks
        self.volume = SpanVolume(weight, delta)
        self._ridges = IdentityMemo()

    def loss(self, x):
        return self._fit.loss(x) + self.volume.value(x[0])

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` of the quadratic that touches the loss at ``x`` from above."""
        gram, rhs = self._fit.normal_equations(x, k)
        if k == 0:
            gram = gram + self._ridges("ridge", x[:1], lambda: self.volume.ridge(x[0]))
        return gram, rhs

    def gradient(self, x, k):
        gram, rhs = self.normal_equations(x, k)
        return x[k] @ gram - rhs

    def lipschitz(self, x, k):
        """Return the curvature of the majorant at ``x``."""
        return float(np.linalg.eigvalsh(self.normal_equations(x, k)[0])[-1])


@dataclass(frozen=True, repr=False, kw_only=True)
class MinimumVolumeFactorization(MatrixFactorization):
    r"""A model ``W @ H.T`` with a small ``W``; see :class:`MatrixFactorization`.

    Attributes
    ----------
    volume : float
        :math:`\log\det(I + W^T W / \delta)` at the end.
    """

    volume: float


def minvol_nmf(
    X,
    rank,
    *,
    volume=1e-4,
    delta=0.1,
    penalties=_AT_MOST_ONE,
    init="separable",
    max_iter=500,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise ``X ≈ W Hᵀ`` with the columns of ``W`` close around the data.

    .. math:: \min_{W, H} \; \tfrac12 \|X - W H^T\|_F^2 + \tfrac{\lambda}{2}
              \log\det(I + W^T W / \delta) \quad\text{subject to}\quad W, H \ge 0, \;
              H \mathbf{1} \le \mathbf{1},

    [1]_ [2]_ with :math:`\lambda` and :math:`\delta` relative to the data,

    .. math:: \lambda = \texttt{volume} \cdot \|X\|_F^2, \qquad
              \delta = \texttt{delta} \cdot \|X\|_F^2 / n .

    Columns of ``X`` lie in a simplex whose corners are the columns of ``W`` and the origin. Among
    the simplices that contain the data, the smallest is asked for: it needs no pure column in the
    data, only columns that are scattered widely enough.

    Parameters
    ----------
    X : ndarray, shape (m, n)
        Nonnegative.
    rank : int
    volume : float, default 1e-4
        Weight of the volume. Noise asks for a weight, and too much of it shrinks ``W`` into the
        data: look at a few values.
    delta : float, default 0.1
        Below this the size of a column hardly counts.
    penalties : pair of Penalty
        Of ``W``, nonnegative, and of ``H``, which fixes the scale: ``SubSimplex()`` for weights
        that sum to at most one in each row, ``Simplex()`` for weights that sum to one.
    init : {"separable", "random"} or pair of ndarray
        ``"separable"`` starts from :func:`separable_nmf`, ``"random"`` from columns of the data,
        both scaled so that the largest weight of each column is one.
    max_iter, tol, callback, random_state
        See :func:`nmf`.

    Returns
    -------
    MinimumVolumeFactorization
        With ``.W`` (m, rank), ``.H`` (n, rank), ``.objective``, ``.trace``, ``.volume``.

    Raises
    ------
    ValueError
        For data that are empty, zero, not finite or negative, a weight that is not positive, a rank
        below 1 or above both sides, penalties that do not bound ``H``, or an initial point of the
        wrong shape.

    Notes
    -----
    Guarantee: the objective never increases. Without noise, and for a full-rank W, the smallest
    exact factorisation is unique where the rows of H are sufficiently scattered.

    Cost: two products with the data per sweep, O(mnr), and up to fifteen gradient steps on H,
    O(n r^2) each.

    Chapter: :doc:`/chapters/applications/spectral_unmixing`

    ``W`` is improved by :class:`HALS` on a convex quadratic that touches the objective from above
    (:class:`MinimumVolumeProblem`), ``H`` by :class:`AcceleratedProxGradient`.

    References
    ----------
    .. [1] X. Fu, K. Huang, B. Yang, W.-K. Ma and N. D. Sidiropoulos, "Robust volume
       minimization-based matrix factorization for remote sensing and document clustering", IEEE
       Transactions on Signal Processing 64, 2016.
    .. [2] V. Leplat, A. M. S. Ang and N. Gillis, "Minimum-volume rank-deficient nonnegative matrix
       factorizations", ICASSP 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import match_components, minvol_nmf
    >>> W = np.array([[1.0, 0.1, 0.2], [0.1, 1.0, 0.3], [0.2, 0.2, 1.0], [0.6, 0.1, 0.4]])
    >>> H = np.random.default_rng(0).dirichlet(np.ones(3), 500)
    >>> result = minvol_nmf(W @ H[H.max(axis=1) < 0.8].T, 3, tol=1e-8)
    >>> bool(match_components(result.W, W)[1].min() > 0.999)
    True
    """
    recorder = Recorder()
    X = check_array("X", X, ndim=2, nonnegative=True)
    rank = check_rank(rank, X.shape)
    check_positive("volume", volume)
    check_positive("delta", delta)
    _check_penalties(penalties)
    size = float(np.vdot(X, X))
    if size == 0.0:
        raise ValueError("X is zero: there is nothing to factorise.")
    problem = MinimumVolumeProblem(X, rank, penalties, volume * size, delta * size / X.shape[1])
    result = alternate(
        problem,
        _start(problem, X, init, np.random.default_rng(random_state)),
        _UPDATES,
        acceleration=Extrapolation(),
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
        recorder=recorder,
    )
    volume = problem.volume.logarithm(result.blocks["W"])
    return MinimumVolumeFactorization(**vars(result), volume=volume)


def _check_penalties(penalties):
    has_nonnegative(penalties)
    if [type(penalty) for penalty in penalties] not in _BOUNDED:
        raise ValueError(
            "penalties must be (NonNegative(), SubSimplex()) or (NonNegative(), Simplex()), got "
            f"{penalties!r}: where the rows of H have no bound, the volume of W has no minimum."
        )


def _start(problem, X, init, rng):
    """Return feasible blocks; columns of W are scaled so that each weight reaches one somewhere."""
    blocks = problem.blocks
    if not isinstance(init, str):
        given = check_blocks(init, [b.shape for b in blocks], [b.name for b in blocks])
        return tuple(b.penalty.prox(x, 0.0) for b, x in zip(blocks, given))
    check_option("init", init, ("separable", "random"))
    rank = blocks[0].shape[1]
    if init == "separable":
        W, H = separable_nmf(X, rank).factors
    else:
        W = X[:, rng.choice(X.shape[1], rank, replace=X.shape[1] < rank)]
        H = nnls(W, X).x.T
    peaks = H.max(axis=0)
    peaks[peaks == 0] = 1.0
    x = np.ascontiguousarray(W * peaks), blocks[1].penalty.prox(H / peaks, 0.0)
    return x[0], AcceleratedProxGradient(steps=_FIRST_STEPS)(problem, x, 1, None)[0]
