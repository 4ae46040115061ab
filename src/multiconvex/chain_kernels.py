r"""Compiled recursions over chains of labels.

Several sequences may follow each other in one array. ``bounds`` says where they begin and where
the last one ends: the rows ``bounds[s]`` to ``bounds[s + 1] - 1`` are sequence ``s``
(:func:`sequence_bounds`). Labels are numbered from 0 to K - 1, losses are negative log-likelihoods
of shape (m, K), ``transition[i, j]`` is the probability of label ``j`` after label ``i``.
"""

import numpy as np
from numba import njit


def sequence_bounds(breaks, m):
    """Return where each of the sequences in ``m`` rows begins, and ``m`` itself.

    Examples
    --------
    >>> sequence_bounds((3, 5), 8)
    array([0, 3, 5, 8])
    """
    bounds = np.array([0, *breaks, m], dtype=np.int64)
    if np.any(np.diff(bounds) <= 0):
        raise ValueError(
            f"breaks must be increasing row numbers from 1 to {m - 1} for {m} rows, "
            f"got {tuple(breaks)}: each is the first row of a new sequence."
        )
    return bounds


@njit(cache=True, error_model="numpy")
def distance_from_simplex(z):
    """Return the most negative entry, or the worst row sum less one, whichever is farther."""
    m, K = z.shape
    worst = 0.0
    for t in range(m):
        total = -1.0
        for k in range(K):
            total += z[t, k]
            worst = max(worst, -z[t, k])
        worst = max(worst, abs(total))
    return worst


@njit(cache=True, error_model="numpy")
def lightest(z):
    """Return the smallest sum of a column."""
    totals = np.zeros(z.shape[1])
    for t in range(len(z)):
        for k in range(z.shape[1]):
            totals[k] += z[t, k]
    return totals.min()


@njit(cache=True, error_model="numpy")
def lowest(losses):
    """Return the label of lowest loss of each row, one-hot; the first where there are ties."""
    m, K = losses.shape
    z = np.zeros((m, K))
    for t in range(m):
        best = 0
        for k in range(1, K):
            if losses[t, k] < losses[t, best]:
                best = k
        z[t, best] = 1.0
    return z


@njit(cache=True, error_model="numpy")
def potts(losses, weight, bounds):
    r"""Return the labels that minimise the losses plus ``weight`` times the changes of label.

    The cheapest cost of ending with label ``k`` is :math:`c_{tk} = r_{tk} + \min(c_{t-1,k},
    \min_j c_{t-1,j} + \lambda)`. Ties stay, and go to the lowest label.
    """
    m, n_labels = losses.shape
    labels = np.empty(m, np.int64)
    came_from = np.empty((m, n_labels), np.int64)
    cost = np.empty(n_labels)
    for s in range(len(bounds) - 1):
        first, last = bounds[s], bounds[s + 1] - 1
        cost[:] = losses[first]
        for t in range(first + 1, last + 1):
            best = np.argmin(cost)
            change = cost[best] + weight
            for k in range(n_labels):
                stays = cost[k] <= change
                came_from[t, k] = k if stays else best
                cost[k] = losses[t, k] + (cost[k] if stays else change)
        _trace_back(cost, came_from, first, last, labels)
    return labels


@njit(cache=True, error_model="numpy")
def viterbi(losses, transition_costs, initial_costs, bounds):
    r"""Return the labels of least total cost.

    .. math:: \min_{k_0, \dots, k_{m-1}} \; \pi_{k_0} + \sum_t r_{t k_t}
              + \sum_{t > 0} C_{k_{t-1} k_t}

    in each sequence, where :math:`\pi` and :math:`C` are the initial and transition costs. Ties go
    to the lowest label.
    """
    m, n_labels = losses.shape
    labels = np.empty(m, np.int64)
    came_from = np.empty((m, n_labels), np.int64)
    cost = np.empty(n_labels)
    reached = np.empty(n_labels)
    for s in range(len(bounds) - 1):
        first, last = bounds[s], bounds[s + 1] - 1
        cost[:] = initial_costs + losses[first]
        for t in range(first + 1, last + 1):
            for k in range(n_labels):
                best, least = 0, cost[0] + transition_costs[0, k]
                for j in range(1, n_labels):
                    through = cost[j] + transition_costs[j, k]
                    if through < least:
                        best, least = j, through
                came_from[t, k] = best
                reached[k] = least + losses[t, k]
            cost[:] = reached
        _trace_back(cost, came_from, first, last, labels)
    return labels


