r"""Numbers that tell how good a solution is."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from multiconvex.divergence import model_floor
from multiconvex.losses import as_loss


def kkt_residual(W, Y, x, *, loss="frobenius", l1=0.0, l2=0.0):
    r"""Violation of the optimality conditions of a nonnegative regression.

    With :math:`g` the gradient of the penalised loss at :math:`x`, the conditions are
    :math:`x \ge 0`, :math:`g \ge 0` and :math:`x g = 0` entry by entry; the violation is

    .. math:: \frac{\max\bigl( \max [-g]_+, \; \max |x g| / \max x, \; \max [-x]_+ \bigr)}
              {\|\nabla D(Y, 0)\|_\infty} ,

    where the scale is :math:`\|W^T Y\|_\infty` under the Frobenius loss and the largest column sum
    of :math:`W` under the Kullback-Leibler loss.

    Parameters
    ----------
    W : ndarray, shape (m, r)
    Y : ndarray, shape (m,) or (m, n)
    x : ndarray, shape (r,) or (r, n)
    loss : str or loss object
    l1, l2 : float

    Returns
    -------
    float
        0 at a minimiser.

    Examples
    --------
    >>> import numpy as np
    >>> kkt_residual(np.eye(2), np.array([1.0, -2.0]), np.array([1.0, 0.0]))
    0.0
    """
    loss = as_loss(loss)
    model = W @ x
    if loss == as_loss("frobenius"):
        gradient, scale = W.T @ (model - Y), np.abs(W.T @ Y).max()
    else:
        up, down = loss.halves(Y, model + model_floor(np.asarray(model).dtype))
        gradient, scale = W.T @ (down - up), W.sum(axis=0).max()
    gradient = gradient + l1 + l2 * x
    slack = np.abs(x * gradient).max() / max(np.abs(x).max(), np.finfo(float).tiny)
    worst = max(0.0, -gradient.min(), slack, -x.min())
    return float(worst / max(scale, np.finfo(float).tiny))


def match_components(estimated, reference):
    r"""Match the components of two factor models, whatever their order and scale.

    The similarity of two components is the product over modes of the absolute cosines of their
    columns; the assignment of largest total similarity is chosen.

    Parameters
    ----------
    estimated, reference : ndarray or sequence of ndarray
        Factor matrices of shapes (n_k, rank); one matrix stands for a single mode.

    Returns
    -------
    order : ndarray of int, shape (rank,)
        ``estimated[k][:, order]`` is matched with ``reference[k]``.
    similarity : ndarray, shape (rank,)
        Of each matched pair, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> match_components(np.eye(3)[:, [2, 0, 1]], 5 * np.eye(3))[0]
    array([1, 2, 0])
    """
    estimated, reference = _as_modes(estimated), _as_modes(reference)
    if len(estimated) != len(reference) or any(
        a.shape != b.shape for a, b in zip(estimated, reference)
    ):
        raise ValueError(
            "Both models must have factors of the same shapes, got "
            f"{[a.shape for a in estimated]} and {[b.shape for b in reference]}."
        )
    similarity = np.ones((reference[0].shape[1],) * 2)
    for a, b in zip(estimated, reference):
        similarity *= np.abs(_unit_columns(b).T @ _unit_columns(a))
    rows, order = linear_sum_assignment(similarity, maximize=True)
    return order, np.minimum(similarity[rows, order], 1.0)


def factor_match_score(estimated, reference):
    """Mean similarity of matched components, 1 when all agree up to order and scale.

    See :func:`match_components` for the parameters and the similarity.

    Examples
    --------
    >>> import numpy as np
    >>> factor_match_score(np.eye(3)[:, [2, 0, 1]], 5 * np.eye(3))
    1.0
    """
    return float(match_components(estimated, reference)[1].mean())


def spectral_angle(estimated, reference):
    r"""Angles between corresponding columns, in degrees.

    .. math:: \arccos \frac{\langle a_q, b_q \rangle}{\|a_q\| \|b_q\|}

    Parameters
    ----------
    estimated, reference : ndarray, shape (n,) or (n, rank)

    Returns
    -------
    ndarray, shape (rank,), or float

    Examples
    --------
    >>> import numpy as np
    >>> float(spectral_angle(np.array([1.0, 0.0]), np.array([1.0, 1.0])).round(6))
    45.0
    """
    a, b = _unit_columns(estimated), _unit_columns(reference)
    # half-angle form: exact for small angles, where the arc cosine loses half the digits
    return np.degrees(
        2.0 * np.arctan2(np.linalg.norm(a - b, axis=0), np.linalg.norm(a + b, axis=0))
    )


def _as_modes(factors):
    return (factors,) if isinstance(factors, np.ndarray) else tuple(factors)


def _unit_columns(matrix):
    norms = np.linalg.norm(matrix, axis=0)
    return matrix / np.where(norms > 0, norms, 1.0)
