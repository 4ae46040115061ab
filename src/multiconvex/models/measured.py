r"""Images from measurements, and their spectra and abundances straight from measurements."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array, check_blocks, check_option, check_positive, check_rank
from multiconvex.engine import alternate
from multiconvex.losses import Frobenius, KullbackLeibler, as_loss
from multiconvex.models.initialization import filled
from multiconvex.models.measured_problem import MeasuredFactorProblem, MeasuredRegressionProblem
from multiconvex.models.nmf import MatrixFactorization, nmf
from multiconvex.penalties import NonNegative
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder, Result
from multiconvex.updates import MetricProxGradient

_START_STEPS, _START_SWEEPS = 3, 20


@dataclass(frozen=True, repr=False)
class MeasuredRegression(Result):
    """An image estimated from measurements; see :class:`~multiconvex.Result`.

    Attributes
    ----------
    vector : bool
        Whether the measurements were a vector.
    """

    vector: bool = False

    @property
    def x(self):
        """The image, shape (pixels,), or one column for each spectrum or band."""
        return self.blocks["W"][:, 0] if self.vector else self.blocks["W"]


@dataclass(frozen=True, repr=False)
class MeasuredFactorization(MatrixFactorization):
    """Abundances ``W`` and spectra ``H`` of an image; see :class:`MatrixFactorization`.

    ``reconstruct()`` is the image, of shape (pixels, bands), not the measurements.
    """


def measured_regression(
    Y,
    operator,
    *,
    spectra=None,
    loss="kullback-leibler",
    penalty=NonNegative(),
    gain=1.0,
    background=0.0,
    update=None,
    init=None,
    max_iter=1000,
    tol=1e-8,
    callback=None,
):
    r"""Estimate an image, or abundances of known spectra, from linear measurements.

    .. math:: \min_W \; D\bigl(Y, \alpha A W H^T + b \mathbf 1^T\bigr) + g(W)

    With the Kullback-Leibler loss this is the maximum-likelihood estimate for counts
    :math:`Y \sim \mathcal P(\alpha A W H^T + b)`, and with a penalty the maximum *a posteriori*.

    Parameters
    ----------
    Y : ndarray, shape (m,) or (m, bands)
        Nonnegative for the Kullback-Leibler loss.
    operator : LinearOperator or matrix, shape (m, pixels)
        Nonnegative, such as ``SplitHadamard2D(n).as_linear_operator()``.
    spectra : ndarray, shape (bands, rank), optional
        The known spectra :math:`H`. Without them each band is an image of its own.
    loss : {"kullback-leibler", "frobenius"}
    penalty : Penalty
        Of the image: :class:`NonNegative`, :class:`Box`, :class:`ImageTotalVariation`, ...
    gain : float
        The factor :math:`\alpha`.
    background : float or ndarray, shape (m,)
        The dark current :math:`b`: it stays in the model, since what is left after its subtraction
        is not Poisson, and negative in places.
    update : Update, optional
        :class:`MetricProxGradient` by default; :class:`MultiplicativeUpdate` is very slow here.
    init : ndarray, shape (pixels,) or (pixels, rank), optional
        By default constant, at the brightness of the data.
    max_iter, tol, callback
        See :func:`alternate`.

    Returns
    -------
    MeasuredRegression
        With ``.x``.

    Raises
    ------
    ValueError
        For measurements that are not finite, negative or of another number than the operator has
        rows, or spectra of other bands.

    Notes
    -----
    Guarantee: monotone descent to a global minimiser, for a convex penalty.

    Cost: two products with the operator and two passes over Y per sweep.

    Chapter: :doc:`/chapters/applications/single_pixel_imaging`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import SplitHadamard2D, measured_regression
    >>> camera, image = SplitHadamard2D(4), np.linspace(0.1, 1.0, 16).reshape(4, 4)
    >>> counts = camera.acquire(image, gain=1e6, dark=3.0, random_state=0).ravel()
    >>> fit = measured_regression(counts, camera.as_linear_operator(), gain=1e6, background=3.0)
    >>> bool(np.abs(fit.x.reshape(4, 4) - image).max() < 0.01)
    True
    """
    recorder = Recorder()
    loss = _check_loss(loss)
    Y = check_array("Y", Y, ndim=(1, 2), nonnegative=isinstance(loss, KullbackLeibler))
    vector = Y.ndim == 1
    Y = Y[:, None] if vector else Y
    _check_measured(Y, operator, gain, background)
    spectra = _check_spectra(spectra, Y)
    problem = MeasuredRegressionProblem(
        Y, operator, spectra, loss, penalty, gain=gain, background=background
    )
    shape = problem.blocks[0].shape
    if init is None:
        start = problem.flat_start()
    else:
        init = np.asarray(init)
        (start,) = check_blocks((init.reshape(-1, 1) if vector else init,), (shape,), ("W",))
    result = alternate(
        problem,
        (penalty.prox(start, 0.0),),
        update or MetricProxGradient(),
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
        recorder=recorder,
    )
    return MeasuredRegression(**vars(result), vector=vector)


def measured_nmf(
    Y,
    operator,
    rank,
    *,
    loss="kullback-leibler",
    penalties=(NonNegative(), NonNegative()),
    gain=1.0,
    background=0.0,
    update=None,
    init="reconstruct",
    max_iter=60,
    tol=1e-7,
    callback=None,
    random_state=None,
):
    r"""Find spectra and abundances of an image of which linear combinations are measured.

    .. math:: \min_{W, H} \; D\bigl(Y, \alpha A W H^T + b \mathbf 1^T\bigr) + g_W(W) + g_H(H)

    Reconstruction and unmixing in one problem, convex in each factor: the image
    :math:`X = W H^T` is never formed.

    Parameters
    ----------
    Y : ndarray, shape (m, bands)
    operator : LinearOperator or matrix, shape (m, pixels)
    rank : int
    loss, gain, background
        See :func:`measured_regression`.
    penalties : pair of Penalty
        Of the abundances ``W``, any with a prox; of the spectra ``H``, :class:`NonNegative`.
    update : Update or dict, optional
        :class:`MetricProxGradient` by default.
    init : {"reconstruct"} or pair of ndarray
        ``"reconstruct"`` reconstructs every band by nonnegative least squares and factorises what
        comes out: the two steps that this function makes one.
    max_iter : int
        Largest number of sweeps.
    tol, callback
        See :func:`alternate`.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    MeasuredFactorization
        With abundances ``.W`` (pixels, rank) and spectra ``.H`` (bands, rank).

    Raises
    ------
    ValueError
        As :func:`measured_regression`, and for a rank that is impossible.

    Notes
    -----
    Guarantee: the objective never increases.

    Cost: O(m bands rank) per sweep, and 4 rank products with the operator.

    Chapter: :doc:`/chapters/applications/single_pixel_imaging`

    References
    ----------
    S. Hariga, J. E. Cohen and N. Ducros, "Joint reconstruction and spectral unmixing from
    single-pixel acquisitions", EUSIPCO 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import SplitHadamard2D, measured_nmf
    >>> camera, rng = SplitHadamard2D(8), np.random.default_rng(0)
    >>> X = rng.random((64, 2)) @ np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    >>> A = camera.as_linear_operator()
    >>> result = measured_nmf(A @ X, A, 2, random_state=0)
    >>> result.W.shape, result.H.shape
    ((64, 2), (3, 2))
    >>> bool(np.abs(result.reconstruct() - X).max() < 0.02)
    True
    """
    recorder = Recorder()
    loss = _check_loss(loss)
    Y = check_array("Y", Y, ndim=2, nonnegative=True)
    _check_measured(Y, operator, gain, background)
    rank = check_rank(rank, (operator.shape[1], Y.shape[1]))
    problem = MeasuredFactorProblem(
        Y, operator, rank, loss, penalties, gain=gain, background=background
    )
    if isinstance(init, str):
        check_option("init", init, ("reconstruct",))
        start = _reconstruct(Y, operator, rank, gain, background, random_state)
    else:
        start = check_blocks(init, [block.shape for block in problem.blocks], ("W", "H"))
    result = alternate(
        problem,
        tuple(block.penalty.prox(x, 0.0) for block, x in zip(problem.blocks, start)),
        update or MetricProxGradient(),
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
        recorder=recorder,
    )
    return MeasuredFactorization(**vars(result))


def _check_loss(loss):
    loss = as_loss(loss)
    if not isinstance(loss, Frobenius | KullbackLeibler):
        raise ValueError("loss must be 'kullback-leibler' or 'frobenius' here.")
    return loss


def _check_measured(Y, operator, gain, background):
    check_positive("gain", gain)
    rows = operator.shape[0]
    if len(Y) != rows:
        raise ValueError(
            f"Y must have one row for each of the {rows} measurements of the operator, got "
            f"{len(Y)}: flatten patterns and put bands last."
        )
    dark = check_array("background", background)
    if dark.shape not in ((), (1,), (rows,)) or dark.min() < 0:
        raise ValueError(
            f"background must be a nonnegative number or one for each of the {rows} measurements."
        )


def _check_spectra(spectra, Y):
    if spectra is None:
        return np.eye(Y.shape[1], dtype=Y.dtype)
    spectra = check_array("spectra", spectra, ndim=2, nonnegative=True)
    if len(spectra) != Y.shape[1]:
        raise ValueError(
            f"spectra must have one row for each of the {Y.shape[1]} bands of Y, got "
            f"{len(spectra)}."
        )
    return spectra.astype(Y.dtype, copy=False)


def _reconstruct(Y, operator, rank, gain, background, random_state):
    """Return factors of the image that nonnegative least squares reconstructs band by band."""
    problem = MeasuredRegressionProblem(
        Y - np.asarray(background, Y.dtype).reshape(-1, 1),
        operator,
        np.eye(Y.shape[1], dtype=Y.dtype),
        Frobenius(),
        NonNegative(),
        gain=gain,
    )
    rule = MetricProxGradient(steps=_START_STEPS)
    image, _ = rule(problem, (problem.flat_start(),), 0, None)
    fit = nmf(image, rank, tol=0.0, max_iter=_START_SWEEPS, random_state=random_state)
    return filled(fit.factors)
