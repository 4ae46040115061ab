r"""Convolutive nonnegative matrix factorisation, and activations of templates that are known."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array, check_blocks, check_count, check_option, check_rank
from multiconvex.engine import alternate
from multiconvex.losses import as_loss
from multiconvex.models.convolutive_problem import ActivationProblem, ConvolutiveProblem
from multiconvex.models.initialization import filled
from multiconvex.operators.lags import lagged
from multiconvex.penalties import NonNegative
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder, Result
from multiconvex.updates import MultiplicativeUpdate

_LEAD = 3


@dataclass(frozen=True, repr=False, kw_only=True)
class ConvolutiveFactorization(Result):
    """Templates and their activations; see :class:`~multiconvex.Result` for other attributes.

    Attributes
    ----------
    W : ndarray, shape (m, width, rank)
        Templates.
    """

    W: np.ndarray

    @property
    def H(self):
        """Activations of shape (n, rank), in the rows of the frames where templates begin."""
        return self.blocks["H"]

    def components(self):
        """Return the part of the model of each template, of shape (rank, m, n)."""
        width, rank = self.W.shape[1:]
        copies = lagged(self.H, width).reshape(-1, width, rank)
        return np.stack([self.W[:, :, q] @ copies[:, :, q].T for q in range(rank)])

    def reconstruct(self):
        """Return the model, of shape (m, n)."""
        return self.W.reshape(len(self.W), -1) @ lagged(self.H, self.W.shape[1]).T


def convolutive_nmf(
    X,
    rank,
    width,
    *,
    loss="kullback-leibler",
    penalties=(NonNegative(), NonNegative()),
    update=None,
    init="loudest",
    acceleration=None,
    max_iter=200,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise a nonnegative matrix into templates that last several columns.

    Solves approximately, one block at a time,

    .. math:: \min_{W, H} \; D(X, \hat X) + g_W(W) + g_H(H), \qquad
              \hat X_{ft} = \sum_{q=1}^{r} \sum_{\tau=0}^{T-1} W_{f \tau q} H_{t - \tau, q},

    where :math:`H_{sq} = 0` for :math:`s < 0`: a template that begins near the end is cut off
    there, and nothing comes round. A width of one is :func:`nmf`.

    Parameters
    ----------
    X : ndarray or scipy.sparse array, shape (m, n)
        Nonnegative; such as the magnitudes of a spectrogram, time in columns. Never modified.
    rank : int
    width : int
        Columns a template lasts, :math:`T`.
    loss : str or loss object
        As for :func:`nmf`.
    penalties : pair of NonNegative
        Of ``W`` and of ``H``.
    update : Update or dict, optional
        By default :class:`MultiplicativeUpdate`.
    init : {"loudest", "random"} or pair of ndarray
        ``"loudest"`` copies windows of the data that begin a little before the heaviest
        columns, as far from each other as a template is wide.
    acceleration : None or Extrapolation
    max_iter, tol, callback, random_state
        As for :func:`nmf`.

    Returns
    -------
    ConvolutiveFactorization
        With ``.W`` (m, width, rank), ``.H`` (n, rank), ``.components()``, ``.reconstruct()``.

    Raises
    ------
    ValueError
        For data that are empty, not finite or negative, a rank or width below 1, a width above
        the number of columns, or an initial point of the wrong shape.

    Notes
    -----
    Guarantee: the objective never increases, borders included.

    Cost: O(m n T r) per sweep.

    Chapter: :doc:`/chapters/applications/music_transcription`

    The scale of a template is free: multiply it by a number and divide its activations.

    References
    ----------
    P. Smaragdis, "Convolutive speech bases and their application to supervised speech separation",
    IEEE Transactions on Audio, Speech and Language Processing 15, 2007. D. Fagot, H. Wendt,
    C. Févotte and P. Smaragdis, "Majorization-minimization algorithms for convolutive NMF with the
    beta-divergence", ICASSP 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import convolutive_nmf
    >>> X = np.zeros((3, 12))
    >>> for start in (1, 7):
    ...     X[:, start : start + 3] = [[4, 2, 1], [0, 3, 3], [1, 1, 0]]
    >>> result = convolutive_nmf(X, 1, 3, max_iter=2000, tol=1e-12)
    >>> bool(np.abs(X - result.reconstruct()).max() < 1e-3)
    True
    """
    recorder = Recorder()
    X = check_array("X", X, ndim=2, nonnegative=True, sparse=True)
    rank = check_rank(rank, X.shape)
    width = _check_width(width, X)
    problem = ConvolutiveProblem(X, rank, width, as_loss(loss), penalties)
    if isinstance(init, str):
        check_option("init", init, ("loudest", "random"))
        rng = np.random.default_rng(random_state)
        draw = _loudest_windows if init == "loudest" else _random_templates
        start = filled(draw(X, rank, width, rng))
    else:
        start = check_blocks(init, [block.shape for block in problem.blocks], ("W", "H"))
    result = alternate(
        problem, start, update or MultiplicativeUpdate(), acceleration=acceleration,
        stop=RelativeDecrease(tol), max_iter=max_iter, callback=callback, recorder=recorder,
    )  # fmt: skip
    return ConvolutiveFactorization(**vars(result), W=result.blocks["W"])