@njit(cache=True, error_model="numpy")
def _trace_back(cost, came_from, first, last, labels):
    """Write the cheapest path to rows ``first`` to ``last`` of ``labels``."""
    labels[last] = np.argmin(cost)
    for t in range(last, first, -1):
        labels[t - 1] = came_from[t, labels[t]]


@njit(cache=True, error_model="numpy")
def forward_predict(losses, transition, initial, bounds):
    r"""Return what the past predicts, one row at a time.

    Returns
    -------
    predicted : ndarray of shape (m, K)
        :math:`P(k_t \mid y_0, \dots, y_{t-1})` within each sequence.
    filtered : ndarray of shape (m, K)
        :math:`P(k_t \mid y_0, \dots, y_t)`.
    log_likelihood : ndarray of shape (m,)
        :math:`\log p(y_t \mid y_0, \dots, y_{t-1})`; the sum is the log-likelihood.
    """
    m, n_labels = losses.shape
    predicted = np.empty((m, n_labels))
    filtered = np.empty((m, n_labels))
    log_likelihood = np.empty(m)
    for s in range(len(bounds) - 1):
        for t in range(bounds[s], bounds[s + 1]):
            for k in range(n_labels):
                if t == bounds[s]:
                    predicted[t, k] = initial[k]
                else:
                    total = 0.0
                    for j in range(n_labels):
                        total += filtered[t - 1, j] * transition[j, k]
                    predicted[t, k] = total
            least = np.inf
            for k in range(n_labels):
                if predicted[t, k] > 0.0:
                    least = min(least, losses[t, k])
            total = 0.0
            for k in range(n_labels):
                joint = 0.0
                if predicted[t, k] > 0.0:
                    joint = predicted[t, k] * np.exp(least - losses[t, k])
                filtered[t, k] = joint
                total += joint
            filtered[t] /= total
            log_likelihood[t] = np.log(total) - least
    return predicted, filtered, log_likelihood


@njit(cache=True, error_model="numpy")
def forward_backward(losses, transition, initial, bounds):
    r"""Return the log-likelihood and the posterior probabilities of labels and of pairs of labels.

    The filtered probabilities are corrected backwards by

    .. math:: P(k_{t-1} = i, k_t = j \mid y) = P(k_{t-1} = i \mid y_0, \dots, y_{t-1}) \, P_{ij} \,
              \frac{P(k_t = j \mid y)}{P(k_t = j \mid y_0, \dots, y_{t-1})} .

    Returns
    -------
    log_likelihood : float
        Of all sequences.
    marginals : ndarray of shape (m, K)
        Posterior probability of each label.
    pairs : ndarray of shape (m, K, K)
        ``pairs[t, i, j]`` is the posterior probability of label ``i`` in row ``t - 1`` and ``j`` in
        row ``t``. In the first row of a sequence, which has no predecessor, it is the diagonal
        matrix of the marginals. In every row the sum over ``i`` is the marginal.
    """
    predicted, marginals, gains = forward_predict(losses, transition, initial, bounds)
    m, n_labels = losses.shape
    pairs = np.zeros((m, n_labels, n_labels))
    for s in range(len(bounds) - 1):
        first = bounds[s]
        for t in range(bounds[s + 1] - 1, first, -1):
            for i in range(n_labels):
                total = 0.0
                for j in range(n_labels):
                    if marginals[t, j] > 0.0:
                        ratio = marginals[t, j] / predicted[t, j]
                        pairs[t, i, j] = marginals[t - 1, i] * transition[i, j] * ratio
                    total += pairs[t, i, j]
                marginals[t - 1, i] = total
        for k in range(n_labels):
            pairs[first, k, k] = marginals[first, k]
    return gains.sum(), marginals, pairs
