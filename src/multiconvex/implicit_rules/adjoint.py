"""Derivatives of a loss through the states of an implicit rule."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array, check_option, check_positive
from multiconvex.implicit_rules.equilibria import equilibrium
from multiconvex.implicit_rules.fixed_points import reflected_map
from multiconvex.implicit_rules.weights import ImplicitWeights

_MOST_STEPS = 10_000


@dataclass(frozen=True, eq=False)
class EquilibriumGradient:
    r"""Value and gradient of a training loss at the equilibrium.

    Attributes
    ----------
    value : float
    gradients : ImplicitWeights
        The derivative in each of the weights.
    states : ndarray, shape (m, h)
        The equilibrium.
    adjoint : ndarray, shape (m, h)
        The derivative of the value in :math:`E u_i + f` of each sample.
    """

    value: float
    gradients: ImplicitWeights
    states: np.ndarray
    adjoint: np.ndarray


def equilibrium_gradient(weights, U, Y, *, loss="squared", ridge=0.0, tol=1e-10, init=None):
    r"""Differentiate a training loss through the equilibrium of an implicit rule.

    .. math::
        F = \frac1m \sum_{i=1}^m \ell(A x_i + B u_i + c, y_i)
        + \frac\rho2 \left( \|A\|_F^2 + \|B\|_F^2 + \|D\|_F^2 + \|E\|_F^2 \right),
        \qquad x_i = (D x_i + E u_i + f)_+ .

    The states are not differentiated step by step. With :math:`P_i` the diagonal matrix that keeps
    the units where :math:`x_i > 0`, the derivative in :math:`E u_i + f` solves an equation of the
    same kind as the state, which is linear,

    .. math:: v_i = P_i \left( D^T v_i + \tfrac1m A^T \nabla \ell_i \right),

    and :math:`\nabla_D F = \sum_i v_i x_i^T + \rho D`, with :math:`u_i` and 1 in place of
    :math:`x_i` for E and f.

    Parameters
    ----------
    weights : ImplicitWeights
    U : array_like, shape (m, n)
    Y : array_like, shape (m, p)
    loss : {"squared", "logistic"}
        :math:`\tfrac12 \|\hat y - y\|^2`, or the negative log-likelihood of classes under
        probabilities proportional to :math:`e^{\hat y}`, with one column of Y a class.
    ridge : float, default 0.0
        The weight :math:`\rho`.
    tol : float, default 1e-10
        Relative accuracy of states and adjoints.
    init : EquilibriumGradient, optional
        Of weights nearby, to start from.

    Returns
    -------
    EquilibriumGradient

    Raises
    ------
    ValueError
        When shapes do not go together.

    Notes
    -----
    Guarantee: the gradient wherever no unit of a sample is exactly at its threshold; a rule with a
    certificate has one state and one adjoint.

    Cost: two linear systems of the size of the state for each sample, both solved by products with
    one matrix, O(m h^2) a step; no state on the way is kept.

    Chapter: :doc:`/chapters/learning/training_implicit_models`

    References
    ----------
    L. El Ghaoui, F. Gu, B. Travacca, A. Askari and A. Tsai, "Implicit deep learning", SIAM Journal
    on Mathematics of Data Science 3, 2021; E. Winston and J. Z. Kolter, "Monotone operator
    equilibrium networks", NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ImplicitWeights
    >>> one, zero = np.eye(1), np.zeros(1)
    >>> rule = ImplicitWeights(0.5 * one, one, zero, one, 0 * one, zero)
    >>> found = equilibrium_gradient(rule, np.array([[1.0]]), np.array([[0.0]]))
    >>> round(found.value, 6), found.gradients.D.round(6)
    (2.0, array([[8.]]))
    """
    check_option("loss", loss, tuple(TRAINING_LOSSES))
    check_positive("ridge", ridge, allow_zero=True)
    U, Y = check_array("U", U, ndim=2), check_array("Y", Y, ndim=2)
    if Y.shape != (len(U), len(weights.A)):
        raise ValueError(
            f"Y must have shape {(len(U), len(weights.A))}, one row a sample and one column for "
            f"each row of A, got {Y.shape}."
        )
    start = None if init is None else init.states
    found = equilibrium(*weights[:3], U, tol=tol, max_iter=_MOST_STEPS, init=start)
    return gradient_at(weights, found, U, Y, loss=loss, ridge=ridge, tol=tol, init=init)


def gradient_at(weights, found, U, Y, *, loss, ridge, tol, init=None):
    """Return the gradient at an equilibrium that is known."""
    X = found.states
    value, slope = TRAINING_LOSSES[loss](weights.readout(X, U), Y)
    start = None if init is None else init.adjoint
    V = solve_adjoint(weights.D, X > 0, slope @ weights.A, found.certificate, tol, start)
    gradients = (V.T @ X, V.T @ U, V.sum(axis=0), slope.T @ X, slope.T @ U, slope.sum(axis=0))
    penalised = [w if w.ndim == 2 else 0 * w for w in weights]
    value += 0.5 * ridge * sum(np.vdot(w, w) for w in penalised)
    gradients = (g + ridge * w for g, w in zip(gradients, penalised))
    return EquilibriumGradient(float(value), ImplicitWeights(*gradients), X, V)


def solve_adjoint(D, active, pull, certificate, tol, init=None):
    r"""Solve :math:`v_i = P_i (D^T v_i + g_i)` for all samples.

    For a monotone rule the step is that of Peaceman and Rachford for the state, transposed, with
    the reflection :math:`2 P_i - I` in place of the magnitude; otherwise it is the equation itself.

    Parameters
    ----------
    D : ndarray, shape (h, h)
    active : ndarray of bool, shape (m, h)
        The units that :math:`P_i` keeps.
    pull : ndarray, shape (m, h)
        The :math:`g_i`.
    certificate : Certificate
    tol : float
    init : ndarray, shape (m, h), optional

    Returns
    -------
    ndarray, shape (m, h)
    """
    matrix, shift, outside, step = D, pull, 0.0, 1.0
    if certificate.monotonicity > 0:
        step, outside = certificate.reflection, -1.0
        matrix, shift = reflected_map(D.T, pull, step)[:2]
        matrix = matrix.T
    signs = np.where(active, 1.0, outside)
    V = np.zeros_like(pull) if init is None else init * active
    points = V - step * (V - V @ D - pull)
    enough = tol * np.linalg.norm(pull)
    for _ in range(_MOST_STEPS):
        points = (signs * points) @ matrix + shift
        V, before = points * active, V
        if np.linalg.norm(V - before) <= enough:
            break
    return V


def _squared(predictions, Y):
    residual = predictions - Y
    return 0.5 * np.vdot(residual, residual) / len(Y), residual / len(Y)


def _logistic(predictions, Y):
    shifted = predictions - predictions.max(axis=1, keepdims=True)
    odds = np.exp(shifted)
    total = odds.sum(axis=1, keepdims=True)
    value = np.log(total).sum() - np.vdot(shifted, Y)
    return value / len(Y), (odds / total - Y) / len(Y)


TRAINING_LOSSES = {"squared": _squared, "logistic": _logistic}
