r"""Losses read as negative log-likelihoods, for scores on data that were not fitted.

A loss :math:`\varphi` of a residual stands for the density
:math:`e^{-\varphi(u)/s} / Z(s)` with a scale :math:`s` that the fit leaves open.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import erf, gammaln, logsumexp

from multiconvex.models.latent.links import Huber, Power, Square
from multiconvex.models.latent.sample_losses import AffineLoss, CentreLoss


def mixture_log_likelihood(losses, weights):
    r"""Return :math:`\log \sum_k p_k e^{-r_{ik}}` for each sample.

    Parameters
    ----------
    losses : ndarray, shape (m, K)
        Negative log-likelihoods of the samples under each factor.
    weights : ndarray, shape (K,)
        Probabilities of the factors.

    Examples
    --------
    >>> import numpy as np
    >>> mixture_log_likelihood(np.log([[2.0, 4.0]]), np.array([0.5, 0.5])).round(4)
    array([-0.9808])
    """
    return logsumexp(-losses, axis=1, b=weights[None, :])


def label_weights(z):
    """Return the share of the samples that belong to each factor."""
    return np.bincount(z.argmax(axis=1), minlength=z.shape[1]) / len(z)


def fit_scale(loss, losses):
    """Return the scale of largest likelihood for losses of residuals, None for other losses.

    Parameters
    ----------
    loss : SampleLoss or None
    losses : ndarray
        Of the samples under their own factor.
    """
    kind = _residuals_of(loss)
    if kind is None:
        return None
    link, count = kind
    mean = max(float(np.mean(losses)) / count, np.finfo(float).tiny)
    if not isinstance(link, Huber):
        return mean * _exponent(link)
    best = minimize_scalar(
        lambda log_scale: mean * np.exp(-log_scale) + log_normaliser(link, np.exp(log_scale)),
        bracket=(np.log(mean), np.log(mean) + 1.0),
    )
    return float(np.exp(best.x))


def negative_log_likelihoods(loss, losses, scale):
    """Return losses as negative log-likelihoods; unchanged where they have no scale."""
    if scale is None:
        return losses
    link, count = _residuals_of(loss)
    return losses / scale + count * log_normaliser(link, scale)


def log_normaliser(link, scale):
    r"""Return :math:`\log Z(s) = \log \int e^{-\varphi(u)/s} du` for a scalar residual.

    Examples
    --------
    >>> import numpy as np
    >>> float(log_normaliser(Square(), 2.0) - 0.5 * np.log(2.0 * np.pi))
    0.0
    """
    if isinstance(link, Huber):
        ratio = link.delta**2 / scale
        bell = np.sqrt(np.pi * scale) * erf(np.sqrt(ratio))
        return float(np.log(bell + scale / link.delta * np.exp(-ratio)))
    p = _exponent(link)
    return float(np.log(2.0) + np.log(scale) / p + gammaln(1.0 + 1.0 / p))


def _residuals_of(loss):
    """Return the link of the residuals of a sample and their number, None for other losses."""
    if isinstance(loss, CentreLoss):
        return Square(), loss.n_parameters
    bare = isinstance(loss, AffineLoss) and loss.linear is None and loss.constant is None
    known = bare and isinstance(loss.link, Square | Power | Huber)
    return (loss.link, loss.design.shape[1]) if known else None


def _exponent(link):
    return 2.0 if isinstance(link, Square) else link.p