def template_activations(
    X,
    W,
    *,
    loss="kullback-leibler",
    l1=0.0,
    l2=0.0,
    update=None,
    init=None,
    acceleration=None,
    max_iter=200,
    tol=1e-6,
    callback=None,
):
    r"""Activations of known templates in a nonnegative matrix.

    .. math:: \min_{H \ge 0} \; D(X, \hat X) + \lambda_1 \sum H + \tfrac{\lambda_2}{2} \|H\|_F^2,
              \qquad \hat X_{ft} = \sum_{q, \tau} W_{f \tau q} H_{t - \tau, q},

    as in :func:`convolutive_nmf` with the templates held fixed, which makes it convex.

    Parameters
    ----------
    X : ndarray or scipy.sparse array, shape (m, n)
        Nonnegative.
    W : ndarray, shape (m, width, rank)
        Nonnegative.
    loss, update, acceleration, max_iter, tol, callback
        As for :func:`convolutive_nmf`.
    l1, l2 : float
        Weights :math:`\lambda_1, \lambda_2 \ge 0`.
    init : ndarray, shape (n, rank), optional
        Positive. By default constant, with the mass of the data.

    Returns
    -------
    ConvolutiveFactorization

    Raises
    ------
    ValueError
        For data or templates that are empty, not finite or negative, or that do not match.

    Notes
    -----
    Guarantee: the objective never increases, and its limit is the global minimum.

    Cost: O(m n T r) per sweep.

    Chapter: :doc:`/chapters/applications/music_transcription`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import template_activations
    >>> W = np.array([[[2.0], [1.0]], [[0.0], [1.0]]])
    >>> X = np.array([[0.0, 4.0, 2.0, 0.0, 2.0], [0.0, 0.0, 2.0, 0.0, 0.0]])
    >>> template_activations(X, W, tol=1e-12, max_iter=5000).H.ravel().round(4)
    array([0., 2., 0., 0., 1.])
    """
    recorder = Recorder()
    X = check_array("X", X, ndim=2, nonnegative=True, sparse=True)
    W = check_array("W", W, ndim=3, nonnegative=True).astype(X.dtype, copy=False)
    if len(W) != X.shape[0]:
        raise ValueError(f"W and X must have as many rows, got shapes {W.shape} and {X.shape}.")
    _check_width(W.shape[1], X)
    problem = ActivationProblem(X, W, as_loss(loss), NonNegative(l1, l2))
    shape = problem.blocks[0].shape
    if init is None:
        mass = float(X.sum()) / max(float(W.sum()) * X.shape[1], np.finfo(X.dtype).tiny)
        start = (np.full(shape, mass, X.dtype),)
    else:
        start = check_blocks((init,), (shape,), ("H",))
    result = alternate(
        problem, start, update or MultiplicativeUpdate(), acceleration=acceleration,
        stop=RelativeDecrease(tol), max_iter=max_iter, callback=callback, recorder=recorder,
    )  # fmt: skip
    return ConvolutiveFactorization(**vars(result), W=W)


def _check_width(width, X):
    width = check_count("width", width)
    if width > X.shape[1]:
        raise ValueError(
            f"width must be at most the {X.shape[1]} columns of X, got {width}: choose a shorter "
            "template."
        )
    return width


def _loudest_windows(X, rank, width, rng):
    """Return windows of the data around their heaviest columns, active where they were taken."""
    mass = np.asarray(X.sum(axis=0), float).ravel()
    m, n = X.shape
    W, H = np.empty((m, width, rank), X.dtype), np.zeros((n, rank), X.dtype)
    for q in range(rank):
        peak = int(mass.argmax()) if mass.max() > 0 else int(rng.integers(n))
        first = min(max(peak - min(_LEAD, width // 3), 0), n - width)
        window = X[:, first : first + width]
        W[:, :, q] = window if isinstance(window, np.ndarray) else window.toarray()
        H[first, q] = 1.0
        mass[max(peak - width, 0) : peak + width + 1] = 0.0
    return W, H


def _random_templates(X, rank, width, rng):
    """Return uniform templates and activations whose model has the mass of the data."""
    m, n = X.shape
    W, H = rng.random((m, width, rank)), rng.random((n, rank))
    model = float(W.sum(axis=0).ravel() @ lagged(H, width).sum(axis=0))
    scale = np.sqrt(float(X.sum()) / model)
    return (scale * W).astype(X.dtype), (scale * H).astype(X.dtype)
