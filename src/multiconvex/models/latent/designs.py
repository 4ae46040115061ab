"""Losses of regressions and choices, from features and observations."""

import numpy as np

from multiconvex.models.latent.links import Logistic, LogSumExp
from multiconvex.models.latent.sample_losses import AffineLoss


def with_intercept(X):
    """Return ``X`` with a column of ones at the end."""
    return np.column_stack([X, np.ones(len(X))])


def choice_loss(design, codes):
    r"""Return minus the log-probability of choices, by a logistic or a softmax rule.

    ``design`` is (m, q, n). One predictor (q = 1) gives the odds of choice 1 against choice 0;
    otherwise each of the q choices has its own.
    """
    m, q = design.shape[:2]
    if q == 1:
        linear = -codes[:, None] * design[:, 0, :]
        return AffineLoss(Logistic(), design, np.zeros((m, 1)), linear)
    linear = -design[np.arange(m), codes]
    return AffineLoss(LogSumExp(), design, np.zeros((m, q)), linear)


def check_choices(name, choices, count):
    """Return choices coded as integers from 0 to ``count - 1``."""
    codes = np.asarray(choices)
    if codes.ndim != 1 or len(codes) == 0 or not np.all(np.isin(codes, np.arange(count))):
        raise ValueError(
            f"{name} must be a sequence of choices coded 0 to {count - 1}, got "
            f"{np.unique(codes)[:5]} in shape {codes.shape}: leave out trials without a response."
        )
    return codes.astype(np.int64)


def lagged_design(codes, reward, n_arms, n_lags, features, breaks):
    """Return what the value of each arm depends on in each trial, shape (m, n_arms, n).

    Column ``j`` of "reward" holds the reward that the arm gave ``j + 1`` trials before, that of
    "choice" whether it was chosen then; "bias" has one column for each arm but the first.
    """
    m = len(codes)
    chosen = np.eye(n_arms)[codes]
    lagged = {"reward": chosen * reward[:, None], "choice": chosen}
    columns = []
    for name in features:
        if name == "bias":
            columns.append(np.broadcast_to(np.eye(n_arms)[:, 1:], (m, n_arms, n_arms - 1)))
        elif name in lagged:
            columns.append(_lags(lagged[name], n_lags, breaks))
        else:
            raise ValueError(f"features must be among 'reward', 'choice', 'bias'; got {name!r}.")
    return np.concatenate(columns, axis=2)


def monotone_constraint(sign, n_lags, size):
    """Return ``A, b`` for effects of one sign that fade over the first ``n_lags`` parameters."""
    if sign not in (1, -1, 0):
        raise ValueError(f"directions must be 1, -1 or 0, got {sign!r}.")
    if sign == 0:
        return None
    # later minus earlier, and minus the last: all nonpositive for effects that fade to zero
    fading = np.eye(n_lags, size, k=1) - np.eye(n_lags, size)
    fading[-1] = 0.0
    fading[-1, n_lags - 1] = -1.0
    return sign * fading, np.zeros(n_lags)


def _lags(signal, n_lags, breaks):
    out = np.zeros((*signal.shape, n_lags))
    ends = [*breaks, len(signal)]
    for start, end in zip([0, *breaks], ends):
        piece = signal[start:end]
        for j in range(min(n_lags, len(piece) - 1)):
            out[start + j + 1 : end, :, j] = piece[: -j - 1]
    return out
