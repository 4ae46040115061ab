"""How many factors: by prediction of samples that were not fitted, or by a criterion."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.chain_kernels import forward_predict, sequence_bounds
from multiconvex.checks import check_count, check_option
from multiconvex.diagnostics import transition_matrix
from multiconvex.models.latent.likelihood import (
    fit_scale,
    label_weights,
    mixture_log_likelihood,
    negative_log_likelihoods,
)
from multiconvex.models.latent.problem import LatentFactorProblem
from multiconvex.models.latent.starts import fit_from_starts


@dataclass(frozen=True, eq=False)
class Selection:
    """Numbers of factors and what each is worth.

    Attributes
    ----------
    criterion : {"heldout", "bic"}
    counts : tuple of int
    values : ndarray
        Mean log-likelihood of samples left out ("heldout": higher is better), or the Bayesian
        information criterion ("bic": lower is better), in the order of ``counts``.
    """

    criterion: str
    counts: tuple
    values: np.ndarray

    @property
    def best(self):
        """The number of factors to take; the smallest where there are ties."""
        best = max(self.values) if self.criterion == "heldout" else min(self.values)
        return min(count for count, value in zip(self.counts, self.values) if value == best)


def select_factors(
    emission_of, label_penalty, counts, *, criterion="heldout", folds=5, random_state=None, **fit
):
    """Compare numbers of factors.

    Parameters
    ----------
    emission_of : callable
        From a number of factors to an :class:`Emission`.
    label_penalty : LabelPenalty or None
        With a penalty the samples are a sequence: folds are runs of consecutive samples, and each
        sample is predicted from those before it.
    counts : iterable of int
    criterion : {"heldout", "bic"}
    folds : int, default 5
        Parts that are left out in turn, for "heldout".
    random_state : None, int or numpy.random.Generator
    **fit
        Options of the fits.

    Returns
    -------
    Selection

    Notes
    -----
    Losses are read as negative log-likelihoods; those of residuals up to a scale, which is fitted.
    """
    check_option("criterion", criterion, ("heldout", "bic"))
    counts = _checked_counts(counts)
    rng = np.random.default_rng(random_state)
    seed = int(rng.integers(2**31))
    m = emission_of(counts[0]).n_samples
    if label_penalty is not None:
        sequence_bounds(label_penalty.breaks, m)
    parts = _folds(m, folds, label_penalty, rng) if criterion == "heldout" else ()
    values = []
    for count in counts:
        emission = emission_of(count)
        if criterion == "bic":
            fitted = _Fitted(emission, label_penalty, np.arange(m), seed, fit)
            total = fitted.log_likelihood(np.arange(m)).sum()
            values.append(-2.0 * total + fitted.n_free * np.log(m))
        else:
            left_out = [
                _Fitted(emission, label_penalty, np.setdiff1d(np.arange(m), part), seed, fit)
                .log_likelihood(part)
                .sum()
                for part in parts
            ]
            values.append(sum(left_out) / m)
    return Selection(criterion, counts, np.array(values))


class _Fitted:
    """A model fitted to some rows, which predicts others."""

    def __init__(self, emission, label_penalty, rows, seed, fit):
        self._emission, self._penalty = emission, label_penalty
        train = emission.restrict(rows)
        self._breaks = () if label_penalty is None else label_penalty.breaks
        breaks = breaks_within(self._breaks, rows)
        penalty = label_penalty and replace(label_penalty, breaks=breaks)
        options = {"n_starts": 10, "init": None, "max_iter": 200, "tol": 1e-8, "n_jobs": None}
        best, _ = fit_from_starts(
            LatentFactorProblem(train, penalty),
            random_state=seed,
            **{**options, "callback": None, **fit},
        )
        self._thetas, z = best.blocks["parameters"], best.blocks["z"]
        labels = z.argmax(axis=1)
        losses = train.values(self._thetas)
        self._scale = fit_scale(emission.common_loss, losses[np.arange(len(labels)), labels])
        self._weights = label_weights(z)
        self._transition = transition_matrix(labels, z.shape[1], breaks)

    @property
    def n_free(self):
        """Number of fitted numbers: parameters, label probabilities, and the scale."""
        K = len(self._weights)
        chances = K - 1 if self._penalty is None else K * (K - 1)
        return sum(self._emission.sizes) + chances + (self._scale is not None)

    def log_likelihood(self, rows):
        values = self._emission.restrict(rows).values(self._thetas)
        losses = negative_log_likelihoods(self._emission.common_loss, values, self._scale)
        if self._penalty is None:
            return mixture_log_likelihood(losses, self._weights)
        bounds = sequence_bounds(breaks_within(self._breaks, rows), len(rows))
        return forward_predict(losses, self._transition, self._weights, bounds)[2]


def breaks_within(breaks, rows):
    """Return where new sequences begin among some of the rows, which are in order."""
    gaps = np.flatnonzero(np.diff(rows) != 1) + 1
    starts = np.flatnonzero(np.isin(rows, breaks))
    return tuple(int(row) for row in np.union1d(gaps, starts) if row > 0)


def _checked_counts(counts):
    try:
        counts = tuple(counts)
    except TypeError:
        raise TypeError(
            f"K_range must be numbers of factors, such as range(1, 5), got {counts!r}."
        ) from None
    if not counts:
        raise ValueError("K_range is empty: give at least one number of factors.")
    return tuple(check_count("each of K_range", count) for count in counts)


def _folds(m, folds, label_penalty, rng):
    if check_count("folds", folds, least=2) > m:
        raise ValueError(f"folds must be at most the number of samples, {m}, got {folds}.")
    order = np.arange(m) if label_penalty is not None else rng.permutation(m)
    return [np.sort(part) for part in np.array_split(order, folds)]
