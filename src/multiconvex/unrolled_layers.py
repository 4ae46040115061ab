r"""Layers of weighted multiplicative updates, forward and in reverse.

One layer moves both factors of :math:`X \approx W H^T`, with positive weights :math:`A, B`,

.. math::
    W^+ = A * W * \frac{X H}{W H^T H}, \qquad
    H^+ = B * H * \frac{X^T W^+}{H (W^+)^T W^+},

and unit weights give the multiplicative updates of Lee and Seung. Weights broadcast: ``A`` has
shape (m, r), ``B`` has shape (r,), so that a layer applies to any number of columns.

The reverse pass is written by hand. For one half, :math:`u = a * x * N / (x G)`, an adjoint
:math:`\bar u` of the new block gives

.. math::
    \bar N = \frac{\bar u * a * x}{x G}, \quad
    \bar D = -\frac{\bar u * u}{x G}, \quad
    \bar x = \bar u * a * \frac{N}{x G} + \bar D\, G, \quad
    \bar G = x^T \bar D, \quad
    \bar\alpha = \bar u * u

with :math:`a = e^\alpha`. Where :math:`N = X h` and :math:`G = h^T h`, the other factor receives
:math:`X^T \bar N + h (\bar G + \bar G^T)`.
"""

from typing import NamedTuple

import numpy as np

_FLOOR = {char: np.sqrt(np.finfo(char).tiny) for char in "fd"}


class Run(NamedTuple):
    """What a forward pass leaves for the reverse pass, one entry for each layer.

    Attributes
    ----------
    W, H : list of ndarray
        Factors, the start included.
    ratios_W, ratios_H : list of ndarray
        Quotients by which the layers multiplied them, before the weights.
    """

    W: list
    H: list
    ratios_W: list
    ratios_H: list


def multiply(x, weights, num, gram):
    """Return ``weights * x * num / (x @ gram)`` and the quotient.

    ``x`` and ``num`` are (n, r), ``gram`` is (r, r), and none is negative.
    """
    ratio = num / _divisor(x, gram)
    return x * weights * ratio, ratio


def multiply_adjoint(bar, x, new, weights, ratio, gram):
    """Return the adjoints of ``x``, ``num`` and ``gram + gram.T``."""
    pull = bar / _divisor(x, gram)
    bar_den = pull * new
    np.negative(bar_den, out=bar_den)
    bar_gram = x.T @ bar_den
    weighted = bar * ratio
    weighted *= weights
    weighted += bar_den @ gram
    pull *= x
    pull *= weights
    return weighted, pull, bar_gram + bar_gram.T


def forward(X, W, H, weights_W, weights_H):
    """Run the layers from the start ``(W, H)`` and keep every intermediate factor.

    Parameters
    ----------
    X : ndarray, shape (m, n)
    W : ndarray, shape (m, r)
    H : ndarray, shape (n, r)
    weights_W : sequence of ndarray of shape (m, r), or of None where ``W`` stays as it is
    weights_H : sequence of ndarray of shape (r,)
        One entry for each layer.

    Returns
    -------
    Run
    """
    run = Run([W], [H], [], [])
    num, gram = X.T @ W, W.T @ W
    for a, b in zip(weights_W, weights_H):
        ratio_W = None
        if a is not None:
            W, ratio_W = multiply(W, a, X @ H, H.T @ H)
            num, gram = X.T @ W, W.T @ W
        H, ratio_H = multiply(H, b, num, gram)
        for record, entry in zip(run, (W, H, ratio_W, ratio_H)):
            record.append(entry)
    return run


def reverse(X, run, weights_W, weights_H, adjoints):
    r"""Return the gradients of a loss of all layers in the logarithms of the weights.

    Parameters
    ----------
    X, weights_W, weights_H
        As in :func:`forward`, which made ``run``.
    adjoints : sequence of (ndarray, ndarray) or None
        Gradient of the loss in the factors after each layer, None where a layer has no part in it.

    Returns
    -------
    gradient_W : list of ndarray of shape (m, r), or of None where ``W`` stays as it is
    gradient_H : list of ndarray of shape (r,)
    """
    bar_W, bar_H = np.zeros_like(run.W[0]), np.zeros_like(run.H[0])
    layers = range(len(weights_H))
    gradient_W, gradient_H = [None for _ in layers], [None for _ in layers]
    for k in reversed(layers):
        W, H, a, b = run.W[k + 1], run.H[k], weights_W[k], weights_H[k]
        if adjoints[k] is not None:
            bar_W, bar_H = bar_W + adjoints[k][0], bar_H + adjoints[k][1]
        gradient_H[k] = np.einsum("ij,ij->j", bar_H, run.H[k + 1])
        bar_H, bar_num, bar_gram = multiply_adjoint(
            bar_H, H, run.H[k + 1], b, run.ratios_H[k], W.T @ W
        )
        if a is None:
            continue
        bar_W = bar_W + X @ bar_num + W @ bar_gram
        gradient_W[k] = bar_W * W
        bar_W, bar_num, bar_gram = multiply_adjoint(bar_W, run.W[k], W, a, run.ratios_W[k], H.T @ H)
        bar_H += X.T @ bar_num
        bar_H += H @ bar_gram
    return gradient_W, gradient_H


def factor_loss(W, H, true_W, true_H):
    r"""Return how far factors are from true ones, whatever their scale, and its gradient in both.

    With :math:`s_q` the mean of column q of W, :math:`\bar W = W / s` and :math:`\bar H = s H`,

    .. math:: \ell = \frac{\|\bar W - W^\star\|_F^2}{\|W^\star\|_F^2}
                     + \frac{\|\bar H - H^\star\|_F^2}{\|H^\star\|_F^2},

    where the columns of the true W have mean one. Leading axes of ``W`` and ``H``, such as one for
    layers, are those of the loss.
    """
    scale = W.mean(axis=-2, keepdims=True)
    spectra, amounts = W / scale, H * scale
    gap_W, gap_H = spectra - true_W, amounts - true_H
    size_W, size_H = np.vdot(true_W, true_W), np.vdot(true_H, true_H)
    loss = np.square(gap_W).sum(axis=(-2, -1)) / size_W
    loss = loss + np.square(gap_H).sum(axis=(-2, -1)) / size_H
    bar_W, bar_H = 2.0 / size_W * gap_W, 2.0 / size_H * gap_H
    bar_scale = (bar_H * H).sum(axis=-2, keepdims=True)
    bar_scale -= (bar_W * spectra).sum(axis=-2, keepdims=True) / scale
    return loss, (bar_W / scale + bar_scale / W.shape[-2], bar_H * scale)


def _divisor(x, gram):
    """Return ``x @ gram``, kept off zero where a row of ``x`` is zero."""
    den = x @ gram
    return np.maximum(den, _FLOOR[den.dtype.char], out=den)
