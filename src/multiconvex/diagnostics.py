r"""Numbers that tell how good a solution is."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from multiconvex.chain_kernels import sequence_bounds
from multiconvex.checks import check_count
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


class LabelMatch(NamedTuple):
    """Labels renamed to agree with a reference.

    Attributes
    ----------
    labels : ndarray of int, shape (m,)
        The estimated labels under their new names.
    permutation : ndarray of int, shape (n_labels,)
        ``permutation[k]`` is the new name of label k.
    accuracy : float
        Fraction of samples on which `labels` and the reference agree.
    """

    labels: np.ndarray
    permutation: np.ndarray
    accuracy: float


def match_labels(estimated, reference, n_labels=None):
    r"""Rename labels, whose order means nothing, to agree with a reference as often as possible.

    .. math:: \max_{\pi} \; \frac1m \#\{i : \pi(\hat z_i) = z_i\}

    over the permutations :math:`\pi` of the labels: an assignment problem on the table that
    counts how often the two labels meet.

    Parameters
    ----------
    estimated, reference : array of int, shape (m,)
        Labels from 0.
    n_labels : int, optional
        Number of labels, which may be more than occur; by default as many as the largest needs.

    Returns
    -------
    LabelMatch
        With fields `labels`, `permutation` and `accuracy`.

    Raises
    ------
    ValueError
        When the labels are not nonnegative integers below `n_labels`, or differ in number.

    Examples
    --------
    >>> match = match_labels([2, 2, 0, 1], [0, 0, 1, 1])
    >>> match.labels.tolist(), match.permutation.tolist(), match.accuracy
    ([0, 0, 1, 2], [1, 2, 0], 0.75)
    """
    estimated, reference = _as_labels("estimated", estimated), _as_labels("reference", reference)
    if len(estimated) != len(reference):
        raise ValueError(
            "estimated and reference must label the same samples, got "
            f"{len(estimated)} and {len(reference)}."
        )
    least = int(max(estimated.max(), reference.max())) + 1
    n_labels = check_count("n_labels", least if n_labels is None else n_labels, least=least)
    table = np.zeros((n_labels, n_labels), int)
    np.add.at(table, (estimated, reference), 1)
    _, permutation = linear_sum_assignment(table, maximize=True)
    labels = permutation[estimated]
    return LabelMatch(labels, permutation, float(np.mean(labels == reference)))


def transition_matrix(labels, n_labels, breaks=()):
    r"""How often each label follows each other one, as probabilities.

    .. math:: P_{ij} = \frac{N_{ij}}{\sum_l N_{il}}, \qquad
              N_{ij} = \#\{t : z_t = i, \; z_{t+1} = j\} .

    Where nothing follows a label, nothing is known of its row: it is uniform.

    Parameters
    ----------
    labels : array of int, shape (m,)
        Labels from 0, in time order.
    n_labels : int
    breaks : sequence of int
        Increasing indices at which a new sequence begins; the step into it is not counted.

    Returns
    -------
    ndarray, shape (n_labels, n_labels)
        Rows sum to one.

    Raises
    ------
    ValueError
        When the labels are not nonnegative integers below `n_labels`, or the breaks are not
        increasing indices of labels after the first.

    Examples
    --------
    >>> transition_matrix([0, 0, 1, 0, 1], n_labels=3, breaks=[3]).round(3).tolist()
    [[0.333, 0.667, 0.0], [0.333, 0.333, 0.333], [0.333, 0.333, 0.333]]
    """
    labels = _as_labels("labels", labels)
    n_labels = check_count("n_labels", n_labels, least=int(labels.max()) + 1)
    starts = sequence_bounds(breaks, len(labels))[:-1]
    after = np.setdiff1d(np.arange(len(labels)), starts)
    counts = np.zeros((n_labels, n_labels))
    np.add.at(counts, (labels[after - 1], labels[after]), 1)
    counts[counts.sum(axis=1) == 0] = 1.0
    return counts / counts.sum(axis=1, keepdims=True)


def _as_labels(name, labels):
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"{name} must be a nonempty vector of integers, got {labels.dtype} of shape "
            f"{labels.shape}: take argmax over the last axis of label weights first."
        )
    if labels.min() < 0:
        raise ValueError(f"{name} must be counted from 0, got {labels.min()}.")
    return labels


def _as_modes(factors):
    return (factors,) if isinstance(factors, np.ndarray) else tuple(factors)


def _unit_columns(matrix):
    norms = np.linalg.norm(matrix, axis=0)
    return matrix / np.where(norms > 0, norms, 1.0)
