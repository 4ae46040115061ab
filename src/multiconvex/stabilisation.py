r"""Counts whose variance grows with their mean: transforms and losses that allow for it.

A detector turns :math:`z` expected photons into

.. math:: x = g\, \mathrm{Poisson}(z) + \mathcal N(\mu, \sigma^2),

with gain :math:`g`, dark level :math:`\mu` and read noise :math:`\sigma`. In units of photons,
:math:`y = (x - \mu) / g` has mean :math:`z` and variance :math:`z + (\sigma/g)^2`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import poisson

from multiconvex.checks import check_positive

ANSCOMBE = 3.0 / 8.0
_LARGEST_MEAN = 60.0
_GRID = 600
_NODES = np.linspace(-8.0, 8.0, 801)


def anscombe(x, *, gain=1.0, mean=0.0, deviation=0.0):
    r"""Transform counts so that their variance is close to one whatever their mean.

    .. math:: f(x) = \frac 2g \sqrt{\bigl[ g x + \tfrac38 g^2 + \sigma^2 - g \mu \bigr]_+}

    for :math:`x = g\,\mathrm{Poisson}(z) + \mathcal N(\mu, \sigma^2)` [1]_ [2]_. With the defaults
    this is the transform of Anscombe, :math:`2 \sqrt{x + 3/8}`.

    Parameters
    ----------
    x : array_like
    gain, mean, deviation : float
        :math:`g`, :math:`\mu` and :math:`\sigma`.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        For a gain that is not positive, or a negative deviation.

    Notes
    -----
    Guarantee: the variance tends to one as the mean grows; below three photons, without read
    noise, it is far from one.

    Cost: one square root an entry.

    Chapter: :doc:`/chapters/open_problems/poisson_and_gaussian`

    References
    ----------
    .. [1] F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data",
       Biometrika 35, 1948.
    .. [2] J.-L. Starck, F. Murtagh and A. Bijaoui, "Image Processing and Data Analysis",
       Cambridge University Press, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import anscombe
    >>> counts = np.random.default_rng(0).poisson(20.0, 100_000)
    >>> round(float(anscombe(counts).var()), 2)
    1.0
    """
    photons, spread = in_photons(x, gain, mean, deviation)
    return 2.0 * np.sqrt(np.maximum(photons + ANSCOMBE + spread, 0.0))


def inverse_anscombe(y, *, gain=1.0, mean=0.0, deviation=0.0):
    r"""Return the expected counts whose transformed values have the means ``y``.

    Solves :math:`\mathbb E[f(x) \mid z] = y` for :math:`z` [1]_. The algebraic inverse,
    :math:`y^2/4 - 3/8 - \sigma^2` at unit gain, answers another question, and is too low for
    averages of few photons because the square root bends.

    Parameters
    ----------
    y : array_like
        Means of values of :func:`anscombe`.
    gain, mean, deviation : float
        As for :func:`anscombe`.

    Returns
    -------
    ndarray
        Expected counts in the units of the data, at least ``mean``.

    Raises
    ------
    ValueError
        For detectors that :func:`anscombe` refuses.

    Notes
    -----
    Guarantee: unbiased, to the accuracy of a table of expectations up to 60 photons, and of the
    limit :math:`y^2/4 - 1/8 - \sigma^2` beyond.

    Cost: one interpolation an entry, and once for each read noise a table of 600 expectations.

    Chapter: :doc:`/chapters/open_problems/poisson_and_gaussian`

    References
    ----------
    .. [1] M. Mäkitalo and A. Foi, "Optimal inversion of the generalized Anscombe transformation
       for Poisson-Gaussian noise", IEEE Transactions on Image Processing 22, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import anscombe, inverse_anscombe
    >>> counts = np.random.default_rng(0).poisson(0.5, 100_000)
    >>> round(float(inverse_anscombe(anscombe(counts).mean())), 2)
    0.5
    """
    _, spread = in_photons(0.0, gain, mean, deviation)
    y = np.asarray(y, dtype=float)
    means, expected = _expectations(spread)
    photons = np.interp(y, expected, means)
    limit = np.square(y) / 4.0 - 0.125 - spread
    photons = np.where(y > expected[-1], limit, photons)
    return gain * photons + mean


def in_photons(x, gain, mean, deviation):
    """Return data in units of photons, and the variance of the read noise in those units."""
    check_positive("gain", gain)
    check_positive("deviation", deviation, allow_zero=True)
    return (np.asarray(x, dtype=float) - mean) / gain, (deviation / gain) ** 2


@dataclass(frozen=True)
class ShiftedKullbackLeibler:
    r"""Kullback-Leibler divergence after a background has been added to data and model.

    .. math:: \sum (y + c) \log \frac{y + c}{z + c} - y + z

    Adding the variance of the read noise, :math:`c = \sigma^2`, gives data of mean and variance
    :math:`z + c`, which are nearly Poisson [1]_. Data below :math:`-c` count as :math:`-c`.

    Parameters
    ----------
    offset : float
        The background :math:`c`.

    Notes
    -----
    Guarantee: convex in the model. Its multiplicative update treats the background as one more
    component that is known, and does not increase the loss.

    Cost: one logarithm an entry.

    Chapter: :doc:`/chapters/open_problems/poisson_and_gaussian`

    References
    ----------
    .. [1] D. L. Snyder, A. M. Hammoud and R. L. White, "Image recovery from data acquired with a
       charge-coupled-device camera", Journal of the Optical Society of America A 10, 1993.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import KullbackLeibler, ShiftedKullbackLeibler
    >>> y, z = np.array([2.0, 0.0]), np.array([1.0, 1.0])
    >>> ShiftedKullbackLeibler(0.0).value(y, z) == KullbackLeibler().value(y, z)
    True
    """

    offset: float

    def __post_init__(self):
        check_positive("offset", self.offset, allow_zero=True)

    def value(self, y, z):
        data, model = self._shifted(y, z)
        ratio = _divide(data, model)
        logs = np.log(np.maximum(ratio, np.finfo(model.dtype).tiny))
        missed = np.any((model == 0) & (data > 0))
        return np.inf if missed else max(float(np.sum(data * logs - data + model)), 0.0)

    def halves(self, y, z):
        """Return the weights of the two halves of the derivative ``1 - (y + c) / (z + c)``."""
        data, model = self._shifted(y, z)
        return _divide(data, model), np.ones_like(model)

    def curvature(self, y, z):
        """Return the second derivative in ``z``."""
        data, model = self._shifted(y, z)
        return _divide(data, model * model)

    def majorant_minimizer(self, x, num, den, l1, l2):
        r""":math:`2a / (b + \sqrt{b^2 + 4 \lambda_2 a})`, ``a = x num``, ``b = den + l1``."""
        a, b = x * num, den + l1
        return _divide(2.0 * a, b + np.sqrt(b * b + 4.0 * l2 * a))

    def _shifted(self, y, z):
        return _shift(y, self.offset), np.asarray(z) + self.offset


@dataclass(frozen=True)
class StabilizedSquares:
    r"""Half squared distance between transformed data and transformed model.

    .. math:: \tfrac12 \sum \bigl( 2 \sqrt{y + c} - 2 \sqrt{z + c} \bigr)^2

    The model is transformed, not fitted to transformed data: a low rank survives. The loss is
    convex in ``z``, since only :math:`-\sqrt{z + c}` bends. :math:`c = 3/8 + \sigma^2` is the
    generalised transform of Anscombe; :math:`c = 0` gives four times the squared distance of
    Hellinger, and for a large c the loss approaches :math:`(y - z)^2 / (2c)`. Data below
    :math:`-c` count as :math:`-c`.

    Parameters
    ----------
    offset : float
        The constant :math:`c`.

    Notes
    -----
    Guarantee: convex in the model. Its multiplicative update is :math:`x (num / den)^2`, with the
    constant as one more component that is known, and does not increase the loss.

    Cost: two square roots an entry.

    Chapter: :doc:`/chapters/open_problems/poisson_and_gaussian`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import StabilizedSquares, anscombe
    >>> y, z = np.array([7.0, 0.0]), np.array([4.0, 1.0])
    >>> gap = anscombe(y) - anscombe(z)
    >>> bool(np.isclose(StabilizedSquares(3 / 8).value(y, z), gap @ gap / 2))
    True
    """

    offset: float = ANSCOMBE

    def __post_init__(self):
        check_positive("offset", self.offset, allow_zero=True)

    def value(self, y, z):
        gap = (np.sqrt(_shift(y, self.offset)) - np.sqrt(z + self.offset)).ravel()
        return 2.0 * float(gap @ gap)

    def halves(self, y, z):
        r"""Return the weights of the halves of :math:`2 - 2 \sqrt{(y + c) / (z + c)}`."""
        ratio = _divide(_shift(y, self.offset), z + self.offset)
        return 2.0 * np.sqrt(ratio), np.full_like(ratio, 2.0)

    def curvature(self, y, z):
        """Return the second derivative in ``z``."""
        model = z + self.offset
        return _divide(np.sqrt(_shift(y, self.offset)), model * np.sqrt(model))

    def majorant_minimizer(self, x, num, den, l1, l2):
        r""":math:`x (\text{num} / (\text{den} + \lambda_1))^2`; a ridge is refused."""
        if l2:
            raise ValueError(
                "MultiplicativeUpdate has no closed form for StabilizedSquares with l2: drop the "
                "ridge, or use ShiftedKullbackLeibler."
            )
        return x * np.square(_divide(num, den + l1))


@lru_cache(maxsize=32)
def _expectations(spread):
    """Return means, and the expectation of the transform at each, for one read noise."""
    means = np.linspace(0.0, np.sqrt(_LARGEST_MEAN), _GRID) ** 2
    counts = np.arange(int(_LARGEST_MEAN + 12.0 * np.sqrt(_LARGEST_MEAN)) + 1.0)
    weights = np.exp(-0.5 * np.square(_NODES))
    noisy = counts[:, None] + np.sqrt(spread) * _NODES
    roots = 2.0 * np.sqrt(np.maximum(noisy + ANSCOMBE + spread, 0.0))
    at_count = roots @ weights / weights.sum()
    return means, poisson.pmf(counts, means[:, None]) @ at_count


def _shift(y, offset):
    return np.maximum(np.asarray(y) + offset, 0.0)


def _divide(num, den):
    """Divide, with 0 where the denominator is 0 (no data and no model there)."""
    return np.divide(
        num,
        den,
        out=np.zeros(np.broadcast_shapes(np.shape(num), np.shape(den)), np.result_type(num, den)),
        where=den > 0,
    )
