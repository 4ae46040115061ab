"""Where the training of an implicit rule starts: random features and a ridge regression."""

import numpy as np

from multiconvex.implicit_rules.weights import ImplicitWeights

_RIDGES = np.logspace(-9.0, 1.0, 41)


def random_weights(n_inputs, hidden, n_targets, rng, *, radius=0.5):
    r"""Draw D of spectral norm ``radius`` and rows of [E f] of unit norm; the readout is zero.

    A norm of at most 1/2 is a contraction, and satisfies
    :math:`\Lambda - (\Lambda D + D^T \Lambda) \succeq 0` for equal weights.
    """
    D = rng.standard_normal((hidden, hidden))
    D *= radius / np.linalg.norm(D, 2)
    drive = rng.standard_normal((hidden, n_inputs + 1))
    drive /= np.linalg.norm(drive, axis=1, keepdims=True)
    A, B = np.zeros((n_targets, hidden)), np.zeros((n_targets, n_inputs))
    return ImplicitWeights(D, drive[:, :-1].copy(), drive[:, -1].copy(), A, B, np.zeros(n_targets))


def fit_readout(weights, states, U, Y, ridge):
    r"""Return the weights with the readout of least regularised squared error,

    .. math:: \min_{A, B, c} \; \tfrac{1}{2m} \|X A^T + U B^T + 1 c^T - Y\|_F^2
              + \tfrac{\rho}{2} \bigl(\|A\|_F^2 + \|B\|_F^2\bigr) .
    """
    features, centred, means, level = _centred(states, U, Y)
    gram = features.T @ features / len(features)
    gram[np.diag_indices(len(gram))] += ridge
    slopes = np.linalg.lstsq(gram, features.T @ centred / len(features), rcond=None)[0].T
    hidden = states.shape[1]
    return weights._replace(
        A=slopes[:, :hidden].copy(), B=slopes[:, hidden:].copy(), c=level - slopes @ means
    )


def choose_ridge(states, U, Y):
    r"""Return the ridge weight of least generalised cross-validation score (Golub et al., 1979).

    With the singular values :math:`s_i` of the centred features and
    :math:`\operatorname{df} = \sum_i s_i^2 / (s_i^2 + m \rho)`, the score is
    :math:`\|\text{residual}\|_F^2 / (m - 1 - \operatorname{df})^2`.
    """
    features, centred, _, _ = _centred(states, U, Y)
    m = len(features)
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    energy = np.sum((left.T @ centred) ** 2, axis=1)
    outside = float(np.vdot(centred, centred)) - energy.sum()
    kept = singular**2 / (singular**2 + m * _RIDGES[:, None])
    freedom = m - 1.0 - kept.sum(axis=1)
    residual = outside + (1.0 - kept) ** 2 @ energy
    scores = np.where(freedom > 0, residual / np.square(np.maximum(freedom, 1e-9)), np.inf)
    return float(_RIDGES[scores.argmin()])


def _centred(states, U, Y):
    features = np.hstack([states, U])
    means, level = features.mean(axis=0), Y.mean(axis=0)
    return features - means, Y - level, means, level
