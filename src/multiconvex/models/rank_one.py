r"""Best nonnegative rank-one approximations in closed form."""

import numpy as np

from multiconvex.checks import check_array
from multiconvex.losses import Frobenius, KullbackLeibler, as_loss


def rank_one(X, *, loss="frobenius"):
    r"""Best rank-one approximation of a nonnegative array by nonnegative vectors.

    Under the Kullback-Leibler divergence the answer is the product of the marginals,

    .. math:: \bigotimes_k a_k, \qquad a_k = s^{1/d - 1} \sum_{i_l, \, l \ne k} X, \qquad
              s = \sum X ,

    for any order :math:`d`. Under the Frobenius loss it is, for matrices, the leading singular
    pair, which is nonnegative by the Perron-Frobenius theorem.

    Parameters
    ----------
    X : ndarray of order 2 or more (exactly 2 for ``loss="frobenius"``)
        Nonnegative, not all zero.
    loss : {"frobenius", "kullback-leibler"}

    Returns
    -------
    tuple of ndarray, of shapes (n_k, 1)

    Raises
    ------
    ValueError
        For a tensor under the Frobenius loss, where no closed form exists.

    Notes
    -----
    Guarantee: a global minimiser.

    Cost: one pass over the data (Kullback-Leibler), one singular pair (Frobenius).

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import rank_one
    >>> w, h = rank_one(np.array([[1.0, 3.0], [2.0, 2.0]]), loss="kullback-leibler")
    >>> (w @ h.T).round(6)
    array([[1.5, 2.5],
           [1.5, 2.5]])
    """
    loss = as_loss(loss)
    X = check_array("X", X, nonnegative=True)
    if X.ndim < 2:
        raise ValueError(f"X must have at least 2 dimensions, got shape {X.shape}.")
    if isinstance(loss, KullbackLeibler):
        return _marginals(X)
    if not isinstance(loss, Frobenius) or X.ndim > 2:
        raise ValueError(
            f"There is no closed form for {type(loss).__name__} at order {X.ndim}: use "
            "loss='kullback-leibler', or cp(X, 1, nonnegative=True)."
        )
    left, singular, right = np.linalg.svd(X, full_matrices=False)
    scale = np.sqrt(singular[0])
    return scale * np.abs(left[:, :1]), scale * np.abs(right[:1].T)


def _marginals(X):
    total = X.sum()
    if total == 0:
        return tuple(np.zeros((n, 1), X.dtype) for n in X.shape)
    scale = total ** (1.0 / X.ndim - 1.0)
    axes = range(X.ndim)
    return tuple(scale * X.sum(axis=tuple(a for a in axes if a != k))[:, None] for k in axes)
