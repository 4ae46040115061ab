"""Delayed copies of a matrix side by side, and the adjoint that folds them back."""

import numpy as np


def lagged(H, width):
    """Return copies of ``H`` (n, r) delayed by 0, ..., width - 1 rows, of shape (n, width r).

    Entry ``t, lag r + q`` is ``H[t - lag, q]``, and 0 where ``t < lag``: what leaves at the end is
    lost, and nothing comes round.

    >>> lagged(np.array([[1.0], [2.0], [3.0]]), 2)
    array([[1., 0.],
           [2., 1.],
           [3., 2.]])
    """
    n, r = H.shape
    copies = np.zeros((n, width, r), H.dtype)
    for lag in range(min(width, n)):
        copies[lag:, lag] = H[: n - lag]
    return copies.reshape(n, width * r)


def folded(copies, width):
    """Return the adjoint of ``lagged``, of shape (n, r).

    Entry ``s, q`` is the sum of ``copies[s + lag, lag r + q]`` over the lags with ``s + lag < n``.

    >>> folded(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), 2)
    array([[21.],
           [32.],
           [ 3.]])
    """
    n = len(copies)
    parts = copies.reshape(n, width, -1)
    total = parts[:, 0].copy()
    for lag in range(1, min(width, n)):
        total[: n - lag] += parts[lag:, lag]
    return total
