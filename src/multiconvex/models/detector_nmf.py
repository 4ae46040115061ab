r"""Nonnegative factorisation of what a detector with read noise has counted."""

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.checks import check_array, check_blocks, check_option, check_rank
from multiconvex.engine import alternate
from multiconvex.models.factor_problem import DivergenceProblem, as_operand
from multiconvex.models.initialization import filled, nndsvd, random_factors
from multiconvex.models.nmf import MatrixFactorization
from multiconvex.penalties import NonNegative
from multiconvex.stabilisation import (
    ANSCOMBE,
    ShiftedKullbackLeibler,
    StabilizedSquares,
    in_photons,
)
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.updates import MultiplicativeUpdate


def poisson_gaussian_nmf(
    X,
    rank,
    *,
    gain=1.0,
    mean=0.0,
    deviation=0.0,
    loss="kullback-leibler",
    init="random",
    max_iter=1000,
    tol=1e-6,
    callback=None,
    random_state=None,
):
    r"""Factorise expected photons behind data with Poisson and Gaussian noise.

    The data are :math:`X = g\, \mathrm{Poisson}(W H^T) + \mathcal N(\mu, \sigma^2)`, entry by
    entry. In units of photons, :math:`Y = (X - \mu) / g` and :math:`s = \sigma / g`,

    .. math:: \min_{W, H \ge 0} \; \sum_{ij} d\bigl(Y_{ij}, (W H^T)_{ij}\bigr),

    with :math:`d` one of

    - ``"kullback-leibler"``: :class:`ShiftedKullbackLeibler` with :math:`c = s^2`,
    - ``"stabilised"``: :class:`StabilizedSquares` with :math:`c = 3/8 + s^2`.

    Parameters
    ----------
    X : ndarray, shape (m, n)
        Negative entries are possible where there is read noise.
    rank : int
    gain, mean, deviation : float
        Of the detector: :math:`g`, :math:`\mu`, :math:`\sigma`.
    loss : {"kullback-leibler", "stabilised"}
    init : {"random", "nndsvd"} or pair of ndarray
        Given factors are in units of photons. From ``"nndsvd"``, whose zeros are filled with
        little, multiplicative updates may rest long on a plateau.
    max_iter, tol : int, float
        At most so many sweeps, and none after one that lowers the objective by less than this
        fraction.
    callback : callable, optional
        See :func:`alternate`.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    MatrixFactorization
        With ``.W`` (m, rank), ``.H`` (n, rank) and the model ``.reconstruct()`` in photons.

    Raises
    ------
    ValueError
        For data that are empty, not finite, or nowhere above the dark level; negative counts
        without read noise; a gain that is not positive; a rank below 1 or above both sides.

    Notes
    -----
    Guarantee: the objective never increases.

    Cost: O(mnr) per sweep.

    Chapter: :doc:`/chapters/open_problems/poisson_and_gaussian`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import poisson_gaussian_nmf
    >>> rng = np.random.default_rng(0)
    >>> photons = 50.0 * rng.random((30, 2)) @ rng.random((2, 40))
    >>> X = 2.0 * rng.poisson(photons) + rng.normal(100.0, 3.0, photons.shape)
    >>> detector = {"gain": 2.0, "mean": 100.0, "deviation": 3.0}
    >>> result = poisson_gaussian_nmf(X, 2, **detector, random_state=0)
    >>> gap = result.reconstruct() - photons
    >>> bool(np.linalg.norm(gap) < 0.08 * np.linalg.norm(photons))
    True
    """
    recorder = Recorder()
    X = check_array("X", X, ndim=2)
    rank = check_rank(rank, X.shape)
    check_option("loss", loss, ("kullback-leibler", "stabilised"))
    Y, spread = in_photons(X, gain, mean, deviation)
    if spread == 0.0 and Y.min() < 0:
        raise ValueError(
            "X has entries below mean, which counts without read noise cannot have: give the "
            "deviation of the read noise, or correct mean."
        )
    if Y.max() <= 0:
        raise ValueError("X is nowhere above mean: there are no photons to factorise.")
    divergence = (
        ShiftedKullbackLeibler(spread)
        if loss == "kullback-leibler"
        else StabilizedSquares(ANSCOMBE + spread)
    )
    problem = DivergenceProblem(Y, rank, divergence, (NonNegative(), NonNegative()))
    result = alternate(
        problem,
        _start(problem, np.maximum(Y, 0.0), init, np.random.default_rng(random_state)),
        MultiplicativeUpdate(),
        acceleration=Extrapolation(),
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
        recorder=recorder,
    )
    return MatrixFactorization(**vars(result))


def _start(problem, photons, init, rng):
    shapes = [block.shape for block in problem.blocks]
    if not isinstance(init, str):
        return check_blocks(init, shapes, ["W", "H"])
    check_option("init", init, ("nndsvd", "random"))
    operand, rank = as_operand(photons), shapes[0][1]
    if init == "random":
        return random_factors(operand, rank, rng, nonnegative=True)
    return filled(nndsvd(operand, rank, rng))
