"""The numbers of an implicit prediction rule, and layers written as one."""

from typing import NamedTuple

import numpy as np

from multiconvex.checks import check_array


class ImplicitWeights(NamedTuple):
    r"""Weights of the rule that predicts with the solution of an equation.

    .. math:: x = (D x + E u + f)_+, \qquad y = A x + B u + c,

    for one input :math:`u` in a column. Samples are rows elsewhere: U is (m, n), the states X are
    (m, h) and the predictions Y are (m, p).

    Attributes
    ----------
    D : ndarray, shape (h, h)
    E : ndarray, shape (h, n)
    f : ndarray, shape (h,)
    A : ndarray, shape (p, h)
    B : ndarray, shape (p, n)
    c : ndarray, shape (p,)
    """

    D: np.ndarray
    E: np.ndarray
    f: np.ndarray
    A: np.ndarray
    B: np.ndarray
    c: np.ndarray

    def readout(self, X, U):
        """Return the predictions (m, p) for states (m, h) and inputs (m, n)."""
        return X @ self.A.T + U @ self.B.T + self.c


def feed_forward(weights, biases):
    r"""Write a network of layers as an implicit rule.

    .. math:: x_1 = (W_1 u + b_1)_+, \quad x_l = (W_l x_{l-1} + b_l)_+, \quad
              y = W_L x_{L-1} + b_L .

    All hidden layers together are one state. :math:`D` holds :math:`W_2, \dots, W_{L-1}` below
    its diagonal blocks, so that it is strictly triangular, and :math:`E` holds :math:`W_1`.

    Parameters
    ----------
    weights : sequence of ndarray, shapes (h_l, h_{l-1})
        At least two, each on as many units as the one before has rows.
    biases : sequence of ndarray, shapes (h_l,)

    Returns
    -------
    ImplicitWeights

    Raises
    ------
    ValueError
        When shapes do not follow one another.

    Notes
    -----
    Guarantee: the same predictions as the layers. D is strictly triangular, so that the state
    exists and is unique, and as many steps of the rule as there are hidden layers reach it.

    Cost: D has as many rows and columns as there are hidden units in all.

    Chapter: :doc:`/chapters/learning/implicit_prediction_rules`

    References
    ----------
    L. El Ghaoui, F. Gu, B. Travacca, A. Askari and A. Tsai, "Implicit deep learning", SIAM Journal
    on Mathematics of Data Science 3, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> layers = [np.array([[1.0], [-1.0]]), np.array([[2.0, 3.0]]), np.array([[1.0]])]
    >>> rule = feed_forward(layers, [np.zeros(2), np.zeros(1), np.zeros(1)])
    >>> rule.D
    array([[0., 0., 0.],
           [0., 0., 0.],
           [2., 3., 0.]])
    """
    layers, shifts = _checked_layers(weights, biases)
    sizes = [len(layer) for layer in layers[:-1]]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    hidden, inputs, outputs = starts[-1], layers[0].shape[1], len(layers[-1])
    D, E, A = np.zeros((hidden, hidden)), np.zeros((hidden, inputs)), np.zeros((outputs, hidden))
    E[: sizes[0]] = layers[0]
    for k, layer in enumerate(layers[1:-1]):
        D[starts[k + 1] : starts[k + 2], starts[k] : starts[k + 1]] = layer
    A[:, starts[-2] :] = layers[-1]
    f = np.concatenate(shifts[:-1])
    return ImplicitWeights(D, E, f, A, np.zeros((outputs, inputs)), shifts[-1])


def _checked_layers(weights, biases):
    layers = [check_array(f"weights[{k}]", layer, ndim=2) for k, layer in enumerate(weights)]
    shifts = [check_array(f"biases[{k}]", shift, ndim=1) for k, shift in enumerate(biases)]
    if len(layers) < 2 or len(shifts) != len(layers):
        raise ValueError(
            "feed_forward needs two or more weights and one bias for each, got "
            f"{len(layers)} weights and {len(shifts)} biases."
        )
    for k, (layer, shift) in enumerate(zip(layers, shifts)):
        if len(shift) != len(layer):
            raise ValueError(
                f"biases[{k}] must have shape ({len(layer)},) like the rows of weights[{k}], "
                f"got {shift.shape}."
            )
        if k and layer.shape[1] != len(layers[k - 1]):
            raise ValueError(
                f"weights[{k}] must have {len(layers[k - 1])} columns, the rows of "
                f"weights[{k - 1}], got shape {layer.shape}."
            )
    return layers, shifts
